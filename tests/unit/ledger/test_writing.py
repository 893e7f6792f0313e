"""The one writer, its groups and its loans; opening and bringing forward the file."""

import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, insert, inspect, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from haven.errors import Code, Fault, Refused
from haven.ledger import opening, schema
from haven.ledger.audit import audit_verify
from haven.ledger.database import Place
from haven.ledger.failures import LEDGER_FAULT
from haven.ledger.ledger import Ledger
from haven.ledger.opening import look
from haven.ledger.postgres_server import WRITERS_LOCK
from haven.ledger.writer import TIDY_AFTER, Transaction
from haven.policy.roles import Role
from tests.support.books import ANSWER, NOW, caps, outsider, permit, plan, rho


@pytest.fixture(name="path")
def _path(books_place: Place) -> Place:
    return books_place


@pytest.fixture(name="ledger")
def _ledger(path: Place) -> Iterator[Ledger]:
    with Ledger.open(path) as ledger:
        yield ledger


@pytest.fixture(name="file")
def _file(tmp_path: Path) -> Path:
    """For what only a file does."""
    return tmp_path / "books.sqlite"


@pytest.fixture(name="filed")
def _filed(file: Path) -> Iterator[Ledger]:
    with Ledger.open(file) as ledger:
        yield ledger


@pytest.fixture(name="empty", params=["sqlite", "postgresql"])
def _empty(request: pytest.FixtureRequest, file: Path) -> Place:
    """Where no books are yet: neither file nor tables."""
    if request.param == "sqlite":
        return file
    address: str = request.getfixturevalue("postgres_cluster").fresh("template0")
    return address


def _kinds(path: Place) -> list[str]:
    with outsider(path) as books:
        return [kind for (kind,) in books.execute("SELECT kind FROM entries ORDER BY seq")]


def _wait_for_queue(ledger: Ledger, length: int) -> None:
    deadline = time.monotonic() + 10
    while ledger._store._writer._jobs.qsize() < length and time.monotonic() < deadline:
        time.sleep(0.01)


def test_a_record_is_on_disk_when_the_call_returns(ledger: Ledger, path: Place) -> None:
    entry = ledger.record("desk.viewed", "carol", {"item": "i1", "count": 3}, NOW)
    assert _kinds(path) == ["desk.viewed"]
    assert ledger.entries(kind="desk.viewed", actor="carol") == (entry,)
    assert ledger.entries(actor="nobody") == ()


def test_a_transaction_writes_rows_and_entry_together(ledger: Ledger, path: Place) -> None:
    with ledger.transaction() as tx:
        tx.connection.execute(insert(schema.counters), {"name": "desk", "value": 7})
        tx.append("desk.opened", "carol", {}, NOW)
        assert _kinds(path) == []
    assert _kinds(path) == ["desk.opened"]
    with ledger.read() as connection:
        assert connection.execute(select(schema.counters.c.value).where(schema.counters.c.name == "desk")).scalar() == 7


def test_a_transaction_that_raises_leaves_nothing(ledger: Ledger, path: Place) -> None:
    def _fail(tx: Transaction) -> None:
        tx.connection.execute(insert(schema.counters), {"name": "desk", "value": 7})
        tx.append("desk.opened", "carol", {}, NOW)
        raise KeyError("desk")

    with pytest.raises(KeyError), ledger.transaction() as tx:
        _fail(tx)
    assert _kinds(path) == []
    ledger.record("desk.opened", "carol", {}, NOW)
    assert audit_verify(path).whole


def test_a_broken_constraint_reaches_its_caller_and_undoes_only_its_own_work(ledger: Ledger, path: Place) -> None:
    def _clash(tx: Transaction) -> None:
        tx.append("desk.opened", "carol", {}, NOW)
        tx.connection.execute(insert(schema.counters), {"name": "registry", "value": 7})

    with pytest.raises(IntegrityError), ledger.transaction() as tx:
        _clash(tx)
    assert _kinds(path) == []


def test_a_wrong_statement_is_the_callers_own_error(ledger: Ledger) -> None:
    with pytest.raises(DBAPIError, match="no_such_table"), ledger.transaction() as tx:
        tx.connection.execute(text("SELECT * FROM no_such_table"))
    ledger.record("desk.opened", "carol", {}, NOW)


