"""Prices, shares and selections for arbitrary plans: never less than OpenDP's own maps, never more than was asked."""

import math
from fractions import Fraction

import opendp.prelude as dp
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from haven.errors import Refused
from haven.privacy.allocation import Demand, allocate
from haven.privacy.budget import ATTO, PICO, Definition, Price
from haven.privacy.mechanisms import LARGEST_SCALE, Sensitivity, multiple_of, plan_noise
from haven.privacy.selection import plan_selection
from haven.privacy.units import ContributionBound

_VECTOR = dp.vector_domain(dp.atom_domain(T="i64"))


@st.composite
def bounds(draw: st.DrawFn) -> ContributionBound:
    rows = draw(st.integers(1, 10_000))
    return ContributionBound(rows, draw(st.integers(1, 10_000)), draw(st.integers(1, rows)))


sensitivities = st.builds(Sensitivity, bounds(), st.integers(1, 2**40))
picos = st.integers(0, 70).flatmap(lambda power: st.integers(2**power, 2 ** (power + 1)))


def _opendp_loss(definition: Definition, scale: float, sensitivity: Sensitivity) -> Fraction:
    """The map of a measurement built here, apart from the planner's; under `gdp` twice its ρ."""
    if definition is Definition.GDP:
        return 2 * _opendp_loss(Definition.ZCDP, scale, sensitivity)
    if definition is Definition.ZCDP:
        return Fraction(dp.m.make_gaussian(_VECTOR, dp.l2_distance(T="f64"), scale=scale).map(sensitivity.l2))
    return Fraction(dp.m.make_laplace(_VECTOR, dp.l1_distance(T="i64"), scale=scale).map(sensitivity.l1))


@settings(deadline=None)
@given(st.sampled_from(Definition), sensitivities, picos)
def test_a_price_covers_opendps_map_and_is_within_what_was_asked(definition: Definition, sensitivity: Sensitivity, pico: int) -> None:
    asked = Price(definition, pico)
    multiple = multiple_of(definition, sensitivity)
    widest = LARGEST_SCALE / multiple
    if _opendp_loss(definition, widest, sensitivity) * PICO > pico:  # even the widest noise costs more
        with pytest.raises(Refused):
            plan_noise(sensitivity, asked)
        return
    noise = plan_noise(sensitivity, asked)
    assert asked.covers(noise.price)
    scale = noise.scale / multiple
    assert Fraction(noise.price.pico, PICO) >= _opendp_loss(definition, scale, sensitivity)
    smaller = scale * (1 - 1e-12) * (1 - 9 / 256**2 * (definition is Definition.GDP))  # the lattice costs a little
    assert _opendp_loss(definition, smaller, sensitivity) * PICO > pico - 1  # no noticeably smaller scale fits


@settings(deadline=None)
@given(st.sampled_from(Definition), sensitivities, picos, st.integers(1, 10**9))
def test_a_larger_price_never_buys_more_noise(definition: Definition, sensitivity: Sensitivity, pico: int, more: int) -> None:
    try:
        first = plan_noise(sensitivity, Price(definition, pico))
    except Refused:
        return
    assert plan_noise(sensitivity, Price(definition, pico + more)).scale <= first.scale


@settings(deadline=None)
@given(
    st.sampled_from(Definition),
    picos,
    st.lists(st.builds(Demand, sensitivities, st.floats(1e-12, 1e12)), min_size=1, max_size=8),
)
def test_shares_never_add_to_more_than_the_whole(definition: Definition, pico: int, demands: list[Demand]) -> None:
    try:
        shares = allocate(Price(definition, pico), demands)
    except Refused:
        assume(False)  # noqa: FBT003 - hypothesis's own signature
    assert len(shares) == len(demands)
    assert min(share.pico for share in shares) >= 1
    assert pico - len(demands) <= sum(share.pico for share in shares) <= pico


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(10**6, 10**12), st.integers(10**6, ATTO // 1000))
def test_a_selections_price_covers_opendps_map_and_is_within_what_was_asked(groups: int, pico: int, atto: int) -> None:
    asked = Price(Definition.ZCDP, pico, atto)
    selection = plan_selection(groups, asked)
    space = dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T="i64")), dp.l02inf_distance(dp.absolute_distance(T="f64"))
    measurement = dp.m.make_gaussian_threshold(*space, scale=selection.noise.scale, threshold=selection.threshold)
    rho, delta = measurement.map((groups, math.nextafter(math.sqrt(groups), 0), 1.0))
    assert asked.covers(selection.price)
    assert Fraction(selection.price.pico, PICO) >= Fraction(rho)
    assert Fraction(selection.price.atto_delta, ATTO) >= Fraction(delta)
