"""How exact a noisy answer is: quantiles, and the half-width of a combination of independent noises.

Everything here is post-processing of public scales: no figure depends on data. Error bars speak of the noise alone; the bias of clamping
and of contribution bounds is never in them.
"""

import math
from collections.abc import Sequence
from functools import lru_cache

from haven.privacy.discrete_laws import normal_quantile
from haven.privacy.mechanisms import Mechanism, Noise


@lru_cache(maxsize=256)
def laplace_quantile(confidence: float) -> float:
    """The same for a Laplace law of variance 1."""
    return -math.log1p(-confidence) / math.sqrt(2)


def combined_half_width(terms: Sequence[tuple[float, Noise]], confidence: float = 0.95) -> float:
    """The half-width at `confidence` of Σ cᵢ·noiseᵢ for independent noises, given as pairs (cᵢ, noiseᵢ).

    One term: that noise's own half-width, scaled. Several: a quantile times the standard deviation √Σ cᵢ²·varᵢ; the normal quantile for
    Gaussian terms (discrete Gaussians sum to very nearly one), and where a Laplace term takes part the larger of the normal and the
    Laplace quantile, between which the quantile of such a sum lies. The delta method for a ratio s/n is the pair (1/n, s), (-s/n², n).
    """
    moving = [(abs(factor), noise) for factor, noise in terms if factor]
    if not moving:
        return 0.0
    if len(moving) == 1:
        factor, noise = moving[0]
        return factor * noise.half_width(confidence)
    deviation = math.sqrt(math.fsum(factor * factor * noise.variance for factor, noise in moving))
    quantile = normal_quantile(confidence)
    if any(noise.mechanism is Mechanism.DISCRETE_LAPLACE for _, noise in moving):
        quantile = max(quantile, laplace_quantile(confidence))
    return quantile * deviation