def test_a_transaction_that_ends_itself_is_a_fault_and_the_writer_lives_on(ledger: Ledger, path: Place) -> None:
    def _end(tx: Transaction) -> None:
        tx.append("desk.opened", "carol", {}, NOW)
        tx.driver.execute("ROLLBACK")

    with pytest.raises(Fault), ledger.transaction() as tx:
        _end(tx)
    ledger.record("desk.closed", "carol", {}, NOW)
    assert _kinds(path) == ["desk.closed"]


def test_writing_inside_a_lent_transaction_is_an_error_not_a_deadlock(ledger: Ledger) -> None:
    with pytest.raises(RuntimeError, match="write through it"), ledger.transaction():
        ledger.record("desk.opened", "carol", {}, NOW)
    ledger.record("desk.opened", "carol", {}, NOW)


def test_readers_do_not_wait_for_the_writer(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        tx.append("desk.opened", "carol", {}, NOW)
        begun = time.monotonic()
        assert ledger.entries() == ()
        assert ledger.population_balance("nafld").taken == rho(0)
        assert time.monotonic() - begun < 1


def test_a_reader_cannot_write(ledger: Ledger, path: Place) -> None:
    with pytest.raises(Fault), ledger.read() as connection:
        connection.execute(insert(schema.counters), {"name": "desk", "value": 7})
    assert audit_verify(path).whole


def test_work_that_waited_together_is_committed_together_and_each_hears_its_own(ledger: Ledger, path: Place) -> None:
    commits: list[int] = []
    with ThreadPoolExecutor(20) as pool:
        with ledger.transaction() as tx:
            event.listen(tx.connection.engine, "commit", lambda _: commits.append(1))
            good = [pool.submit(ledger.record, f"good{number}", "carol", {"n": number}, NOW) for number in range(8)]
            bad = [pool.submit(ledger.record, f"bad{number}", "carol", {"n": 0.5}, NOW) for number in range(4)]
            _wait_for_queue(ledger, 12)
        entries = [future.result() for future in good]
        assert all(isinstance(future.exception(), TypeError) for future in bad)
    assert sum(commits) == 2
    assert sorted(entry.seq for entry in entries) == list(range(1, 9))
    report = audit_verify(path)
    assert (report.whole, report.entries) == (True, 8)


def test_two_ledgers_on_the_same_books_never_overspend_together(path: Place) -> None:
    allowed = permit(caps(rho(50)))
    codes: set[Code] = set()

    def _spend(ledger: Ledger) -> int:
        taken = 0
        for _ in range(40):
            try:
                ledger.reserve(plan(rho(1)), allowed, 1, NOW)
            except Refused as refusal:
                codes.add(refusal.code)
            else:
                taken += 1
        return taken

    with Ledger.open(path) as one, Ledger.open(path) as two, ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(_spend, (one, two, one, two))) == 50
        assert one.population_balance("nafld").reserved == rho(50)
    assert codes == {Code.BUDGET_EXHAUSTED}
    assert audit_verify(path).whole


def test_a_closed_ledger_is_a_fault_and_closing_twice_is_fine(path: Place) -> None:
    ledger = Ledger.open(path)
    ledger.close()
    ledger.close()
    with pytest.raises(Fault) as fault:
        ledger.record("k", "carol", {}, NOW)
    assert fault.value.code is Code.FAULT_LEDGER


def test_closing_finishes_what_is_queued(path: Place) -> None:
    ledger = Ledger.open(path)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(ledger.record, "k", "carol", {"n": number}, NOW) for number in range(50)]
        while not any(future.done() for future in futures):
            time.sleep(0.001)
        ledger.close()
    answered = [future for future in futures if future.exception() is None]
    assert answered
    assert len(_kinds(path)) == len(answered)


