"""Gaussian differential privacy: the bridge to the lattice at 100 digits, hockey sticks summed, budgets and prices rounded to safety."""

import json
import math
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from haven.errors import Code, Refused
from haven.privacy import accounting, gaussian_dp
from haven.privacy.budget import PICO, Definition, Price
from haven.privacy.gaussian_dp import bounded_range_guess, bounded_range_mu2, gaussian_mu2, largest_pico, least_epsilon, within
from haven.privacy.mechanisms import Sensitivity, plan_noise
from haven.privacy.normal_law import EXACT, PI, curve
from haven.privacy.units import ContributionBound
from tests.support.loss_sequences import DELTAS, SEQUENCES, Lattice, pico_of

G = Definition.GDP
ONE = Sensitivity(ContributionBound(1, 1, 1), 1)
RECORDED = json.loads(Path(__file__).with_name("loss_totals.json").read_text(encoding="utf-8"))["totals"]
PER_UNIT = 4
"""Points a lattice step at which integrals are summed: for Gaussians this wide the error is below 10⁻²⁰⁰."""
E = EXACT


# --- the bridge: N(0, σ² - s²), then randomised rounding of width s, is the discrete Gaussian of σ up to e^{±κ}


def bell(x: Fraction, variance: Fraction) -> Decimal:
    """exp(-x²/2v)."""
    power = -(x * x) / (2 * variance)
    return E.exp(E.divide(Decimal(power.numerator), Decimal(power.denominator)))


@cache
def rounding_total(phase: Fraction, s2: Fraction) -> Decimal:
    """Σ_j exp(-(phase - j)²/2s²): what the probabilities of randomised rounding are divided by."""
    reach = math.ceil(24 * math.sqrt(s2)) + 2
    total = Decimal(0)
    for j in range(-reach, reach + 1):
        total = E.add(total, bell(phase - j, s2))
    return total


def bridged(k: int, sigma: int, s2: Fraction) -> Decimal:
    """The probability that the two steps give k, but for the factor 1/√(2π(σ² - s²))."""
    first = Fraction(sigma) ** 2 - s2
    centre, reach = round(k * first / sigma**2), math.ceil(23 * math.sqrt(s2)) + 2
    total = Decimal(0)
    for i in range((centre - reach) * PER_UNIT, (centre + reach) * PER_UNIT + 1):
        y = Fraction(i, PER_UNIT)
        term = E.multiply(bell(y, first), bell(y - k, s2))
        total = E.add(total, E.divide(term, rounding_total(y - math.floor(y), s2)))
    return E.divide(total, Decimal(PER_UNIT))


def discrete(k: int, sigma: int) -> Decimal:
    """The discrete Gaussian's weight of k, but for its normaliser."""
    return bell(Fraction(k), Fraction(sigma) ** 2)


@cache
def normaliser(sigma: int) -> Decimal:
    """Σ_k exp(-k²/2σ²), term by term."""
    total = Decimal(1)
    for k in range(1, 23 * sigma):
        total = E.add(total, E.multiply(Decimal(2), discrete(k, sigma)))
    return total


def eta(s2: Fraction) -> Decimal:
    """2·Σ_j exp(-2π²s²j²), to its first terms."""
    first = E.multiply(E.multiply(Decimal(-2), E.multiply(PI, PI)), E.divide(Decimal(s2.numerator), Decimal(s2.denominator)))
    return E.multiply(Decimal(2), E.add(E.exp(first), E.exp(E.multiply(first, Decimal(4)))))


def off(k: int, sigma: int, s2: Fraction) -> Decimal:
    """|ratio - 1| of the two laws at k. The normal density's constant is √(2π(σ² - s²)), by the same rectangles."""
    root = E.sqrt(E.divide(Decimal((Fraction(sigma) ** 2 - s2).numerator), Decimal((Fraction(sigma) ** 2 - s2).denominator)))
    constant = E.multiply(root, E.sqrt(E.multiply(Decimal(2), PI)))
    ratio = E.divide(E.multiply(E.divide(bridged(k, sigma, s2), constant), normaliser(sigma)), discrete(k, sigma))
    return E.subtract(ratio, Decimal(1)).copy_abs()


