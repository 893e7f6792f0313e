"""Proposals in words: what would change, whose word it waits for, and what became of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from haven.errors import Code, Refused
from haven.ledger.acceptance import KIND as ACCEPTED
from haven.ledger.corrections import KIND as CORRECTED
from haven.ledger.proposals import Proposal, ProposalState
from haven.ledger.registry import LOOSENED, PolicyKind
from haven.ledger.revocations import REVOKED
from haven.policy.loader import parse_dataset_policy, parse_project_policy
from haven.policy.loosening import Change, changes_of_dataset, changes_of_project
from haven.policy.roles import Principal
from haven.web.parts import HomeKind, WebParts

MOST_DECIDED = 50
_TITLES: Mapping[str, str] = {
    LOOSENED: "loosen the policy of {name}",
    REVOKED: "stop {name} for good",
    ACCEPTED: "go on with these books, although their witness knows of others",
    CORRECTED: "book a loss of {name} that was not booked",
}
_MEANINGS: Mapping[str, str] = {
    REVOKED: "It is stopped already. Confirmed, the stop is final, and every token of a person ends; declined, it can be lifted.",
    CORRECTED: "Confirmed, this loss is added to what is spent; nothing is given back.",
    ACCEPTED: "Confirmed, these books go on, and what the lost entries may have spent is charged.",
}


@dataclass(frozen=True, slots=True)
class ProposalView:
    """One proposal: its title in words, what it would change, and what its reader may do with it.

    `outdated` is true where another version came into force since: then it can only be declined or withdrawn.
    """

    proposal: Proposal
    title: str
    changes: tuple[Change, ...]
    facts: tuple[tuple[str, str], ...]
    text: str
    reads_again: bool
    outdated: bool
    own: bool

    @property
    def meaning(self) -> str:
        """What confirming it does, where the changes do not say so."""
        return _MEANINGS.get(self.proposal.kind, "")

    @property
    def waits(self) -> bool:
        """Nobody decided it yet."""
        return self.proposal.state is ProposalState.OPEN


@dataclass(frozen=True, slots=True)
class Proposing:
    """The proposals as `who` sees them."""

    parts: WebParts
    who: Principal

    def waiting(self) -> tuple[ProposalView, ...]:
        """What waits, the oldest first."""
        return tuple(map(self._view, self.parts.ledger.proposals.waiting()))

    def decided(self) -> tuple[ProposalView, ...]:
        """What was decided, the newest first."""
        return tuple(map(self._view, self.parts.ledger.proposals.decided(MOST_DECIDED)))

    def one(self, number: str) -> ProposalView:
        """One proposal. Refused `not_found` where there is none."""
        found = self.parts.ledger.proposals.proposal(number)
        if found is None:
            raise Refused(Code.NOT_FOUND, "There is no such proposal.", "Go back to the proposals.")
        return self._view(found)

    def _view(self, proposal: Proposal) -> ProposalView:
        of_policy = proposal.kind == LOOSENED
        detail = proposal.detail
        return ProposalView(
            proposal=proposal,
            title=title_of(proposal),
            changes=self._changes(detail) if of_policy else (),
            facts=() if proposal.kind in {LOOSENED, REVOKED} else tuple(_facts("", detail)),
            text=str(detail.get("text", "")) if of_policy else "",
            reads_again=bool(of_policy and detail.get("reads_again")),
            outdated=of_policy and proposal.state is ProposalState.OPEN and self._outdated(detail),
            own=proposal.proposed_by == self.who.name,
        )

    def _outdated(self, detail: Mapping[str, Any]) -> bool:
        present = self.parts.ledger.registry.current_policy(PolicyKind(detail["kind"]), str(detail["name"]))
        return present is None or present.digest != detail["before"]

    def _changes(self, detail: Mapping[str, Any]) -> tuple[Change, ...]:
        before = self.parts.ledger.registry.policy_by_digest(str(detail["before"]))
        if before is None:
            return ()
        bench, file, text = self.parts.kind is HomeKind.BENCH, f"{detail['name']}.yaml", str(detail["text"])
        if PolicyKind(detail["kind"]) is PolicyKind.DATASET:
            old, new = (parse_dataset_policy(each, file, bench=bench) for each in (before.text, text))
            return changes_of_dataset(old, new)
        known = {policy.dataset: policy for policy in self.parts.policies.datasets()}
        was, will = (parse_project_policy(each, file, bench=bench) for each in (before.text, text))
        return changes_of_project(was, will, known)


def _facts(name: str, value: object) -> Iterator[tuple[str, str]]:
    """What a proposal holds, one line a value; what says nothing is left out."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _facts(f"{name} {key}".replace("_", " ").strip(), inner)
    elif value is not None and value != "":
        yield name, str(value)


def title_of(proposal: Proposal) -> str:
    """What a proposal would do: "loosen the policy of nafld"."""
    name = proposal.subject.partition(":")[2] or proposal.subject
    words = _TITLES.get(proposal.kind)
    return f"{proposal.kind.replace('.', ' ')}: {proposal.subject}" if words is None else words.format(name=name)
