"""Public candidates for what a choice may answer, and the SQL that says at which of them a row stands. Data-free: from bounds alone.

A row stands at the candidate nearest to its value, so the order of rows is kept, and a quantile of candidates is the candidate of the
quantile. The SQL is total: an integer from 0 below the number of candidates, or NULL where the row has no value.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

from haven.errors import Code, Refused
from haven.privacy.tables import KeyValue
from haven.query.domains import domain_of
from haven.query.expressions import Expression
from haven.query.private_plan import OutputType
from haven.query.products import FINE_ENOUGH, stored_integers
from haven.query.render import Names, constant, double, render
from haven.query.shapes import Value, date_of

MOST, MOST_IN_FEW = 1024, 4096
FEWEST = 16
IN_PRIVATE_GROUPS = 128
MOST_DRAWN, DRAWN_AT_EASE = 2**17, 2**13
"""Candidates of all groups together: noise takes some 2 to 4 µs for each, so a few groups may have finer ones."""
SMALLEST_POWER, LARGEST_POWER = -10, 40
"""Bounds of unbounded numbers are sought among 0 and ± the powers of two from about a thousandth to a million millions."""

Candidate = KeyValue | float


@dataclass(frozen=True, slots=True)
class Candidates:
    """The values that may be chosen, in ascending or declared order, and the SQL over a row that gives the index of the row's own."""

    values: tuple[Candidate, ...]
    sql: str