@pytest.mark.parametrize("s", [2, 3, 4])
@pytest.mark.parametrize("sigma", [64, 65, 100, 1000])
def test_the_two_steps_have_the_discrete_gaussians_law(sigma: int, s: int) -> None:
    s2 = Fraction(s * s)
    bound = max(E.multiply(Decimal(2), eta(s2)), Decimal("1e-100"))  # beyond 100 digits nothing is seen
    for k in (0, 1, -1, sigma // 3, 2 * sigma + 1, -6 * sigma, 11 * sigma):
        assert off(k, sigma, s2) <= bound


def test_the_comparison_sees_a_rounding_that_is_too_narrow() -> None:
    """With s = 0.4 the laws do differ where a hundred digits show it, and by less than the bound."""
    s2 = Fraction(4, 25)
    assert Decimal("1e-7") < max(off(k, 64, s2) for k in (0, 1, 2)) <= E.multiply(Decimal(2), eta(s2))


def test_a_width_of_three_is_exact_to_76_digits() -> None:
    assert Decimal("1e-77") < eta(Fraction(9)) < Decimal("2e-77")
    assert gaussian_dp.WIDTH_SQUARED == 9
    assert E.multiply(Decimal(4), eta(Fraction(9))) * 10**26 < gaussian_dp.LATTICE  # 10²⁶ noisy numbers, κ ≤ 4η each


# --- the price, against the privacy of the very pair of discrete Gaussians


def hockey_stick(sigma: float, shift: int, epsilon: float) -> float:
    """Σ_k max(0, P(k - shift) - e^ε P(k)), P the discrete Gaussian, term by term from where it begins to be positive."""
    reach = math.ceil(14 * sigma) + shift
    k = np.arange(-reach, reach + 1, dtype=np.float64)
    total = math.fsum(np.exp(-(k**2) / (2 * sigma**2)))
    with np.errstate(over="ignore"):
        one, other = np.exp(-((k - shift) ** 2) / (2 * sigma**2)), np.exp(epsilon - k**2 / (2 * sigma**2))
    return math.fsum(np.maximum(0.0, one - other)) / total


@pytest.mark.parametrize("sigma", [64.0, 64.7, 80.25, 100.0, 256.0, 1000.0])
@pytest.mark.parametrize("shift", [1, 5, 17, 64, 200, 640])
def test_no_pair_of_discrete_gaussians_is_less_private_than_its_price(sigma: float, shift: int) -> None:
    mu = Decimal(math.sqrt(gaussian_mu2(sigma, shift**2)))
    for times in (0.0, 0.3, 1.0, 2.0, 3.0, 4.0, 5.0):
        epsilon = float(mu) ** 2 / 2 + times * float(mu)
        allowed = float(curve(Decimal(epsilon), mu))
        shown = hockey_stick(sigma, shift, epsilon)
        assert shown <= allowed * (1 + 1e-9)
        assert shown >= allowed * 0.9 - 1e-12  # and the lattice costs next to nothing


def test_the_hockey_stick_catches_noise_that_was_paid_too_little_for() -> None:
    mu = Decimal(64 / 66)
    assert hockey_stick(64.0, 64, 2.0) > float(curve(Decimal(2), mu))


def test_two_dimensions_cost_what_their_length_says() -> None:
    sigma, shift, epsilon = 64.0, (48, 36), 1.5
    k = np.arange(-600, 601, dtype=np.float64)
    law = np.exp(-(k**2) / (2 * sigma**2))
    law /= law.sum()
    moved = [np.exp(-((k - each) ** 2) / (2 * sigma**2)) / np.exp(-(k**2) / (2 * sigma**2)).sum() for each in shift]
    shown = np.maximum(0.0, np.outer(*moved) - math.exp(epsilon) * np.outer(law, law)).sum()
    allowed = float(curve(Decimal(epsilon), Decimal(math.sqrt(gaussian_mu2(sigma, 48**2 + 36**2)))))
    assert allowed * 0.99 <= shown <= allowed


@pytest.mark.parametrize("scale", [63.999, 1.0, 0.0, float("nan")])
def test_noise_of_fewer_than_64_steps_has_no_price(scale: float) -> None:
    with pytest.raises(Refused) as caught:
        gaussian_mu2(scale, 1)
    assert caught.value.code is Code.BUDGET_INVALID
    assert "lattice" in caught.value.reason


# --- mechanisms of bounded range


def two_points(epsilon: float, t: float) -> tuple[float, float]:
    """The errors (α, β) of the worst test of an ε-bounded-range mechanism whose privacy loss lies in [t - ε, t]."""
    alpha = math.expm1(epsilon - t) / math.expm1(epsilon)
    return alpha, 1 - math.exp(t) * alpha


@pytest.mark.parametrize("epsilon", [1e-6, 0.01, 0.3, 1.0, 3.0, 10.0, 30.0])
def test_no_test_of_a_bounded_range_mechanism_beats_its_gaussian(epsilon: float) -> None:
    mu = math.sqrt(bounded_range_mu2(Fraction(epsilon)))
    gaps = []
    for t in np.linspace(0.001, 0.999, 333) * epsilon:
        alpha, beta = two_points(epsilon, float(t))
        if 1e-300 < alpha < 1 - 1e-12 and beta > 1e-300:
            gaps.append(norm.isf(alpha) + norm.isf(beta))  # the μ that this test needs
    assert max(gaps) <= mu * (1 + 1e-9) + 1e-12
    alpha, beta = two_points(epsilon, epsilon / 2)
    assert norm.isf(alpha) + norm.isf(beta) == pytest.approx(mu, rel=1e-6)  # none cheaper would do


def trade_off(first: np.typing.NDArray[np.float64], second: np.typing.NDArray[np.float64]) -> list[tuple[float, float]]:
    """The errors of every likelihood-ratio test between two laws."""
    order = np.argsort(-(second / first))
    alphas, powers = np.cumsum(first[order]), np.cumsum(second[order])
    return [(float(a), float(1 - p)) for a, p in zip(alphas, powers, strict=True)]


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(-3, 3)), min_size=2, max_size=12),
    st.floats(0.5, 40.0),
)
def test_exponential_mechanisms_are_no_easier_to_tell_apart_than_their_price_says(scores: list[tuple[int, int]], scale: float) -> None:
    before = np.exp(np.array([score for score, _ in scores]) / scale)
    after = np.exp(np.array([score + move for score, move in scores]) / scale)
    change = max(abs(move) for _, move in scores)
    mu = math.sqrt(bounded_range_mu2(Fraction(2 * max(change, 1)) / Fraction(scale)))
    for one, other in ((before, after), (after, before)):
        for alpha, beta in trade_off(one / one.sum(), other / other.sum()):
            if 1e-12 < alpha < 1 - 1e-12 and beta > 1e-12:
                assert norm.isf(alpha) + norm.isf(beta) <= mu * (1 + 1e-7) + 1e-9


