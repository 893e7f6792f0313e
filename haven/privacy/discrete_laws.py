"""The two integer noise laws as numbers: variance and two-sided tail, for error bars. Nothing here draws noise or sets a price.

Discrete Gaussian: P(x) ∝ exp(-x²/2σ²) on the integers. Discrete Laplace: P(x) ∝ exp(-|x|/b). Rounded Gaussian: a discrete Gaussian on a
lattice of which σ is hundreds of steps, rounded to the integers, halves by a fair coin.
"""

import math
from functools import lru_cache
from statistics import NormalDist

SUMMED_UP_TO = 32.0
ROUNDING = 1 / 8
"""The variance that rounding to integers adds at most: 1/8 to a law on halves, 1/12 to one on fine steps."""


@lru_cache(maxsize=256)
def normal_quantile(confidence: float) -> float:
    """The z with P(|N(0, 1)| ≤ z) = `confidence`, 0 < confidence < 1."""
    return -NormalDist().inv_cdf((1 - confidence) / 2)


@lru_cache(maxsize=4096)
def gaussian_variance(scale: float) -> float:
    """The variance for σ = `scale`: summed up to `SUMMED_UP_TO`, beyond it σ², which is exact to far less than one part in 10¹⁶.

    The difference is below 4π²σ²·3·exp(-2π²σ²) by Poisson summation.
    """
    if scale > SUMMED_UP_TO:
        return scale * scale
    weights = _gaussian_weights(scale)
    return 2 * math.fsum(x * x * weight for x, weight in enumerate(weights)) / _total(weights)


@lru_cache(maxsize=4096)
def gaussian_half_width(scale: float, confidence: float) -> float:
    """The least whole h with P(|X| > h) ≤ 1 - confidence, summed up to `SUMMED_UP_TO`; beyond it ⌈zσ⌉, sound and at most 1 more.

    Sound because P(X ≥ h + 1) ≤ P(N(0, σ²) ≥ h) for whole h (Canonne, Kamath, Steinke 2020).
    """
    if scale > SUMMED_UP_TO:
        return float(math.ceil(normal_quantile(confidence) * scale))
    weights = _gaussian_weights(scale)
    allowed = (1 - confidence) * _total(weights)
    tail, width = 0.0, len(weights) - 1
    while width > 0 and tail + 2 * weights[width] <= allowed:
        tail += 2 * weights[width]
        width -= 1
    return float(width)


@lru_cache(maxsize=4096)
def rounded_variance(scale: float) -> float:
    """The variance of a rounded Gaussian of σ = `scale`: Σ (2k-1)·P(|X| > k - 1/2) up to `SUMMED_UP_TO`; beyond it σ² + 1/8 at most.

    To one part in 10³ of itself: the sum takes the lattice for continuous.
    """
    if scale > SUMMED_UP_TO:
        return scale * scale + ROUNDING
    root = math.sqrt(2) * scale
    return math.fsum((2 * k - 1) * math.erfc((k - 0.5) / root) for k in range(1, math.ceil(40 * scale) + 2))


def rounded_half_width(scale: float, finer: int, confidence: float) -> float:
    """A whole h with P(|X| > h) ≤ 1 - confidence for the Gaussian of σ = `scale` on a lattice `finer` times finer, rounded.

    Sound because P(X ≥ n/finer) ≤ P(N(0, σ²) ≥ (n - 1)/finer) for whole n (Canonne, Kamath, Steinke 2020), and |X| > h means
    that |X| was h + 1/2 or more before rounding.
    """
    return float(max(0, math.ceil(normal_quantile(confidence) * scale + 1 / finer - 0.5)))


def laplace_variance(scale: float) -> float:
    """The variance for b = `scale`: 2p/(1-p)² with p = exp(-1/b)."""
    return 2 * math.exp(-1 / scale) / math.expm1(-1 / scale) ** 2


def laplace_half_width(scale: float, confidence: float) -> float:
    """The least whole h with P(|X| > h) = 2p^(h+1)/(1+p) ≤ 1 - confidence, p = exp(-1/b)."""
    width = -scale * math.log((1 - confidence) * (1 + math.exp(-1 / scale)) / 2) - 1
    return float(max(0, math.ceil(width)))


def _gaussian_weights(scale: float) -> list[float]:
    """exp(-x²/2σ²) for x = 0, 1, … as long as it is not zero in double precision beside 1."""
    reach = math.ceil(40 * scale)
    return [math.exp(-((x / scale) ** 2) / 2) for x in range(reach + 1)]


def _total(weights: list[float]) -> float:
    """The sum over all integers, given the weights of 0, 1, 2 and so on."""
    return 2 * math.fsum(weights) - weights[0]
