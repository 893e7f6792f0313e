"""Stored integers inside an argument: columns held in fixed point are moved, multiplied and summed as integers, with no float between."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from haven.catalog.layout import Grid, PhysicalColumn
from haven.query.expressions import Call, Column, Expression, Literal, columns_of
from haven.query.render import Names, quoted
from haven.query.shapes import Interval

FINE_ENOUGH = 2**12
"""A fixed-point column stands for a clamped one only while this many of its steps remain."""
WIDEST = 2**62
"""Products stay within 64 bits."""


@dataclass(frozen=True, slots=True)
class Integers:
    """SQL over a row whose value is an integer in [low, high] or, where `nullable`, NULL; it stands for that many times `step`."""

    sql: str
    low: int
    high: int
    step: float
    nullable: bool


def stored_integers(argument: Expression, names: Names, *, wide: bool = False) -> Integers | None:
    """The integers of a stored column, of one clamped to constants, or of either moved by a constant that falls on its grid.

    With `wide` they are computed in 64 bits, ready to be multiplied. None where the argument is anything else.
    """
    base, moved = _moved(argument)
    found = _column(base, names, wide=wide or bool(moved))
    if found is None or not moved:
        return found
    shift = moved / Fraction(found.step)
    if shift.denominator == 1:
        by = int(shift)
        return replace(found, sql=f"({found.sql} - ({by}))", low=found.low - by, high=found.high - by)
    if shift.denominator != 2:  # noqa: PLR2004 - the middle of an odd number of steps
        return None
    by = int(2 * shift)
    return Integers(f"(2 * {found.sql} - ({by}))", 2 * found.low - by, 2 * found.high - by, found.step / 2, found.nullable)


def products(argument: Expression, names: Names) -> Iterator[Integers]:
    """The product of two stored integers, or the square of one, each time with half the resolution: the first that fits may be summed."""
    factors = [stored_integers(factor, names, wide=True) for factor in _factors(argument)]
    if len(factors) != 2:  # noqa: PLR2004 - two factors
        return
    left, right = factors
    if left is None or right is None:
        return
    corners = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
    low, high = min(corners), max(corners)
    if left == right:
        low = 0 if left.low <= 0 <= left.high else min(left.low**2, left.high**2)
    if max(abs(low), abs(high)) > WIDEST:
        return
    whole = Integers(f"({left.sql} * {right.sql})", low, high, left.step * right.step, left.nullable or right.nullable)
    yield whole
    yield from (_halved(whole, bits) for bits in range(1, (high - low).bit_length() + 1))


def _halved(whole: Integers, bits: int) -> Integers:
    """The same in steps 2^bits as wide, rounded to the nearest: >> rounds down, whatever the sign."""
    half = 1 << (bits - 1)
    sql = f"(({whole.sql} + {half}) >> {bits})"
    return Integers(sql, (whole.low + half) >> bits, (whole.high + half) >> bits, whole.step * 2.0**bits, whole.nullable)


def _factors(argument: Expression) -> tuple[Expression, ...]:
    match argument:
        case Call(function="to_number", arguments=(inner,)):
            return _factors(inner)
        case Call(function="square", arguments=(factor,)):
            return (factor, factor)
        case Call(function="multiply", arguments=factors):
            return factors
        case _:
            return ()


def _moved(argument: Expression) -> tuple[Expression, Fraction]:
    """What is left of `argument` without a constant added to it or taken from it, and the constant taken."""
    match argument:
        case Call(function="subtract", arguments=(base, Literal(value=int() | float() as constant))):
            return base, Fraction(constant)
        case (
            Call(function="add", arguments=(base, Literal(value=int() | float() as constant)))
            | Call(function="add", arguments=(Literal(value=int() | float() as constant), base))
        ):
            return base, -Fraction(constant)
        case _:
            return argument, Fraction(0)


def _column(argument: Expression, names: Names, *, wide: bool) -> Integers | None:
    """A stored integer column, exact, or the same under the asker's own narrower bounds."""
    column = _clamped_column(argument)
    if column is None or not column.shape.numeric or column.storage.summed is None:
        return None
    stored, nullable = column.storage.summed, column.shape.nullable
    bounds = _bounds(argument, column, stored)
    if stored.grid is None or bounds is None:
        return None
    name = names[column.source] + quoted(stored.name)
    if wide and stored.sql_type != "BIGINT":
        name = f"CAST({name} AS BIGINT)"
    low, high = bounds
    narrowed = name if (low, high) == (stored.low, stored.high) else f"greatest({low}, least({high}, {name}))"
    value = f"CASE WHEN {name} IS NOT NULL THEN {narrowed} END" if nullable and narrowed != name else narrowed
    return Integers(value, low, high, stored.grid.step, nullable)


def _bounds(argument: Expression, column: Column, stored: PhysicalColumn) -> tuple[int, int] | None:
    """The least and the greatest integer; None where there are none, or where a clamp falls between two."""
    if stored.grid is None or stored.low is None or stored.high is None:
        return None
    if column == argument:
        return stored.low, stored.high
    return _on_grid(argument.shape.interval, stored.grid, stored.low, stored.high)


def _clamped_column(argument: Expression) -> Column | None:
    """The column that `argument` is, or that it clamps to constants."""
    match argument:
        case Column() | Call(function="clamp", arguments=(Column(), Literal(), Literal())):
            return argument if isinstance(argument, Column) else columns_of(argument)[0]
        case _:
            return None


def _on_grid(interval: Interval, grid: Grid, least: int, most: int) -> tuple[int, int] | None:
    """An interval within a stored column's in the column's integers; None where an end falls between two, or few are left of many."""
    low, high = max(least, grid.ceil(interval.low)), min(most, grid.floor(interval.high))
    exact = (low == least or low == grid.floor(interval.low)) and (high == most or high == grid.ceil(interval.high))
    return (low, high) if exact and (grid.exponent == 0 or high - low >= FINE_ENOUGH) else None
