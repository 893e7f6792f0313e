"""The policies in force: what custodians have decided, parsed once a version, with the states that people have set."""

from threading import Lock

from haven.catalog.dataset import Dataset
from haven.errors import Code, Refused
from haven.ledger.people import People
from haven.ledger.registry import PolicyKind, Registry, State, StoredPolicy
from haven.policy.authorise import Standing
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.loader import parse_dataset_policy, parse_project_policy, shipped_diseases
from haven.policy.project_policy import ProjectPolicy


class Policies:
    """Datasets, projects and their standing, as the registry holds them at each call: a change counts from the next question on.

    `bench` says whether this is a bench home, where larger budgets are read. Parsed policies are kept by digest; threads may share this.
    """

    def __init__(self, registry: Registry, people: People, *, bench: bool) -> None:
        self._registry = registry
        self._people = people
        self._bench = bench
        self.diseases = shipped_diseases()
        self._lock = Lock()
        self._datasets: dict[str, DatasetPolicy] = {}
        self._projects: dict[str, ProjectPolicy] = {}

    def dataset(self, name: str) -> DatasetPolicy:
        """The dataset's policy. Refused (NOT_FOUND) where there is none."""
        stored = self._registry.current_policy(PolicyKind.DATASET, name)
        if stored is None:
            raise Refused(Code.NOT_FOUND, "There is no such dataset.", "List them with h.datasets, or GET /api/v1/datasets.")
        return self._dataset_of(stored)

    def project(self, name: str) -> ProjectPolicy:
        """The project's policy. Refused (POLICY_UNKNOWN_PROJECT) where there is none."""
        stored = self._registry.current_policy(PolicyKind.PROJECT, name)
        if stored is None:
            raise Refused(
                Code.POLICY_UNKNOWN_PROJECT,
                "There is no such project.",
                "Check the name, or ask your data custodian which projects you are a member of.",
            )
        return self._project_of(stored)

    def datasets(self) -> tuple[DatasetPolicy, ...]:
        """Every dataset's policy, by name."""
        return tuple(self._dataset_of(stored) for stored in self._registry.list_policies(PolicyKind.DATASET))

    def projects(self) -> tuple[ProjectPolicy, ...]:
        """Every project's policy, by name."""
        return tuple(self._project_of(stored) for stored in self._registry.list_policies(PolicyKind.PROJECT))

    def catalogue_of(self, project: ProjectPolicy) -> dict[str, Dataset]:
        """What a question of this project may name: the datasets it was granted that exist."""
        names = set(project.datasets)
        return {policy.dataset: policy.catalogue for policy in self.datasets() if policy.dataset in names}

    def standing(self, dataset: str | None, project: str, actor: str) -> Standing:
        """Why the dataset (if one is named), project or person may not take part just now; None for each that may."""
        person = self._people.person(actor)
        return Standing(
            dataset_paused=None if dataset is None else self._halt(PolicyKind.DATASET, dataset),
            project_suspended=self._halt(PolicyKind.PROJECT, project),
            user_suspended=None if person is None else person.suspended,
        )

    def halt(self, dataset: str) -> str | None:
        """Why a dataset is not answering just now; None where it is."""
        return self._halt(PolicyKind.DATASET, dataset)

    def _halt(self, kind: PolicyKind, name: str) -> str | None:
        standing = self._registry.state(kind, name)
        return None if standing.state is State.ACTIVE else standing.reason or str(standing.state)

    def _dataset_of(self, stored: StoredPolicy) -> DatasetPolicy:
        with self._lock:
            if stored.digest not in self._datasets:
                self._datasets[stored.digest] = parse_dataset_policy(stored.text, f"{stored.name}.yaml", bench=self._bench)
            return self._datasets[stored.digest]

    def _project_of(self, stored: StoredPolicy) -> ProjectPolicy:
        with self._lock:
            if stored.digest not in self._projects:
                self._projects[stored.digest] = parse_project_policy(stored.text, f"{stored.name}.yaml", bench=self._bench)
            return self._projects[stored.digest]
