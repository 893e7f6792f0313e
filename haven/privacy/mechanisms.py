"""Noise mechanisms: which integer noise a release gets, how much, and what it costs.

Guarantee: the price of every `Noise` made here is at least the exact rational of OpenDP's privacy map of the very measurement that will
run, so what the ledger books is never less than what is lost; under `gdp` it also is at least the exact rational Δ²/(σ² - 9). Sources:
Canonne, Kamath, Steinke 2020 (arXiv 2004.00010) for the discrete Gaussian; Ghosh, Roughgarden, Sundararajan 2009 for the discrete Laplace
(geometric). See the proof pages beside this module.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from haven.errors import Code, Refused
from haven.privacy import discrete_laws, measurements
from haven.privacy.budget import PICO, Definition, Price
from haven.privacy.gaussian_dp import WIDTH_SQUARED, gaussian_mu2
from haven.privacy.units import ContributionBound

LARGEST_SCALE = 2.0**50
LARGEST_PRICE = 2 * 10**9 * PICO
FINE = 256
"""Under `gdp` noise is drawn on a lattice of which σ is at least so many steps: then the lattice costs at most 0.007 % of the noise."""


class Mechanism(StrEnum):
    """The two laws of integer noise, in the words a receipt uses."""

    DISCRETE_GAUSSIAN = "discrete Gaussian"
    DISCRETE_LAPLACE = "discrete Laplace"


MECHANISM_OF = {
    Definition.GDP: Mechanism.DISCRETE_GAUSSIAN,
    Definition.ZCDP: Mechanism.DISCRETE_GAUSSIAN,
    Definition.PURE: Mechanism.DISCRETE_LAPLACE,
}


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
    """Planned noise for one target: a law, its scale in grid units (σ of the Gaussian, b of the Laplace), and its confirmed price.

    The grid is `multiple` times as fine as the target's own: exact integers are multiplied by it before noise, and `scale`, `sensitivity`
    and the noisy integers are in steps of the finer one. Where `finer` > 1 the noise is drawn on a lattice that is so many times finer
    still, and what comes out is rounded to the grid. Both are powers of two, and 1 but under `gdp`.
    """

    mechanism: Mechanism
    scale: float
    sensitivity: Sensitivity
    price: Price
    multiple: int = 1
    finer: int = 1

    @property
    def variance(self) -> float:
        """The variance of the discrete law, in squared grid units, to double precision."""
        if self.mechanism is Mechanism.DISCRETE_LAPLACE:
            return discrete_laws.laplace_variance(self.scale)
        return discrete_laws.gaussian_variance(self.scale) if self.finer == 1 else discrete_laws.rounded_variance(self.scale)

    @property
    def as_drawn_on_grid(self) -> "Noise":
        """A law on the grid itself whose variance is at least this one's: by which others use what was drawn."""
        return self if self.finer == 1 else replace(self, scale=math.sqrt(self.scale**2 + discrete_laws.ROUNDING), finer=1)

    def half_width(self, confidence: float = 0.95) -> float:
        """The h, in whole grid units, with P(|noise| > h) ≤ 1 - confidence.

        The least such h for the Laplace and for scales up to `discrete_laws.SUMMED_UP_TO`; at most one grid unit more beyond it.
        """
        return _half_width(self.mechanism, self.scale, self.finer, confidence)


@lru_cache(maxsize=4096)
def plan_noise(sensitivity: Sensitivity, price: Price, multiple: int | None = None) -> Noise:
    """The least noise that `price` pays for; the noise's own price never exceeds `price`, and has no δ.

    The scale is the closed form (σ² = Δ₂²/μ² + 9 lattice steps², σ = Δ₂/√(2ρ), b = Δ₁/ε), widened while the map says more than was asked (a
    few units in the last place). Noise comes on a grid `multiple` times as fine as that of `sensitivity`; None: as `multiple_of` says.
    Raises Refused(BUDGET_TOO_SMALL) when the price is below one unit or the scale would pass `LARGEST_SCALE`, where an answer could not
    fit in 62 bits and would say nothing.
    """
    if multiple is None:
        multiple = multiple_of(price.definition, sensitivity)
    on_grid = Sensitivity(sensitivity.bound, sensitivity.largest * multiple)
    return replace(_planned(on_grid, price), multiple=multiple)


def plan_again(asked: Noise, price: Price) -> Noise:
    """The least noise on the grid of `asked` that `price` pays for."""
    return replace(_planned(asked.sensitivity, price), multiple=asked.multiple)


