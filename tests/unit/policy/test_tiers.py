"""The risk tier follows from the policy by stated rules."""

import itertools
from typing import Any

import pytest

from haven.policy.dataset_policy import Identifiability, Sensitivity
from haven.policy.roles import Tier
from haven.policy.tiers import ORDER, computed_tier, tier_of
from tests.support.policy_files import dataset


def risk(sensitivity: str, identifiability: str, *, vulnerable: bool = False, tier: str | None = None) -> dict[str, Any]:
    return {"sensitivity": sensitivity, "identifiability": identifiability, "vulnerable_groups": vulnerable, "tier": tier}


@pytest.mark.parametrize(
    ("facts", "tier"),
    [
        (risk("open", "anonymised"), Tier.DE_MINIMIS),
        (risk("open", "pseudonymised"), Tier.DE_MINIMIS),
        (risk("low", "anonymised"), Tier.DE_MINIMIS),
        (risk("low", "pseudonymised"), Tier.STANDARD),
        (risk("health", "anonymised"), Tier.STANDARD),
        (risk("genetic", "pseudonymised"), Tier.STANDARD),
        (risk("stigmatising", "anonymised"), Tier.HIGH),
        (risk("open", "identifiable"), Tier.HIGH),
        (risk("open", "anonymised", vulnerable=True), Tier.HIGH),
    ],
)
def test_facts_give_the_tier(facts: dict[str, Any], tier: Tier) -> None:
    found = tier_of(dataset(risk=facts))
    assert found.tier is tier
    assert found.reasons


def test_exact_release_is_at_least_standard() -> None:
    assert tier_of(dataset(risk=risk("open", "anonymised"), exact="reviewed")).tier is Tier.STANDARD


def test_what_is_not_said_is_taken_as_the_riskiest() -> None:
    assert tier_of(dataset(risk={})).tier is Tier.HIGH
    assert tier_of(dataset(risk=...)).tier is Tier.HIGH


def test_an_override_never_lowers_the_tier() -> None:
    facts = itertools.product(Sensitivity, Identifiability, [False, True], Tier)
    for sensitivity, identifiability, vulnerable, override in facts:
        policy = dataset(risk=risk(sensitivity, identifiability, vulnerable=vulnerable, tier=override))
        expected = max(computed_tier(policy).tier, override, key=ORDER.index)
        assert tier_of(policy).tier is expected


def test_an_override_says_so() -> None:
    assert "sets the tier to high" in tier_of(dataset(risk=risk("open", "anonymised", tier="high"))).reasons[0]
