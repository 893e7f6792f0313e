"""A small real haven for tests: every room, known rows, nothing stood in. Built once a session, copied for each test.

The dataset `clinic` has one row a person (`persons`), a few rows a person within the declared bounds (`visits`), and more than the bounds
allow (`scans`). `sister` draws on the same population. `source_rows` gives the very rows, for oracles that never met haven.
"""

import json
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from haven.cli.home import Kind, OpenHome, create_home
from haven.cli.house import House, now, open_books
from haven.cli.people import add_person
from haven.cli.projects import register_project
from haven.cli.registration import ORIGIN, policy_changes, register
from haven.engines.build import IngestProgress
from haven.ledger.ledger import Ledger
from haven.mediator.answers import Answer, Question
from haven.policy.roles import Principal, Role
from haven.privacy.budget import Price

PERSONS = 240
SITES = ("north", "south", "west")
KINDS = ("check", "phone", "urgent")
ANNA = Principal("anna", Role.RESEARCHER)
BEN = Principal("ben", Role.RESEARCHER)
CARL = Principal("carl", Role.RESEARCHER)
KEEPER = Principal("keeper", Role.CUSTODIAN)
CORA = Principal("cora", Role.CHECKER)
OTTO = Principal("otto", Role.AUDITOR)
PEOPLE = (ANNA, BEN, CARL, KEEPER, CORA, OTTO)
HUGE = Decimal(1_000_000)
"""A price at which a bench home's noise rounds to nothing."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a test haven promises its people: the population's budget and each project's share of it."""

    kind: Kind = Kind.NORMAL
    epsilon: str = "4"
    share: str = "1"

    @property
    def timing(self) -> str | dict[str, int]:
        """No slots in a bench home, short ones elsewhere."""
        return "off" if self.kind is Kind.BENCH else {"slot_ms": 5}


NORMAL = Terms()
BENCH = Terms(Kind.BENCH, "1000000000", "1000000000")


def source_rows() -> dict[str, list[Row]]:
    """The rows of every table, as the custodian's files hold them."""
    people = range(PERSONS)
    return {
        "persons": [_person(i) for i in people],
        "visits": [_visit(i, j) for i in people for j in range(i % 4)],
        "scans": [_scan(i, j) for i in people for j in range(i % 6)],
        "members": [{"id": _name(i), "score": i % 11} for i in range(0, PERSONS, 2)],
    }


def plain_sql() -> duckdb.DuckDBPyConnection:
    """The source rows in a plain DuckDB of the test's own: the oracle that exact answers are held against."""
    connection = duckdb.connect()
    for name, rows in source_rows().items():
        connection.register(name, pa.Table.from_pylist(rows))
    return connection


def build(root: Path, terms: Terms = NORMAL, books: str | None = None) -> Path:
    """Make the test haven at `root`, its books at `books` if not in a file: its path."""
    create_home(root, terms.kind, title="A test haven", books=books)
    sources = write_sources(root / "sources", terms)
    with open_books(root) as (home, ledger):
        _fill(sources, home, ledger)
    return root


def copy_home(template: Path, root: Path) -> Path:
    """A copy of a closed haven, its datasets' sources its own."""
    shutil.copytree(template, root)
    for origin in root.glob(f"data/*/{ORIGIN}"):
        origin.write_text(json.dumps({"sources": str(root.resolve() / "sources")}), encoding="utf-8")
    return root


def write_sources(folder: Path, terms: Terms = NORMAL) -> Path:
    """Policies with their sources beside them, as a custodian would have them: the folder."""
    folder.mkdir(parents=True)
    for name, rows in source_rows().items():
        pq.write_table(pa.Table.from_pylist(rows), folder / f"{name}.parquet")
    documents = [clinic_policy(terms), sister_policy(terms), *projects(terms)]
    for document in documents:
        name = document.get("dataset") or document["project"]
        (folder / f"{name}.yaml").write_text(json.dumps(document), encoding="utf-8")  # JSON is YAML
    return folder


def clinic_policy(terms: Terms = NORMAL) -> Row:
    """The policy of `clinic`."""
    return {
        "dataset": "clinic",
        "title": "A clinic's patients",
        "custodian": KEEPER.name,
        "tables": {"persons": _persons_table(), "visits": _visits_table(), "scans": _scans_table()},
        **_promise(terms),
        "attribution": {"citation": "The clinic (2026)."},
    }


def sister_policy(terms: Terms = NORMAL) -> Row:
    """The policy of `sister`: other facts about people of the same population."""
    table = {"source": "members.parquet", "unit_column": "id", "columns": {"score": {"type": "integer", "bounds": [0, 10]}}}
    return {"dataset": "sister", "title": "The same people", "custodian": KEEPER.name, "tables": {"members": table}, **_promise(terms)}


