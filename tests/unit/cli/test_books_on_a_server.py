"""A whole haven whose books are in PostgreSQL: made, filled, asked and audited from the terminal."""

import json
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from haven.cli.home import open_home
from haven.cli.main import app
from haven.ledger.audit import audit_verify
from tests.support import house as small
from tests.support.postgres import Cluster

COUNT = "SELECT COUNT(*) AS n FROM persons"


def _haven(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "250", "HAVEN_TOKEN": "", "HAVEN_HOME": ""})


@pytest.fixture(name="address")
def _address(postgres_cluster: Cluster) -> str:
    return postgres_cluster.fresh("template0")


@pytest.fixture(name="home")
def _home(address: str, tmp_path: Path) -> Path:
    return small.build(tmp_path / "home", small.NORMAL, address)


def test_questions_are_answered_paid_for_and_audited(home: Path, address: str) -> None:
    asked = _haven("query", COUNT, "--project", "aging", "--epsilon", "0.5", "--json", "--home", home)
    assert asked.exit_code == 0, asked.output
    again = json.loads(_haven("query", COUNT, "--project", "aging", "--epsilon", "0.5", "--json", "--home", home).stdout)
    assert (again["receipt"]["id"], again["receipt"]["replayed"]) == (json.loads(asked.stdout)["receipt"]["id"], True)
    assert _haven("audit", "verify", "--home", home).exit_code == 0
    report = audit_verify(address)
    assert (report.problems, report.posted, report.in_flight) == ((), 1, 0)
    assert not (home / "books.sqlite").exists()


def test_the_settings_name_the_place_and_only_their_owner_reads_them(home: Path, address: str) -> None:
    settings = home / "haven.yaml"
    assert stat.S_IMODE(settings.stat().st_mode) == 0o600
    assert address in settings.read_text(encoding="utf-8")
    assert open_home(home).books == address
    assert address not in repr(open_home(home))


def test_an_address_may_be_given_at_the_terminal_once(tmp_path: Path, address: str) -> None:
    assert _haven("init", tmp_path / "one", "--books", address).exit_code == 0
    assert _haven("user", "add", "carol", "--role", "custodian", "--home", tmp_path / "one").exit_code == 0
    second = _haven("init", tmp_path / "two", "--books", address)
    assert (second.exit_code, "books of another haven" in second.stderr) == (2, True)
    assert not (tmp_path / "two").exists()


def test_an_address_that_is_none_is_refused_without_its_password(tmp_path: Path) -> None:
    result = _haven("init", tmp_path / "home", "--books", "mysql://alice:hunter22@host/books")
    assert result.exit_code == 2
    assert "hunter22" not in result.output
    assert not (tmp_path / "home").exists()


def test_books_out_of_reach_are_a_fault_that_names_nothing(home: Path, address: str) -> None:
    settings = home / "haven.yaml"
    away = "postgresql://alice:hunter22@127.0.0.1:1/books"
    settings.write_text(settings.read_text(encoding="utf-8").replace(address, away), encoding="utf-8")
    result = _haven("query", COUNT, "--project", "aging", "--epsilon", "0.5", "--home", home)
    assert result.exit_code == 3
    assert "books could not be read" in result.stderr
    assert "hunter22" not in result.output