@pytest.mark.parametrize("epsilon", ["1e-9", "0.001", "0.5", "1", "20", "1000", "1199", "1201", "1e6", "5e8"])
def test_the_price_of_a_bounded_range_is_scipys_rounded_up(epsilon: str) -> None:
    mu2, x = bounded_range_mu2(Fraction(epsilon)), float(Fraction(epsilon)) / 2
    if x < 700:
        expected = (2 * norm.isf(1 / (1 + math.exp(x)))) ** 2 if x > 1e-3 else (x * math.sqrt(2 * math.pi) / 2) ** 2
        assert float(mu2) == pytest.approx(expected, rel=1e-6)
    z = math.sqrt(mu2) / 2
    assert -norm.logsf(z) == pytest.approx(np.logaddexp(0, x), rel=1e-12)
    assert bounded_range_guess(float(Fraction(epsilon))) == pytest.approx(float(mu2), rel=1e-6)


def test_the_price_of_a_bounded_range_is_convex_so_that_one_group_of_many_rows_is_dearest() -> None:
    prices = [bounded_range_mu2(Fraction(step, 7)) for step in range(1, 400)]
    rises = [later - earlier for earlier, later in zip([Fraction(0), *prices], prices, strict=False)]
    assert rises == sorted(rises)


# --- budgets, and epsilons back