def test_more_work_than_a_group_holds_is_all_done(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haven.ledger.writer.GROUP", 2)
    with ThreadPoolExecutor(8) as pool:
        seqs = [entry.seq for entry in pool.map(lambda number: ledger.record("k", "c", {"n": number}, NOW), range(40))]
    assert sorted(seqs) == list(range(1, 41))


def test_writes_to_a_file_are_fully_synchronous_in_wal_with_foreign_keys(filed: Ledger) -> None:
    with filed.transaction() as tx:
        pragmas = {name: tx.driver.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_a_file_of_books_is_readable_by_its_owner_alone(filed: Ledger, file: Path) -> None:
    filed.record("k", "carol", {}, NOW)
    modes = {name.name: stat.S_IMODE(name.stat().st_mode) for name in file.parent.iterdir()}
    assert modes == {"books.sqlite": 0o600, "books.sqlite-wal": 0o600, "books.sqlite-shm": 0o600}


def test_opening_books_that_are_up_to_date_is_quick(file: Path) -> None:
    Ledger.open(file).close()
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        Ledger.open(file).close()
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.1


def test_many_may_open_new_books_at_once(empty: Place) -> None:
    with ThreadPoolExecutor(4) as pool:
        ledgers = list(pool.map(lambda _: Ledger.open(empty), range(4)))
    for ledger in ledgers:
        ledger.record("k", "carol", {}, NOW)
        ledger.close()
    assert _kinds(empty) == ["k"] * 4


def test_the_migrations_make_the_schema_that_the_code_declares(empty: Place) -> None:
    Ledger.open(empty).close()
    ours = set(schema.metadata.tables)

    def _ours(thing: Any, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:  # noqa: ANN401, FBT001 - Alembic's signature
        return (name if kind == "table" else thing.table.name) in ours

    with look(empty) as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours})
        assert compare_metadata(context, schema.metadata) == []


def test_books_of_a_newer_haven_are_left_alone(path: Place) -> None:
    Ledger.open(path).close()
    with outsider(path) as books:
        books.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Fault):
        Ledger.open(path)


def test_a_migration_that_fails_leaves_the_books_as_they_were(empty: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def _half(connection: Any) -> None:  # noqa: ANN401 - a Core connection
        connection.exec_driver_sql("CREATE TABLE half (x INTEGER)")
        raise KeyError("half")

    monkeypatch.setattr(opening, "_upgrade", _half)
    with pytest.raises(KeyError):
        Ledger.open(empty)
    monkeypatch.undo()
    with Ledger.open(empty) as ledger:
        ledger.record("k", "carol", {}, NOW)
    with look(empty) as connection:
        assert not inspect(connection).has_table("half")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET kind = 'x'",
        "DELETE FROM entries",
        "INSERT INTO entries SELECT * FROM entries WHERE seq = 1 ON CONFLICT (seq) DO UPDATE SET kind = 'x'",
        "INSERT INTO entries SELECT 9, kind, actor, at, body, digest, digest FROM entries WHERE seq = 1",
        "INSERT INTO entries SELECT seq + 1, kind, actor, at, body, prev_digest, digest FROM entries ORDER BY seq DESC LIMIT 1",
        "UPDATE answers SET content = '{}'",
        "DELETE FROM answers",
        "UPDATE spends SET outcome = 'x'",
        "DELETE FROM spends",
    ],
)
def test_what_is_written_for_good_cannot_be_changed_by_a_statement(path: Place, statement: str) -> None:
    with Ledger.open(path) as ledger:
        reservation = ledger.reserve(plan(rho(1)), permit(caps(rho(5))), 1, NOW)
        ledger.post(reservation, ANSWER, "pass", NOW)
    with outsider(path) as books, pytest.raises((sqlite3.IntegrityError, psycopg.IntegrityError), match=r"only grow|ends once"):
        books.execute(statement)


def test_replacing_an_entry_is_refused_in_a_file(filed: Ledger, file: Path) -> None:
    filed.record("k", "carol", {}, NOW)
    with outsider(file) as books, pytest.raises(sqlite3.IntegrityError, match="only grow"):
        books.execute("INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 1")


