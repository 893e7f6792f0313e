"""The audit finds what was changed behind the books' back, and says where."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from haven.ledger import chain
from haven.ledger.audit import MOST_PROBLEMS, audit_verify
from haven.ledger.ledger import Ledger
from haven.ledger.registry import PolicyKind, State
from haven.policy.roles import Role
from tests.support.books import ANSWER, NOW, caps, permit, plan, rho

ALLOWED = permit(caps(rho(100, 10)))


def _fill(path: Path) -> None:
    """Books with one of everything: posted with and without an answer, void, in flight, a policy, a state, a snapshot, people."""
    with Ledger.open(path) as ledger:
        ledger.registry.add_policy(PolicyKind.DATASET, "nafld", "text", "digest", "custodian", NOW)
        ledger.registry.add_snapshot("nafld", 1, b"salt", "fingerprint", "custodian", NOW)
        ledger.registry.set_state(PolicyKind.DATASET, "nafld", State.PAUSED, "an incident", "custodian", NOW)
        ledger.registry.set_state(PolicyKind.DATASET, "nafld", State.ACTIVE, "resolved", "custodian", NOW)
        ledger.people.add_user("alice", Role.RESEARCHER, actor="custodian", now=NOW)
        reservations = [ledger.reserve(plan(rho(price, 1), f"d{price}"), ALLOWED, 1, NOW) for price in (2, 3, 5, 7)]
        ledger.post(reservations[0], ANSWER, "pass", NOW)
        ledger.post_fault(reservations[1], NOW)
        ledger.void(reservations[2], "the engine could not be started", NOW)


@pytest.fixture(name="filled", scope="module")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("books") / "books.sqlite"
    _fill(path)
    return path


@pytest.fixture(name="path")
def _path(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(filled, tmp_path / "books.sqlite"))


def _tamper(path: Path, *statements: str) -> None:
    """What someone with the file and an editor can do: the triggers are theirs to drop."""
    with sqlite3.connect(path) as books:
        for (name,) in books.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            books.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert books.execute(statement).rowcount != 0
    books.close()


def test_untouched_books_are_whole_and_counted(path: Path) -> None:
    report = audit_verify(path)
    assert (report.whole, report.problems, report.first_broken) == (True, (), None)
    assert (report.entries, report.posted, report.voided, report.in_flight) == (12, 2, 1, 1)


def test_books_in_use_can_be_audited(path: Path) -> None:
    with Ledger.open(path) as ledger, ledger.transaction() as tx:
        tx.append("desk.viewed", "carol", {}, NOW)
        assert audit_verify(path).entries == 12


def test_the_export_gives_the_chain_to_whoever_wants_to_check_it_alone(path: Path) -> None:
    with Ledger.open(path) as ledger:
        lines = [json.loads(json.dumps(entry)) for entry in ledger.audit_export()]
    head = "0" * 64
    for line in lines:
        body = json.dumps({name: line[name] for name in ("actor", "at", "detail", "kind", "seq")}, sort_keys=True, separators=(",", ":"))
        assert line["prev_digest"] == head
        head = hashlib.sha256((head + body).encode()).hexdigest()
        assert line["digest"] == head
    assert head == audit_verify(path).head


@pytest.mark.parametrize("seq", [1, 6, 12])
@pytest.mark.parametrize("column", ["kind", "actor", "at", "body", "prev_digest", "digest"])
def test_a_changed_entry_is_named(path: Path, seq: int, column: str) -> None:
    _tamper(path, f"UPDATE entries SET {column} = 'x' || substr({column}, 2) WHERE seq = {seq}")  # noqa: S608 - the names stand above
    report = audit_verify(path)
    assert (report.whole, report.first_broken) == (False, seq)


def test_one_flipped_byte_inside_an_entry_of_the_file_is_found(path: Path) -> None:
    data = bytearray(path.read_bytes())
    place = data.index(b'"outcome":"fault"') + len(b'"outcome":"')
    data[place] ^= 1
    path.write_bytes(data)
    report = audit_verify(path)
    assert (report.whole, report.first_broken) == (False, 11)


def test_a_missing_entry_is_found_where_it_is_missing(path: Path) -> None:
    _tamper(path, "PRAGMA foreign_keys = OFF", "DELETE FROM entries WHERE seq = 4")
    assert audit_verify(path).first_broken == 4


def _rewrite(path: Path, change: Callable[[int, dict[str, object]], None]) -> None:
    """A forger who recomputes the whole chain after changing bodies."""
    with sqlite3.connect(path) as books:
        _tamper(path)
        head = chain.GENESIS
        for seq, text in books.execute("SELECT seq, body FROM entries ORDER BY seq").fetchall():
            body = json.loads(text)
            change(seq, body)
            forged = chain.canonical(body)
            digest = chain.link(head, forged)
            books.execute("UPDATE entries SET body = ?, prev_digest = ?, digest = ? WHERE seq = ?", (forged, head, digest, seq))
            head = digest
    books.close()


def test_a_forged_chain_with_a_lower_price_contradicts_the_tables(path: Path) -> None:
    def _cheaper(seq: int, body: dict[str, object]) -> None:
        if seq == 6:
            body["detail"]["price"]["pico"] = "1"  # type: ignore[index]

    _rewrite(path, _cheaper)
    assert audit_verify(path).first_broken == 6


def test_a_forged_chain_that_overspends_a_cap_is_found(path: Path) -> None:
    def _narrow(seq: int, body: dict[str, object]) -> None:
        if seq == 9:
            body["detail"]["caps"][1][1] = "16"  # type: ignore[index]

    _rewrite(path, _narrow)
    report = audit_verify(path)
    assert report.problems[0] == "Entry 9 takes more than a cap left."


def test_a_forged_chain_that_ends_a_spend_twice_is_found(path: Path) -> None:
    def _twice(seq: int, body: dict[str, object]) -> None:
        if seq == 12:
            body["detail"]["id"] = ids[0]  # type: ignore[index]
        elif seq == 10:
            ids.append(body["detail"]["id"])  # type: ignore[index]

    ids: list[str] = []
    _rewrite(path, _twice)
    assert "Entry 12 ends what was not in flight." in audit_verify(path).problems


@pytest.mark.parametrize(
    ("statement", "first_broken"),
    [
        ("UPDATE accounts SET spent_pico = '" + "0" * 60 + "' WHERE account = 'population:nafld'", None),
        ("UPDATE accounts SET definition = 'pure'", None),
        ("DELETE FROM accounts WHERE account = 'dataset:nafld'", None),
        (
            "INSERT INTO accounts SELECT 'dataset:ghost', definition, spent_pico, spent_atto, reserved_pico, reserved_atto FROM accounts",
            None,
        ),
        ("UPDATE spends SET pico = '" + "0" * 60 + "' WHERE plan_digest = 'd2'", 6),
        ("UPDATE spends SET project = 'heart' WHERE plan_digest = 'd2'", 6),
        ("UPDATE spends SET reserve_entry = 1 WHERE plan_digest = 'd2'", 6),
        ("DELETE FROM spends WHERE plan_digest = 'd7'", 9),
        ("UPDATE spends SET state = 'void' WHERE plan_digest = 'd3'", 11),
        ("UPDATE spends SET state = 'posted' WHERE plan_digest = 'd7'", None),
        ("UPDATE answers SET content = '{}'", 10),
        ("DELETE FROM answers", 10),
        ("INSERT INTO answers SELECT id, '{}' FROM spends WHERE plan_digest = 'd5'", None),
        ("UPDATE policies SET text = 'looser'", 1),
        ("UPDATE policies SET digest = 'other'", 1),
        ("DELETE FROM policies", 1),
        ("UPDATE snapshots SET fingerprint = 'other'", 2),
        ("DELETE FROM snapshots", 2),
        ("UPDATE states SET state = 'paused'", None),
        ("INSERT INTO states VALUES ('user', 'alice', 'active', 'r', 's')", None),
        ("UPDATE users SET role = 'auditor'", None),
        ("INSERT INTO users (name, role, failures, added_at) VALUES ('mallory', 'custodian', 0, '')", None),
        ("UPDATE accounts SET spent_pico = 'not a number'", None),
    ],
)
def test_a_table_that_says_other_than_the_entries_is_found(path: Path, statement: str, first_broken: int | None) -> None:
    _tamper(path, statement.replace("FROM accounts", "FROM accounts LIMIT 1") if "ghost" in statement else statement)
    report = audit_verify(path)
    assert (report.whole, report.first_broken) == (False, first_broken)


def test_a_file_that_is_no_books_is_a_finding_not_a_crash(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"no database at all" * 100)
    assert not audit_verify(other).whole


def test_a_missing_file_is_a_finding_and_is_not_created(tmp_path: Path) -> None:
    assert not audit_verify(tmp_path / "none.sqlite").whole
    assert not (tmp_path / "none.sqlite").exists()


def test_empty_books_are_whole(tmp_path: Path) -> None:
    Ledger.open(tmp_path / "books.sqlite").close()
    report = audit_verify(tmp_path / "books.sqlite")
    assert (report.whole, report.entries, report.head) == (True, 0, "0" * 64)


def test_a_damaged_index_is_found(path: Path) -> None:
    index = "ix_spends_project_dataset_plan_digest_snapshot"
    swapped = f"UPDATE sqlite_master SET sql = replace(sql, 'plan_digest, snapshot', 'snapshot, plan_digest') WHERE name = '{index}'"  # noqa: S608 - no input
    _tamper(path, "PRAGMA writable_schema = ON", swapped)
    assert not audit_verify(path).whole


def test_a_report_names_at_most_a_hundred_problems(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    with Ledger.open(path) as ledger:
        for number in range(MOST_PROBLEMS + 20):
            ledger.reserve(plan(rho(1), f"d{number}"), permit(caps(rho(10**6))), 1, NOW)
    _tamper(path, "UPDATE spends SET project = 'heart'")
    report = audit_verify(path)
    assert (len(report.problems), report.first_broken) == (MOST_PROBLEMS, 1)
