"""What the desk asks of the rest of the house, and nothing more: answers by receipt, projects, datasets, tiers.

The desk and the mediator never import each other: whoever puts a haven together gives the desk one `ReleaseFacts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from haven.disclosure import Finding, Thresholds
from haven.policy.roles import Tier

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """A recorded answer as its reader was shown it.

    `columns` are (name, type) pairs, type one of integer, number, boolean, text, date; `errors` has the shape of `rows` (95 %
    half-widths, None for keys); `receipt` is the receipt's JSON object; `findings` are station 8's; `key_columns` the columns behind
    its groups (`table.column`).
    """

    project: str
    dataset: str
    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[Cell, ...], ...]
    errors: tuple[tuple[float | None, ...], ...]
    receipt: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()
    key_columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProjectFacts:
    """A project as its policy declares it. `closed` says why it may not release anything now, None where it may."""

    name: str
    title: str
    lay_summary: str
    members: frozenset[str]
    closed: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """A dataset as its policy declares it. `attribution` is the policy's: citation, doi, producers, funders, as plain JSON."""

    name: str
    title: str
    custodian: str
    policy_digest: str
    thresholds: Thresholds
    attribution: Mapping[str, Any] = field(default_factory=dict)


class ReleaseFacts(Protocol):
    """What the desk may ask."""

    def answer(self, receipt: str) -> AnswerFacts | None:
        """The recorded answer behind a receipt, None where there is none."""

    def project(self, name: str, day: date) -> ProjectFacts | None:
        """The project as it stands on `day`, None where it is unknown."""

    def dataset(self, name: str) -> DatasetFacts | None:
        """The dataset, None where it is unknown."""

    def tier(self, project: str, datasets: frozenset[str]) -> Tier:
        """The severest risk tier of the project's use of `datasets`; of all its datasets where the set is empty."""