@settings(deadline=None, max_examples=80)
@given(st.integers(1, 10**9), st.integers(-6, 6), st.integers(1, 10**4), st.integers(4, 17))
def test_a_budget_is_the_largest_that_the_curve_allows_but_for_two_units(mantissa: int, power: int, odds: int, zeros: int) -> None:
    epsilon = min(Decimal(mantissa).scaleb(power - 9), Decimal(10**9))
    delta = Fraction(odds, 10 ** (4 + zeros))
    pico = largest_pico(epsilon, delta)
    if pico:
        assert within(pico, epsilon, delta)
        assert float(curve(epsilon, Decimal(math.sqrt(pico / PICO)))) == pytest.approx(float(delta), rel=1e-3 if pico > 10**6 else 1)
    assert not within(pico + 3, epsilon, delta)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 10**10), st.integers(0, 10**10), st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_larger_promise_is_never_a_smaller_budget(epsilon: int, more: int, delta: int, looser: int) -> None:
    small = largest_pico(Decimal(epsilon).scaleb(-6), Fraction(delta, 10**14))
    assert largest_pico(Decimal(epsilon + more).scaleb(-6), Fraction(delta + looser, 10**14)) >= small


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 2 * 10**21), st.integers(1, 10**12))
def test_an_epsilon_is_within_and_the_next_lower_figure_is_not(pico: int, odds: int) -> None:
    delta = Fraction(odds, 10**13)
    epsilon = least_epsilon(pico, delta, 4)
    assert within(pico, epsilon, delta)
    lower = epsilon - 2 * Decimal((0, (1,), epsilon.adjusted() - 3))
    assert epsilon <= Decimal("1e-11") or not within(pico, lower, delta)


@pytest.mark.parametrize(("epsilon", "delta"), [("1", "1e-6"), ("0.01", "1e-9"), ("1e9", "1e-6"), ("50", "1e-17"), ("3.7", "0.2")])
def test_a_budget_converts_back_to_its_own_epsilon(epsilon: str, delta: str) -> None:
    budget = accounting.budget_of(G, Decimal(epsilon), Decimal(delta))
    assert accounting.epsilon_of(budget, Decimal(delta)) == Decimal(epsilon)
    assert accounting.epsilon_of(Price(G, 4 * budget.pico), Decimal(delta)) > Decimal(epsilon) * 2


def test_half_of_delta_is_for_the_conversion_and_half_for_selections() -> None:
    budget = accounting.budget_of(G, Decimal(1), Decimal("2e-6"))
    assert budget.atto_delta == 10**12
    assert budget.pico == largest_pico(Decimal(1), Fraction(1, 10**6))


def test_an_epsilon_of_nothing_is_nothing_and_of_a_trifle_no_less_than_it() -> None:
    assert accounting.epsilon_of(Price(G, 0), Decimal("1e-6")) == 0
    assert 0 < accounting.epsilon_of(Price(G, 1), Decimal("1e-2")) <= Decimal("1e-6")


def test_a_promise_below_one_unit_is_refused() -> None:
    with pytest.raises(Refused) as caught:
        accounting.budget_of(G, Decimal("1e-12"), Decimal("1e-17"))
    assert caught.value.code is Code.BUDGET_TOO_SMALL
    assert "mu2" in caught.value.reason


def test_rho_is_no_price_here() -> None:
    with pytest.raises(Refused) as caught:
        accounting.price_of_rho(G, Decimal("0.1"))
    assert caught.value.code is Code.BUDGET_INVALID
    assert "epsilon=" in caught.value.suggestion
    assert "error=" in caught.value.suggestion


@pytest.mark.parametrize("delta", [None, Decimal(2)])
def test_a_delta_is_needed_and_below_one(delta: Decimal | None) -> None:
    with pytest.raises(Refused):
        accounting.budget_of(G, Decimal(1), delta)


@pytest.mark.parametrize(("questions", "deviation"), [(1, 4.2247), (10, 13.360), (100, 42.247), (1000, 133.60)])
def test_noise_of_counts_is_within_a_hundredth_of_a_percent_of_the_exact_gaussian(questions: int, deviation: float) -> None:
    """ε 1 and δ 10⁻⁶ for the conversion: the figures are √k/μ, μ from the curve."""
    budget = accounting.budget_of(G, Decimal(1), Decimal("2e-6"))
    noise = plan_noise(ONE, Price(G, budget.pico // questions))
    assert math.sqrt(noise.variance) / noise.multiple == pytest.approx(deviation, rel=1e-4)


# --- totals, beside another accountant's


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_total_of_a_sequence_covers_what_another_accountant_recorded(name: str) -> None:
    for delta, (lower, upper) in RECORDED[name].items():
        total = float(least_epsilon(pico_of(SEQUENCES[name]), Fraction(delta), 6))
        assert total >= lower
        if all(isinstance(each, Lattice) for each in SEQUENCES[name]):
            assert total <= upper * 1.003  # Gaussians are composed without loss, but for the lattice


def test_every_sequence_has_its_recorded_total() -> None:
    assert {name: set(totals) for name, totals in RECORDED.items()} == {name: set(DELTAS) for name in SEQUENCES}
