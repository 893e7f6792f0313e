"""What the custodian's, auditor's and public pages show, as plain frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from haven.ledger.entries import Entry
from haven.release import PublicRelease

Amounts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A budget: total, spent and left, each as `{"rho"|"epsilon", "delta", "epsilon"}` decimal strings; `left_share` of it in [0, 1]."""

    total: Amounts
    spent: Amounts
    left: Amounts
    left_share: float
    left_words: str


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """One project's budget in a dataset."""

    name: str
    title: str
    budget: BudgetLine


@dataclass(frozen=True, slots=True)
class QuestionLine:
    """One question asked of a dataset: its asker, project, text, state, outcome, and its share of the dataset's budget in words."""

    at: datetime
    actor: str
    project: str
    question: str
    state: str
    outcome: str
    cost: str


@dataclass(frozen=True, slots=True)
class DayShare:
    """What was left of a dataset's budget at the end of a day, in [0, 1]."""

    day: date
    left_share: float


@dataclass(frozen=True, slots=True)
class PublicColumnLine:
    """A column of a public table: its type, and how many values it has, in words."""

    name: str
    type: str
    values: str


@dataclass(frozen=True, slots=True)
class PublicTableLine:
    """A public table of the snapshot in force. `rows` is None where the snapshot has no facts of it."""

    name: str
    rows: int | None
    columns: tuple[PublicColumnLine, ...]


@dataclass(frozen=True, slots=True)
class DatasetOverview:
    """A dataset as its custodian looks at it. `paused` is the reason, None where it answers; `sentence` says how it stands."""

    name: str
    title: str
    tier: str
    tier_reasons: tuple[str, ...]
    promise: str
    paused: str | None
    budget: BudgetLine
    projects: tuple[ProjectLine, ...]
    questions: tuple[QuestionLine, ...]
    series: tuple[DayShare, ...]
    sentence: str
    public_tables: tuple[PublicTableLine, ...] = ()


@dataclass(frozen=True, slots=True)
class RegisteredProject:
    """A project in the public register: no names of people."""

    name: str
    title: str
    lay_summary: str
    datasets: tuple[str, ...]
    ends: date


@dataclass(frozen=True, slots=True)
class Register:
    """The public register: who uses the data for what, and what came of it."""

    projects: tuple[RegisteredProject, ...]
    releases: tuple[PublicRelease, ...]


@dataclass(frozen=True, slots=True)
class Books:
    """The newest entries of the audit chain, and what a full check of it found (None: not checked now)."""

    entries: tuple[Entry, ...]
    whole: bool | None
    checked: int
    problems: tuple[str, ...]
