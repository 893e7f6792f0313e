"""Total arithmetic: integers in 64 bits where interval arithmetic proves they fit, everything else in double precision, finite or NULL."""

import math
import operator
from collections.abc import Callable
from dataclasses import replace

from haven.query.function import (
    NUMBERS,
    Function,
    Render,
    Shapes,
    as_double,
    expect,
    finite,
    joined,
    known,
    nullable,
    same_type,
    wrong_type,
)
from haven.query.private_plan import OutputType
from haven.query.shapes import EVERYTHING, EXACT_INTEGERS, Interval, Shape, integer, number


def _whole(shapes: Shapes, interval: Interval) -> bool:
    """Whether a result in `interval` is an integer for certain. An end at ±2⁵³ may be a larger one, rounded: then it is not."""
    return all(shape.type is OutputType.INTEGER for shape in shapes) and interval.reach < EXACT_INTEGERS


def _ring(name: str, rule: Callable[[Interval, Interval], Interval]) -> Callable[[Shapes], Shape]:
    """+, - and *: an integer where the operands are and the result provably fits, else a number."""

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, *NUMBERS, name=name)
        interval = rule(shapes[0].interval, shapes[1].interval)
        if _whole(shapes, interval):
            return integer(interval, nullable=nullable(shapes))
        interval = interval if interval.bounded else EVERYTHING
        return number(interval, nullable=nullable(shapes) or not interval.bounded)

    return shape


def _infix(symbol: str, rule: Callable[[Interval, Interval], Interval]) -> Render:
    def render(arguments: tuple[str, ...], shapes: Shapes) -> str:
        interval = rule(shapes[0].interval, shapes[1].interval)
        if _whole(shapes, interval):
            return f"({arguments[0]} {symbol} {arguments[1]})"
        left, right = (as_double(sql, shape) for sql, shape in zip(arguments, shapes, strict=True))
        return finite(f"({left} {symbol} {right})", interval)

    return render


def _ring_function(name: str, symbol: str, rule: Callable[[Interval, Interval], Interval], evaluate: Callable[..., object]) -> Function:
    return Function(name, _ring(symbol, rule), _infix(symbol, rule), evaluate, numeric=True)


def _square_shape(shapes: Shapes) -> Shape:
    product = _ring("*", Interval.__mul__)((shapes[0], shapes[0]))
    interval = shapes[0].interval
    least = 0.0 if interval.holds(0) else min(interval.low * interval.low, interval.high * interval.high)
    return replace(product, interval=Interval(least, product.interval.high)) if product.interval.bounded else product


def _quotient(left: Interval, right: Interval) -> Interval:
    """Every quotient by a divisor that is never zero. Rounding is monotone, so the rounded corners bound the rounded quotients."""
    if right.holds(0):
        return EVERYTHING
    corners = [a / b for a in (left.low, left.high) for b in (right.low, right.high)]
    return EVERYTHING if any(map(math.isnan, corners)) else Interval(min(corners), max(corners))


def _divide_shape(shapes: Shapes) -> Shape:
    expect(shapes, *NUMBERS, name="/")
    interval = _quotient(shapes[0].interval, shapes[1].interval)
    return number(interval, nullable=nullable(shapes) or shapes[1].interval.holds(0) or not interval.bounded)


def _unless_zero(sql: str, shape: Shape) -> str:
    return f"CASE WHEN {sql} <> 0 THEN {sql} END" if shape.interval.holds(0) else sql


def _divide(arguments: tuple[str, ...], shapes: Shapes) -> str:
    left, right = (as_double(sql, shape) for sql, shape in zip(arguments, shapes, strict=True))
    return finite(f"({left} / {_unless_zero(right, shapes[1])})", _quotient(shapes[0].interval, shapes[1].interval))


def _whole_division(name: str, rule: Callable[[Interval, Interval], Interval]) -> Callable[[Shapes], Shape]:
    def shape(shapes: Shapes) -> Shape:
        if any(each.type is OutputType.NUMBER or not each.interval.exact for each in shapes):
            raise wrong_type(f"{name} divides bounded integers, and one side is not.", "Write floor(x / y), or CAST both sides AS BIGINT.")
        expect(shapes, OutputType.INTEGER, name=name)
        interval = rule(shapes[0].interval, shapes[1].interval)
        return integer(interval, nullable=nullable(shapes) or shapes[1].interval.holds(0))

    return shape


def _truncated(left: Interval, right: Interval) -> Interval:
    """Integer quotients, cut towards zero: never further from zero than the dividend."""
    if right.holds(0) or right.low < 0:
        return Interval(-left.reach, left.reach)
    corners = [_cut(int(a), int(b)) for a in (left.low, left.high) for b in (right.low, right.high)]
    return Interval(min(corners), max(corners))


def _remainder(left: Interval, right: Interval) -> Interval:
    """Remainders have the dividend's sign, and are smaller than the divisor."""
    most = min(left.reach, max(right.reach - 1, 0.0))
    return Interval(-most if left.low < 0 else 0.0, most if left.high > 0 else 0.0)


def _guarded(symbol: str) -> Render:
    return lambda arguments, shapes: f"({arguments[0]} {symbol} {_unless_zero(arguments[1], shapes[1])})"


