"""What a disclosure check says: findings, each by a named rule, and the verdict that follows from them."""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """What may happen to a table: it passes, a person looks at it before it leaves the haven, or it is not given out at all."""

    PASS = "pass"  # noqa: S105 - the verdict's word, not a password
    REVIEW = "review"
    WITHHOLD = "withhold"


SEVERITY = (Outcome.PASS, Outcome.REVIEW, Outcome.WITHHOLD)


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule's remark: the rule's id, what it asks for, a sentence without any value, and the rows (from 0) it is about."""

    rule: str
    outcome: Outcome
    words: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings on one table. `outcome` is the severest of them; a table without findings passes."""

    findings: tuple[Finding, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The severest outcome any finding asks for."""
        return max((finding.outcome for finding in self.findings), key=SEVERITY.index, default=Outcome.PASS)

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of the rules that found something, in the order of the rule table."""
        return tuple(finding.rule for finding in self.findings)
