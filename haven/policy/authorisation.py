"""What a question touches, and the permit it gets: the types between the query room and the books."""

from dataclasses import dataclass
from datetime import date

from haven.policy.roles import Tier
from haven.privacy.budget import Price


@dataclass(frozen=True, slots=True)
class Footprint:
    """What a question touches: the dataset, its tables, and each `table.column` that is read. Names only."""

    dataset: str
    tables: frozenset[str]
    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Caps:
    """The budgets a spend must fit in, all at once: population ≥ dataset ≥ project, each in the population's own units."""

    population: Price
    dataset: Price
    project: Price


@dataclass(frozen=True, slots=True)
class Authorisation:
    """The permit to ask `footprint` for `project`: made by `authorise` alone, after consent, purpose, role, dates and state agreed."""

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
