"""The syntax of dates: parts, truncations, differences and intervals to functions of the catalogue."""

import re
from collections.abc import Callable, Mapping

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.expressions import Expression, Literal, literal
from haven.query.functions import call
from haven.query.periods import FORMATS
from haven.query.private_plan import OutputType
from haven.query.vocabulary import DATE_PARTS

Value = Callable[[exp.Expr], Expression]
"""Binds an operand."""
LONGEST_FORMAT = 50
MONTHS = {"month": 1, "quarter": 3, "year": 12, "decade": 120, "century": 1200}
DAYS = {"day": 1, "week": 7}
TRUNCATED = ("year", "quarter", "month", "week", "day")
COUNTED = ("day", "week", "month", "quarter", "year", "decade")
ELAPSED = {"day": "days_between", "week": "weeks_between", "month": "whole_months", "quarter": "whole_quarters", "year": "whole_years"}
_PLURALS = {"centuries": "century"}
_WRITTEN = re.compile(r"\s*([+-]?\d{1,9})\s+([a-z]+)", re.ASCII)
_FORMAT = re.compile(rf"(%[{''.join(FORMATS)}]|[^%])*", re.DOTALL)


def extracted(value: Value, node: exp.Expr) -> Expression:
    """EXTRACT(part FROM date)."""
    return part(value, node.name, node.args["expression"])


def part(value: Value, name: str, node: exp.Expr) -> Expression:
    """A part of a date; of age(…), its years."""
    wanted = _singular(name)
    if isinstance(node, exp.Anonymous) and node.name.lower() == "age" and wanted == "year":
        return _age(value, node)
    if wanted not in DATE_PARTS:
        raise Refused(
            Code.QUERY_FUNCTION,
            "This part of a date is not answered.",
            "Use year, quarter, month, week, day, doy, dow, isodow, isoyear, yearweek, decade, century, millennium or epoch.",
        )
    return call(DATE_PARTS[wanted], value(node))


def _age(value: Value, node: exp.Anonymous) -> Expression:
    if len(node.expressions) != 2:  # noqa: PLR2004 - two dates
        raise Refused(Code.QUERY_FUNCTION, "age() of one date looks at the clock.", "Write age(DATE '2025-06-30', born).")
    later, earlier = node.expressions
    return call("age_in_years", value(earlier), value(later))


def truncated(value: Value, node: exp.Expr) -> Expression:
    """date_trunc(unit, date)."""
    unit = _singular(node.args["unit"].name)
    if unit not in TRUNCATED:
        raise Refused(Code.QUERY_FUNCTION, "Dates are cut to a year, quarter, month, week or day.", "Write date_trunc('month', d).")
    bound = value(node.this)
    return bound if unit == "day" and bound.shape.type is OutputType.DATE else call(f"trunc_{unit}", bound)


def difference(value: Value, node: exp.Expr) -> Expression:
    """datediff(unit, start, end): starts of a unit crossed; for days and weeks, how many fit between."""
    unit = _singular(node.args["unit"].name) if node.args.get("unit") is not None else "day"
    if unit not in COUNTED:
        raise Refused(
            Code.QUERY_FUNCTION, "Dates differ by days, weeks, months, quarters, years or decades.", "Write datediff('day', a, b)."
        )
    return call(f"{unit}s_between", value(node.args["expression"]), value(node.this))


def elapsed(value: Value, nodes: list[exp.Expr]) -> Expression:
    """datesub(unit, start, end): whole units between."""
    unit = _singular(nodes[0].name) if isinstance(nodes[0], exp.Literal) else ""
    if unit not in ELAPSED:
        raise Refused(
            Code.QUERY_FUNCTION, "Between dates fit whole days, weeks, months, quarters or years.", "Write datesub('year', a, b)."
        )
    return call(ELAPSED[unit], value(nodes[1]), value(nodes[2]))