def most_candidates(groups: int | None) -> int:
    """How many candidates a choice may have in each of `groups` public groups (None: how many there are only the data can tell).

    Raises Refused(QUERY_KEY) where too few would be left to say anything.
    """
    if groups is None:
        return IN_PRIVATE_GROUPS
    most = min(max(MOST, min(MOST_IN_FEW, DRAWN_AT_EASE // groups)), MOST_DRAWN // groups)
    if most < FEWEST:
        raise _too_many_groups(FEWEST)
    return most


def _too_many_groups(candidates: int) -> Refused:
    return Refused(
        Code.QUERY_KEY,
        "Quantiles, extremes, modes and bounds are drawn in every group, and these are too many groups to draw them in.",
        f"Group by fewer keys: {MOST_DRAWN // candidates} groups at most.",
    )


def evenly_spaced(argument: Expression, names: Names, most: int, *, between: bool) -> Candidates:
    """At most `most` values from the lower bound to the upper: whole numbers and dates each by each where there are so few.

    `between` allows values that no row has: numbers with decimals for whole ones, as SQL's interpolating quantiles give.
    """
    whole = argument.shape.type is not OutputType.NUMBER
    found = _of_integers(argument, names, most, whole=whole) or _of_numbers(argument, names, most)
    if argument.shape.type is OutputType.DATE:
        return Candidates(tuple(date_of(int(value)).isoformat() for value in found.values), found.sql)
    kind = int if whole and not between else float
    return Candidates(tuple(map(kind, found.values)), found.sql)


@dataclass(frozen=True, slots=True)
class _Steps:
    """Candidates as numbers, before they are given their type."""

    values: tuple[float, ...]
    sql: str


def _of_integers(argument: Expression, names: Names, most: int, *, whole: bool) -> _Steps | None:
    """By whole-number division: of stored integers, without a float, or of a computed whole number."""
    stored = stored_integers(argument, names)
    if stored is not None and (whole or stored.high - stored.low >= FINE_ENOUGH):
        return _divided(stored.sql, (stored.low, stored.high), most, stored.step, nullable=stored.nullable, sure=True)
    if not whole:
        return None
    low, high = int(argument.shape.interval.low), int(argument.shape.interval.high)
    return _divided(render(argument, names), (low, high), most, 1.0, nullable=argument.shape.nullable, sure=False)


def _divided(sql: str, bounds: tuple[int, int], most: int, unit: float, *, nullable: bool, sure: bool) -> _Steps:
    """`sure` says that every stored value is checked to lie within `bounds`, so that the index needs no clamp."""
    low, high = bounds
    step = max(1, -(-(high - low) // (most - 1)))
    count = (high - low + step // 2) // step + 1
    wide = high - low >= 2**30 or max(abs(low), abs(high)) >= 2**31
    index = f"({f'CAST({sql} AS BIGINT)' if wide else sql} - ({low - step // 2}))" + (f" // {step}" if step > 1 else "")
    index = f"CAST({index if sure else f'greatest(0, least({count - 1}, {index}))'} AS INTEGER)"
    values = _spaced(low * unit, high * unit, step * unit, count)
    return _Steps(values, f"CASE WHEN {sql} IS NOT NULL THEN {index} END" if nullable else index)


def _of_numbers(argument: Expression, names: Names, most: int) -> _Steps:
    """Of any other number, in double precision."""
    low, high = argument.shape.interval.low, argument.shape.interval.high
    step = (high - low) / (most - 1)
    sql = render(argument, names)
    index = f"round(({sql} - ({double(low)})) / {double(step)})"
    index = f"CAST(greatest(0e0, least({double(most - 1)}, {index})) AS INTEGER)"
    values = _spaced(low, high, step, most)
    return _Steps(values, f"CASE WHEN {sql} IS NOT NULL THEN {index} END" if argument.shape.nullable else index)


@lru_cache(maxsize=256)
def _spaced(low: float, high: float, step: float, count: int) -> tuple[float, ...]:
    """`count` values from `low`, `step` apart, written with as few decimals as keeps each within an eighth of a step."""
    digits = max(0, math.ceil(-math.log10(step / 4))) if step % 1 or low % 1 else 0
    return tuple(min(high, max(low, round(low + index * step, digits))) for index in range(count))


def listed(argument: Expression, names: Names, most: int) -> Candidates:
    """The public values of a category, condition, or narrow whole number or date. Raises Refused(QUERY_TYPE) where they are not public."""
    domain = domain_of(argument)
    values = () if domain is None else tuple(value for value in domain if value is not None)
    if not values or len(values) > most or argument.shape.type is OutputType.NUMBER:
        raise Refused(
            Code.QUERY_TYPE,
            f"MODE takes an expression with 1 to {most} public values.",
            "Use a category with declared keys, a condition, a narrow whole number, or ranges such as floor(x / 10) * 10.",
        )
    places = f"list_position([{', '.join(map(constant, values))}], {render(argument, names)})"
    return Candidates(tuple(map(_written, values)), f"CAST(nullif({places}, 0) - 1 AS INTEGER)")


def _written(value: Value) -> KeyValue:
    return value if value is None or isinstance(value, str | int) else str(value)


def powers_of_two(argument: Expression, names: Names, most: int, *, above: bool) -> Candidates:
    """0 and ± powers of two: a row stands at the nearest that is at or above its value, or at or below it."""
    smallest = 0 if argument.shape.type is OutputType.INTEGER else SMALLEST_POWER
    powers = [2.0**power for power in range(smallest, LARGEST_POWER + 1)]
    if 2 * len(powers) + 1 > most:
        raise _too_many_groups(2 * len(powers) + 1)
    zero, least = len(powers), double(powers[0])
    sql = f"CAST({render(argument, names)} AS DOUBLE)"
    positive, negative = _exponent(sql, smallest, up=above), _exponent(f"(-{sql})", smallest, up=not above)
    from_zero, to_zero = ("> 0e0", f"<= -{least}") if above else (f">= {least}", "< 0e0")
    index = (
        f"CASE WHEN {sql} {from_zero} THEN {zero + 1} + {positive} WHEN {sql} {to_zero} THEN {zero - 1} - {negative}"
        f" WHEN {sql} IS NOT NULL THEN {zero} END"
    )
    return Candidates((*(-power for power in reversed(powers)), 0.0, *powers), index)


def _exponent(sql: str, smallest: int, *, up: bool) -> str:
    """Which power of two a positive number comes to, counted from the smallest."""
    rounded = f"{'ceil' if up else 'floor'}(log2(greatest({sql}, {double(2.0**smallest)})))"
    return f"CAST(least({double(LARGEST_POWER - smallest)}, {rounded} - ({double(smallest)})) AS INTEGER)"
