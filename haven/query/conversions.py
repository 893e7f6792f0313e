"""Total conversions: what cannot be converted is NULL, where SQL's CAST would stop on the row."""

import re
from datetime import date

from haven.query.dates import as_date, as_days
from haven.query.function import Function, Shapes, UnsureError, expect, finite, nullable, wrong_type
from haven.query.private_plan import OutputType
from haven.query.shapes import ALL_DAYS, EVERYTHING, EXACT_INTEGERS, Interval, Shape, boolean, day, integer, number, text

WIDEST = int(EXACT_INTEGERS)
WRITTEN_LENGTHS = Interval(1, 20)
"""A whole number in 64 bits, a truth value or a date, written out."""


def _integer_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.INTEGER, OutputType.NUMBER, OutputType.BOOLEAN, OutputType.TEXT, name="CAST AS BIGINT")
    source = shapes[0]
    if source.type is OutputType.INTEGER:
        return source
    if source.type is OutputType.TEXT or not source.interval.exact:
        return integer(Interval(-EXACT_INTEGERS, EXACT_INTEGERS), nullable=True)
    return integer(Interval(round(source.interval.low), round(source.interval.high)), nullable=source.nullable)


def _to_integer(arguments: tuple[str, ...], shapes: Shapes) -> str:
    source, sql = shapes[0], arguments[0]
    if source.type is OutputType.INTEGER:
        return sql
    if source.type is OutputType.TEXT or not source.interval.exact:
        tried = f"TRY_CAST({sql} AS BIGINT)"
        return f"CASE WHEN {tried} BETWEEN {-WIDEST} AND {WIDEST} THEN {tried} END"
    return f"CAST({sql} AS BIGINT)"


def _integer_value(value: str | float) -> int:
    """Halves to even, as the engine casts."""
    if isinstance(value, str):
        return int(_plain(value, "-?[0-9]{1,15}"))
    whole = round(value)
    if abs(whole) > WIDEST:
        raise OverflowError
    return whole


def _fitting_shape(shapes: Shapes) -> Shape:
    source, low, high = (shape.interval for shape in shapes)
    held = Interval(max(source.low, low.low), min(source.high, high.high))
    return integer(held if held.low <= held.high else Interval(low.low, low.low), nullable=True)


def _to_fitting(arguments: tuple[str, ...], _: Shapes) -> str:
    value, low, high = arguments
    return f"CASE WHEN {value} BETWEEN {low} AND {high} THEN {value} END"


def _plain(value: str, pattern: str) -> str:
    """`value` if it is written so plainly that the engine reads it the same way."""
    if not re.fullmatch(pattern, value, re.ASCII):
        raise UnsureError
    return value


def _number_value(value: str | float) -> float:
    return float(_plain(value, r"-?[0-9]{1,15}(\.[0-9]{1,15})?") if isinstance(value, str) else value)


def _number_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.INTEGER, OutputType.NUMBER, OutputType.BOOLEAN, OutputType.TEXT, name="CAST AS DOUBLE")
    if shapes[0].type is OutputType.TEXT:
        return number(EVERYTHING, nullable=True)
    return number(shapes[0].interval, nullable=nullable(shapes))


def _to_number(arguments: tuple[str, ...], shapes: Shapes) -> str:
    if shapes[0].type is OutputType.TEXT:
        return finite(f"TRY_CAST({arguments[0]} AS DOUBLE)", EVERYTHING)
    if shapes[0].type is OutputType.BOOLEAN:
        return f"CAST(CAST({arguments[0]} AS BIGINT) AS DOUBLE)"
    return f"CAST({arguments[0]} AS DOUBLE)"


def _text_shape(shapes: Shapes) -> Shape:
    if shapes[0].type is OutputType.NUMBER:
        raise wrong_type("A number with decimals is not written out as text.", "CAST it AS BIGINT first, or leave it a number.")
    return text(nullable=shapes[0].nullable, lengths=shapes[0].interval if shapes[0].type is OutputType.TEXT else WRITTEN_LENGTHS)


def _to_text(arguments: tuple[str, ...], shapes: Shapes) -> str:
    source = as_date(arguments[0]) if shapes[0].type is OutputType.DATE else arguments[0]
    return f"CAST({source} AS VARCHAR)"


def _text_value(value: str | float | date) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def _boolean_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.INTEGER, OutputType.NUMBER, OutputType.BOOLEAN, OutputType.TEXT, name="CAST AS BOOLEAN")
    return boolean(nullable=shapes[0].nullable or shapes[0].type is OutputType.TEXT)


def _to_boolean(arguments: tuple[str, ...], shapes: Shapes) -> str:
    if shapes[0].type is OutputType.TEXT:
        return f"TRY_CAST({arguments[0]} AS BOOLEAN)"
    return arguments[0] if shapes[0].type is OutputType.BOOLEAN else f"({arguments[0]} <> 0)"


def _boolean_value(value: str | float) -> bool:
    if isinstance(value, str):
        return _plain(value, "true|false") == "true"
    return value != 0


def _date_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.TEXT, OutputType.DATE, name="CAST AS DATE")
    if shapes[0].type is OutputType.DATE:
        return shapes[0]
    return day(ALL_DAYS, nullable=True)


def _to_date(arguments: tuple[str, ...], shapes: Shapes) -> str:
    if shapes[0].type is OutputType.DATE:
        return arguments[0]
    tried = f"TRY_CAST({arguments[0]} AS DATE)"
    return f"CASE WHEN {tried} BETWEEN DATE '0001-01-01' AND DATE '9999-12-31' THEN {as_days(tried)} END"


def _date_value(value: str | date) -> date:
    return value if isinstance(value, date) else date.fromisoformat(_plain(value, r"\d{4}-\d{2}-\d{2}"))


CONVERSIONS = (
    Function("to_integer", _integer_shape, _to_integer, _integer_value),
    # a whole number that a narrower type holds, else NULL
    Function("fitting", _fitting_shape, _to_fitting, lambda value, low, high: value if low <= value <= high else None),
    Function("to_number", _number_shape, _to_number, _number_value),
    Function("to_text", _text_shape, _to_text, _text_value),
    Function("to_boolean", _boolean_shape, _to_boolean, _boolean_value),
    Function("to_date", _date_shape, _to_date, _date_value),
)
