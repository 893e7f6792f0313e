"""What a function of the catalogue is: a name, a rule for its shape, a rendering that no row can make fail, and its meaning in Python."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from haven.errors import Code, Refused
from haven.query.private_plan import OutputType
from haven.query.shapes import NULL_SHAPE, Interval, Shape, Value

Shapes = tuple[Shape, ...]
Render = Callable[[tuple[str, ...], Shapes], str]
NUMBERS = (OutputType.INTEGER, OutputType.NUMBER)


class UnsureError(Exception):
    """Python cannot say for certain what the engine makes of this value."""


@dataclass(frozen=True, slots=True)
class Function:
    """One total function.

    `render` gives DuckDB SQL that never raises and is finite or NULL for arguments that keep to their shapes. `evaluate` is the meaning
    in Python; where `exact`, it agrees with the engine to the last bit, or raises UnsureError, and may enumerate public domains. A
    `strict` function is NULL where an argument is. `numeric` functions read a boolean as 0 or 1.
    """

    name: str
    shape: Callable[[Shapes], Shape]
    render: Render
    evaluate: Callable[..., Any]
    strict: bool = True
    exact: bool = True
    numeric: bool = False

    def value(self, *arguments: Value) -> Value:
        """The result in Python: None where an argument of a strict function is None, or where the result is undefined or not finite."""
        try:
            return self.certain_value(*arguments)
        except UnsureError:
            return None

    def certain_value(self, *arguments: Value) -> Value:
        """The same, for an `exact` function: raises UnsureError where the engine might say something else."""
        if self.strict and None in arguments:
            return None
        try:
            result: Value = self.evaluate(*arguments)
        except (ArithmeticError, ValueError):
            return None
        return None if isinstance(result, float) and not math.isfinite(result) else result


def nullable(shapes: Shapes) -> bool:
    """Whether a strict function of these may be NULL."""
    return any(shape.nullable for shape in shapes)


def wrong_type(what: str, instead: str) -> Refused:
    """The refusal of a function's arguments."""
    return Refused(Code.QUERY_TYPE, what, instead)


def expect(shapes: Shapes, *types: OutputType, name: str) -> None:
    """Refuse arguments of other types; a bare NULL fits every type."""
    for shape in shapes:
        if shape.type is not None and shape.type not in types:
            wanted = " or ".join(types)
            raise wrong_type(f"{name} takes {wanted}, not {shape.type}.", "Convert it with CAST(… AS …), or use another column.")


def one_type(shapes: Shapes, name: str) -> OutputType | None:
    """The common type of `shapes`: equal types, integer and number mixing to number. Refused otherwise."""
    types = {shape.type for shape in shapes if shape.type is not None}
    if types <= {OutputType.INTEGER, OutputType.NUMBER} and len(types) > 1:
        return OutputType.NUMBER
    if len(types) > 1:
        named = " and ".join(sorted(types))
        raise wrong_type(f"{name} mixes {named}.", "Convert one side with CAST(… AS …) so that the types agree.")
    return next(iter(types), None)


def joined(shapes: Shapes, name: str, *, may_be_null: bool) -> Shape:
    """The shape of a value that is one of these."""
    common = one_type(shapes, name)
    if common is None:
        return NULL_SHAPE
    interval: Interval | None = None
    for shape in shapes:
        if shape.type is not None:
            interval = shape.interval if interval is None else interval.join(shape.interval)
    return Shape(common, may_be_null, interval or shapes[0].interval)


def known(shape: Shape) -> float | None:
    """The value of a numeric constant; None where the argument may vary."""
    return shape.interval.low if shape.interval.low == shape.interval.high and not shape.nullable else None


def as_double(sql: str, shape: Shape) -> str:
    """The argument in double precision."""
    return sql if shape.type is OutputType.NUMBER else f"CAST({sql} AS DOUBLE)"


def finite(sql: str, interval: Interval) -> str:
    """NULL unless finite; nothing to guard where the interval is bounded."""
    return sql if interval.bounded else f"CASE WHEN isfinite({sql}) THEN {sql} END"


def same_type(arguments: tuple[str, ...], shapes: Shapes) -> tuple[str, ...]:
    """The arguments in their common type: integers in double precision where any is a number."""
    if any(shape.type is OutputType.NUMBER for shape in shapes):
        return tuple(as_double(sql, shape) if shape.type else sql for sql, shape in zip(arguments, shapes, strict=True))
    return arguments


def named(name: str) -> Render:
    """Renders as NAME(a, b, …)."""
    return lambda arguments, _: f"{name}({', '.join(arguments)})"
