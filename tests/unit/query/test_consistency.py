"""Least squares between totals and parts, beside a plain minimiser and beside draws whose truth is known."""

import numpy as np
import pytest
from scipy.optimize import minimize

from haven.query.consistency import MOST_CELLS, Part, reconciled

TOTAL = Part((), ((),), (100.0,), 4.0)
HALVES = Part(("a",), (("x",), ("y",)), (30.0, 61.0), 9.0)
CELLS = Part(("a", "b"), (("x", 0), ("x", 1), ("y", 0), ("y", 1)), (12.0, 15.0, 40.0, 25.0), 1.0)


def test_parts_sum_to_their_totals() -> None:
    moved = reconciled([TOTAL, HALVES, CELLS])
    assert moved is not None
    total, halves, cells = moved
    assert sum(halves.values) == pytest.approx(total.values[0])
    assert cells.values[0] + cells.values[1] == pytest.approx(halves.values[0])
    assert cells.values[2] + cells.values[3] == pytest.approx(halves.values[1])


def test_the_discrepancy_of_two_tables_is_shared_by_variance() -> None:
    """By hand: 100 against 91, variances 4 and 18; the total takes 4/22 of the 9, each half 9/22."""
    moved = reconciled([TOTAL, HALVES])
    assert moved is not None
    assert moved[0].values[0] == pytest.approx(100 - 9 * 4 / 22)
    assert moved[1].values == pytest.approx((30 + 9 * 9 / 22, 61 + 9 * 9 / 22))
    assert moved[0].variance == pytest.approx(4 * 18 / 22)


def test_no_other_consistent_values_are_nearer() -> None:
    moved = reconciled([TOTAL, HALVES, CELLS])
    assert moved is not None

    def distance(cells: np.ndarray) -> float:
        halves = (cells[0] + cells[1], cells[2] + cells[3])
        parts = sum((halves[i] - HALVES.values[i]) ** 2 for i in range(2)) / HALVES.variance
        return float((cells.sum() - 100) ** 2 / TOTAL.variance + parts + ((cells - CELLS.values) ** 2).sum() / CELLS.variance)

    best = minimize(distance, np.array(CELLS.values), tol=1e-12)
    assert moved[2].values == pytest.approx(tuple(best.x), abs=1e-4)


def test_the_stated_variance_is_what_draws_have_and_is_never_larger() -> None:
    draw = np.random.default_rng(1)
    truth = np.array([10.0, 20.0, 30.0])
    errors, stated = [], (0.0, 0.0)
    for _ in range(3000):
        total = Part((), ((),), (60 + draw.normal(0, 2),), 4.0)
        parts = Part(("a",), ((0,), (1,), (2,)), tuple(truth + draw.normal(0, 3, 3)), 9.0)
        moved = reconciled([total, parts])
        assert moved is not None
        stated = (moved[0].variance, moved[1].variance)
        errors.append([moved[0].values[0] - 60, *(np.array(moved[1].values) - truth)])
    assert 0 < stated[0] <= 4
    assert 0 < stated[1] <= 9
    measured = np.var(np.array(errors), axis=0)
    assert measured[0] == pytest.approx(stated[0], rel=0.12)
    assert measured[1:] == pytest.approx([stated[1]] * 3, rel=0.12)


def test_tables_that_share_no_total_and_tables_too_large_are_left_alone() -> None:
    other = Part(("b",), ((0,), (1,)), (1.0, 2.0), 1.0)
    assert reconciled([HALVES, other]) is None
    assert reconciled([HALVES]) is None
    assert reconciled([]) is None
    large = Part(("a",), tuple((index,) for index in range(MOST_CELLS)), (1.0,) * MOST_CELLS, 1.0)
    assert reconciled([TOTAL, large]) is None


def test_two_tables_without_a_common_finer_one_agree_through_their_total() -> None:
    other = Part(("b",), ((0,), (1,)), (50.0, 45.0), 9.0)
    moved = reconciled([TOTAL, HALVES, other])
    assert moved is not None
    assert sum(moved[1].values) == pytest.approx(sum(moved[2].values)) == pytest.approx(moved[0].values[0])
