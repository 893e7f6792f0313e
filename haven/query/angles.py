"""Trigonometry and what is undefined or not: every function finite or NULL on every stored row."""

import math
from collections.abc import Callable

from haven.query.function import NUMBERS, Function, Shapes, as_double, expect, finite, nullable
from haven.query.powers import LIBM
from haven.query.shapes import EVERYTHING, Interval, Shape, boolean, number

HALF_TURN = Interval(-math.pi, math.pi).outward(LIBM)
QUARTER_TURN = Interval(-math.pi / 2, math.pi / 2).outward(LIBM)
UPPER_HALF = Interval(0.0, math.pi).outward(LIBM)


def _bounded(name: str, of: Callable[..., float], interval: Interval) -> Function:
    """A function of finite numbers whose value always lies in `interval`."""

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, *NUMBERS, name=name)
        return number(interval, nullable=nullable(shapes))

    def render(arguments: tuple[str, ...], shapes: Shapes) -> str:
        return f"{name}({', '.join(as_double(sql, shape) for sql, shape in zip(arguments, shapes, strict=True))})"

    return Function(name, shape, render, of, exact=False, numeric=True)


def _inverse(name: str, of: Callable[[float], float], interval: Interval) -> Function:
    """Arc sine and arc cosine: NULL outside [-1, 1]."""

    def inside(shapes: Shapes) -> bool:
        return shapes[0].interval.reach <= 1

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, *NUMBERS, name=name)
        return number(interval, nullable=nullable(shapes) or not inside(shapes))

    def render(arguments: tuple[str, ...], shapes: Shapes) -> str:
        x = as_double(arguments[0], shapes[0])
        return f"{name}({x})" if inside(shapes) else f"CASE WHEN {x} BETWEEN -1 AND 1 THEN {name}({x}) END"

    return Function(name, shape, render, of, exact=False, numeric=True)


def _unbounded(name: str, of: Callable[[float], float]) -> Function:
    """Tangent and cotangent: NULL where not finite."""

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, *NUMBERS, name=name)
        return number(EVERYTHING, nullable=True)

    return Function(
        name,
        shape,
        lambda arguments, shapes: finite(f"{name}({as_double(arguments[0], shapes[0])})", EVERYTHING),
        of,
        exact=False,
        numeric=True,
    )


def _scaled(name: str, factor: float) -> Function:
    """Degrees and radians: a multiple of the argument."""

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, *NUMBERS, name=name)
        interval = Interval(shapes[0].interval.low * factor, shapes[0].interval.high * factor).outward(LIBM)
        return number(interval if interval.bounded else EVERYTHING, nullable=nullable(shapes) or not interval.bounded)

    def render(arguments: tuple[str, ...], shapes: Shapes) -> str:
        return finite(f"{name}({as_double(arguments[0], shapes[0])})", shape(shapes).interval)

    return Function(name, shape, render, lambda x: x * factor, exact=False, numeric=True)


def _always(name: str, *, value: bool) -> Function:
    """Numbers kept here are finite or NULL: whether one is finite has one answer."""

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, *NUMBERS, name=name)
        return boolean(nullable=nullable(shapes))

    def render(arguments: tuple[str, ...], _: Shapes) -> str:
        return f"CASE WHEN {arguments[0]} IS NOT NULL THEN {'TRUE' if value else 'FALSE'} END"

    return Function(name, shape, render, lambda _: value, numeric=True)


ANGLES = (
    _bounded("sin", math.sin, Interval(-1.0, 1.0)),
    _bounded("cos", math.cos, Interval(-1.0, 1.0)),
    _unbounded("tan", math.tan),
    _unbounded("cot", lambda x: 1 / math.tan(x)),
    _inverse("asin", math.asin, QUARTER_TURN),
    _inverse("acos", math.acos, UPPER_HALF),
    _bounded("atan", math.atan, QUARTER_TURN),
    _bounded("atan2", math.atan2, HALF_TURN),
    _scaled("degrees", 180 / math.pi),
    _scaled("radians", math.pi / 180),
    _always("isfinite", value=True),
    _always("isinf", value=False),
    _always("isnan", value=False),
)
