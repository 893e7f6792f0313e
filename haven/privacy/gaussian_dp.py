"""Gaussian differential privacy: budgets of μ² from (ε, δ), the ε of a loss, and what mechanisms cost.

Guarantee: budgets round down and prices up, each decided in 110-digit arithmetic with a margin of 10⁻⁶⁰ (`haven.privacy.normal_law`);
floats only guess where to look. ε and δ are lowered by 10⁻⁵⁰ for the discrete Gaussian's lattice. Sources: Dong, Roth, Su 2022 (arXiv
1905.02383) for μ-GDP and its curve; Smith and Thakurta 2022 (arXiv 2210.17520) for the filter Σμ² under full adaptivity. The bridge from
the continuous Gaussian to the lattice, and the price of bounded-range mechanisms: `gaussian_dp.proof.md`.
"""

import math
from collections.abc import Callable
from decimal import ROUND_CEILING, Context, Decimal
from fractions import Fraction
from functools import lru_cache
from statistics import NormalDist

from haven.errors import Code, Refused
from haven.privacy.budget import PICO
from haven.privacy.normal_law import EXACT, MARGIN, curve, curve_slopes, density, upper_tail

LATTICE = Decimal("1e-50")
"""By how much ε, and δ as a share of itself, are lowered for all the discrete Gaussians that a population ever sees."""
LEAST_SCALE = 64
"""The least σ, in lattice steps, that has a price."""
WIDTH_SQUARED = 9
"""s²: the variance of the randomised rounding that turns the continuous Gaussian into the discrete one, in squared lattice steps."""
_ONE = Decimal(1)
_TWO = Decimal(2)
_ROUNDS = 12
_HALVINGS = 200
_LEAST_MU = 5e-7
_LEAST_EPSILON = Decimal("1e-12")
_TINY, _NEAR, _FAR = 1e-4, 8.0, 600.0
_STEPS = 64
_ROOT_TWO, _ROOT_TAU = math.sqrt(2), math.sqrt(2 * math.pi)


def gaussian_mu2(scale: float, l2_squared: int) -> Fraction:
    """μ² of the discrete Gaussian of σ = `scale` lattice steps at a squared L2 distance: Δ²/(σ² - 9), exactly.

    Raises Refused(BUDGET_INVALID) for σ < 64 steps, where the bridge would cost too much: the lattice is to be refined first.
    """
    if not scale >= LEAST_SCALE:
        raise Refused(
            Code.BUDGET_INVALID,
            f"Under gdp, noise of fewer than {LEAST_SCALE} lattice steps has no price.",
            "Plan the noise on a finer lattice; every question that is asked in SQL is.",
        )
    return Fraction(l2_squared) / (Fraction(scale) ** 2 - WIDTH_SQUARED)


@lru_cache(maxsize=4096)
def bounded_range_mu2(epsilon: Fraction) -> Fraction:
    """μ² of an ε-bounded-range mechanism, rounded up by 10⁻²⁷ of itself: μ = 2Φ⁻¹(e^(ε/2)/(1 + e^(ε/2))), for ε > 0."""
    x = EXACT.divide(Decimal(epsilon.numerator), Decimal(2 * epsilon.denominator))
    wanted = EXACT.divide(_ONE, EXACT.add(_ONE, EXACT.exp(x)))
    z = Decimal(_logistic_probit(float(epsilon / 2)))
    for _ in range(_ROUNDS):
        step = EXACT.divide(EXACT.subtract(upper_tail(z), wanted), density(z))
        z = EXACT.add(z, step)
        if step.copy_abs() < EXACT.multiply(z, Decimal("1e-30")):
            break
    z = EXACT.multiply(z, Decimal("1.0000000000000000000000000001"))
    if upper_tail(z) > EXACT.multiply(wanted, EXACT.subtract(_ONE, MARGIN)):
        msg = "the price of a bounded-range mechanism was not found"
        raise ArithmeticError(msg)
    return 4 * Fraction(z) ** 2


def bounded_range_guess(epsilon: float) -> float:
    """The same to double precision, for searching."""
    return 4 * _logistic_probit(epsilon / 2) ** 2


