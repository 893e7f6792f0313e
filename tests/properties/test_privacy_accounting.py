"""Sums and conversions for arbitrary sequences: OpenDP's privacy filter agrees, larger promises are larger budgets."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import opendp.prelude as dp
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from opendp.mod import OpenDPException

from haven.privacy import accounting, measurements
from haven.privacy.budget import PICO, Definition, Price
from haven.privacy.mechanisms import Sensitivity, plan_noise
from haven.privacy.units import ContributionBound

ONE = Sensitivity(ContributionBound(1, 1, 1), 1)
EXACT = st.sampled_from((Definition.ZCDP, Definition.PURE))
"""Those whose prices are OpenDP's maps themselves: under `gdp` OpenDP would admit a little more."""
_VECTOR = dp.vector_domain(dp.atom_domain(T="i64"))
epsilons = st.integers(2, 10**7).map(lambda n: Decimal(n).scaleb(-4))
deltas = st.integers(1, 10**9).map(lambda n: Decimal(n).scaleb(-14))


def _filter(definition: Definition, total: Price) -> Callable[[Any], Any]:
    """OpenDP's own fully adaptive filter over `total`, holding one vector of data; of μ² it holds the half, as ρ."""
    if definition.gaussian:
        metric, measure, distance = dp.l2_distance(T="f64"), dp.zero_concentrated_divergence(), 1.0
    else:
        metric, measure, distance = dp.l1_distance(T="i64"), dp.max_divergence(), 1
    odometer = dp.c.make_fully_adaptive_composition(_VECTOR, metric, measure)
    return dp.c.make_privacy_filter(odometer, d_in=distance, d_out=total.pico / PICO / (2 if definition is Definition.GDP else 1))(
        np.zeros(1, np.int64)
    )  # type: ignore[no-any-return]


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(Definition), st.lists(st.integers(10**9, 4 * 10**11), min_size=1, max_size=12))
def test_every_question_that_the_sum_admits_opendps_filter_admits(definition: Definition, asked: list[int]) -> None:
    total, spent = Price(definition, PICO), Price(definition, 0)
    privacy_filter = _filter(definition, total)
    build = measurements.gaussian if definition.gaussian else measurements.laplace
    for pico in asked:
        noise = plan_noise(ONE, Price(definition, pico))
        if total.covers(spent + noise.price):
            spent = spent + noise.price
            assert len(privacy_filter(build(noise.scale / noise.multiple))) == 1


@settings(deadline=None, max_examples=60)
@given(EXACT, st.lists(st.integers(10**9, 4 * 10**11), min_size=1, max_size=12), st.integers(10**7, 10**12))
def test_a_question_that_the_sum_clearly_refuses_opendps_filter_refuses(definition: Definition, asked: list[int], over: int) -> None:
    total, spent = Price(definition, PICO), Price(definition, 0)
    privacy_filter = _filter(definition, total)
    build = measurements.gaussian if definition is Definition.ZCDP else measurements.laplace
    for pico in asked:
        noise = plan_noise(ONE, Price(definition, pico))
        if total.covers(spent + noise.price):
            spent = spent + noise.price
            privacy_filter(build(noise.scale))
    noise = plan_noise(ONE, Price(definition, total.minus(spent).pico + over))
    assert not total.covers(spent + noise.price)
    try:
        privacy_filter(build(noise.scale))
    except OpenDPException:
        return
    raise AssertionError("the filter admitted what the sum refuses")


@settings(deadline=None)
@given(epsilons, deltas)
def test_a_budget_converts_back_to_no_more_than_its_epsilon(epsilon: Decimal, delta: Decimal) -> None:
    budget = _budget(epsilon, delta)
    assert measurements.epsilon_at(Fraction(budget.pico, PICO), float(delta) / 2) <= float(epsilon) * (1 + 1e-9)
    assert budget.pico == accounting.price_of_epsilon(Definition.ZCDP, epsilon, delta).pico


@settings(deadline=None)
@given(epsilons, deltas, st.integers(1, 1000), st.integers(0, 10**6))
def test_a_larger_promise_is_never_a_smaller_budget(epsilon: Decimal, delta: Decimal, more: int, looser: int) -> None:
    small = _budget(epsilon, delta)
    large = accounting.budget_of(Definition.ZCDP, epsilon + Decimal(more).scaleb(-4), delta + Decimal(looser).scaleb(-14))
    assert large.covers(small)


@settings(deadline=None)
@given(st.integers(1, 10**15), deltas)
def test_the_nominal_epsilon_is_opendps_rounded_up(pico: int, delta: Decimal) -> None:
    nominal = float(accounting.epsilon_of(Price(Definition.ZCDP, pico), delta))
    theirs = measurements.epsilon_at(Fraction(pico, PICO), float(delta) / 2)
    assert theirs * (1 - 1e-9) - 1e-12 <= nominal <= theirs * 1.002 + 1e-9


@settings(deadline=None)
@given(st.sampled_from(Definition), st.integers(0, 10**22), st.integers(0, 10**18))
def test_quantities_read_back_as_the_same_integers(definition: Definition, pico: int, atto: int) -> None:
    price = Price(definition, pico, atto if definition.gaussian else 0)
    shown = accounting.as_quantities(price)
    assert Fraction(shown[definition.unit]) * PICO == price.pico
    assert Fraction(shown["delta"]) * 10**18 == price.atto_delta


def _budget(epsilon: Decimal, delta: Decimal) -> Price:
    """The budget, where it is worth a unit at all."""
    assume(accounting._largest_rho_pico(epsilon, delta) >= 1)
    return accounting.budget_of(Definition.ZCDP, epsilon, delta)
