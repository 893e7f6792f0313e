"""Splitting one question's price over its targets so that the weighted variance of the answer is least.

Guarantee: the shares are whole units and never add to more than the whole. Under zCDP a target with sensitivity Δ₂ has variance Δ₂²/2ρ
(under Gaussian DP Δ₂²/μ²), so Σ w·Δ²/2ρ_t is least at ρ_t ∝ Δ_t·√w_t; under pure DP variance 2Δ₁²/ε², least at ε_t ∝ (w_t·Δ_t²)^⅓ (both
by Lagrange).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from haven.errors import Code, Refused
from haven.privacy.budget import Definition, Price
from haven.privacy.mechanisms import Sensitivity


@dataclass(frozen=True, slots=True)
class Demand:
    """One target that wants a share: its sensitivity, and the public weight of its variance (in 1/grid² units), finite and > 0."""

    sensitivity: Sensitivity
    weight: float


def allocate(total: Price, demands: Sequence[Demand]) -> tuple[Price, ...]:
    """One share a demand, in the order given, rounded down; δ is not split (partition selection alone spends it).

    Raises Refused(QUERY_OPTION) for a weight that is not a finite positive number, Refused(BUDGET_TOO_SMALL) when a share is below one
    unit of 10⁻¹².
    """
    if any(not (math.isfinite(demand.weight) and demand.weight > 0) for demand in demands):
        raise Refused(Code.QUERY_OPTION, "A weight is not a finite number above 0.", "Write weights such as 1 or 0.25.")
    claims = [_claim(total.definition, demand) for demand in demands]
    whole = sum(claims, Fraction(0))
    shares = [int(total.pico * claim / whole) for claim in claims]
    if any(share < 1 for share in shares):
        raise Refused(
            Code.BUDGET_TOO_SMALL,
            "The price is too small to be shared between this question's aggregates.",
            "Raise epsilon, ask fewer aggregates at once, or use weights that are closer together.",
        )
    return tuple(Price(total.definition, share) for share in shares)


def _claim(definition: Definition, demand: Demand) -> Fraction:
    """What a demand's share is proportional to; roots are taken before products, so that no finite weight overflows."""
    if definition.gaussian:
        return Fraction(demand.sensitivity.l2) * Fraction(math.sqrt(demand.weight))
    return Fraction(math.cbrt(demand.weight)) * Fraction(math.cbrt(demand.sensitivity.l1)) ** 2
