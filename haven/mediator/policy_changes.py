"""Changing a policy: compare a new version with the one in force, then apply it at once or propose it to a second custodian.

Guaranteed: a version that loosens anything comes into force only when two custodians agreed to it, over the very version that it was
compared with; the first registration of a name is free, for there is nothing yet to loosen. Every version stays in the books for ever.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from haven.errors import Code, Refused
from haven.ledger.ledger import Ledger
from haven.ledger.proposals import Proposal
from haven.ledger.registry import Following, PolicyKind, StoredPolicy, loosening_detail
from haven.mediator.policies import Policies
from haven.policy.caps import check_grant_fits, check_populations_agree
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.loader import parse_dataset_policy, parse_project_policy
from haven.policy.loosening import Change, changes_of_dataset, changes_of_project, loosens, reads_rows_again
from haven.policy.project_policy import ProjectPolicy

LOOSENED = "policy.loosened"
Policy: TypeAlias = DatasetPolicy | ProjectPolicy


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """A sound new version beside the one in force: `before` is that one's digest (None: the name is new), `changes` what differs.

    `reads_again` says that rows are to be stored anew under it, which only `haven dataset add` does.
    """

    kind: PolicyKind
    policy: Policy
    text: str
    before: str | None
    changes: tuple[Change, ...]
    reads_again: bool

    @property
    def name(self) -> str:
        """Whose policy it is."""
        return self.policy.dataset if isinstance(self.policy, DatasetPolicy) else self.policy.project

    @property
    def loosens(self) -> bool:
        """Whether a second custodian must agree."""
        return self.before is not None and loosens(self.changes)

    @property
    def following(self) -> Following:
        """What the registry checks when the version is added."""
        return Following(self.before, self.loosens)


@dataclass(frozen=True, slots=True)
class PolicyChanges:
    """The one way by which a version of a policy comes into force."""

    ledger: Ledger
    policies: Policies

    def of_dataset(self, text: str, file_name: str = "policy.yaml") -> PolicyChange:
        """A dataset's version beside the one in force. Refused (POLICY_INVALID) where it is unsound or disagrees with its population."""
        policy = parse_dataset_policy(text, file_name, bench=self.policies.bench)
        in_force = self.policies.now().datasets
        check_populations_agree([policy, *(other for other in in_force.values() if other.dataset != policy.dataset)])
        before = in_force.get(policy.dataset)
        if before is None:
            return PolicyChange(PolicyKind.DATASET, policy, text, None, (), reads_again=True)
        changes, again = changes_of_dataset(before, policy), reads_rows_again(before, policy)
        return PolicyChange(PolicyKind.DATASET, policy, text, before.digest, changes, again)

    @staticmethod
    def dataset_in(change: PolicyChange) -> DatasetPolicy:
        """The dataset's policy that `of_dataset` read."""
        if not isinstance(change.policy, DatasetPolicy):
            msg = "this is a project's change"
            raise TypeError(msg)
        return change.policy

    def of_project(self, text: str, file_name: str = "policy.yaml") -> PolicyChange:
        """A project's version beside the one in force. Refused (POLICY_INVALID) where it is unsound or is granted more than there is."""
        policy = parse_project_policy(text, file_name, bench=self.policies.bench)
        in_force = self.policies.now()
        for name in policy.datasets:
            check_grant_fits(in_force.dataset(name), policy)
        before = in_force.projects.get(policy.project)
        if before is None:
            return PolicyChange(PolicyKind.PROJECT, policy, text, None, (), reads_again=False)
        changes = changes_of_project(before, policy, in_force.datasets)
        return PolicyChange(PolicyKind.PROJECT, policy, text, before.digest, changes, reads_again=False)

    def submit(self, change: PolicyChange, reason: str, *, actor: str, now: datetime) -> StoredPolicy | Proposal:
        """Put the version in force, or propose it where it loosens: the version, or the proposal that waits for a second custodian.

        Refused: POLICY_SECOND for a loosening by anyone but a custodian, REQUEST_INVALID for a version that reads rows again and does not
        loosen (`haven dataset add` registers it with its rows), REQUEST_CONFLICT where another version came into force meanwhile.
        """
        if change.loosens:
            return self.propose(change, reason, actor=actor, now=now)
        if change.reads_again:
            raise Refused(
                Code.REQUEST_INVALID,
                "This version changes which rows are stored, so they must be read again with it.",
                "Run `haven dataset add POLICY.yaml` on the haven's own machine.",
            )
        digest, registry = change.policy.digest, self.ledger.registry
        return registry.add_policy(change.kind, change.name, change.text, digest, actor, now, over=change.before)

    def check_agreed(self, change: PolicyChange) -> None:
        """Refused (POLICY_SECOND) where the version loosens and two custodians did not agree to this very change."""
        if change.loosens and not self.is_agreed(change):
            raise second_needed(change)

    def is_agreed(self, change: PolicyChange) -> bool:
        """Whether two custodians agreed to this very change of the version in force, and it has not been made yet."""
        return self.ledger.registry.consent(change.kind, change.name, change.policy.digest) is not None

    def propose(self, change: PolicyChange, reason: str, *, actor: str, now: datetime) -> Proposal:
        """Put a version to a second custodian, whatever it changes. Refused (REQUEST_INVALID) where there is none before it."""
        if change.before is None:
            raise Refused(Code.REQUEST_INVALID, "There is no version yet that this one could loosen.", "Register it.")
        detail = loosening_detail(
            change.kind, change.name, before=change.before, digest=change.policy.digest, text=change.text, reads_again=change.reads_again
        )
        return self.ledger.proposals.propose(LOOSENED, f"{change.kind}:{change.name}", detail, reason, actor=actor, now=now)


def second_needed(change: PolicyChange) -> Refused:
    """The refusal of a loosening that nobody else has agreed to, with what loosens."""
    first = next(one for one in change.changes if one.effect == "looser")
    return Refused(
        Code.POLICY_SECOND,
        f"This version loosens the policy of {change.name}, and that takes two custodians. {first.sentence}",
        "Propose it as a custodian (--as NAME); another custodian confirms it.",
    )