def _cut(a: int, b: int) -> int:
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def _modulo_shape(shapes: Shapes) -> Shape:
    expect(shapes, *NUMBERS, name="%")
    left, right = shapes[0].interval, shapes[1].interval
    most = min(left.reach, right.reach)
    interval = Interval(-most if left.low < 0 else 0.0, most if left.high > 0 else 0.0)
    return number(interval, nullable=nullable(shapes) or right.holds(0) or not interval.bounded)


def _modulo(arguments: tuple[str, ...], shapes: Shapes) -> str:
    left, right = (as_double(sql, shape) for sql, shape in zip(arguments, shapes, strict=True))
    return finite(f"({left} % {_unless_zero(right, shapes[1])})", _modulo_shape(shapes).interval)


def _keep(name: str, symbol: str, rule: Callable[[Interval], Interval], evaluate: Callable[[float], float]) -> Function:
    """-x, |x|: the type of the argument; a number where the integer may be the least of 64 bits, whose opposite does not fit."""

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, *NUMBERS, name=symbol)
        whole = shapes[0].type is OutputType.INTEGER and shapes[0].interval.exact
        return Shape(OutputType.INTEGER if whole else OutputType.NUMBER, nullable(shapes), rule(shapes[0].interval))

    def render(arguments: tuple[str, ...], shapes: Shapes) -> str:
        whole = shapes[0].type is OutputType.INTEGER and shapes[0].interval.exact
        return f"({symbol}({arguments[0] if whole else as_double(arguments[0], shapes[0])}))"

    return Function(name, shape, render, evaluate, numeric=True)


def _absolute(interval: Interval) -> Interval:
    return Interval(0.0 if interval.holds(0) else min(abs(interval.low), abs(interval.high)), interval.reach)


def _sign_shape(shapes: Shapes) -> Shape:
    expect(shapes, *NUMBERS, name="sign")
    return integer(Interval(-1, 1), nullable=nullable(shapes))


def _extreme(name: str, pick: Callable[..., float]) -> Function:
    """LEAST and GREATEST leave NULL out, as in DuckDB: NULL only where every argument is."""

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, *OutputType, name=name)
        whole = joined(shapes, name, may_be_null=all(each.nullable for each in shapes))
        if not whole.numeric:
            return whole
        certain = [each.interval for each in shapes if not each.nullable]
        low, high = whole.interval.low, whole.interval.high
        if name == "least":
            high = min([high, *(each.high for each in certain)])
        else:
            low = max([low, *(each.low for each in certain)])
        return Shape(whole.type, whole.nullable, Interval(min(low, high), max(low, high)))

    def render(arguments: tuple[str, ...], shapes: Shapes) -> str:
        return f"{name}({', '.join(same_type(arguments, shapes))})"

    def evaluate(*values: float | None) -> float | None:
        present = [value for value in values if value is not None]
        return pick(present) if present else None

    return Function(name, shape, render, evaluate, strict=False)


def _clamp_shape(shapes: Shapes) -> Shape:
    expect(shapes, *NUMBERS, name="clamp")
    low, high = known(shapes[1]), known(shapes[2])
    if low is None or high is None or not low < high or not Interval(low, high).bounded:
        raise wrong_type(
            "The bounds of clamp are not two constants, the lower first.", "Write clamp(x, 0, 100) with constants of your own."
        )
    whole = one = shapes[0].interval
    interval = Interval(min(max(one.low, low), high), max(min(whole.high, high), low))
    common = OutputType.INTEGER if all(shape.type is OutputType.INTEGER for shape in shapes) else OutputType.NUMBER
    return Shape(common, shapes[0].nullable, interval)


def _clamp(arguments: tuple[str, ...], shapes: Shapes) -> str:
    x, low, high = same_type(arguments, shapes)
    inner = f"greatest({low}, least({high}, {x}))"
    return f"CASE WHEN {x} IS NOT NULL THEN {inner} END" if shapes[0].nullable else inner


ARITHMETIC = (
    _ring_function("add", "+", Interval.__add__, operator.add),
    _ring_function("subtract", "-", Interval.__sub__, operator.sub),
    _ring_function("multiply", "*", Interval.__mul__, operator.mul),
    Function(
        "square",
        _square_shape,
        lambda arguments, shapes: _infix("*", Interval.__mul__)(arguments * 2, shapes * 2),
        lambda a: a * a,
        numeric=True,
    ),
    Function("divide", _divide_shape, _divide, operator.truediv, numeric=True),
    Function("whole_divide", _whole_division("//", _truncated), _guarded("//"), _cut, numeric=True),
    Function("remainder", _whole_division("%", _remainder), _guarded("%"), lambda a, b: a - _cut(a, b) * b, numeric=True),
    Function("modulo", _modulo_shape, _modulo, math.fmod, numeric=True),
    _keep("negate", "-", Interval.__neg__, operator.neg),
    _keep("abs", "abs", _absolute, abs),
    Function("sign", _sign_shape, lambda arguments, _: f"CAST(sign({arguments[0]}) AS BIGINT)", lambda x: (x > 0) - (x < 0), numeric=True),
    _extreme("least", min),
    _extreme("greatest", max),
    Function("clamp", _clamp_shape, _clamp, lambda x, low, high: min(max(x, low), high), numeric=True),
)
