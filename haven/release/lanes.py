"""Lanes: how many independent people decide a release, by risk tier and by what is in it."""

from dataclasses import dataclass
from enum import StrEnum

from haven.policy.roles import Tier


class Lane(StrEnum):
    """The way a request takes over the desk."""

    AUTOMATIC = "automatic"
    ONE_CHECKER = "one-checker"
    TWO_CHECKERS = "two-checkers"

    @property
    def checkers(self) -> int:
        """How many independent checkers must agree."""
        return {Lane.AUTOMATIC: 0, Lane.ONE_CHECKER: 1, Lane.TWO_CHECKERS: 2}[self]


@dataclass(frozen=True, slots=True)
class LaneChoice:
    """A lane and the sentence that says why."""

    lane: Lane
    reason: str


def lane_of(tier: Tier, *, only_answers: bool, has_findings: bool) -> LaneChoice:
    """The lane: de-minimis with differentially private answers alone and nothing found is automatic; high takes two; the rest one."""
    if tier is Tier.HIGH:
        return LaneChoice(Lane.TWO_CHECKERS, "The risk tier is high: two checkers decide, each without seeing the other's votes.")
    if tier is Tier.STANDARD:
        return LaneChoice(Lane.ONE_CHECKER, "The risk tier is standard: one checker decides.")
    if not only_answers:
        return LaneChoice(Lane.ONE_CHECKER, "The risk tier is de-minimis, but it holds more than answers: one checker decides.")
    if has_findings:
        return LaneChoice(Lane.ONE_CHECKER, "The risk tier is de-minimis, but a rule found something: one checker decides.")
    return LaneChoice(Lane.AUTOMATIC, "The risk tier is de-minimis and it holds only differentially private answers: it leaves by rule.")
