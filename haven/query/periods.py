"""Total functions of dates that know how long months and years are: whole periods, shifts by months, names, and dates from their parts."""

import calendar
import math
from collections.abc import Callable
from datetime import date

from haven.query.dates import as_date, as_days, ends, within_years
from haven.query.function import Function, Shapes, UnsureError, expect, nullable, wrong_type
from haven.query.private_plan import OutputType
from haven.query.shapes import ALL_DAYS, FIRST_DAY, LAST_DAY, Interval, Shape, day, days_of, integer, text

MOST_MONTHS = 120_000
FIRST_YEAR, LAST_YEAR = 1, 9999
FORMATS: dict[str, Callable[[date], str]] = {
    "Y": lambda d: f"{d.year:04}",
    "y": lambda d: f"{d.year % 100:02}",
    "m": lambda d: f"{d.month:02}",
    "d": lambda d: f"{d.day:02}",
    "j": lambda d: f"{d.timetuple().tm_yday:03}",
    "B": lambda d: calendar.month_name[d.month],
    "b": lambda d: calendar.month_abbr[d.month],
    "A": lambda d: calendar.day_name[d.weekday()],
    "a": lambda d: calendar.day_abbr[d.weekday()],
    "%": lambda _: "%",
}
"""The parts of a date that strftime writes."""
LONGEST_PIECE = 9
"""September, Wednesday."""


def last_of_month(value: date) -> int:
    """The number of days of its month."""
    return calendar.monthrange(value.year, value.month)[1]


def whole_months(start: date, end: date) -> int:
    """How many months one must add to the earlier date to come nearest to the later without passing it; negative where `end` is first."""
    if start > end:
        return -whole_months(end, start)
    months = (end.year - start.year) * 12 + end.month - start.month
    return months - (end.day < start.day and end.day != last_of_month(end))


def whole_years_of_age(start: date, end: date) -> int:
    """The year part of age(end, start): birthdays passed, those of 29 February on 1 March in common years."""
    if start > end:
        return -whole_years_of_age(end, start)
    return end.year - start.year - ((end.month, end.day) < (start.month, start.day))


def _elapsed(name: str, render: Callable[[str, str], str], evaluate: Callable[[date, date], int]) -> Function:
    """A number of whole periods from one date to another: the more the later the second, and the fewer the later the first."""

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, OutputType.DATE, name="date difference")
        (first, last), (earliest, latest) = (ends(each.interval) for each in shapes)
        return integer(Interval(evaluate(last, earliest), evaluate(first, latest)), nullable=nullable(shapes))

    return Function(name, shape, lambda arguments, _: render(as_date(arguments[0]), as_date(arguments[1])), evaluate)


def _subtracted(unit: str, months: int) -> Function:
    return _elapsed(
        f"whole_{unit}s", lambda a, b: f"datesub('{unit}', {a}, {b})", lambda start, end: math.trunc(whole_months(start, end) / months)
    )


def plus_months(value: date, months: int) -> date:
    """The same day so many months later, the last of the month where there is none. Raises ValueError outside the years 1 to 9999."""
    year, month = divmod(value.year * 12 + value.month - 1 + months, 12)
    return date(year, month + 1, min(value.day, calendar.monthrange(year, month + 1)[1]))


def _moved(value: date, months: float) -> float:
    """Days of the moved date; one day outside where it leaves the years 1 to 9999."""
    year = (value.year * 12 + value.month - 1 + int(months)) // 12
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return FIRST_DAY - 1 if year < FIRST_YEAR else LAST_DAY + 1
    return days_of(plus_months(value, int(months)))


def _months_shape(shapes: Shapes) -> Shape:
    interval = _month_range(shapes)
    outside = interval.low < FIRST_DAY or interval.high > LAST_DAY
    return day(interval, nullable=nullable(shapes) or outside)


