"""Total functions of dates. A date is computed as whole days since 1970-01-01, between the years 1 and 9999; outside it is NULL."""

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import date

from haven.query.function import Function, Shapes, expect, nullable, wrong_type
from haven.query.private_plan import OutputType
from haven.query.shapes import ALL_DAYS, FIRST_DAY, LAST_DAY, Interval, Shape, date_of, day, days_of, integer, number

DAY_SECONDS = 86_400


def as_date(sql: str) -> str:
    """Days as the engine's DATE."""
    return f"(DATE '1970-01-01' + CAST({sql} AS INTEGER))"


def as_days(sql: str) -> str:
    """The engine's DATE as days."""
    return f"({sql} - DATE '1970-01-01')"


def within_years(sql: str, interval: Interval) -> str:
    """NULL outside the years 1 to 9999; nothing to guard where the interval lies within."""
    if ALL_DAYS.holds(interval.low) and ALL_DAYS.holds(interval.high):
        return sql
    return f"CASE WHEN {sql} BETWEEN {FIRST_DAY} AND {LAST_DAY} THEN {sql} END"


def _years(interval: Interval) -> Interval:
    return Interval(date_of(int(interval.low)).year, date_of(int(interval.high)).year)


def _part(name: str, rule: Callable[[Interval], Interval], evaluate: Callable[[date], int]) -> Function:
    def shape(shapes: Shapes) -> Shape:
        expect(shapes, OutputType.DATE, name=name)
        interval = shapes[0].interval if shapes[0].type else ALL_DAYS
        return integer(rule(interval), nullable=nullable(shapes))

    return Function(name, shape, lambda arguments, _: f"{name}({as_date(arguments[0])})", evaluate)


def ends(interval: Interval) -> tuple[date, date]:
    """The first and last date of an interval of days."""
    return date_of(int(max(interval.low, FIRST_DAY))), date_of(int(min(interval.high, LAST_DAY)))


def _of_ends(evaluate: Callable[[date], int]) -> Callable[[Interval], Interval]:
    """The range of a part that never falls as time goes on."""
    return lambda interval: Interval(*(evaluate(end) for end in ends(interval)))


def _growing(name: str, evaluate: Callable[[date], int]) -> Function:
    return _part(name, _of_ends(evaluate), evaluate)


def _epoch_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.DATE, name="epoch")
    interval = shapes[0].interval if shapes[0].type else ALL_DAYS
    return number(Interval(interval.low * DAY_SECONDS, interval.high * DAY_SECONDS), nullable=nullable(shapes))


def _fixed(low: int, high: int) -> Callable[[Interval], Interval]:
    return lambda _: Interval(low, high)


def _truncation(unit: str, evaluate: Callable[[date], date]) -> Function:
    def shape(shapes: Shapes) -> Shape:
        expect(shapes, OutputType.DATE, name="date_trunc")
        first = evaluate(date_of(int(shapes[0].interval.low))) if shapes[0].type else date.min
        return day(Interval(days_of(first), shapes[0].interval.high), nullable=nullable(shapes))

    def render(arguments: tuple[str, ...], _: Shapes) -> str:
        return as_days(f"CAST(date_trunc('{unit}', {as_date(arguments[0])}) AS DATE)")

    return Function(f"trunc_{unit}", shape, render, evaluate)


def _monday(value: date) -> date:
    return date_of(days_of(value) - value.weekday())


def _difference_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.DATE, name="date difference")
    return integer(shapes[0].interval - shapes[1].interval, nullable=nullable(shapes))


def _weeks(days: float) -> int:
    return math.trunc(days / 7)


def _weeks_shape(shapes: Shapes) -> Shape:
    days = _difference_shape(shapes)
    return replace(days, interval=Interval(_weeks(days.interval.low), _weeks(days.interval.high)))


def _months(value: date) -> int:
    return value.year * 12 + value.month - 1


