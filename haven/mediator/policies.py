"""The policies in force: what custodians have decided, parsed once a version, with the states that people have set.

A question reads no file and parses nothing while nothing changes: one number of the registry says whether anything did.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from threading import Lock

from haven.catalog.dataset import Dataset, described
from haven.catalog.public import PublicTable
from haven.engines.facts import read_facts
from haven.errors import Code, Refused
from haven.ledger.people import People, Person
from haven.ledger.registry import PolicyKind, Registry, State, StoredPolicy
from haven.policy.authorise import Standing
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.loader import parse_dataset_policy, parse_project_policy, shipped_diseases
from haven.policy.project_policy import ProjectPolicy


@dataclass(frozen=True, slots=True)
class InForce:
    """One moment of the registry: policies by name, what is stopped and why, and each dataset's current snapshot.

    `catalogue` is each dataset as its current snapshot holds it: the facts of its public tables are that snapshot's and no other's.
    """

    version: int
    datasets: Mapping[str, DatasetPolicy]
    projects: Mapping[str, ProjectPolicy]
    catalogue: Mapping[str, Dataset]
    halts: Mapping[tuple[PolicyKind, str], str]
    snapshots: Mapping[str, int | None]
    renewed: Mapping[str, date | None]

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

    def people_of(self, policy: DatasetPolicy) -> tuple[str, ...]:
        """The datasets that draw on the same population, by name, itself among them."""
        return tuple(name for name, other in self.datasets.items() if other.budget_owner == policy.budget_owner)

    def halt(self, dataset: str) -> str | None:
        """Why a dataset is not answering just now; None where it is."""
        return self.halts.get((PolicyKind.DATASET, dataset))

    def standing(self, project: str, person: Person | None) -> Standing:
        """Why the project or the person may not take part just now; None for each that may."""
        return Standing(
            project_suspended=self.halts.get((PolicyKind.PROJECT, project)),
            user_suspended=None if person is None else person.suspended,
        )


@dataclass(frozen=True, slots=True)
class Records:
    """What the registry says, each part read by itself: of one moment only where the version has not moved meanwhile."""

    version: int
    policies: Mapping[PolicyKind, tuple[StoredPolicy, ...]]
    halts: Mapping[tuple[PolicyKind, str], str]
    snapshots: Mapping[str, int | None]
    renewed: Mapping[str, date | None]


class Policies:
    """The registry's policies, parsed. `now` is never older than the registry: a change counts from the next question on.

    `bench` says whether this is a bench home, where larger budgets are read. `data` is where the snapshots are (`data/DATASET/SERIAL/`);
    without it no public table has facts. Threads may share this.
    """

    def __init__(self, registry: Registry, people: People, *, bench: bool, data: Path | None = None) -> None:
        self._registry = registry
        self._people = people
        self._bench = bench
        self._data = data
        self._lock = Lock()
        self._known: InForce | None = None
        self._datasets: dict[tuple[str, int], DatasetPolicy] = {}
        self._projects: dict[tuple[str, int], ProjectPolicy] = {}
        self._facts: dict[tuple[str, int], Mapping[str, PublicTable]] = {}
        self.diseases = shipped_diseases()

    @property
    def bench(self) -> bool:
        """Whether policies are read by the rules of a bench home."""
        return self._bench

    def now(self) -> InForce:
        """What is in force now, of one moment: what changes while it is read is read again."""
        known = self._known
        if known is not None and known.version == self._registry.registry_version():
            return known
        with self._lock:
            records = self._read()
            while self._registry.registry_version() != records.version:
                # what was read may be a policy with another's snapshot, whose rows do not keep to its bounds
                records = self._read()
            if self._known is None or self._known.version != records.version:
                self._known = self._in_force(records)
            return self._known

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

    def _read(self) -> Records:
        registry = self._registry
        version = registry.registry_version()
        policies = {kind: registry.list_policies(kind) for kind in PolicyKind}
        datasets = [stored.name for stored in policies[PolicyKind.DATASET]]
        stops = {(PolicyKind.DATASET, name): registry.waiting(name) for name in datasets}
        waiting = {key: each.reason for key, each in stops.items() if each.state is not State.ACTIVE}
        standings = {(kind, stored.name): registry.state(kind, stored.name) for kind in PolicyKind for stored in policies[kind]}
        return Records(
            version=version,
            policies=policies,
            halts=waiting | {key: each.reason or str(each.state) for key, each in standings.items() if each.state is not State.ACTIVE},
            snapshots={name: registry.current_snapshot(name) for name in datasets},
            renewed={name: _day(registry.renewed_at(name)) for name in datasets},
        )

    def _in_force(self, records: Records) -> InForce:
        """Parse what is new: a version of a policy says the same for ever, and so does a snapshot."""
        datasets, projects = records.policies[PolicyKind.DATASET], records.policies[PolicyKind.PROJECT]
        self._datasets = {_version(each): self._datasets.get(_version(each)) or self._dataset(each) for each in datasets}
        self._projects = {_version(each): self._projects.get(_version(each)) or self._project(each) for each in projects}
        serials = {name: serial for name, serial in records.snapshots.items() if serial is not None}
        self._facts = {key: self._facts[key] if key in self._facts else self._facts_of(*key) for key in serials.items()}
        return InForce(
            version=records.version,
            datasets={name: policy for (name, _), policy in self._datasets.items()},
            projects={name: policy for (name, _), policy in self._projects.items()},
            catalogue={name: self._described(name, serials.get(name), policy) for (name, _), policy in self._datasets.items()},
            halts=records.halts,
            snapshots=records.snapshots,
            renewed=records.renewed,
        )

    def _dataset(self, stored: StoredPolicy) -> DatasetPolicy:
        return parse_dataset_policy(stored.text, f"{stored.name}.yaml", bench=self._bench)

    def _project(self, stored: StoredPolicy) -> ProjectPolicy:
        return parse_project_policy(stored.text, f"{stored.name}.yaml", bench=self._bench)

    def _facts_of(self, dataset: str, serial: int) -> Mapping[str, PublicTable]:
        return {} if self._data is None else read_facts(self._data / dataset / str(serial))

    def _described(self, name: str, serial: int | None, policy: DatasetPolicy) -> Dataset:
        return policy.catalogue if serial is None else described(policy.catalogue, self._facts[name, serial])


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.astimezone(UTC).date()


def _version(stored: StoredPolicy) -> tuple[str, int]:
    return stored.name, stored.version