def shifted(value: Value, start: Expression, interval: exp.Expr, sign: int) -> Expression:
    """A date moved by an interval of days, weeks, months or years: the date of the time that DuckDB gives, which is midnight."""
    if start.shape.type not in {OutputType.DATE, None}:
        raise Refused(Code.QUERY_TYPE, "An interval is added to something that is no date.", "Write d + INTERVAL 30 DAY.")
    months, days = _months_and_days(value, interval)
    for name, amount in (("later_months", months), ("later", days)):
        if amount is not None:
            start = call(name, start, amount if sign > 0 else call("negate", amount))
    return start


def _months_and_days(value: Value, node: exp.Expr) -> tuple[Expression | None, Expression | None]:
    """How many months and days an interval is, added in this order."""
    given, unit = node.this, node.args.get("unit")
    if isinstance(given, exp.Literal) and given.is_string:
        written = f"{given.this} {unit.name}" if unit is not None else str(given.this)
        return _read(written.lower())
    name = _singular(unit.name) if unit is not None else ""
    if name not in {*MONTHS, *DAYS} or given is None:
        raise _interval_refused()
    return _amounts(name, value(given))


def _amounts(unit: str, amount: Expression) -> tuple[Expression | None, Expression | None]:
    if unit in MONTHS:
        return call("multiply", amount, literal(MONTHS[unit])), None
    return None, call("multiply", amount, literal(DAYS[unit]))


def _read(written: str) -> tuple[Expression | None, Expression | None]:
    """The months and days of '1 year 2 months -3 days'."""
    found = {"months": 0, "days": 0}
    while written.strip():
        match = _WRITTEN.match(written)
        unit = _singular(match[2]) if match is not None else ""
        if match is None or unit not in {*MONTHS, *DAYS}:
            raise _interval_refused()
        found["months" if unit in MONTHS else "days"] += int(match[1]) * (MONTHS | DAYS)[unit]
        written = written[match.end() :]
    months, days = (literal(amount) if amount else None for amount in found.values())
    return months, days


INTERVALS = (exp.Interval, exp.ToDays)


def as_interval(node: exp.Expr) -> exp.Expr:
    """to_days(n) as INTERVAL (n) DAY."""
    return exp.Interval(this=node.this, unit=exp.var("day")) if isinstance(node, exp.ToDays) else node


def _interval_refused() -> Refused:
    return Refused(
        Code.QUERY_FUNCTION,
        "An interval is of whole days, weeks, months, quarters or years.",
        "Write d + INTERVAL 30 DAY, d - INTERVAL '6 months', or datediff('day', a, b).",
    )


def added(value: Value, node: exp.Expr) -> Expression:
    """date_add(date, interval) and its opposite."""
    interval = node.args["expression"]
    if not isinstance(interval, exp.Interval):
        raise _interval_refused()
    return shifted(value, value(node.this), interval, -1 if isinstance(node, exp.DateSub) else 1)


def written(value: Value, node: exp.Expr) -> Expression:
    """strftime(date, format), the format a constant of parts of a date."""
    pattern = value(node.args["format"])
    text = pattern.value if isinstance(pattern, Literal) and isinstance(pattern.value, str) else "%"
    if len(text) > LONGEST_FORMAT or not _FORMAT.fullmatch(text):
        raise Refused(
            Code.QUERY_FUNCTION,
            f"The format of strftime is not a constant made of {', '.join('%' + letter for letter in FORMATS)}.",
            "Write strftime(d, '%Y-%m').",
        )
    return call("strftime", value(node.this), pattern)


def _singular(unit: str) -> str:
    lowered = unit.lower()
    return _PLURALS.get(lowered, lowered.removesuffix("s") if lowered.removesuffix("s") in {*MONTHS, *DAYS} else lowered)


DATING: Mapping[type[exp.Expr], Callable[[Value, exp.Expr], Expression]] = {
    exp.Extract: extracted,
    exp.TimestampTrunc: truncated,
    exp.DateTrunc: truncated,
    exp.DateDiff: difference,
    exp.DateAdd: added,
    exp.DateSub: added,
    exp.TimeToStr: written,
}
