"""What the auditor's and public pages show, and budgets anywhere, as plain frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from haven.ledger.entries import Entry
from haven.release import PublicRelease

Amounts = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A budget: total, spent and left, each as decimal strings (the unit that adds, delta, epsilon); `left_share` of it in [0, 1]."""

    total: Amounts
    spent: Amounts
    left: Amounts
    left_share: float
    left_words: str


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
