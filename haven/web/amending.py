"""A new version of a policy, written in a browser: checked as it stands, compared in words, saved at once or put to a second custodian.

What tightens applies at once; what loosens waits until another custodian confirms it; what changes the stored rows is registered beside
its sources by `haven dataset add`, after the same consent.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from haven.errors import Code, Refused
from haven.ledger.registry import LOOSENED, PolicyKind, StoredPolicy, loosening_detail
from haven.policy.caps import check_grant_fits, check_populations_agree
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.document import Problem
from haven.policy.loader import parse_dataset_policy, parse_project_policy, problems_in
from haven.policy.loosening import Change, changes_of_dataset, changes_of_project, loosens, reads_rows_again
from haven.policy.project_policy import ProjectPolicy
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
    """A text that may become the next version of a policy: what is wrong with it, how it differs, and what can be done with it.

    `over` is the digest of the version it was compared with. The changes say what is different from that one.
    """

    kind: PolicyKind
    name: str
    text: str
    over: str
    problems: tuple[Problem, ...]
    changes: tuple[Change, ...]
    digest: str
    reads_again: bool

    @property
    def step(self) -> Step:
        """What follows."""
        if self.problems:
            return Step.FIX
        if self.digest == self.over:
            return Step.NOTHING
        if loosens(self.changes):
            return Step.PROPOSE_AND_REGISTER if self.reads_again else Step.PROPOSE
        return Step.REGISTER if self.reads_again else Step.SAVE


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
        policy, stored, file = self.custody.dataset(name), self.present(PolicyKind.DATASET, name), f"{name}.yaml"
        problems = _too_long(text, file) or problems_in(text, file, DatasetPolicy, bench=self._bench)
        if problems:
            return Draft(PolicyKind.DATASET, name, text, stored.digest, problems, (), "", reads_again=False)
        after = parse_dataset_policy(text, file, bench=self._bench)
        problems = self._wrong_with_dataset(policy, after, file)
        changes = () if problems else changes_of_dataset(policy, after)
        again = not problems and reads_rows_again(policy, after)
        return Draft(PolicyKind.DATASET, name, text, stored.digest, problems, changes, after.digest, reads_again=again)

    def draft_of_share(self, dataset: str, project: str, epsilon: Decimal) -> Draft:
        """The project's policy with another share of a dataset. Refused for an epsilon that is none."""
        policy, before = self.custody.share(dataset, project)
        stored, file = self.present(PolicyKind.PROJECT, project), f"{project}.yaml"
        text = with_share(stored.text, dataset, epsilon)
        problems = problems_in(text, file, ProjectPolicy, bench=self._bench)
        if problems:
            return Draft(PolicyKind.PROJECT, project, text, stored.digest, problems, (), "", reads_again=False)
        after = parse_project_policy(text, file, bench=self._bench)
        check_grant_fits(policy, after)
        datasets = {each.dataset: each for each in self.custody.parts.policies.datasets()}
        changes = changes_of_project(before, after, datasets)
        return Draft(PolicyKind.PROJECT, project, text, stored.digest, (), changes, after.digest, reads_again=False)

    def put(self, draft: Draft, over: str, reason: str, now: datetime) -> str | None:
        """Save what tightens; propose what loosens: the proposal's number, None where the version applies already.

        `over` is the digest of the version that the reader saw: Refused (REQUEST_CONFLICT) where another applies by now, and
        (REQUEST_INVALID) for a draft that cannot be put, or a reason that is none.
        """
        why, who, ledger = reason_of(reason), self.custody.who.name, self.custody.parts.ledger
        if draft.over != over:
            raise Refused(
                Code.REQUEST_CONFLICT,
                "Another version of this policy came into force while you wrote.",
                "Your text is still here: look at the difference to the present version, and decide again.",
            )
        if draft.step is Step.SAVE:
            ledger.registry.add_policy(draft.kind, draft.name, draft.text, draft.digest, who, now, over=over)
            return None
        if draft.step in {Step.PROPOSE, Step.PROPOSE_AND_REGISTER}:
            detail = loosening_detail(
                draft.kind, draft.name, before=over, digest=draft.digest, text=draft.text, reads_again=draft.reads_again
            )
            return ledger.proposals.propose(LOOSENED, f"{draft.kind.value}:{draft.name}", detail, why, actor=who, now=now).id
        raise Refused(Code.REQUEST_INVALID, _WHY_NOT[draft.step], "Look at what the page says of your text.")

    @property
    def _bench(self) -> bool:
        return self.custody.parts.kind is HomeKind.BENCH

    def _wrong_with_dataset(self, before: DatasetPolicy, after: DatasetPolicy, file: str) -> tuple[Problem, ...]:
        if after.dataset != before.dataset:
            return (Problem(file, 1, "this is the policy of another dataset.", f"Write dataset: {before.dataset}."),)
        others = [policy for policy in self.custody.parts.policies.datasets() if policy.dataset != after.dataset]
        try:
            check_populations_agree([*others, after])
        except Refused as refused:
            return (Problem(file, 1, refused.reason, refused.suggestion),)
        return ()


_WHY_NOT = {
    Step.NOTHING: "This text says what the present version says: there is nothing to save.",
    Step.FIX: "This text is not a sound policy yet.",
    Step.REGISTER: "This version changes what is stored, so its sources must be read again, which a browser cannot do.",
}


def _too_long(text: str, file: str) -> tuple[Problem, ...]:
    if len(text) <= LARGEST_POLICY:
        return ()
    return (Problem(file, 1, f"the text is longer than {LARGEST_POLICY:,} characters.", "Register it with `haven dataset add`."),)
