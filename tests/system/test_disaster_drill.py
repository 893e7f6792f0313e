"""The disaster drill of docs/operations.md with the real service: backup, spends, crash, restore, refusal, two custodians, answers."""

import json
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner, Result

from haven.cli.backup import BOOKS, make_backup, restore_backup
from haven.cli.house import now, open_books, open_house
from haven.cli.main import app
from haven.errors import Code, Refused
from haven.ledger.audit import audit_verify
from haven.ledger.database import Place
from haven.ledger.doubts import Cause
from haven.policy.roles import Role
from haven.release.leaving import LAST
from tests.support import served
from tests.support.house import ANNA, ask, copy_home, spent

PASSWORD = "four words in rows"  # noqa: S105 - of a test's accounts
PICO = Decimal(10) ** 12


@pytest.fixture(name="home")
def _home(normal_template: Path, tmp_path: Path) -> Path:
    home = copy_home(normal_template, tmp_path / "home")
    with open_books(home) as (_, ledger):
        ledger.people.add_user("second", Role.CUSTODIAN, actor="setup", now=now())
        for name in ("keeper", "second"):
            ledger.people.set_password(name, PASSWORD, actor="setup", now=now())
    return home


def haven(home: Path, *words: str) -> Result:
    """One command line of somebody who knows the custodians' password."""
    env = {"COLUMNS": "400", "HAVEN_HOME": "", "HAVEN_TOKEN": ""}
    return CliRunner().invoke(app, [*words, "--home", str(home)], input=f"{PASSWORD}\n", env=env)


def done(home: Path, *words: str) -> str:
    """What a command that succeeds prints."""
    result = haven(home, *words)
    assert result.exit_code == 0, result.output
    return result.stdout


def count(number: int) -> str:
    """A question that was not asked before."""
    return f"SELECT COUNT(*) AS n FROM persons WHERE age > {number}"  # noqa: S608 - a question


def lose_books(home: Path) -> None:
    """The disk dies under the books."""
    for path in home.glob("books.sqlite*"):
        path.unlink()


def doubt(home: Path) -> str | None:
    """Why the home answers nothing; None where it answers."""
    told = json.loads(haven(home, "audit", "checkpoint", "--json").stdout)
    return None if told["doubt"] is None else str(told["doubt"])


def accept(home: Path, *lost: str) -> None:
    """Two custodians decide to go on."""
    first = done(
        home, "audit", "accept-books", "--as", "keeper", "--reason", "the disk died", *[w for one in lost for w in ("--lost", one)]
    )
    assert "Proposed as" in first
    assert "answers again" in done(home, "audit", "accept-books", "--as", "second", "--reason", "agreed")


@pytest.fixture(name="served_home")
def _served(home: Path) -> Iterator[tuple[served.Served, Path]]:
    running = served.start(home, served.token_of(home, ANNA.name))
    yield running, home
    running.kill()


def test_the_drill(served_home: tuple[served.Served, Path], tmp_path: Path) -> None:
    running, home = served_home
    with running.client() as client:
        early = client.post("/api/v1/queries", json=served.question(count(1), epsilon="0.1")).json()["receipt"]
        assert "backup" in done(home, "backup", "make", str(tmp_path / "backup"))  # while it answers
        late = client.post("/api/v1/queries", json=served.question(count(2), epsilon="0.2")).json()["receipt"]
    assert doubt(home) is None  # the late question is witnessed, as the service does within a minute
    running.kill()
    lose_books(home)
    assert "Restored" in done(home, "backup", "restore", str(tmp_path / "backup"))
    running = served.start(home, running.token)
    try:
        with running.client() as client:
            refused = client.post("/api/v1/queries", json=served.question(count(3), epsilon="0.1"))
            assert (refused.status_code, refused.json()["code"]) == (503, Code.BOOKS_BEHIND.value)
            again = client.post("/api/v1/queries", json=served.question(count(1), epsilon="0.1"))
            assert again.json()["code"] == Code.BOOKS_BEHIND.value, "not even what was answered before"
            verified = haven(home, "audit", "verify")
            assert (verified.exit_code, "their witness has seen" in verified.stdout) == (3, True)
            accept(home, f"clinic={late['cost']['rho']}")
            answer = _asked_until_answered(client)
    finally:
        running.kill()
    assert "The books are whole" in done(home, "audit", "verify")
    with open_books(home) as (_, ledger):
        taken = ledger.population_balance("clinic").taken
        (entry,) = ledger.entries(kind="books.accepted")
    told = [Decimal(one["cost"]["rho"]) for one in (early, late, answer)]
    assert Decimal(taken.pico) / PICO == sum(told), "the loss that was stated counts as spent"
    assert entry.detail["witnessed"] > entry.detail["agreed"] > 0
    assert set(entry.detail) == {"doubt", "entries", "root", "witnessed", "agreed", "origin", "public", "charges", "proposal", "reason"}


