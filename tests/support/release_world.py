"""A small haven around the release desk: real books, real objects, and plain facts that a test may change."""

import io
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from PIL import Image

from haven.disclosure import Finding, Thresholds
from haven.ledger.ledger import Ledger
from haven.policy.roles import Principal, Role, Tier
from haven.release import AnswerDraft, AnswerFacts, DatasetFacts, FileDraft, ProjectFacts, ReleaseDesk
from haven.release.signing import open_or_make_key

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
AUTHOR = Principal("anna", Role.RESEARCHER)
COLLEAGUE = Principal("colin", Role.RESEARCHER)
STRANGER = Principal("sam", Role.RESEARCHER)
CHECKER = Principal("cleo", Role.CHECKER)
SECOND = Principal("carl", Role.CHECKER)
THIRD = Principal("cora", Role.CHECKER)
FOURTH = Principal("chen", Role.CHECKER)
MEMBER_CHECKER = Principal("mira", Role.CHECKER)
CUSTODIAN = Principal("custos", Role.CUSTODIAN)
AUDITOR = Principal("aude", Role.AUDITOR)
EVERYONE = (AUTHOR, COLLEAGUE, STRANGER, CHECKER, SECOND, THIRD, FOURTH, MEMBER_CHECKER, CUSTODIAN, AUDITOR)
RECEIPT = "q-aaaabbbbccccdddd"


def png(colour: tuple[int, int, int] = (10, 90, 160), size: tuple[int, int] = (32, 24)) -> bytes:
    """A small PNG of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, format="PNG")
    return out.getvalue()


def answer(receipt: str = RECEIPT, project: str = "liver", findings: tuple[Finding, ...] = ()) -> AnswerFacts:
    """A recorded answer of two columns and two rows."""
    return AnswerFacts(
        project=project,
        dataset="nafld",
        columns=(("test", "text"), ("n", "integer")),
        rows=(("chol", 812), ("=cmd|x", 95)),
        errors=((None, 12.5), (None, 12.5)),
        receipt={
            "id": receipt,
            "dataset": "nafld",
            "project": project,
            "sql": "SELECT test, COUNT(*) AS n FROM labs GROUP BY test",
            "plan_digest": "a" * 64,
            "policy_digest": "b" * 64,
            "snapshot": 1,
            "mechanisms": [{"mechanism": "discrete Gaussian", "scale": "6.4"}],
            "cost": {"rho": "0.0125", "delta": "0"},
            "epsilon": "0.7",
            "replayed": False,
            "citation": "Example et al.",
        },
        findings=findings,
        key_columns=("labs.test",),
    )


@dataclass
class Facts:
    """Facts as plain attributes."""

    risk: Tier = Tier.STANDARD
    answers: dict[str, AnswerFacts] = field(default_factory=lambda: {RECEIPT: answer()})
    projects: dict[str, ProjectFacts] = field(
        default_factory=lambda: {
            "liver": ProjectFacts(
                "liver", "Liver fibrosis", "We study the liver.", frozenset({AUTHOR.name, COLLEAGUE.name, MEMBER_CHECKER.name})
            )
        }
    )
    datasets: dict[str, DatasetFacts] = field(
        default_factory=lambda: {
            "nafld": DatasetFacts(
                "nafld",
                "Non-alcoholic fatty liver disease",
                CUSTODIAN.name,
                "b" * 64,
                Thresholds(10, frozenset({"ethnicity"})),
                {
                    "citation": "Allen et al. {2018}",
                    "doi": "10.1000/nafld",
                    "producers": [{"name": "A. Allen", "orcid": "0000-0002-1825-0097", "roles": ["data-curation"]}, {"name": "Registry"}],
                    "funders": [{"name": "Fund", "award": "42"}],
                },
            )
        }
    )

    def answer(self, receipt: str) -> AnswerFacts | None:
        return self.answers.get(receipt)

    def project(self, name: str, day: date) -> ProjectFacts | None:
        return self.projects.get(name) if isinstance(day, date) else None

    def dataset(self, name: str) -> DatasetFacts | None:
        return self.datasets.get(name)

    def tier(self, project: str, datasets: frozenset[str]) -> Tier:
        return self.risk if project in self.projects and datasets <= set(self.datasets) else Tier.HIGH


@dataclass
class World:
    """The desk with its books and facts; `clock()` ticks a minute at each call."""

    ledger: Ledger
    desk: ReleaseDesk
    facts: Facts
    home: Path
    ticks: int = 0

    def clock(self) -> datetime:
        self.ticks += 1
        return NOW + timedelta(minutes=self.ticks)

    def close_project(self, reason: str) -> None:
        self.facts.projects["liver"] = replace(self.facts.projects["liver"], closed=reason)

    def drafts(self) -> list[AnswerDraft | FileDraft]:
        return [
            AnswerDraft(RECEIPT, "counts by test"),
            FileDraft("figure.png", png()),
            FileDraft("notes.md", b"# Notes\n\nNo *surprise*.\n"),
        ]

    def submitted(self, drafts: list[AnswerDraft | FileDraft] | None = None) -> str:
        return self.desk.request(AUTHOR, "liver", "Counts", "Counts of tests for table 1.", drafts or self.drafts(), self.clock())


def build(home: Path, tier: Tier = Tier.STANDARD) -> World:
    """A world at `home`."""
    ledger = Ledger.open(home / "books.sqlite")
    facts = Facts(tier)
    open_or_make_key(home / "keys")
    return World(ledger, ReleaseDesk.open(ledger, home / "releases", home / "keys", facts), facts, home)
