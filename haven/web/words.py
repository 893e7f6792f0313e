"""Budgets and costs in words."""

from haven.privacy.budget import Definition, Price
from haven.privacy.mechanisms import Sensitivity, plan_noise_for_error
from haven.privacy.units import ContributionBound

HALF_WIDTH = 20
ONE_PERSON = Sensitivity(ContributionBound(1, 1, 1), 1)


def counts_left(left: Price) -> str:
    """How many more counts of persons at ± 20 (95 %) `left` pays for: `about 140 more counts at ± 20`."""
    cost = plan_noise_for_error(left.definition, ONE_PERSON, HALF_WIDTH).price.pico
    count = left.pico // cost
    if count == 0:
        return f"no further count at ± {HALF_WIDTH}"
    return f"about {_rounded(count):,} more count{'s' if count > 1 else ''} at ± {HALF_WIDTH}"


def share(part: Price, whole: Price) -> float:
    """`part` of `whole`, in [0, 1]; 0 of an empty whole."""
    return min(1.0, part.pico / whole.pico) if whole.pico else 0.0


def percent(part: float) -> str:
    """A share in words: `12 %`, `0.3 %`, `less than 0.1 %`, `nothing`."""
    if part == 0:
        return "nothing"
    per_cent = 100 * part
    if per_cent < 0.1:  # noqa: PLR2004 - the least share worth a figure
        return "less than 0.1 %"
    return f"{per_cent:.1f} %" if per_cent < 10 else f"{per_cent:.0f} %"  # noqa: PLR2004 - one decimal below ten


def promise(definition: Definition, epsilon: str, delta: str | None) -> str:
    """What a population's people were promised, in words."""
    if definition is Definition.PURE:
        return f"pure differential privacy with ε = {epsilon}"
    accounted = "Gaussian differential privacy" if definition is Definition.GDP else "zCDP"
    return f"(ε, δ)-differential privacy with ε = {epsilon} and δ = {delta}, accounted as {accounted}"


def _rounded(count: int) -> int:
    """`count` to two significant digits, downwards."""
    step = int(10 ** max(0, len(str(count)) - 2))
    return count // step * step
