"""What a question touches, and the permit it gets: the types between the query room and the books."""

from dataclasses import dataclass
from datetime import date

from haven.policy.periods import Length
from haven.policy.roles import Tier
from haven.privacy.budget import Price


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a question touches: the dataset, its tables, and each `table.column` that is read. Names only."""

    dataset: str
    tables: frozenset[str]
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class PeriodCap:
    """What a project may spend of a dataset in each period of this length."""

    cap: Price
    length: Length


@dataclass(frozen=True, slots=True)
class Caps:
    """The budgets a spend must fit in, all at once, each in the population's own units: population ≥ dataset ≥ project ≥ the others.

    `researcher` is what the asker alone may spend of the project's share, `period` what the project may in one period; None: no such cap.
    """

    population: Price
    dataset: Price
    project: Price
    researcher: Price | None = None
    period: PeriodCap | None = None

    @property
    def prices(self) -> tuple[Price, ...]:
        """Every cap there is, from the population inward."""
        inner = (self.researcher, None if self.period is None else self.period.cap)
        return (self.population, self.dataset, self.project, *(cap for cap in inner if cap is not None))


@dataclass(frozen=True, slots=True)
class Authorisation:
    """The permit to ask `footprint` for `project`: made by `authorise` alone, after consent, purpose, role, dates and state agreed.

    `policy_digest` and `project_digest` name the versions of the dataset's and the project's policy that it was made under: it is good for
    a reservation while these apply, and no longer. Without `project_digest` it is bound to no version.
    """

    actor: str
    project: str
    dataset: str
    population: str
    footprint: Footprint
    caps: Caps
    tier: Tier
    policy_digest: str
    reasons: tuple[str, ...]
    obligations: tuple[str, ...]
    day: date
    project_digest: str = ""
