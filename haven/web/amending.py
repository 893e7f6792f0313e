"""A new version of a policy, written in a browser: checked as it stands, compared in words, saved at once or put to a second custodian.

What tightens applies at once; what loosens waits until another custodian confirms it; what changes the stored rows is registered beside
its sources by `haven dataset add`, after the same consent. `haven.mediator.policy_changes` decides which it is.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from haven.errors import Code, Refused
from haven.ledger.proposals import Proposal
from haven.ledger.registry import PolicyKind, StoredPolicy
from haven.mediator.policy_changes import PolicyChange, PolicyChanges
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.document import Problem
from haven.policy.loader import problems_in
from haven.policy.loosening import Change
from haven.policy.rewriting import with_share
from haven.web.custody import Custody, reason_of
from haven.web.parts import HomeKind

LARGEST_POLICY = 60_000
"""Characters: a form carries no more than 100 kB, and a character may take three bytes."""


class Step(StrEnum):
    """What can be done with a draft."""

    NOTHING = "nothing"
    FIX = "fix"
    SAVE = "save"
    PROPOSE = "propose"
    REGISTER = "register"
    PROPOSE_AND_REGISTER = "propose-and-register"


@dataclass(frozen=True, slots=True)
class Draft:
    """A text that may become the next version of a policy: what is wrong with it, or how it differs from the present version."""

    name: str
    text: str
    problems: tuple[Problem, ...]
    change: PolicyChange | None

    @property
    def step(self) -> Step:
        """What follows."""
        change = self.change
        if change is None:
            return Step.FIX
        if change.policy.digest == change.before:
            return Step.NOTHING
        if change.loosens:
            return Step.PROPOSE_AND_REGISTER if change.reads_again else Step.PROPOSE
        return Step.REGISTER if change.reads_again else Step.SAVE

    @property
    def changes(self) -> tuple[Change, ...]:
        """Every difference, in words."""
        return () if self.change is None else self.change.changes

    @property
    def over(self) -> str:
        """The digest of the version that it was compared with, "" where it was not."""
        return "" if self.change is None else self.change.before or ""

    @property
    def digest(self) -> str:
        """The digest that it would have, "" where it is not sound."""
        return "" if self.change is None else self.change.policy.digest

    @property
    def reads_again(self) -> bool:
        """Whether its sources must be read again."""
        return self.change is not None and self.change.reads_again


@dataclass(frozen=True, slots=True)
class Amending:
    """New versions of the policies in a custodian's care."""

    custody: Custody

    def present(self, kind: PolicyKind, name: str) -> StoredPolicy:
        """The version that applies now. Refused `not_found` where there is none."""
        stored = self.custody.parts.ledger.registry.current_policy(kind, name)
        if stored is None:
            raise Refused(Code.NOT_FOUND, f"There is no such {kind.value}.", "Go back to your datasets.")
        return stored

    def draft_of_dataset(self, name: str, text: str) -> Draft:
        """What a text would be as the next version of a dataset's policy."""
        self.custody.dataset(name)
        file, bench = f"{name}.yaml", self.custody.parts.kind is HomeKind.BENCH
        problems = _too_long(text, file) or problems_in(text, file, DatasetPolicy, bench=bench)
        if problems:
            return Draft(name, text, problems, None)
        try:
            change = self._changes.of_dataset(text, file)
        except Refused as refused:
            return Draft(name, text, (Problem(file, 1, refused.reason, refused.suggestion),), None)
        if change.name != name:
            return Draft(name, text, (Problem(file, 1, "This is the policy of another dataset.", f"Write dataset: {name}."),), None)
        return Draft(name, text, (), change)

    def draft_of_share(self, dataset: str, project: str, epsilon: Decimal) -> Draft:
        """The project's policy with another share of a dataset. Refused for a share that cannot be."""
        self.custody.share(dataset, project)
        text = with_share(self.present(PolicyKind.PROJECT, project).text, dataset, epsilon)
        return Draft(project, text, (), self._changes.of_project(text, f"{project}.yaml"))

    def put(self, draft: Draft, over: str, reason: str, now: datetime) -> Proposal | None:
        """Save what tightens; propose what loosens: the proposal, None where the version applies already.

        `over` is the digest of the version that the reader saw: Refused (REQUEST_CONFLICT) where another applies by now, and
        (REQUEST_INVALID) for a draft that cannot be put, or a reason that is none.
        """
        why = reason_of(reason)
        if draft.change is None or draft.step in _WHY_NOT:
            raise Refused(Code.REQUEST_INVALID, _WHY_NOT[draft.step], "Look at what the page says of your text.")
        if draft.over != over:
            raise Refused(
                Code.REQUEST_CONFLICT,
                "Another version of this policy came into force while you wrote.",
                "Your text is still here: look at the difference to the present version, and decide again.",
            )
        made = self._changes.submit(draft.change, why, actor=self.custody.who.name, now=now)
        return made if isinstance(made, Proposal) else None

    @property
    def _changes(self) -> PolicyChanges:
        parts = self.custody.parts
        return PolicyChanges(parts.ledger, parts.policies)


_WHY_NOT = {
    Step.NOTHING: "This text says what the present version says: there is nothing to save.",
    Step.FIX: "This text is not a sound policy yet.",
    Step.REGISTER: "This version changes what is stored, so its sources must be read again, which a browser cannot do.",
}


def _too_long(text: str, file: str) -> tuple[Problem, ...]:
    if len(text) <= LARGEST_POLICY:
        return ()
    return (Problem(file, 1, f"The text is longer than {LARGEST_POLICY:,} characters.", "Register it with `haven dataset add`."),)
