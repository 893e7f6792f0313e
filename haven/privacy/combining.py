"""Noisy answers made of earlier noisy answers: sums over groups, and the weighted mean of an earlier draw and a fresh one.

Guarantee: all of it is post-processing of draws that were paid for, and the noise stated for the result is never less than it has. Two
independent unbiased draws of one number are combined best by the inverses of their variances (Gauss-Markov). See `combining.proof.md`.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from haven.privacy.budget import PICO, Price
from haven.privacy.mechanisms import Mechanism, Noise, plan_noise

ROUNDING = 1 / 8
"""The variance, in squared grid units, that rounding a weighted mean of two integers adds at most, once either is spread over several."""
SPREAD = 2.0
"""The least scale from which that holds; below it answers are exact for all purposes, and are not combined."""
_ONE = 2**53
_HALF = _ONE // 2


def summed(noise: Noise, groups: int) -> Noise:
    """A law whose error is at least that of the sum of `groups` independent draws; what it costs is nothing more."""
    scale = noise.scale if groups == 1 else noise.scale * math.sqrt(groups)
    return Noise(noise.mechanism, scale, noise.sensitivity, Price(noise.price.definition, 0))


def as_exact(earlier: Noise, asked: Noise) -> bool:
    """Whether an earlier draw is no less exact than the one that is asked for."""
    return earlier.mechanism is asked.mechanism and earlier.scale <= asked.scale


def missing_noise(earlier: Noise, asked: Noise) -> Noise | None:
    """The least noise of a fresh draw that, combined with the earlier one, is as exact as `asked`, rounding included.

    It costs the difference of the two prices, and what rounding to whole grid units loses. None where both are not Gaussian, the earlier
    one is as exact already, or the fresh draw would cost as much as `asked` does.
    """
    gaussian = earlier.mechanism is asked.mechanism is Mechanism.DISCRETE_GAUSSIAN
    if not gaussian or asked.scale < SPREAD or as_exact(earlier, asked):
        return None
    precision = 1 / (Fraction(asked.scale) ** 2 - Fraction(ROUNDING)) - 1 / Fraction(earlier.scale) ** 2
    rho = asked.sensitivity.l2_squared * precision / 2
    pico = math.floor(rho * PICO) + 1  # above: the planned scale is a few units in the last place wider than the closed form's
    return plan_noise(asked.sensitivity, Price(asked.price.definition, pico)) if pico < asked.price.pico else None


def combined(earlier: Noise, fresh: Noise) -> Noise:
    """The law of the weighted mean of two independent Gaussian draws, rounded; its price is the fresh draw's."""
    precision = earlier.scale**-2 + fresh.scale**-2
    return replace(fresh, scale=math.sqrt(1 / precision + ROUNDING))


def weighted_means(first: Sequence[int], second: Sequence[int], noises: tuple[Noise, Noise]) -> tuple[int, ...]:
    """Row by row the mean of two draws, weighted by the inverse variances of their noises, rounded to the nearest integer, ties to even."""
    one, other = (noise.scale for noise in noises)
    weight = round(_ONE / (1 + (one / other) ** 2))
    return tuple(_rounded(weight * a + (_ONE - weight) * b) for a, b in zip(first, second, strict=True))


def _rounded(units: int) -> int:
    whole, rest = divmod(units, _ONE)
    return whole + (rest > _HALF or (rest == _HALF and whole % 2 == 1))