@lru_cache(maxsize=4096)
def largest_pico(epsilon: Decimal, conversion_delta: Fraction) -> int:
    """The largest μ², in units of 10⁻¹² less one, whose curve at ε - 10⁻⁵⁰ is within δ·(1 - 10⁻⁵⁰); 0 where none is."""
    if _curve(float(epsilon), _LEAST_MU) > conversion_delta:
        return 0
    mu = Decimal(_boundary(lambda mu: _curve(float(epsilon), mu) <= conversion_delta, _LEAST_MU, 2 * math.sqrt(float(epsilon)) + 100))
    aim = _decimal(conversion_delta)
    for _ in range(_ROUNDS):
        step = EXACT.divide(EXACT.subtract(aim, curve(epsilon, mu)), curve_slopes(epsilon, mu)[1])
        mu = EXACT.add(mu, step)
        if step.copy_abs() < EXACT.multiply(mu, Decimal("1e-30")):
            break
    pico, lower = math.floor(Fraction(mu) ** 2 * PICO) - 1, 1
    while pico > 0 and not within(pico, epsilon, conversion_delta):
        pico, lower = pico - lower, 2 * lower
    return max(0, pico)


def least_epsilon(pico: int, conversion_delta: Fraction, digits: int) -> Decimal:
    """The least ε, to so many significant digits and rounded up, at which `pico` units of μ² are within δ; 10⁻¹² at least."""
    mu = math.sqrt(pico / PICO)
    guess = _boundary(lambda epsilon: _curve(epsilon, mu) > conversion_delta, 1e-12, mu * mu / 2 + 10 * mu + 1)
    epsilon = max(_LEAST_EPSILON, Decimal(guess * (1 - 1e-12))).normalize(Context(prec=digits, rounding=ROUND_CEILING))
    while not within(pico, epsilon, conversion_delta):
        epsilon = epsilon + Decimal((0, (1,), epsilon.adjusted() - digits + 1))
    return epsilon


def within(pico: int, epsilon: Decimal, conversion_delta: Fraction) -> bool:
    """Whether μ-GDP, μ² = `pico`·10⁻¹² > 0, is (ε, δ)-private with the lattice's 10⁻⁵⁰ to spare: never true where it is not."""
    mu = EXACT.multiply(EXACT.sqrt(EXACT.divide(Decimal(pico), Decimal(PICO))), EXACT.add(_ONE, MARGIN))
    lowered = EXACT.subtract(epsilon, LATTICE)
    found = EXACT.multiply(curve(lowered, mu), EXACT.add(_ONE, MARGIN))
    return found <= EXACT.multiply(_decimal(conversion_delta), EXACT.subtract(_ONE, EXACT.multiply(LATTICE, _TWO)))


def _decimal(value: Fraction) -> Decimal:
    return EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))


def _boundary(holds: Callable[[float], bool], low: float, high: float) -> float:
    """Where a condition that holds at `low` and not at `high` stops holding, by halving the logarithm."""
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        if not low < middle < high:
            break
        low, high = (middle, high) if holds(middle) else (low, middle)
    return high


def _curve(epsilon: float, mu: float) -> float:
    """`curve` in double precision."""
    low, high = epsilon / mu - mu / 2, epsilon / mu + mu / 2
    return math.erfc(low / _ROOT_TWO) / 2 - math.exp(-low * low / 2) / _ROOT_TAU * _mills(high)


def _mills(x: float) -> float:
    """`mills` in double precision."""
    if x < _NEAR:
        return math.erfc(x / _ROOT_TWO) / 2 * math.exp(x * x / 2) * _ROOT_TAU
    rest = x
    for step in range(_STEPS, 0, -1):
        rest = x + step / rest
    return 1 / rest


def _logistic_probit(x: float) -> float:
    """Z ≥ 0 with P(N(0, 1) > z) = 1/(1 + e^x), x ≥ 0, in double precision or nearly."""
    if x < _TINY:
        return x * _ROOT_TAU / 4
    if x < _FAR:
        return -NormalDist().inv_cdf(math.exp(-x) / (1 + math.exp(-x)))
    z = math.sqrt(2 * x)
    for _ in range(_ROUNDS):
        z = math.sqrt(2 * (x - math.log(z * _ROOT_TAU) + math.log1p(-1 / z**2 + 3 / z**4)))
    return z
