"""Policies that loosen, and revocations, at a terminal: two custodians, each by their own password, and nothing without them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from haven.cli.house import now, open_books
from haven.cli.main import app
from haven.ledger.audit import audit_verify
from haven.ledger.registry import PolicyKind, State
from haven.policy.roles import Role

PASSWORD = "four words in rows"  # noqa: S105 - of a test's accounts


@pytest.fixture(name="home")
def _home(normal_home: Path) -> Iterator[Path]:
    home = normal_home
    with open_books(home) as (_, ledger):
        ledger.people.add_user("second", Role.CUSTODIAN, actor="setup", now=now())
        for name in ("keeper", "second", "anna"):
            ledger.people.set_password(name, PASSWORD, actor="setup", now=now())
    yield home
    assert audit_verify(home / "books.sqlite").problems == ()


def haven(home: Path, *words: object, password: str = PASSWORD) -> Result:
    env = {"COLUMNS": "400", "HAVEN_HOME": "", "HAVEN_TOKEN": ""}
    return CliRunner().invoke(app, [*map(str, words), "--home", str(home)], input=f"{password}\n", env=env)


def ok(home: Path, *words: object) -> str:
    result = haven(home, *words)
    assert result.exit_code == 0, result.output
    return result.stdout


def refused(home: Path, code: str, *words: object, password: str = PASSWORD) -> str:
    result = haven(home, *words, password=password)
    assert result.exit_code == 2, result.output
    assert code in result.stderr
    return result.stderr


def rewritten(home: Path, kind: str, name: str, **fields: object) -> Path:
    """The registered policy's file with fields changed, beside its sources; `a__b` is b inside a."""
    file = next(path for path in (home / "sources").glob("*.yaml") if path.stem == name)
    plain = json.loads(file.read_text())
    for path, value in fields.items():
        *parents, last = path.split("__")
        place = plain
        for parent in parents:
            place = place[parent]
        place[last] = value
    changed = file.with_name(f"{kind}-{name}-new.yaml")
    changed.write_text(json.dumps(plain))
    return changed


def waiting(home: Path) -> str:
    (one,) = json.loads(ok(home, "proposal", "list", "--json"))
    return str(one["id"])


def version_of(home: Path, kind: PolicyKind, name: str) -> int:
    with open_books(home) as (_, ledger):
        stored = ledger.registry.current_policy(kind, name)
        assert stored is not None
        return stored.version


def test_the_operator_alone_does_not_loosen(home: Path) -> None:
    name = "aging"
    file = rewritten(home, "project", name, datasets__clinic__epsilon=2)
    assert "± " in refused(home, "policy.second", "project", "add", file)
    assert version_of(home, PolicyKind.PROJECT, name) == 1
    assert json.loads(ok(home, "proposal", "list", "--json")) == []


def test_what_tightens_applies_at_once(home: Path) -> None:
    name = "aging"
    ok(home, "project", "add", rewritten(home, "project", name, datasets__clinic__epsilon=0.5))
    assert version_of(home, PolicyKind.PROJECT, name) == 2


def test_two_custodians_loosen_a_project(home: Path) -> None:
    name = "aging"
    file = rewritten(home, "project", name, datasets__clinic__epsilon=2)
    said = ok(home, "project", "add", file, "--as", "keeper", "--reason", "A new aim.")
    assert re.search(r"epsilon: 1 → 2: noise on a count of 100 that takes all of it falls from ± \d+ to ± \d+", said)
    assert version_of(home, PolicyKind.PROJECT, name) == 1
    number = waiting(home)
    assert "± " in ok(home, "proposal", "show", number)
    refused(home, "auth.forbidden", "proposal", "confirm", number, "--as", "keeper", "--reason", "I agree with myself.")
    refused(home, "auth.forbidden", "proposal", "confirm", number, "--as", "anna", "--reason", "Me too.")
    refused(home, "auth.invalid", "proposal", "confirm", number, "--as", "second", "--reason", "Yes.", password="guess")  # noqa: S106 - of a test
    assert version_of(home, PolicyKind.PROJECT, name) == 1
    ok(home, "proposal", "confirm", number, "--as", "second", "--reason", "It is needed.")
    assert version_of(home, PolicyKind.PROJECT, name) == 2
    (one,) = json.loads(ok(home, "proposal", "list", "--decided", "--json"))
    assert (one["state"], one["proposed_by"], one["decided_by"]) == ("confirmed", "keeper", "second")


def test_a_dataset_that_keeps_more_rows_of_a_person_needs_both_and_is_then_read_again(home: Path) -> None:
    before = version_of(home, PolicyKind.DATASET, "clinic")
    file = rewritten(home, "dataset", "clinic", tables__scans__rows_per_unit=5)
    refused(home, "policy.second", "dataset", "add", file)
    ok(home, "dataset", "add", file, "--as", "keeper", "--reason", "Too many scans are left out.")
    assert "dataset add" in ok(home, "proposal", "confirm", waiting(home), "--as", "second", "--reason", "Yes.")
    assert version_of(home, PolicyKind.DATASET, "clinic") == before
    assert "snapshot 2" in ok(home, "dataset", "add", file)
    assert version_of(home, PolicyKind.DATASET, "clinic") == before + 1


def test_declined_is_declined(home: Path) -> None:
    name = "aging"
    file = rewritten(home, "project", name, ends="2199-01-01")
    ok(home, "project", "add", file, "--as", "keeper", "--reason", "Longer.")
    number = waiting(home)
    ok(home, "proposal", "decline", number, "--as", "second", "--reason", "Not so long.")
    refused(home, "request.conflict", "proposal", "withdraw", number, "--as", "keeper", "--reason", "Oh.")
    assert version_of(home, PolicyKind.PROJECT, name) == 1


def test_a_person_is_revoked_by_two(home: Path) -> None:
    with open_books(home) as (_, ledger):
        token = ledger.people.issue_token("anna", now())
    ok(home, "user", "revoke", "anna", "--as", "keeper", "--reason", "Misuse.")
    with open_books(home) as (_, ledger):
        assert ledger.people.principal_of_token(token, now()) is None
    ok(home, "proposal", "confirm", waiting(home), "--as", "second", "--reason", "I saw it.")
    refused(home, "request.conflict", "user", "resume", "anna", "--reason", "Back.")


def test_a_project_is_revoked_by_two(home: Path) -> None:
    name = "aging"
    ok(home, "project", "revoke", name, "--as", "keeper", "--reason", "Misuse.")
    with open_books(home) as (_, ledger):
        assert ledger.registry.state(PolicyKind.PROJECT, name).state is State.SUSPENDED
    ok(home, "proposal", "confirm", waiting(home), "--as", "second", "--reason", "I saw it.")
    with open_books(home) as (_, ledger):
        assert ledger.registry.state(PolicyKind.PROJECT, name).state is State.REVOKED