def _month_range(shapes: Shapes) -> Interval:
    expect(shapes[:1], OutputType.DATE, name="+")
    expect(shapes[1:], OutputType.INTEGER, name="INTERVAL")
    months = shapes[1].interval
    if months.reach > MOST_MONTHS:
        raise wrong_type("A date is moved by a number of months without bounds.", "Write d + INTERVAL 6 MONTH, with a constant.")
    first, last = ends(shapes[0].interval)
    moved = Interval(_moved(first, months.low), _moved(last, months.high))
    if moved.low > LAST_DAY or moved.high < FIRST_DAY:
        raise wrong_type("A date is moved outside the years 1 to 9999.", "Move it by fewer months.")
    return moved


def _later_months(arguments: tuple[str, ...], shapes: Shapes) -> str:
    moved = f"CAST({as_date(arguments[0])} + to_months(CAST({arguments[1]} AS INTEGER)) AS DATE)"
    return within_years(as_days(moved), _month_range(shapes))


def _last_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.DATE, name="last_day")
    low, high = (days_of(_last_day(each)) for each in ends(shapes[0].interval))
    return day(Interval(low, high), nullable=nullable(shapes))


def _last_day(value: date) -> date:
    return value.replace(day=last_of_month(value))


def _made_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.INTEGER, name="make_date")
    years = shapes[0].interval
    low, high = max(years.low, FIRST_YEAR), min(years.high, LAST_YEAR)
    if low > high:
        return day(ALL_DAYS, nullable=True)
    return day(Interval(days_of(date(int(low), 1, 1)), days_of(date(int(high), 12, 31))), nullable=True)


def _made(arguments: tuple[str, ...], _: Shapes) -> str:
    """By way of text, which can be tried: a day that does not exist is NULL."""
    year, month, number = arguments
    written = f"lpad(CAST({year} AS VARCHAR), 4, '0') || '-' || CAST({month} AS VARCHAR) || '-' || CAST({number} AS VARCHAR)"
    inside = f"{year} BETWEEN {FIRST_YEAR} AND {LAST_YEAR} AND {month} BETWEEN 1 AND 12 AND {number} BETWEEN 1 AND 31"
    return f"CASE WHEN {inside} THEN {as_days(f'TRY_CAST({written} AS DATE)')} END"


def _called(name: str, evaluate: Callable[[date], str]) -> Function:
    def shape(shapes: Shapes) -> Shape:
        expect(shapes, OutputType.DATE, name=name)
        return text(nullable=nullable(shapes), lengths=Interval(3, LONGEST_PIECE))

    return Function(name, shape, lambda arguments, _: f"{name}({as_date(arguments[0])})", evaluate)


def _written_shape(shapes: Shapes) -> Shape:
    expect(shapes[:1], OutputType.DATE, name="strftime")
    expect(shapes[1:], OutputType.TEXT, name="strftime")
    return text(nullable=nullable(shapes), lengths=Interval(0, LONGEST_PIECE * shapes[1].interval.high))


def _written(value: date, pattern: str) -> str:
    if not pattern.isascii():
        raise UnsureError
    rest = iter(pattern)
    return "".join(FORMATS[next(rest, "")](value) if character == "%" else character for character in rest)


PERIODS = (
    _subtracted("month", 1),
    _subtracted("quarter", 3),
    _subtracted("year", 12),
    _elapsed("age_in_years", lambda a, b: f"date_part('year', age({b}, {a}))", whole_years_of_age),
    Function("later_months", _months_shape, _later_months, plus_months),
    Function("last_day", _last_shape, lambda arguments, _: as_days(f"last_day({as_date(arguments[0])})"), _last_day),
    Function("make_date", _made_shape, _made, date),
    _called("monthname", lambda value: calendar.month_name[value.month]),
    _called("dayname", lambda value: calendar.day_name[value.weekday()]),
    Function("strftime", _written_shape, lambda arguments, _: f"strftime({as_date(arguments[0])}, {arguments[1]})", _written),
)
