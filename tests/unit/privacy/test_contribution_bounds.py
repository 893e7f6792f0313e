"""The closed forms of units.py against every placement of one unit's rows."""

import itertools

import pytest

from haven.privacy.units import ContributionBound


def _placements(bound: ContributionBound) -> list[tuple[int, ...]]:
    """Every way to put at most r rows into m groups, at most c in each, by plain enumeration."""
    counts = itertools.product(range(bound.rows_per_group + 1), repeat=bound.groups_per_unit)
    return [placement for placement in counts if sum(placement) <= bound.rows_per_unit]


def _bounds() -> list[ContributionBound]:
    ranges = itertools.product(range(1, 9), range(1, 5), range(1, 6))
    return [ContributionBound(r, m, c) for r, m, c in ranges if c <= r]


def test_l1_is_the_largest_of_all_placements() -> None:
    for bound in _bounds():
        assert bound.l1(3) == max(3 * sum(placement) for placement in _placements(bound)), bound


def test_l2_is_the_largest_of_all_placements() -> None:
    for bound in _bounds():
        assert bound.l2_squared(3) == max(sum((3 * n) ** 2 for n in placement) for placement in _placements(bound)), bound


@pytest.mark.parametrize(("r", "m", "c"), [(1, 1, 1), (3, 2, 2), (4, 3, 2), (3, 3, 1), (2, 5, 2)])
def test_no_choice_of_signed_values_moves_the_sums_further(r: int, m: int, c: int) -> None:
    largest, bound = 2, ContributionBound(r, m, c)
    worst_l1 = worst_l2 = 0
    for placement in _placements(bound):
        sums = [{sum(values) for values in itertools.product(range(-largest, largest + 1), repeat=n)} for n in placement]
        for change in itertools.product(*sums):
            worst_l1 = max(worst_l1, sum(abs(moved) for moved in change))
            worst_l2 = max(worst_l2, sum(moved**2 for moved in change))
    assert (bound.l1(largest), bound.l2_squared(largest)) == (worst_l1, worst_l2)


def test_one_count_of_units_a_key_is_the_root_of_the_keys() -> None:
    assert ContributionBound(9, 9, 1).l2_squared(1) == 9
    assert ContributionBound(4, 9, 1).l1(1) == 4


@pytest.mark.parametrize(("r", "m", "c"), [(0, 1, 1), (1, 0, 1), (1, 1, 0), (2, 1, 3), (-1, 1, 1)])
def test_a_bound_that_cannot_hold_is_not_built(r: int, m: int, c: int) -> None:
    with pytest.raises(ValueError, match=r"at least 1|cannot exceed"):
        ContributionBound(r, m, c)