def _asked_until_answered(client: httpx.Client) -> dict[str, dict[str, str]]:
    """The service looks anew at most once a second."""
    for _ in range(100):
        reply = client.post("/api/v1/queries", json=served.question(count(3), epsilon="0.1"))
        if reply.status_code == httpx.codes.OK:
            receipt: dict[str, dict[str, str]] = reply.json()["receipt"]
            return receipt
    raise AssertionError("it never answered again")


def test_what_nobody_states_is_charged_in_full(home: Path, tmp_path: Path) -> None:
    make_backup(home, tmp_path / "backup")
    with open_house(home) as house:
        ask(house, count(1), "0.3")
    lose_books(home)
    restore_backup(tmp_path / "backup", home)
    assert doubt(home) == Cause.BEHIND
    accept(home)
    with open_house(home) as house, pytest.raises(Refused) as refused:
        ask(house, count(2), "0.01")
    assert refused.value.code is Code.BUDGET_EXHAUSTED


def test_the_witness_alone_set_back_stops_nothing_and_is_written_down(home: Path) -> None:
    with open_house(home) as house:
        ask(house, count(1), "0.1")
    old = (home / "witness.log").read_bytes()
    with open_house(home) as house:
        ask(house, count(2), "0.1")
    (home / "witness.log").write_bytes(old)
    with open_house(home) as house:
        ask(house, count(3), "0.1")
        assert len(house.ledger.entries(kind="witness.behind")) == 1
    assert audit_verify(home / "books.sqlite").whole


def test_books_and_witness_of_one_backup_are_told_by_the_last_release(home: Path) -> None:
    """Whoever restores the witness, too, defeats it: that is why it lies elsewhere. What was released still speaks."""
    with open_house(home) as house:
        ask(house, count(1), "0.1")
    shutil.copytree(home, home.with_name("old"))
    with open_house(home) as house:
        ask(house, count(2), "0.1")
        notary = house.ledger.notary
        assert notary is not None
        note = notary.prove(1)["checkpoint"]
    for name in ("books.sqlite", "witness.log"):
        shutil.copy(home.with_name("old") / name, home / name)
    assert doubt(home) is None
    (home / "releases" / LAST).write_text(note, encoding="utf-8")
    assert doubt(home) == Cause.RELEASED


def test_a_whole_home_restored_elsewhere_waits_for_its_witness(home: Path, tmp_path: Path) -> None:
    with open_house(home) as house:
        ask(house, count(1), "0.1")
        before = spent(house)
    make_backup(home, tmp_path / "backup", with_data=True)
    restore_backup(tmp_path / "backup", tmp_path / "new")
    assert doubt(tmp_path / "new") == Cause.LOST
    shutil.copy(home / "witness.log", tmp_path / "new" / "witness.log")
    assert doubt(tmp_path / "new") is None
    with open_house(tmp_path / "new") as house:
        assert spent(house) == before
        ask(house, count(2), "0.1")
    assert (tmp_path / "new" / "haven.yaml").stat().st_mode & 0o777 == 0o600


def test_a_backup_holds_neither_the_witness_nor_the_last_releases_checkpoint(home: Path, tmp_path: Path) -> None:
    (home / "releases" / LAST).write_text("x", encoding="utf-8")
    make_backup(home, tmp_path / "backup", with_data=True)
    names = {path.name for path in (tmp_path / "backup").rglob("*")}
    assert {"release.key", "ingest.secret", BOOKS, "haven.yaml", "backup.json"} <= names
    assert not names & {LAST, "witness.log", "books.sqlite"}
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "backup").rglob("*") if path.is_file())


