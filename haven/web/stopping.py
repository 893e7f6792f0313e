"""Stopping a person or a project: what it would mean in a sentence, and the act. It holds at once, and is final with a second custodian."""

from dataclasses import dataclass
from datetime import datetime

from haven.ledger import standing
from haven.ledger.proposals import Proposal
from haven.ledger.registry import PolicyKind
from haven.ledger.revocations import REVOKED, Revocable, propose_revocation
from haven.ledger.standing import Standing, State
from haven.web.custody import Custody, reason_of

WITHIN_SECONDS = 60
"""So soon a kernel of somebody who was stopped is dead."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Someone or something that may be stopped: where it stands, what stopping it does, and the proposal that waits (None: none)."""

    what: Revocable
    name: str
    title: str
    standing: Standing
    sentence: str
    affected: tuple[str, ...]
    waiting: Proposal | None

    @property
    def active(self) -> bool:
        """It may take part just now."""
        return self.standing.state is State.ACTIVE

    @property
    def final(self) -> bool:
        """It was stopped for good."""
        return self.standing.state is State.REVOKED


@dataclass(frozen=True, slots=True)
class Stopping:
    """What a custodian may stop: projects with a share of their datasets, and the members of these."""

    custody: Custody

    def project(self, name: str) -> Stop:
        """A project. Refused `not_found` where it has no share of the custodian's datasets."""
        policy = self.custody.project(name)
        sentence = (
            f"Every further question of {name} is refused at once, and the kernels of its researchers that work for it "
            f"are ended within {WITHIN_SECONDS} seconds. Answers already given and releases already out stay as they are."
        )
        return self._stop(Revocable.PROJECT, name, policy.title, sentence, tuple(policy.researchers))

    def researcher(self, name: str) -> Stop:
        """A person. Refused `not_found` where they are in no project with a share of the custodian's datasets."""
        projects = self.custody.researcher(name)
        sentence = (
            f"{name} can no longer log in, every token of theirs is refused at once, and their kernel is ended within {WITHIN_SECONDS} "
            "seconds, in all of their projects, also those with other custodians' datasets. Answers already given stay as they are."
        )
        return self._stop(Revocable.USER, name, name, sentence, tuple(project.project for project in projects))

    def revoke(self, stop: Stop, reason: str, now: datetime) -> Proposal:
        """Stop it now, and propose that it stays so. Refused without a reason and for what is stopped for good already."""
        proposals = self.custody.parts.ledger.proposals
        return propose_revocation(proposals, stop.what, stop.name, reason_of(reason), actor=self.custody.who.name, now=now)

    def lift(self, stop: Stop, reason: str, now: datetime) -> None:
        """Let it take part again, where that was not made final."""
        ledger, why, who = self.custody.parts.ledger, reason_of(reason), self.custody.who.name
        if stop.what is Revocable.USER:
            ledger.people.resume_user(stop.name, why, actor=who, now=now)
        else:
            ledger.registry.set_state(PolicyKind.PROJECT, stop.name, State.ACTIVE, why, who, now)

    def _stop(self, what: Revocable, name: str, title: str, sentence: str, affected: tuple[str, ...]) -> Stop:
        ledger, subject = self.custody.parts.ledger, f"{what.value}:{name}"
        with ledger.read() as connection:
            found = standing.read(connection, what.value, name)
        open_ones = (one for one in ledger.proposals.waiting() if one.kind == REVOKED and one.subject == subject)
        return Stop(what, name, title, found, sentence, affected, next(open_ones, None))
