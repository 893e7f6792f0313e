"""A custodian and the datasets in their care: whose policy names them, and no others. What they are asked beside is `not_found`."""

from dataclasses import dataclass
from datetime import datetime

from haven.errors import Code, Refused
from haven.ledger.events import Kind
from haven.ledger.proposals import Proposal
from haven.ledger.registry import PolicyKind, State
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.project_policy import ProjectPolicy
from haven.policy.roles import Principal
from haven.web.parts import WebParts

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Custody:
    """What `who` may look after."""

    parts: WebParts
    who: Principal

    def datasets(self) -> tuple[DatasetPolicy, ...]:
        """The custodian's datasets, by name."""
        return tuple(policy for policy in self.parts.policies.datasets() if policy.custodian == self.who.name)

    def dataset(self, name: str) -> DatasetPolicy:
        """One of the custodian's datasets. Refused `not_found` for any other."""
        for policy in self.datasets():
            if policy.dataset == name:
                return policy
        raise Refused(Code.NOT_FOUND, "You are the custodian of no such dataset.", "Go back to your datasets.")

    def projects_of(self, policy: DatasetPolicy) -> tuple[ProjectPolicy, ...]:
        """The projects with a share of the dataset, by name."""
        return tuple(project for project in self.parts.policies.projects() if policy.dataset in project.datasets)

    def project(self, name: str) -> ProjectPolicy:
        """A project with a share of any of the custodian's datasets. Refused `not_found` for any other."""
        for policy in self.datasets():
            for project in self.projects_of(policy):
                if project.project == name:
                    return project
        raise Refused(Code.NOT_FOUND, "No such project has a share of your datasets.", "Go back to your datasets.")

    def share(self, dataset: str, name: str) -> tuple[DatasetPolicy, ProjectPolicy]:
        """A dataset and a project with a share of it. Refused `not_found` where either is not the custodian's."""
        policy, project = self.dataset(dataset), self.project(name)
        if dataset not in project.datasets:
            raise Refused(Code.NOT_FOUND, "This project has no share of this dataset.", "Go back to your datasets.")
        return policy, project

    def researcher(self, name: str) -> tuple[ProjectPolicy, ...]:
        """The projects with a share of the custodian's datasets that a person is a member of. Refused `not_found` where there is none."""
        every = {project.project: project for policy in self.datasets() for project in self.projects_of(policy)}
        found = tuple(project for project in every.values() if name in project.researchers)
        if not found:
            raise Refused(Code.NOT_FOUND, "No project with a share of your datasets has such a member.", "Go back to your datasets.")
        return found

    def open_proposals(self) -> tuple[Proposal, ...]:
        """What waits for a second custodian: whoever it is."""
        return self.parts.ledger.proposals.waiting()

    def notice_reading(self, policy: DatasetPolicy) -> None:
        """Record that the custodian reads what people asked of a dataset: once a day, durable before they do."""
        self.parts.ledger.noticed.once(Kind.QUESTIONS_VIEWED, self.who.name, {"dataset": policy.dataset}, self.parts.clock())

    def pause(self, name: str, reason: str, now: datetime) -> None:
        """Stop answering questions about a dataset, at once."""
        self._set_state(name, State.PAUSED, reason, now)

    def resume(self, name: str, reason: str, now: datetime) -> None:
        """Answer questions about a dataset again."""
        self._set_state(name, State.ACTIVE, reason, now)

    def _set_state(self, name: str, state: State, reason: str, now: datetime) -> None:
        policy = self.dataset(name)
        self.parts.ledger.registry.set_state(PolicyKind.DATASET, policy.dataset, state, reason_of(reason), self.who.name, now)


def reason_of(text: str) -> str:
    """The reason for an act, as it is recorded: one line. Refused where there is none, or where it is longer than 500 characters."""
    why = " ".join(text.split())
    if not why or len(why) > LONGEST_REASON or not why.isprintable():
        raise Refused(Code.REQUEST_INVALID, "A reason is needed.", "Write in a sentence (up to 500 characters) why you do this.")
    return why