def test_nothing_is_restored_over_books_or_under_somebody(home: Path, tmp_path: Path) -> None:
    make_backup(home, tmp_path / "backup")
    before = (home / "books.sqlite").read_bytes()
    with pytest.raises(Refused) as refused:
        restore_backup(tmp_path / "backup", home)
    assert refused.value.code is Code.REQUEST_CONFLICT
    assert (home / "books.sqlite").read_bytes() == before
    with open_books(home), pytest.raises(Refused) as refused:
        restore_backup(tmp_path / "backup", home)
    assert "open" in refused.value.reason


@pytest.mark.parametrize("damage", ["missing", "changed", "added", "no list", "another format"])
def test_a_damaged_backup_is_not_restored(home: Path, tmp_path: Path, damage: str) -> None:
    backup = tmp_path / "backup"
    make_backup(home, backup)
    match damage:
        case "missing":
            (backup / "keys" / "release.pub").unlink()
        case "changed":
            content = bytearray((backup / BOOKS).read_bytes())
            content[len(content) // 2] ^= 1
            (backup / BOOKS).write_bytes(content)
        case "added":
            (backup / "keys" / "another").write_bytes(b"")
        case "no list":
            (backup / "backup.json").unlink()
        case _:
            listed = json.loads((backup / "backup.json").read_text())
            (backup / "backup.json").write_text(json.dumps(listed | {"format": "haven-backup/2"}))
    with pytest.raises(Refused) as refused:
        restore_backup(backup, tmp_path / "new")
    assert refused.value.code is Code.HOME_INVALID
    assert not (tmp_path / "new").exists()


def test_damaged_books_are_not_backed_up(home: Path, tmp_path: Path) -> None:
    with open_books(home) as (_, ledger), ledger.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE users SET role = 'auditor' WHERE name = 'keeper'")
    result = haven(home, "backup", "make", str(tmp_path / "backup"))
    assert (result.exit_code, "not whole" in result.stderr) == (3, True)
    assert not (tmp_path / "backup" / BOOKS).exists()


def test_a_backup_is_made_into_an_empty_directory_only(home: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    result = haven(home, "backup", "make", str(tmp_path))
    assert (result.exit_code, (tmp_path / "file").read_text()) == (2, "mine")


def test_one_custodian_twice_decides_nothing_and_a_stranger_neither(home: Path, tmp_path: Path) -> None:
    make_backup(home, tmp_path / "backup")
    with open_house(home) as house:
        ask(house, count(1), "0.1")
    assert haven(home, "audit", "accept-books", "--as", "keeper", "--reason", "why not").exit_code == 2  # there is no doubt
    lose_books(home)
    restore_backup(tmp_path / "backup", home)
    assert haven(home, "audit", "accept-books", "--as", "anna", "--reason", "mine").exit_code == 2
    done(home, "audit", "accept-books", "--as", "keeper", "--reason", "the disk died")
    assert haven(home, "audit", "accept-books", "--as", "keeper", "--reason", "the disk died").exit_code == 2
    assert doubt(home) is not None


@pytest.mark.parametrize("lost", ["clinic", "clinic=-1", "clinic=1e3", "clinic=99999", "elsewhere=0.1"])
def test_a_loss_is_an_amount_of_a_population_and_no_more_than_is_left(home: Path, tmp_path: Path, lost: str) -> None:
    make_backup(home, tmp_path / "backup")
    with open_house(home) as house:
        ask(house, count(1), "0.1")
    lose_books(home)
    restore_backup(tmp_path / "backup", home)
    result = haven(home, "audit", "accept-books", "--as", "keeper", "--reason", "the disk died", "--lost", lost)
    assert result.exit_code == 2, result.output
    assert doubt(home) == Cause.BEHIND


def test_books_in_postgresql_are_dumped_and_put_back(books_place: Place, tmp_path: Path) -> None:
    """On both stores: copied while they are open, and put where there are none."""
    from haven.ledger.copying import copy_books, put_books  # noqa: PLC0415 - used here alone
    from haven.ledger.ledger import Ledger  # noqa: PLC0415 - the same

    with Ledger.open(books_place) as ledger:
        ledger.record("desk.viewed", "carol", {}, now())
        copy_books(books_place, tmp_path / "copy")
        with pytest.raises(Refused):
            put_books(tmp_path / "copy", books_place)
    report = audit_verify(books_place)
    assert (report.entries, report.whole) == (1, True)
