"""Noise mechanisms: which integer noise a release gets, how much, and what it costs.

Guarantee: the price of every `Noise` made here is at least the exact rational of OpenDP's privacy map of the very measurement that will
run, so what the ledger books is never less than what is lost. Sources: Canonne, Kamath, Steinke 2020 (arXiv 2004.00010) for the discrete
Gaussian; Ghosh, Roughgarden, Sundararajan 2009 for the discrete Laplace (geometric). See the proof pages beside this module.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from haven.errors import Code, Refused
from haven.privacy import discrete_laws, measurements
from haven.privacy.budget import PICO, Definition, Price
from haven.privacy.units import ContributionBound

LARGEST_SCALE = 2.0**50
LARGEST_PRICE = 10**9 * PICO


class Mechanism(StrEnum):
    """The two laws of integer noise, in the words a receipt uses."""

    DISCRETE_GAUSSIAN = "discrete Gaussian"
    DISCRETE_LAPLACE = "discrete Laplace"


MECHANISM_OF = {Definition.ZCDP: Mechanism.DISCRETE_GAUSSIAN, Definition.PURE: Mechanism.DISCRETE_LAPLACE}


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """How far one privacy unit can move a vector of per-group sums of integers in [-largest, largest]; `largest` ≥ 1, in grid units."""

    bound: ContributionBound
    largest: int

    def __post_init__(self) -> None:
        """A sensitivity that exists is positive: a target that nobody can move is a constant, and needs no noise."""
        if self.largest < 1:
            msg = "the largest value of a target is at least 1 grid unit"
            raise ValueError(msg)

    @property
    def l1(self) -> int:
        """The largest L1 change, exactly, in grid units."""
        return self.bound.l1(self.largest)

    @property
    def l2_squared(self) -> int:
        """The square of the largest L2 change, exactly, in squared grid units."""
        return self.bound.l2_squared(self.largest)

    @property
    def l2(self) -> float:
        """The least float that is not below the largest L2 change, in grid units."""
        return _root_above(self.l2_squared)


@dataclass(frozen=True, slots=True)
class Noise:
    """Planned noise for one target: a law, its scale in grid units (σ of the Gaussian, b of the Laplace), and its confirmed price."""

    mechanism: Mechanism
    scale: float
    sensitivity: Sensitivity
    price: Price

    @property
    def variance(self) -> float:
        """The variance of the discrete law, in squared grid units, to double precision."""
        if self.mechanism is Mechanism.DISCRETE_GAUSSIAN:
            return discrete_laws.gaussian_variance(self.scale)
        return discrete_laws.laplace_variance(self.scale)

    def half_width(self, confidence: float = 0.95) -> float:
        """The h, in whole grid units, with P(|noise| > h) ≤ 1 - confidence.

        The least such h for the Laplace and for scales up to `discrete_laws.SUMMED_UP_TO`; at most one grid unit more beyond it.
        """
        return _half_width(self.mechanism, self.scale, confidence)


@lru_cache(maxsize=4096)
def plan_noise(sensitivity: Sensitivity, price: Price) -> Noise:
    """The least noise that `price` pays for; the noise's own price never exceeds `price`, and has no δ.

    The scale is the closed form (σ = Δ₂/√(2ρ), b = Δ₁/ε), widened while OpenDP's map says more than was asked (a few units in the last
    place). Raises Refused(BUDGET_TOO_SMALL) when the price is below one unit or the scale would pass `LARGEST_SCALE`, where an answer
    could not fit in 62 bits and would say nothing.
    """
    mechanism = MECHANISM_OF[price.definition]
    if price.pico < 1:
        raise _too_small()
    scale, ulps = _closed_form(sensitivity, price.definition, price.pico), 1
    while scale <= LARGEST_SCALE:
        pico = math.ceil(_loss(mechanism, scale, sensitivity) * PICO)
        if pico <= price.pico:
            return Noise(mechanism, scale, sensitivity, Price(price.definition, pico))
        scale, ulps = scale + ulps * math.ulp(scale), 2 * ulps
    raise _too_small()


def plan_noise_for_error(definition: Definition, sensitivity: Sensitivity, half_width_grid: float, confidence: float = 0.95) -> Noise:
    """The noise of the smallest price whose half-width at `confidence` is at most `half_width_grid` (grid units).

    Raises Refused(BUDGET_ERROR_UNREACHABLE) unless `half_width_grid` is a finite number ≥ 0 that some budget up to 10⁹ reaches.
    """
    if not (math.isfinite(half_width_grid) and half_width_grid >= 0):
        raise _unreachable()
    mechanism = MECHANISM_OF[definition]

    def reaches(pico: int) -> bool:
        scale = _closed_form(sensitivity, definition, pico)
        return scale <= LARGEST_SCALE and _half_width(mechanism, scale, confidence) <= half_width_grid

    pico = _least(reaches)
    while pico <= LARGEST_PRICE:
        noise = plan_noise(sensitivity, Price(definition, pico))
        if noise.half_width(confidence) <= half_width_grid:
            return noise
        pico += 1 + pico // 2**48  # the confirmed scale is a few units in the last place wider than the closed form's
    raise _unreachable()


@lru_cache(maxsize=4096)
def _root_above(square: int) -> float:
    """The least float that is not below the square root."""
    root = math.sqrt(square)
    while Fraction(root) ** 2 < square:
        root = math.nextafter(root, math.inf)
    return root


def _closed_form(sensitivity: Sensitivity, definition: Definition, pico: int) -> float:
    """σ = √(Δ₂²/2ρ) or b = Δ₁/ε, to the nearest float or two; exact rationals until the last step."""
    if definition is Definition.ZCDP:
        return math.sqrt(Fraction(sensitivity.l2_squared * PICO, 2 * pico))
    return float(Fraction(sensitivity.l1 * PICO, pico))


def _loss(mechanism: Mechanism, scale: float, sensitivity: Sensitivity) -> Fraction:
    """OpenDP's map of the measurement that would run, as an exact rational."""
    if mechanism is Mechanism.DISCRETE_GAUSSIAN:
        return measurements.gaussian_rho(scale, sensitivity.l2)
    return measurements.laplace_epsilon(scale, sensitivity.l1)


def _half_width(mechanism: Mechanism, scale: float, confidence: float) -> float:
    if mechanism is Mechanism.DISCRETE_GAUSSIAN:
        return discrete_laws.gaussian_half_width(scale, confidence)
    return discrete_laws.laplace_half_width(scale, confidence)


def _least(reaches: Callable[[int], bool]) -> int:
    """The least integer ≥ 1 at which a condition holds that, once true, stays true."""
    high = 1
    while not reaches(high):
        high *= 2
    low = high // 2  # 0, or the last power of two where it did not hold
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def _too_small() -> Refused:
    return Refused(
        Code.BUDGET_TOO_SMALL,
        "The price is too small: the noise it pays for would drown any answer.",
        "Raise epsilon, or narrow the values with clamp(x, lo, hi).",
    )


def _unreachable() -> Refused:
    return Refused(
        Code.BUDGET_ERROR_UNREACHABLE,
        "No budget reaches the error asked for.",
        "Ask for a larger error, or narrow the values with clamp(x, lo, hi).",
    )