def multiple_of(definition: Definition, sensitivity: Sensitivity) -> int:
    """How much finer than a target's own grid its noise comes: under `gdp`, so that one row moves it by `FINE` steps or more; else 1.

    A function of what one row adds and not of any price, so that answers at different prices are on one grid.
    """
    return 1 if definition is not Definition.GDP else 1 << max(0, (FINE - 1) // sensitivity.largest).bit_length()


def plan_noise_for_error(definition: Definition, sensitivity: Sensitivity, half_width_grid: float, confidence: float = 0.95) -> Noise:
    """The noise of the smallest price whose half-width at `confidence` is at most `half_width_grid` (units of the sensitivity).

    Raises Refused(BUDGET_ERROR_UNREACHABLE) unless `half_width_grid` is a finite number ≥ 0 that some budget up to 10⁹ reaches.
    """
    if not (math.isfinite(half_width_grid) and half_width_grid >= 0):
        raise _unreachable()
    mechanism, multiple = MECHANISM_OF[definition], multiple_of(definition, sensitivity)
    on_grid, wished = Sensitivity(sensitivity.bound, sensitivity.largest * multiple), half_width_grid * multiple

    def reaches(pico: int) -> bool:
        scale, finer = _closed_form(on_grid, definition, pico)
        return scale <= LARGEST_SCALE and _half_width(mechanism, scale, finer, confidence) <= wished

    pico = _least(reaches)
    while pico <= LARGEST_PRICE:
        noise = plan_noise(sensitivity, Price(definition, pico))
        if noise.half_width(confidence) <= wished:
            return noise
        pico += 1 + pico // 2**48  # the confirmed scale is a few units in the last place wider than the closed form's
    raise _unreachable()


def _planned(sensitivity: Sensitivity, price: Price) -> Noise:
    """The least noise, on the sensitivity's own grid."""
    mechanism = MECHANISM_OF[price.definition]
    if price.pico < 1:
        raise _too_small()
    (scale, finer), ulps = _closed_form(sensitivity, price.definition, price.pico), 1
    while scale <= LARGEST_SCALE:
        pico = math.ceil(_loss(price.definition, scale, finer, sensitivity) * PICO)
        if pico <= price.pico:
            return Noise(mechanism, scale, sensitivity, Price(price.definition, pico), finer=finer)
        scale, ulps = scale + ulps * math.ulp(scale), 2 * ulps
    raise _too_small()


@lru_cache(maxsize=4096)
def _root_above(square: int) -> float:
    """The least float that is not below the square root."""
    root = math.sqrt(square)
    while Fraction(root) ** 2 < square:
        root = math.nextafter(root, math.inf)
    return root


def _closed_form(sensitivity: Sensitivity, definition: Definition, pico: int) -> tuple[float, int]:
    """σ = √(Δ₂²/μ² + 9/finer²), √(Δ₂²/2ρ) or b = Δ₁/ε, to the nearest float or two, and how much finer its lattice is than the grid."""
    if definition is Definition.PURE:
        return float(Fraction(sensitivity.l1 * PICO, pico)), 1
    if definition is Definition.ZCDP:
        return math.sqrt(Fraction(sensitivity.l2_squared * PICO, 2 * pico)), 1
    square = Fraction(sensitivity.l2_squared * PICO, pico)
    finer = 1
    while square * finer**2 < FINE**2:
        finer *= 2
    return math.sqrt(square + Fraction(WIDTH_SQUARED, finer**2)), finer


def _loss(definition: Definition, scale: float, finer: int, sensitivity: Sensitivity) -> Fraction:
    """OpenDP's map of the measurement that would run, as an exact rational; under `gdp` the lattice's price, and no less than that map."""
    if definition is Definition.PURE:
        return measurements.laplace_epsilon(scale, sensitivity.l1)
    if definition is Definition.ZCDP:
        return measurements.gaussian_rho(scale, sensitivity.l2)
    on_lattice = sensitivity.l2_squared * finer**2
    mu2 = gaussian_mu2(scale * finer, on_lattice)
    return max(mu2, 2 * measurements.gaussian_rho(scale * finer, _root_above(on_lattice)))


def _half_width(mechanism: Mechanism, scale: float, finer: int, confidence: float) -> float:
    if mechanism is Mechanism.DISCRETE_LAPLACE:
        return discrete_laws.laplace_half_width(scale, confidence)
    if finer > 1:
        return discrete_laws.rounded_half_width(scale, finer, confidence)
    return discrete_laws.gaussian_half_width(scale, confidence)


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