def test_threads_of_every_kind_of_writing_leave_whole_books(path: Place) -> None:
    with Ledger.open(path) as ledger:

        def _lend() -> None:
            for number in range(20):
                with ledger.transaction() as tx:
                    tx.append("lent", "carol", {"n": number}, NOW)

        def _record() -> None:
            for number in range(20):
                ledger.record("recorded", "carol", {"n": number}, NOW)

        def _spend() -> None:
            for _ in range(20):
                ledger.post_fault(ledger.reserve(plan(rho(1)), permit(caps(rho(500))), 1, NOW), NOW)

        threads = [threading.Thread(target=target) for target in (_lend, _record, _spend) * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    report = audit_verify(path)
    assert (report.whole, report.entries, report.posted) == (True, 160, 40)


def _lock(books: Any) -> None:  # noqa: ANN401 - either driver's connection
    if isinstance(books, sqlite3.Connection):
        books.execute("BEGIN IMMEDIATE")
    else:
        books.execute("BEGIN")
        books.execute(f"SELECT pg_advisory_xact_lock({WRITERS_LOCK})")


def test_a_busy_timeout_is_what_a_lock_of_someone_else_is_waited_for_before_its_fault(path: Place) -> None:
    with Ledger.open(path, busy_timeout=timedelta(milliseconds=50)) as ledger, outsider(path) as books:
        _lock(books)
        with pytest.raises(Fault) as fault:
            ledger.record("k", "carol", {}, NOW)
        assert (fault.value.code, str(fault.value)) == (Code.FAULT_LEDGER, LEDGER_FAULT)
        with pytest.raises(Fault), ledger.transaction():
            pytest.fail("the block must not run without the lock")
        books.execute("ROLLBACK")
        assert ledger.record("k", "carol", {}, NOW).seq == 1


def _overflow(tx: Transaction) -> None:
    """The database fails in the middle of the work: a file may hold no more, as on a full disk; a server ends the connection."""
    if not isinstance(tx.driver, sqlite3.Connection):
        tx.append("k", "carol", {}, NOW)
        tx.connection.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return
    pages = tx.driver.execute("PRAGMA page_count").fetchone()[0]
    tx.driver.execute(f"PRAGMA max_page_count = {pages}")
    tx.append("k", "carol", {"long": "x" * 1_000_000}, NOW)


def test_a_database_that_fails_in_the_middle_of_work_is_a_fault_for_the_whole_group(ledger: Ledger, path: Place) -> None:
    with ThreadPoolExecutor(2) as pool:
        with ledger.transaction():
            before = pool.submit(ledger.record, "before", "carol", {}, NOW)
            failing = pool.submit(ledger._store.write, _overflow)
            _wait_for_queue(ledger, 2)
        codes = {getattr(future.exception(), "code", None) for future in (before, failing)}
    assert codes == {Code.FAULT_LEDGER}
    assert _kinds(path) == []
    assert ledger.record("after", "carol", {}, NOW).seq == 1


def test_a_database_that_fails_inside_a_lent_transaction_is_a_fault_too(ledger: Ledger, path: Place) -> None:
    with pytest.raises(Fault) as fault, ledger.transaction() as tx:
        _overflow(tx)
    assert fault.value.code is Code.FAULT_LEDGER
    ledger.record("after", "carol", {}, NOW)
    assert _kinds(path) == ["after"]


def test_the_log_is_moved_into_the_file_while_nobody_waits(filed: Ledger, file: Path, tmp_path: Path) -> None:
    for number in range(TIDY_AFTER + 1):  # the last one begins when the log of those before it has been moved
        filed.record("desk.viewed", "carol", {"item": number}, NOW)
    alone = tmp_path / "alone.sqlite"
    alone.write_bytes(file.read_bytes())  # without the log beside it
    assert len(_kinds(alone)) >= TIDY_AFTER // 2


def test_a_reader_sees_what_someone_else_has_just_changed(ledger: Ledger, path: Place) -> None:
    before = ledger.registry.registry_version()
    with outsider(path) as other:
        other.execute("UPDATE counters SET value = value + 1 WHERE name = 'registry'")
    assert ledger.registry.registry_version() == before + 1


def test_readers_keep_no_state_of_a_file_alive(filed: Ledger, file: Path) -> None:
    filed.people.add_user("carol", Role.CUSTODIAN, actor="op", now=NOW)
    assert filed.people.person("carol") is not None
    with outsider(file) as emptied:
        busy, *_ = emptied.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert busy == 0
