"""Rounding to whole numbers and to digits."""

import math
from collections.abc import Callable

from haven.query.function import NUMBERS, Function, Shapes, as_double, expect, finite, known, nullable, wrong_type
from haven.query.private_plan import OutputType
from haven.query.shapes import EVERYTHING, FINITE, Interval, Shape, integer, number

MOST_DIGITS = 15
"""A double holds so many."""


def _rounding(name: str, rule: Callable[[float], float]) -> Function:
    """Rounding to whole numbers: an integer where the range fits in 53 bits, else a number without decimals."""

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, *NUMBERS, name=name)
        interval = shapes[0].interval
        if not interval.exact:
            return Shape(shapes[0].type or OutputType.NUMBER, nullable(shapes), EVERYTHING)
        return integer(Interval(rule(interval.low), rule(interval.high)), nullable=nullable(shapes))

    def render(arguments: tuple[str, ...], shapes: Shapes) -> str:
        if shapes[0].type is OutputType.INTEGER:
            return arguments[0]
        return f"CAST({name}({arguments[0]}) AS BIGINT)" if shapes[0].interval.exact else f"{name}({arguments[0]})"

    def evaluate(x: float) -> float:
        return x if isinstance(x, int) else int(rule(x))

    return Function(name, shape, render, evaluate, numeric=True)


def away_from_zero(x: float) -> float:
    """The nearest whole number, halves away from zero, as DuckDB's round()."""
    whole = math.floor(abs(x))
    return math.copysign(whole + (abs(x) - whole >= 0.5), x)  # noqa: PLR2004 - one half


def _to_digits(name: str, word: str, reach: float, evaluate: Callable[[float, int], float]) -> Function:
    """Rounding to a constant number of digits; a result is off by `reach` of a last digit at most."""

    def shape(shapes: Shapes) -> Shape:
        expect(shapes, *NUMBERS, name=word)
        digits = known(shapes[1])
        if digits is None or shapes[1].type is not OutputType.INTEGER or abs(digits) > MOST_DIGITS:
            raise wrong_type(f"The digits of {word} are not a whole constant between -15 and 15.", f"Write a constant, as in {word}(x, 2).")
        last = reach * 10.0**-digits
        interval = shapes[0].interval
        return number(Interval(interval.low - last, interval.high + last).outward(), nullable=nullable(shapes))

    def render(arguments: tuple[str, ...], shapes: Shapes) -> str:
        digits = int(known(shapes[1]) or 0)
        return finite(f"{word}({as_double(arguments[0], shapes[0])}, {digits})", Interval(-FINITE, FINITE))

    return Function(name, shape, render, evaluate, exact=False, numeric=True)


def _cut(x: float, digits: int) -> float:
    return math.trunc(x * 10.0**digits) / 10.0**digits


ROUNDINGS = (
    _rounding("floor", math.floor),
    _rounding("ceil", math.ceil),
    _rounding("trunc", math.trunc),
    _rounding("round", away_from_zero),
    _to_digits("round_to", "round", 1.0, lambda x, digits: float(round(x, digits))),
    _to_digits("trunc_to", "trunc", 1.0, _cut),
)
