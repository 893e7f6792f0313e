"""Partition selection: which private keys may appear at all.

Guarantee: the (ρ, δ), or (μ², δ), of a `Selection` covers OpenDP's map for a noisy count of units per key, of which only those strictly
above the threshold are kept. See `partition_selection.proof.md` and, for μ², `gaussian_dp.proof.md`.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from haven.errors import Code, Refused
from haven.privacy import measurements
from haven.privacy.budget import ATTO, PICO, Definition, Price
from haven.privacy.mechanisms import LARGEST_SCALE, Noise, Sensitivity, plan_noise
from haven.privacy.units import ContributionBound


@dataclass(frozen=True, slots=True)
class Selection:
    """Planned selection of private keys: noise on the number of units per key; keys whose noisy count is ≤ `threshold` are dropped.

    `price` holds the loss of the noise and the δ of a key that only one unit has; `noise.price` is the same loss without δ. The threshold
    is in persons, and so is `noise`, whose lattice may be finer.
    """

    noise: Noise
    threshold: int
    price: Price


@lru_cache(maxsize=1024)
def plan_selection(bound_groups: int, price: Price) -> Selection:
    """The least noise and then the lowest threshold that `price` (its ρ and its δ) pays for, where one unit is in ≤ `bound_groups` keys.

    Raises Refused(QUERY_KEY) under pure differential privacy, which has no δ; Refused(BUDGET_TOO_SMALL) when either part of the
    price is too small for any threshold.
    """
    if price.definition is Definition.PURE:
        raise Refused(
            Code.QUERY_KEY,
            "Keys that are not public can only be answered with a delta, and this population is promised pure differential privacy.",
            "Group by columns with declared keys.",
        )
    sensitivity = Sensitivity(ContributionBound(bound_groups, bound_groups, 1), 1)
    noise = plan_noise(sensitivity, Price(price.definition, price.pico), multiple=1)
    threshold = _lowest_threshold(noise, bound_groups, price)
    rho, delta = _loss(noise, threshold, bound_groups)
    # under gdp the noise's own price, which is no less than twice its rho
    pico = noise.price.pico if price.definition is Definition.GDP else math.ceil(rho * PICO)
    return Selection(noise, threshold, Price(price.definition, pico, math.ceil(delta * ATTO)))


def _loss(noise: Noise, threshold: int, groups: int) -> tuple[Fraction, Fraction]:
    return measurements.gaussian_threshold_loss(noise.scale * noise.finer, threshold * noise.finer, groups, noise.finer)


def _lowest_threshold(noise: Noise, groups: int, price: Price) -> int:
    """The lowest threshold whose δ, by OpenDP's map, is within the price: the map falls as the threshold grows."""
    allowed, scale = Fraction(price.atto_delta, ATTO), noise.scale

    def pays(threshold: int) -> bool:
        return _loss(noise, threshold, groups)[1] <= allowed

    low, high = 1, 2
    while not pays(high):
        low, high = high, 2 * high
        if high > 64 * max(scale, 1.0) or high > LARGEST_SCALE:
            raise Refused(
                Code.BUDGET_TOO_SMALL,
                "This question's delta is too small to let any key that is not public appear.",
                "Group by columns with declared keys, or ask the data custodian for a larger delta.",
            )
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if pays(middle) else (middle, high)
    return high
