"""The bounds of contribution_bounds.proof.md and grid.proof.md on random small datasets, worked out in plain Python.

The pipeline here is written from those pages alone: cells go to whole grid units, each unit's rows are ranked by that unit's own rows,
rows past a bound are dropped, groups are summed. Removing any one unit must move the sums by no more than the closed forms say.
"""

import hashlib
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from haven.privacy.noise import LARGEST_EXACT, _clamped
from haven.privacy.units import ContributionBound

LOW, HIGH, GRID = -3.0, 10.0, 0.25
MIDDLE, LARGEST = (LOW + HIGH) / 2, math.ceil((HIGH - LOW) / 2 / GRID)

Cell = float | None


@dataclass(frozen=True, slots=True)
class Row:
    """One row: whose it is, its group (None is a group like any other), its cell."""

    unit: int
    group: int | None
    cell: Cell


rows = st.builds(
    Row,
    st.integers(0, 4),
    st.none() | st.integers(0, 5),
    st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from([LOW, HIGH, MIDDLE, 0.125, 9.87654321]),
)
datasets = st.lists(rows, min_size=1, max_size=40)


@st.composite
def bounds(draw: st.DrawFn) -> ContributionBound:
    per_unit = draw(st.integers(1, 6))
    return ContributionBound(per_unit, draw(st.integers(1, 4)), draw(st.integers(1, per_unit)))


def _grid_units(cell: Cell) -> int:
    """Finite, clamped, centred, rounded, clamped again as an integer; nothing counts 0."""
    if cell is None or not math.isfinite(cell):
        return 0
    return max(-LARGEST, min(LARGEST, round((max(LOW, min(HIGH, cell)) - MIDDLE) / GRID)))


def _order(row: Row, ordinal: int) -> tuple[bytes, int]:
    """A secret order that is a function of the unit's own rows: a keyed hash of the row, ties by its ordinal within the unit."""
    return hashlib.blake2b(repr(row).encode(), key=b"secret").digest(), ordinal


def _kept(unit_rows: list[Row], bound: ContributionBound) -> list[Row]:
    """The rows of one unit within the bounds: a random m of its groups, c rows in each, r in all."""
    ranked = [row for _, row in sorted((_order(row, ordinal), row) for ordinal, row in enumerate(unit_rows))] if unit_rows else []
    groups = sorted({row.group for row in ranked}, key=lambda group: hashlib.blake2b(repr(group).encode(), key=b"g").digest())
    allowed, in_group, kept = set(groups[: bound.groups_per_unit]), Counter[int | None](), []
    for row in ranked:
        if row.group in allowed and in_group[row.group] < bound.rows_per_group and len(kept) < bound.rows_per_unit:
            in_group[row.group] += 1
            kept.append(row)
    return kept


def _released(data: list[Row], bound: ContributionBound) -> tuple[dict[int | None, int], dict[int | None, int], dict[int | None, int]]:
    """Per group: the sum in grid units, the number of rows, the number of units."""
    sums, counts, units = (defaultdict[int | None, int](int) for _ in range(3))
    for unit in {row.unit for row in data}:
        kept = _kept([row for row in data if row.unit == unit], bound)
        for row in kept:
            sums[row.group] += _grid_units(row.cell)
            counts[row.group] += 1
        for group in {row.group for row in kept}:
            units[group] += 1
    return sums, counts, units


def _moved(before: dict[int | None, int], after: dict[int | None, int]) -> tuple[int, int]:
    """L1 and squared L2 distance of two vectors over all groups."""
    changes = [before.get(group, 0) - after.get(group, 0) for group in before.keys() | after.keys()]
    return sum(map(abs, changes)), sum(change * change for change in changes)


@settings(deadline=None, max_examples=150)
@given(datasets, bounds())
def test_removing_any_unit_moves_no_release_further_than_its_sensitivity(data: list[Row], bound: ContributionBound) -> None:
    whole = _released(data, bound)
    for unit in {row.unit for row in data}:
        without = _released([row for row in data if row.unit != unit], bound)
        each = ContributionBound(bound.groups_per_unit, bound.groups_per_unit, 1)
        for before, after, largest, limit in zip(whole, without, (LARGEST, 1, 1), (bound, bound, each), strict=True):
            l1, l2_squared = _moved(before, after)
            assert l1 <= limit.l1(largest)
            assert l2_squared <= limit.l2_squared(largest)


@given(bounds())
def test_some_unit_reaches_the_sensitivity(bound: ContributionBound) -> None:
    data = [Row(0, group, HIGH) for group in range(bound.groups_per_unit) for _ in range(bound.rows_per_group)]
    l1, _ = _moved(_released(data, bound)[0], {})
    full, rest = divmod(bound.rows_per_unit, bound.rows_per_group)
    packed = [Row(0, group, HIGH) for group in range(min(full, bound.groups_per_unit)) for _ in range(bound.rows_per_group)]
    packed += [Row(0, 99, HIGH)] * rest if full < bound.groups_per_unit else []
    _, l2_squared = _moved(_released(packed, bound)[0], {})
    assert (l1, l2_squared) == (bound.l1(LARGEST), bound.l2_squared(LARGEST))


def test_ranks_over_everybody_rather_than_within_the_unit_would_break_the_bound() -> None:
    def kept_units(units: range) -> set[int]:
        """Every second row of the file, whoever it belongs to: a rank that is not the unit's own."""
        return {unit for position, unit in enumerate(units) if position % 2 == 0}

    assert len(kept_units(range(5)) ^ kept_units(range(1, 5))) == 5  # unit 0 left, and everybody's rows changed places


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_float_reaches_past_the_grid_and_finite_cells_lose_at_most_half_a_unit(cell: float) -> None:
    units = _grid_units(cell)
    assert -LARGEST <= units <= LARGEST
    if LOW <= cell <= HIGH:
        assert abs(Fraction(cell) - Fraction(MIDDLE) - units * Fraction(GRID)) <= Fraction(GRID) / 2


@given(st.integers(-(2**70), 2**70), st.integers(-(2**70), 2**70))
def test_clamping_never_moves_two_sums_apart(left: int, right: int) -> None:
    assert abs(_clamped(left) - _clamped(right)) <= abs(left - right)
    assert -LARGEST_EXACT <= _clamped(left) <= LARGEST_EXACT