def projects(terms: Terms = NORMAL) -> list[Row]:
    """`aging` asks the clinic, `both` asks both datasets, `ended` is over, and `origins` has a purpose nobody consented to."""
    share = {"epsilon": _number(terms.share)}
    disease = {"kind": "disease", "disease": "MONDO:0013209"}
    common: Row = {"researchers": [ANNA.name, BEN.name], "country": "NO", "ends": "2099-12-31", "purpose": disease}
    named = [
        {"project": "aging", "title": "Ageing", "datasets": {"clinic": share}},
        {"project": "both", "title": "Both", "datasets": {"clinic": share, "sister": share}},
        {"project": "ended", "title": "Over", "datasets": {"clinic": share}, "ends": "2020-12-31"},
        {"project": "origins", "title": "Origins", "datasets": {"clinic": share}, "purpose": {"kind": "ancestry"}},
    ]
    return [common | one for one in named]


def ask(house: House, sql: str, epsilon: Decimal | str = HUGE, *, project: str = "aging", who: Principal = ANNA, **options: Any) -> Answer:  # noqa: ANN401
    """One question, at a price that leaves no noise in a bench home unless another is given."""
    return house.mediator.ask(Question(project, sql, epsilon=Decimal(epsilon), **options), who)


def spent(house: House, project: str = "aging", dataset: str = "clinic") -> Price:
    """What the project has spent of the dataset, with what is in flight."""
    return house.ledger.balance(dataset, "clinic", project).taken


def _fill(sources: Path, home: OpenHome, ledger: Ledger) -> None:
    for name in ("clinic", "sister"):
        register(sources / f"{name}.yaml", home, ledger, silent)
    for project in projects():
        register_project(sources / f"{project['project']}.yaml", home, ledger)
    for person in PEOPLE:
        add_person(ledger, person.name, person.role, "aging" if person.role is Role.RESEARCHER else None)


def register_agreed(policy: Path, home: OpenHome, ledger: Ledger) -> None:
    """Register a dataset's version; where it loosens the one before, two custodians agree to it first."""
    changes = policy_changes(home, ledger)
    change = changes.of_dataset(policy.read_text(encoding="utf-8"))
    if change.loosens:
        if ledger.people.person("second") is None:
            ledger.people.add_user("second", Role.CUSTODIAN, actor="setup", now=now())
        proposal = changes.propose(change, "It is needed.", actor=KEEPER.name, now=now())
        ledger.proposals.confirm(proposal.id, "So it is.", actor="second", now=now())
    register(policy, home, ledger, silent)


def silent(_: IngestProgress) -> None:
    """Nobody watches."""


def _promise(terms: Terms) -> Row:
    return {
        "population": "clinic",
        "privacy": {"definition": "zcdp", "epsilon": _number(terms.epsilon), "delta": 1e-6},
        "timing": terms.timing,
        "consent": {"permission": "DUO:0000006"},
        "risk": {"sensitivity": "health", "identifiability": "pseudonymised", "vulnerable_groups": False},
    }


def _number(text: str) -> int | float:
    return int(text) if text.isdecimal() else float(text)


def _name(i: int) -> str:
    return f"person-{i:03}"


def _person(i: int) -> Row:
    return {
        "id": _name(i),
        "age": 5 + (i * 37) % 91,
        "female": i % 3 == 0,
        "weight": None if i % 11 == 0 else 40 + (i * 7 % 100) * 1.25,
        "site": None if i % 17 == 0 else SITES[i % 5 % 3],
        "ward": "attic" if i in {3, 77} else f"ward {i % 4}",
        "entered": date(2020, 1, 1) + timedelta(days=i),
    }


def _persons_table() -> Row:
    return {
        "source": "persons.parquet",
        "unit_column": "id",
        "columns": {
            "age": {"type": "integer", "bounds": [0, 100]},
            "female": {"type": "boolean"},
            "weight": {"type": "number", "bounds": [20, 220], "nullable": True},
            "site": {"type": "category", "keys": list(SITES), "nullable": True},
            "ward": {"type": "category"},
            "entered": {"type": "date", "bounds": ["2020-01-01", "2024-12-31"]},
        },
    }


def _visit(i: int, j: int) -> Row:
    kind = KINDS[(i + (j == 2)) % 3]
    return {
        "id": _name(i),
        "kind": kind,
        "clinic": f"clinic {(i + (j == 2)) % 2}",
        "cost": (i * 13 + j * 29) % 400 * 0.5,
        "days": i + 100 * j,
    }


def _visits_table() -> Row:
    return {
        "source": "visits.parquet",
        "unit_column": "id",
        "rows_per_unit": 4,
        "groups_per_unit": 2,
        "rows_per_group": 3,
        "columns": {
            "kind": {"type": "category", "keys": list(KINDS)},
            "clinic": {"type": "category"},
            "cost": {"type": "number", "bounds": [0, 500]},
            "days": {"type": "integer", "bounds": [0, 500]},
        },
    }


def _scan(i: int, j: int) -> Row:
    return {"id": _name(i), "organ": ("heart", "liver", "lung")[(i + j) % 3], "dose": (i * 5 + j * 3) % 20}


def _scans_table() -> Row:
    return {
        "source": "scans.parquet",
        "unit_column": "id",
        "rows_per_unit": 3,
        "groups_per_unit": 2,
        "rows_per_group": 1,
        "columns": {"organ": {"type": "category", "keys": ["heart", "liver", "lung"]}, "dose": {"type": "integer", "bounds": [0, 20]}},
    }
