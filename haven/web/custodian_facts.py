"""What the custodian's pages show, as plain frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from haven.mediator.alerts import Alert
from haven.web.facts import BudgetLine, PublicTableLine


@dataclass(frozen=True, slots=True)
class DayShare:
    """What was left of a dataset's budget at the end of a day, in [0, 1]."""

    day: date
    left_share: float


@dataclass(frozen=True, slots=True)
class BurnDown:
    """What is left day by day, and the day on which it will be spent at the present rate (None: not at this rate, or not to be said).

    `words` says the forecast as a sentence.
    """

    series: tuple[DayShare, ...]
    exhausted: date | None
    words: str


@dataclass(frozen=True, slots=True)
class UseLine:
    """What was asked by one project, person or purpose, or on one day: numbers, and the share of the dataset's budget."""

    name: str
    title: str
    questions: int
    refused: int
    replayed: int
    share: float
    share_words: str


@dataclass(frozen=True, slots=True)
class Use:
    """What was asked in the last `days` days, summed in four ways."""

    days: int
    questions: int
    by_day: tuple[UseLine, ...]
    by_project: tuple[UseLine, ...]
    by_researcher: tuple[UseLine, ...]
    by_purpose: tuple[UseLine, ...]


@dataclass(frozen=True, slots=True)
class ProjectLine:
    """One project's share of a dataset: its budget, its people, its purpose in words, and why it is stopped (None: it is not)."""

    name: str
    title: str
    purpose: str
    researchers: tuple[str, ...]
    budget: BudgetLine
    stopped: str | None


@dataclass(frozen=True, slots=True)
class QuestionLine:
    """One question: its receipt, asker, project, what it asked in words, its text, state, verdict, and its price.

    `price` is a loss as decimal strings with its nominal epsilon; `cost` the same as a share of the dataset's budget, in words.
    """

    receipt: str
    entry: int
    at: datetime
    actor: str
    project: str
    words: str
    question: str
    state: str
    outcome: str
    price: Mapping[str, str]
    cost: str


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """Some questions, the newest first; `older` is where the next page begins, None on the last."""

    lines: tuple[QuestionLine, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class DatasetOverview:
    """A dataset as its custodian looks at it first. `paused` is the reason, None where it answers; `sentence` says how it stands."""

    name: str
    title: str
    sentence: str
    paused: str | None
    budget: BudgetLine
    burn_down: BurnDown
    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class DatasetPage:
    """Everything about one dataset."""

    overview: DatasetOverview
    tier: str
    tier_reasons: tuple[str, ...]
    promise: str
    projects: tuple[ProjectLine, ...]
    use: Use
    recent: QuestionPage
    public_tables: tuple[PublicTableLine, ...]