def _crossings(unit: str, evaluate: Callable[[date, date], int]) -> Function:
    """How many starts of a month, quarter, year or decade lie between two dates."""

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, OutputType.DATE, name="datediff")
        (first, last), (earliest, latest) = (ends(shape.interval) for shape in shapes)
        return integer(Interval(evaluate(last, earliest), evaluate(first, latest)), nullable=nullable(shapes))

    def render(arguments: tuple[str, ...], _: Shapes) -> str:
        return f"datediff('{unit}', {as_date(arguments[0])}, {as_date(arguments[1])})"

    return Function(f"{unit}s_between", shape, render, evaluate)


def _shift(name: str, symbol: str, sign: int) -> Function:
    def shifted(shapes: Shapes) -> Interval:
        days = shapes[1].interval
        return shapes[0].interval + (days if sign > 0 else -days)

    def shape(shapes: Shapes) -> Shape:
        expect(shapes[:1], OutputType.DATE, name=symbol)
        expect(shapes[1:], OutputType.INTEGER, name=symbol)
        interval = shifted(shapes)
        if not interval.exact:
            raise wrong_type("A date is moved by a number of days without bounds.", "Write d + clamp(x, 0, 365), with bounds of your own.")
        if interval.low > LAST_DAY or interval.high < FIRST_DAY:
            raise wrong_type("A date is moved outside the years 1 to 9999.", "Move it by fewer days.")
        outside = interval.low < FIRST_DAY or interval.high > LAST_DAY
        return day(interval, nullable=nullable(shapes) or outside)

    def render(arguments: tuple[str, ...], shapes: Shapes) -> str:
        return within_years(f"({arguments[0]} {symbol} {arguments[1]})", shifted(shapes))

    return Function(name, shape, render, lambda value, days: date_of(days_of(value) + sign * days))


DATES = (
    _part("year", _years, lambda value: value.year),
    _part("quarter", _fixed(1, 4), lambda value: (value.month + 2) // 3),
    _part("month", _fixed(1, 12), lambda value: value.month),
    _part("week", _fixed(1, 53), lambda value: value.isocalendar().week),
    _part("day", _fixed(1, 31), lambda value: value.day),
    _part("dayofyear", _fixed(1, 366), lambda value: value.timetuple().tm_yday),
    _part("isodow", _fixed(1, 7), date.isoweekday),
    _part("dayofweek", _fixed(0, 6), lambda value: value.isoweekday() % 7),
    _growing("decade", lambda value: value.year // 10),
    _growing("century", lambda value: (value.year + 99) // 100),
    _growing("millennium", lambda value: (value.year + 999) // 1000),
    _growing("isoyear", lambda value: value.isocalendar().year),
    _growing("yearweek", lambda value: value.isocalendar().year * 100 + value.isocalendar().week),
    Function(
        "epoch",
        _epoch_shape,
        lambda arguments, _: f"(CAST({arguments[0]} AS DOUBLE) * {DAY_SECONDS}e0)",
        lambda value: float(days_of(value) * DAY_SECONDS),
    ),
    _truncation("year", lambda value: value.replace(month=1, day=1)),
    _truncation("quarter", lambda value: value.replace(month=(value.month - 1) // 3 * 3 + 1, day=1)),
    _truncation("month", lambda value: value.replace(day=1)),
    _truncation("week", _monday),
    Function(
        "days_between",
        lambda shapes: _difference_shape((shapes[1], shapes[0])),
        # stored days are 32 bits wide, and what is computed of them is not
        lambda arguments, _: f"(CAST({arguments[1]} AS BIGINT) - CAST({arguments[0]} AS BIGINT))",
        lambda start, end: days_of(end) - days_of(start),
    ),
    Function(
        "weeks_between",
        lambda shapes: _weeks_shape((shapes[1], shapes[0])),
        lambda arguments, _: f"((CAST({arguments[1]} AS BIGINT) - CAST({arguments[0]} AS BIGINT)) // 7)",
        lambda start, end: _weeks(days_of(end) - days_of(start)),
    ),
    _crossings("month", lambda start, end: _months(end) - _months(start)),
    _crossings("quarter", lambda start, end: _months(end) // 3 - _months(start) // 3),
    _crossings("year", lambda start, end: end.year - start.year),
    _crossings("decade", lambda start, end: end.year // 10 - start.year // 10),
    _shift("later", "+", 1),
    _shift("earlier", "-", -1),
)
