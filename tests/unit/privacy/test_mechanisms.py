"""Noise plans: closed forms, confirmed by OpenDP's own map."""

import math
from fractions import Fraction

import opendp.prelude as dp
import pytest

from haven.errors import Code, Refused
from haven.privacy.budget import PICO, Definition, Price
from haven.privacy.mechanisms import LARGEST_SCALE, Mechanism, Noise, Sensitivity, plan_noise, plan_noise_for_error
from haven.privacy.units import ContributionBound

Z, P = Definition.ZCDP, Definition.PURE
ONE = Sensitivity(ContributionBound(1, 1, 1), 1)
MANY = Sensitivity(ContributionBound(60, 6, 20), 1_000_003)


def test_a_count_at_rho_half_has_sigma_one() -> None:
    noise = plan_noise(ONE, Price(Z, PICO // 2))
    assert noise == Noise(Mechanism.DISCRETE_GAUSSIAN, 1.0, ONE, Price(Z, PICO // 2))


def test_a_count_at_epsilon_one_is_laplace_of_scale_one() -> None:
    assert plan_noise(ONE, Price(P, PICO)) == Noise(Mechanism.DISCRETE_LAPLACE, 1.0, ONE, Price(P, PICO))


def test_l2_is_the_least_float_not_below_the_root() -> None:
    for bound in (ContributionBound(2, 2, 1), ContributionBound(60, 6, 20), ContributionBound(5, 3, 2)):
        for largest in (1, 7, 2**31 + 1, 2**61 - 1):
            sensitivity = Sensitivity(bound, largest)
            assert Fraction(sensitivity.l2) ** 2 >= sensitivity.l2_squared
            assert Fraction(math.nextafter(sensitivity.l2, 0)) ** 2 < sensitivity.l2_squared


def test_an_irrational_distance_is_not_rounded_to_an_integer() -> None:
    pair = Sensitivity(ContributionBound(2, 2, 1), 1)
    assert plan_noise(pair, Price(Z, PICO)).scale == pytest.approx(1.0)  # σ² = 2/(2ρ); a distance of 2 would say σ = √2


def test_a_target_nobody_can_move_is_not_noised() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Sensitivity(ContributionBound(1, 1, 1), 0)


def test_a_price_of_nothing_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        plan_noise(ONE, Price(Z, 0))
    assert refusal.value.code is Code.BUDGET_TOO_SMALL
    assert "epsilon" in refusal.value.suggestion


@pytest.mark.parametrize("definition", [Z, P])
def test_noise_too_wide_for_62_bits_is_refused(definition: Definition) -> None:
    huge = Sensitivity(ContributionBound(1, 1, 1), 2**55)
    with pytest.raises(Refused) as refusal:
        plan_noise(huge, Price(definition, 1))
    assert refusal.value.code is Code.BUDGET_TOO_SMALL
    assert plan_noise(huge, Price(definition, PICO * 10**9)).scale < LARGEST_SCALE


def test_delta_is_not_spent_by_noise() -> None:
    assert plan_noise(ONE, Price(Z, PICO, 77)).price.atto_delta == 0


@pytest.mark.parametrize("definition", [Z, P])
@pytest.mark.parametrize("wished", [3e3, 123456.7, 1e6, 1e9, 1e12, 1e15])
def test_the_smallest_price_for_an_error_reaches_it_and_less_does_not(definition: Definition, wished: float) -> None:
    noise = plan_noise_for_error(definition, MANY, wished)
    assert noise.half_width() <= wished
    if noise.price.pico > 1:
        cheaper = plan_noise(MANY, Price(definition, noise.price.pico - 1 - noise.price.pico // 10**6))
        assert cheaper.half_width() > wished


@pytest.mark.parametrize("definition", [Z, P])
@pytest.mark.parametrize("wished", [0.0, 0.5, 1, 44])
def test_errors_of_a_few_counts_are_met_by_the_integer_law(definition: Definition, wished: float) -> None:
    noise = plan_noise_for_error(definition, ONE, wished)
    assert noise.half_width() <= wished < plan_noise(ONE, Price(definition, noise.price.pico * 999 // 1000)).half_width()


@pytest.mark.parametrize(("sensitivity", "wished"), [(ONE, -1.0), (ONE, math.nan), (ONE, math.inf), (MANY, 0.0)])
def test_an_error_that_no_budget_reaches_is_refused(sensitivity: Sensitivity, wished: float) -> None:
    with pytest.raises(Refused) as refusal:
        plan_noise_for_error(Z, sensitivity, wished)
    assert refusal.value.code is Code.BUDGET_ERROR_UNREACHABLE


@pytest.mark.parametrize("pico", [1, 10**6, 22_937_446_688, 10**12, 10**18])
def test_a_price_covers_a_measurement_built_from_scratch(pico: int) -> None:
    vector = dp.vector_domain(dp.atom_domain(T="i64"))
    gauss = plan_noise(MANY, Price(Z, pico))
    rho = dp.m.make_gaussian(vector, dp.l2_distance(T="f64"), scale=gauss.scale).map(MANY.l2)
    assert math.ceil(Fraction(rho) * PICO) == gauss.price.pico <= pico
    laplace = plan_noise(MANY, Price(P, pico * 10**6))
    epsilon = dp.m.make_laplace(vector, dp.l1_distance(T="i64"), scale=laplace.scale).map(MANY.l1)
    assert math.ceil(Fraction(epsilon) * PICO) == laplace.price.pico <= pico * 10**6
