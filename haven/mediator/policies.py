"""The policies in force: what custodians have decided, parsed once a version, with the states that people have set."""

from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from haven.catalog.dataset import Dataset
from haven.errors import Code, Refused
from haven.ledger.people import People, Person
from haven.ledger.registry import PolicyKind, Registry, State
from haven.policy.authorise import Standing
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.loader import parse_dataset_policy, parse_project_policy, shipped_diseases
from haven.policy.project_policy import ProjectPolicy


@dataclass(frozen=True, slots=True)
class InForce:
    """One moment of the registry: policies by name, what is stopped and why, and each dataset's current snapshot."""

    version: int
    datasets: Mapping[str, DatasetPolicy]
    projects: Mapping[str, ProjectPolicy]
    catalogue: Mapping[str, Dataset]
    halts: Mapping[tuple[PolicyKind, str], str]
    snapshots: Mapping[str, int | None]

    def dataset(self, name: str) -> DatasetPolicy:
        """The dataset's policy. Refused (NOT_FOUND) where there is none."""
        policy = self.datasets.get(name)
        if policy is None:
            raise Refused(Code.NOT_FOUND, "There is no such dataset.", "List them with h.datasets, or GET /api/v1/datasets.")
        return policy

    def project(self, name: str) -> ProjectPolicy:
        """The project's policy. Refused (POLICY_UNKNOWN_PROJECT) where there is none."""
        policy = self.projects.get(name)
        if policy is None:
            raise Refused(
                Code.POLICY_UNKNOWN_PROJECT,
                "There is no such project.",
                "Check the name, or ask your data custodian which projects you are a member of.",
            )
        return policy

    def catalogue_of(self, project: ProjectPolicy) -> dict[str, Dataset]:
        """What a question of this project may name: the datasets it was granted that exist."""
        return {name: dataset for name, dataset in self.catalogue.items() if name in project.datasets}

    def snapshot(self, dataset: str) -> int:
        """The serial of the dataset's current snapshot. Refused (POLICY_PAUSED) before the first."""
        serial = self.snapshots.get(dataset)
        if serial is None:
            raise Refused(Code.POLICY_PAUSED, "This dataset has no data yet.", "Ask its custodian to ingest it.")
        return serial

    def halt(self, dataset: str) -> str | None:
        """Why a dataset is not answering just now; None where it is."""
        return self.halts.get((PolicyKind.DATASET, dataset))

    def standing(self, project: str, person: Person | None) -> Standing:
        """Why the project or the person may not take part just now; None for each that may."""
        return Standing(
            project_suspended=self.halts.get((PolicyKind.PROJECT, project)),
            user_suspended=None if person is None else person.suspended,
        )


class Policies:
    """The registry's policies, parsed. `now` is never older than the registry: a change counts from the next question on.

    `bench` says whether this is a bench home, where larger budgets are read. Threads may share this.
    """

    def __init__(self, registry: Registry, people: People, *, bench: bool) -> None:
        self._registry = registry
        self._people = people
        self._bench = bench
        self._lock = Lock()
        self._known: InForce | None = None
        self.diseases = shipped_diseases()

    def now(self) -> InForce:
        """What is in force now, of one moment: what changes while it is read is read again."""
        version = self._registry.registry_version()
        known = self._known
        if known is not None and known.version == version:
            return known
        with self._lock:
            self._known = known = self._read(version)
            while (version := self._registry.registry_version()) != known.version:
                # what was read may be a policy with another's snapshot, whose rows do not keep to its bounds
                self._known = known = self._read(version)
            return known

    def dataset(self, name: str) -> DatasetPolicy:
        """The dataset's policy. Refused (NOT_FOUND) where there is none."""
        return self.now().dataset(name)

    def project(self, name: str) -> ProjectPolicy:
        """The project's policy. Refused (POLICY_UNKNOWN_PROJECT) where there is none."""
        return self.now().project(name)

    def datasets(self) -> tuple[DatasetPolicy, ...]:
        """Every dataset's policy, by name."""
        return tuple(self.now().datasets.values())

    def projects(self) -> tuple[ProjectPolicy, ...]:
        """Every project's policy, by name."""
        return tuple(self.now().projects.values())

    def halt(self, dataset: str) -> str | None:
        """Why a dataset is not answering just now; None where it is."""
        return self.now().halt(dataset)

    def person(self, name: str) -> Person | None:
        """The account of this name, as it stands now."""
        return self._people.person(name)

    def _read(self, version: int) -> InForce:
        registry = self._registry
        datasets = {
            stored.name: parse_dataset_policy(stored.text, f"{stored.name}.yaml", bench=self._bench)
            for stored in registry.list_policies(PolicyKind.DATASET)
        }
        projects = {
            stored.name: parse_project_policy(stored.text, f"{stored.name}.yaml", bench=self._bench)
            for stored in registry.list_policies(PolicyKind.PROJECT)
        }
        named = [(PolicyKind.DATASET, name) for name in datasets] + [(PolicyKind.PROJECT, name) for name in projects]
        standings = {key: registry.state(*key) for key in named}
        return InForce(
            version=version,
            datasets=datasets,
            projects=projects,
            catalogue={name: policy.catalogue for name, policy in datasets.items()},
            halts={key: each.reason or str(each.state) for key, each in standings.items() if each.state is not State.ACTIVE},
            snapshots={name: registry.current_snapshot(name) for name in datasets},
        )
