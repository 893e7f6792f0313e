"""Noisy answers made of earlier noisy answers: sums over groups, and the weighted mean of an earlier draw and a fresh one.

Guarantee: all of it is post-processing of draws that were paid for, and the noise stated for the result is never less than it has. Two
independent unbiased draws of one number are combined best by the inverses of their variances (Gauss-Markov). See `combining.proof.md`.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from haven.privacy.budget import PICO, Definition, Price
from haven.privacy.discrete_laws import rounded_variance
from haven.privacy.gaussian_dp import WIDTH_SQUARED
from haven.privacy.mechanisms import FINE, LARGEST_SCALE, Mechanism, Noise, plan_again

ROUNDING = 1 / 8
"""The variance, in squared grid units, that rounding a weighted mean of two integers adds at most, once either is spread over several."""
SPREAD = 2.0
"""The least scale from which that holds; below it answers are exact for all purposes, and are not combined."""
_ONE = 2**53
_HALF = _ONE // 2


def summed(noise: Noise, groups: int) -> Noise:
    """A law whose error is at least that of the sum of `groups` independent draws, each first as it is shown; it costs nothing more."""
    drawn = noise.as_drawn_on_grid
    if groups > 1:
        drawn = replace(drawn, scale=_wider(drawn, groups))
    return replace(drawn, price=Price(noise.price.definition, 0))


def _wider(noise: Noise, groups: int) -> float:
    """The scale of a law as wide as the sum of so many draws."""
    if noise.multiple == 1:
        return noise.scale * math.sqrt(groups)
    return max(noise.scale, math.sqrt(groups * as_shown_ratio(noise) * noise.variance))


def as_shown(values: Sequence[int], multiple: int) -> tuple[int, ...]:
    """Noisy values on a grid `multiple` times as fine as the target's own, brought to that: so that totals are of what is shown."""
    return tuple(values) if multiple == 1 else tuple(multiple * round(Fraction(value, multiple)) for value in values)


def as_shown_ratio(noise: Noise) -> float:
    """The variance of what `as_shown` makes of a draw, in that of the draw."""
    if noise.multiple == 1 or not noise.variance:
        return 1.0
    return rounded_variance(noise.scale / noise.multiple) * noise.multiple**2 / noise.variance


def as_exact(earlier: Noise, asked: Noise) -> bool:
    """Whether an earlier draw is no less exact than the one that is asked for."""
    return earlier.mechanism is asked.mechanism and earlier.as_drawn_on_grid.scale <= asked.as_drawn_on_grid.scale


def missing_noise(earlier: Noise, asked: Noise) -> Noise | None:
    """The least noise of a fresh draw that, combined with the earlier one, is as exact as `asked`, rounding included.

    It costs the difference of the two prices, and what rounding to whole grid units and, under `gdp`, the lattice lose. None where both
    are not Gaussian, the earlier one is as exact already, or the fresh draw would cost as much as `asked` does.
    """
    gaussian = earlier.mechanism is asked.mechanism is Mechanism.DISCRETE_GAUSSIAN
    if not gaussian or asked.scale < SPREAD or as_exact(earlier, asked):
        return None
    wished, held = (Fraction(noise.as_drawn_on_grid.scale) ** 2 for noise in (asked, earlier))
    precision = 1 / (wished - Fraction(ROUNDING)) - 1 / held
    # above: the planned scale is a few units in the last place wider than the closed form's
    pico = math.floor(_loss(asked, precision) * PICO) + 1
    return plan_again(asked, Price(asked.price.definition, pico)) if pico < asked.price.pico else None


def _loss(asked: Noise, precision: Fraction) -> Fraction:
    """What a draw of this precision (1/grid²) costs at most: Δ²/2σ², and under `gdp` what its lattice and rounding to the grid add.

    There the variance is at most Δ²/μ²·(1 + 9/256²) + 1/12, as the lattice has a σ of 256 steps or more.
    """
    if asked.price.definition is Definition.ZCDP:
        return asked.sensitivity.l2_squared * precision / 2
    lattice = 1 + Fraction(WIDTH_SQUARED, FINE**2)
    return asked.sensitivity.l2_squared * lattice / (1 / precision - Fraction(ROUNDING))


def cheapest(asked: Noise) -> Noise:
    """A draw that is thrown away, at next to no price: where every column of a table is drawn and this one is not needed."""
    least = math.ceil(Fraction(asked.sensitivity.l2_squared * PICO) / Fraction(LARGEST_SCALE / 2) ** 2)
    return plan_again(asked, Price(asked.price.definition, least))


def combined(earlier: Noise, fresh: Noise) -> Noise:
    """The law of the weighted mean of two independent Gaussian draws, rounded; its price is the fresh draw's."""
    one, other = earlier.as_drawn_on_grid, fresh.as_drawn_on_grid
    precision = one.scale**-2 + other.scale**-2
    return replace(other, scale=math.sqrt(1 / precision + ROUNDING))


def weighted_means(first: Sequence[int], second: Sequence[int], noises: tuple[Noise, Noise]) -> tuple[int, ...]:
    """Row by row the mean of two draws, weighted by the inverse variances of their noises, rounded to the nearest integer, ties to even."""
    one, other = (noise.as_drawn_on_grid.scale for noise in noises)
    weight = round(_ONE / (1 + (one / other) ** 2))
    return tuple(_rounded(weight * a + (_ONE - weight) * b) for a, b in zip(first, second, strict=True))


def _rounded(units: int) -> int:
    whole, rest = divmod(units, _ONE)
    return whole + (rest > _HALF or (rest == _HALF and whole % 2 == 1))
