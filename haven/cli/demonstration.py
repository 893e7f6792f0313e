"""The demonstration haven: two real datasets, two projects, and someone in each role, with generated passwords."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from haven.cli.home import Kind, OpenHome, create_home
from haven.cli.house import open_books
from haven.cli.people import add_person
from haven.cli.projects import register_project
from haven.cli.registration import register
from haven.cli.share import shared
from haven.cli.sources import write_nafld, write_thousand_genomes
from haven.engines.build import IngestProgress
from haven.policy.roles import Role

DATASETS = ("nafld", "thousand-genomes")
PROJECTS = ("liver-fibrosis", "ancestry-allele-frequencies")


@dataclass(frozen=True, slots=True)
class Account:
    """Someone of the demonstration. The password is shown once, when the haven is made."""

    name: str
    role: Role
    project: str | None
    password: str


PEOPLE = (
    ("researcher1", Role.RESEARCHER, "liver-fibrosis"),
    ("researcher2", Role.RESEARCHER, "ancestry-allele-frequencies"),
    ("liver-registry", Role.CUSTODIAN, None),
    ("genome-archive", Role.CUSTODIAN, None),
    ("checker1", Role.CHECKER, None),
    ("checker2", Role.CHECKER, None),
    ("auditor1", Role.AUDITOR, None),
)


def create_demonstration(root: Path, kind: Kind = Kind.NORMAL, books: str | None = None) -> tuple[Account, ...]:
    """Make the demonstration haven at `root`: real data ingested, projects registered, accounts added. Their passwords, once."""
    home = create_home(root, kind, title="haven: the demonstration", books=books)
    folder = _write_sources(home)
    with open_books(root) as (opened, ledger):
        for name in DATASETS:
            register(folder / f"{name}.yaml", opened, ledger, _silent)
        for name in PROJECTS:
            register_project(shared("policies") / "projects" / f"{name}.yaml", opened, ledger)
        return tuple(Account(name, role, project, add_person(ledger, name, role, project)) for name, role, project in PEOPLE)


def _write_sources(home: OpenHome) -> Path:
    """Policies with their sources beside them, as a custodian would have them."""
    folder = home.home.root / "sources"
    folder.mkdir(mode=0o700)
    policies = shared("policies") / "datasets"
    for name in DATASETS:
        shutil.copy(policies / f"{name}.yaml", folder)
    write_nafld(folder)
    write_thousand_genomes(folder, policies / "sources")
    return folder


def _silent(_: IngestProgress) -> None:
    """Nobody watches."""
