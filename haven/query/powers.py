"""Roots, logarithms, exponentials and powers: NULL outside their domain, finite inside."""

import math
from collections.abc import Callable

from haven.query.function import NUMBERS, Function, Shapes, as_double, expect, finite, known, nullable
from haven.query.shapes import EVERYTHING, Interval, Shape, number

LARGEST_EXPONENT = 690.0
LIBM = 1e-9
"""Transcendental functions of two libraries differ in the last bits: their intervals are widened by this."""


def _monotone(name: str, of: Callable[[float], float], low: float, high: float, *, open_low: bool = False) -> Function:
    """An increasing function defined on [low, high] (or ]low, high]); NULL outside."""

    def value(x: float) -> float:
        return of(x)

    def inside(interval: Interval) -> bool:
        return (interval.low > low if open_low else interval.low >= low) and interval.high <= high

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, *NUMBERS, name=name)
        start, end = max(shapes[0].interval.low, low), min(shapes[0].interval.high, high)
        if start > end or (open_low and start <= low) or math.isinf(start) or math.isinf(end):
            return number(_unsure(of, start, end, low), nullable=True)
        interval = Interval(of(start), of(end)).outward(LIBM)
        return number(interval, nullable=nullable(shapes) or not inside(shapes[0].interval))

    def render(arguments: tuple[str, ...], shapes: Shapes) -> str:
        x = as_double(arguments[0], shapes[0])
        if inside(shapes[0].interval):
            return f"{name}({x})"
        limits = [f"{x} {'>' if open_low else '>='} {low!r}e0"] if math.isfinite(low) else []
        limits += [f"{x} <= {high!r}e0"] if math.isfinite(high) else []
        return f"CASE WHEN {' AND '.join(limits)} THEN {name}({x}) END"

    return Function(name, shape, render, value, exact=False, numeric=True)


def _unsure(of: Callable[[float], float], start: float, end: float, low: float) -> Interval:
    """The range of an increasing function where an end of its argument is open or infinite."""
    if start > end:
        return EVERYTHING
    top = of(end) if math.isfinite(end) and end > low else math.inf
    bottom = of(start) if math.isfinite(start) and start > low else -math.inf
    return Interval(bottom, top).outward(LIBM)


def _power_shape(shapes: Shapes) -> Shape:
    expect(shapes, *NUMBERS, name="pow")
    exponent = known(shapes[1])
    base = shapes[0].interval
    if exponent is None or not base.bounded or (base.low <= 0 and (exponent < 0 or exponent != int(exponent))):
        return number(EVERYTHING, nullable=True)
    try:
        corners = [base.low**exponent, base.high**exponent] + ([0.0] if base.holds(0) and exponent else [])
    except OverflowError:
        return number(EVERYTHING, nullable=True)
    interval = Interval(min(corners), max(corners)).outward(LIBM)
    return number(interval, nullable=nullable(shapes) or not interval.bounded)


def _power(arguments: tuple[str, ...], shapes: Shapes) -> str:
    left, right = (as_double(sql, shape) for sql, shape in zip(arguments, shapes, strict=True))
    return finite(f"pow({left}, {right})", _power_shape(shapes).interval)


def _power_value(x: float, y: float) -> float | None:
    result = float(x) ** float(y)
    return result if isinstance(result, float) else None


POWERS = (
    _monotone("sqrt", math.sqrt, 0.0, math.inf),
    _monotone("cbrt", math.cbrt, -math.inf, math.inf),
    _monotone("ln", math.log, 0.0, math.inf, open_low=True),
    _monotone("log10", math.log10, 0.0, math.inf, open_low=True),
    _monotone("log2", math.log2, 0.0, math.inf, open_low=True),
    _monotone("exp", math.exp, -math.inf, LARGEST_EXPONENT),
    Function("pow", _power_shape, _power, _power_value, exact=False, numeric=True),
)
