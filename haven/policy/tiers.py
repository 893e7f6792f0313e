"""The risk tier of a dataset's uses, computed from its policy by stated rules. The highest tier that any rule gives holds."""

from collections.abc import Callable
from dataclasses import dataclass

from haven.policy.dataset_policy import DatasetPolicy, Exact, Identifiability, Sensitivity
from haven.policy.roles import Tier

ORDER = (Tier.DE_MINIMIS, Tier.STANDARD, Tier.HIGH)


@dataclass(frozen=True, slots=True)
class TierRule:
    """One stated rule: where it applies, uses are at least of this tier."""

    tier: Tier
    words: str
    applies: Callable[[DatasetPolicy], bool]


@dataclass(frozen=True, slots=True)
class TierFinding:
    """The tier, and the words of every rule that gives it."""

    tier: Tier
    reasons: tuple[str, ...]


RULES = (
    TierRule(Tier.HIGH, "The data concern vulnerable groups.", lambda policy: policy.risk.vulnerable_groups),
    TierRule(Tier.HIGH, "The records are identifiable.", lambda policy: policy.risk.identifiability is Identifiability.IDENTIFIABLE),
    TierRule(Tier.HIGH, "Disclosure could stigmatise.", lambda policy: policy.risk.sensitivity is Sensitivity.STIGMATISING),
    TierRule(
        Tier.STANDARD,
        "The data are sensitive (health or genetic).",
        lambda policy: policy.risk.sensitivity in {Sensitivity.HEALTH, Sensitivity.GENETIC},
    ),
    TierRule(Tier.STANDARD, "Exact aggregates may leave after review.", lambda policy: policy.exact is Exact.REVIEWED),
    TierRule(
        Tier.STANDARD,
        "The records are pseudonymised and not open.",
        lambda policy: policy.risk.identifiability is Identifiability.PSEUDONYMISED and policy.risk.sensitivity is not Sensitivity.OPEN,
    ),
    TierRule(Tier.DE_MINIMIS, "Every other use is of least risk.", lambda _: True),
)


def computed_tier(policy: DatasetPolicy) -> TierFinding:
    """The tier that the rules give, before any override."""
    tier = max((rule.tier for rule in RULES if rule.applies(policy)), key=ORDER.index)
    return TierFinding(tier, tuple(rule.words for rule in RULES if rule.tier is tier and rule.applies(policy)))


def tier_of(policy: DatasetPolicy) -> TierFinding:
    """The tier that holds: the computed one, or the policy's own `tier` where that is higher (an override never lowers)."""
    computed, override = computed_tier(policy), policy.risk.tier
    if override is None or ORDER.index(override) <= ORDER.index(computed.tier):
        return computed
    return TierFinding(override, (f"The policy sets the tier to {override}, above the computed {computed.tier}.",))
