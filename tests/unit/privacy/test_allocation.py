"""Shares against scipy's constrained minimiser and against swaps of a little price."""

import itertools
import math

import numpy as np
import pytest
from scipy import optimize

from haven.errors import Code, Refused
from haven.privacy.allocation import Demand, allocate
from haven.privacy.budget import PICO, Definition, Price
from haven.privacy.mechanisms import Sensitivity
from haven.privacy.units import ContributionBound

Z, P = Definition.ZCDP, Definition.PURE


def _demand(largest: int, weight: float, rows: int = 1, groups: int = 1, in_group: int = 1) -> Demand:
    return Demand(Sensitivity(ContributionBound(rows, groups, in_group), largest), weight)


CASES = [
    [_demand(1, 1.0), _demand(1, 1.0)],
    [_demand(1, 35.0**2), _demand(35 * 2**14, 2.0**-28)],
    [_demand(1, 1.0), _demand(1000, 1e-4), _demand(7, 3.0, 60, 6, 20)],
    [_demand(3, 0.5, 4, 2, 3), _demand(2, 9.0, 2, 2, 1), _demand(1, 1e-3), _demand(11, 0.2)],
]


def _variance(definition: Definition, demands: list[Demand], shares: np.ndarray) -> float:
    """The weighted variance that the shares buy, from the textbook variances of the continuous laws."""
    if definition is Z:
        return math.fsum(d.weight * d.sensitivity.l2_squared / (2 * s) for d, s in zip(demands, shares, strict=True))
    return math.fsum(d.weight * 2 * d.sensitivity.l1**2 / s**2 for d, s in zip(demands, shares, strict=True))


@pytest.mark.parametrize("definition", [Z, P])
@pytest.mark.parametrize("demands", CASES)
def test_no_other_split_buys_less_variance(definition: Definition, demands: list[Demand]) -> None:
    shares = np.array([share.pico / PICO for share in allocate(Price(definition, PICO), demands)])

    def variance_of(logits: np.ndarray) -> float:
        split = np.exp(logits - logits.max())
        return math.log(_variance(definition, demands, split / split.sum()))

    found = optimize.minimize(variance_of, np.zeros(len(demands)), method="Nelder-Mead", options={"xatol": 1e-10, "fatol": 1e-14})
    assert math.log(_variance(definition, demands, shares)) <= found.fun + 1e-9


@pytest.mark.parametrize("definition", [Z, P])
@pytest.mark.parametrize("demands", CASES)
def test_moving_a_little_from_any_share_to_any_other_makes_it_worse(definition: Definition, demands: list[Demand]) -> None:
    shares = np.array([share.pico / PICO for share in allocate(Price(definition, PICO), demands)])
    for giver, taker in itertools.permutations(range(len(demands)), 2):
        moved = shares.copy()
        moved[giver] -= shares.min() / 100
        moved[taker] += shares.min() / 100
        assert _variance(definition, demands, moved) > _variance(definition, demands, shares)


def test_equal_demands_get_equal_shares_rounded_down() -> None:
    assert [share.pico for share in allocate(Price(Z, 100), [_demand(5, 1.0)] * 3)] == [33, 33, 33]


def test_one_demand_gets_it_all_but_no_delta() -> None:
    assert allocate(Price(Z, 10**21, 9), [_demand(12345, 0.3)]) == (Price(Z, 10**21),)


def test_no_demands_no_shares() -> None:
    assert allocate(Price(Z, 10), []) == ()


@pytest.mark.parametrize("weight", [5e-324, 1e-300, 1e300, 1.7e308])
def test_extreme_weights_neither_overflow_nor_vanish(weight: float) -> None:
    assert allocate(Price(P, PICO), [_demand(2**61, weight)] * 2) == (Price(P, PICO // 2), Price(P, PICO // 2))


def test_a_share_below_one_unit_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        allocate(Price(Z, 1000), [_demand(1, 1.0), _demand(1, 1e-12)])
    assert refusal.value.code is Code.BUDGET_TOO_SMALL


@pytest.mark.parametrize("weight", [0.0, -1.0, math.nan, math.inf])
def test_a_weight_that_is_none_is_refused(weight: float) -> None:
    with pytest.raises(Refused) as refusal:
        allocate(Price(Z, PICO), [_demand(1, weight)])
    assert refusal.value.code is Code.QUERY_OPTION
