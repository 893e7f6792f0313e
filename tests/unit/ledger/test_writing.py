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

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, insert, select, text
from sqlalchemy.exc import IntegrityError, OperationalError

from haven.errors import Code, Fault, Refused
from haven.ledger import opening, schema
from haven.ledger.audit import audit_verify
from haven.ledger.failures import LEDGER_FAULT
from haven.ledger.ledger import Ledger
from haven.ledger.writer import TIDY_AFTER, Transaction
from haven.policy.roles import Role
from tests.support.books import ANSWER, NOW, caps, permit, plan, rho


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "books.sqlite"


@pytest.fixture(name="ledger")
def _ledger(path: Path) -> Iterator[Ledger]:
    with Ledger.open(path) as ledger:
        yield ledger


def _kinds(path: Path) -> list[str]:
    with sqlite3.connect(path) as books:
        kinds = [kind for (kind,) in books.execute("SELECT kind FROM entries ORDER BY seq")]
    books.close()
    return kinds


def test_a_record_is_on_disk_when_the_call_returns(ledger: Ledger, path: Path) -> None:
    entry = ledger.record("desk.viewed", "carol", {"item": "i1", "count": 3}, NOW)
    assert _kinds(path) == ["desk.viewed"]
    assert ledger.entries(kind="desk.viewed", actor="carol") == (entry,)
    assert ledger.entries(actor="nobody") == ()


def test_a_transaction_writes_rows_and_entry_together(ledger: Ledger, path: Path) -> None:
    with ledger.transaction() as tx:
        tx.connection.execute(insert(schema.counters), {"name": "desk", "value": 7})
        tx.append("desk.opened", "carol", {}, NOW)
        assert _kinds(path) == []
    assert _kinds(path) == ["desk.opened"]
    with ledger.read() as connection:
        assert connection.execute(select(schema.counters.c.value).where(schema.counters.c.name == "desk")).scalar() == 7


def test_a_transaction_that_raises_leaves_nothing(ledger: Ledger, path: Path) -> None:
    def _fail(tx: Transaction) -> None:
        tx.connection.execute(insert(schema.counters), {"name": "desk", "value": 7})
        tx.append("desk.opened", "carol", {}, NOW)
        raise KeyError("desk")

    with pytest.raises(KeyError), ledger.transaction() as tx:
        _fail(tx)
    assert _kinds(path) == []
    ledger.record("desk.opened", "carol", {}, NOW)
    assert audit_verify(path).whole


def test_a_broken_constraint_reaches_its_caller_and_undoes_only_its_own_work(ledger: Ledger, path: Path) -> None:
    def _clash(tx: Transaction) -> None:
        tx.append("desk.opened", "carol", {}, NOW)
        tx.connection.execute(insert(schema.counters), {"name": "registry", "value": 7})

    with pytest.raises(IntegrityError), ledger.transaction() as tx:
        _clash(tx)
    assert _kinds(path) == []


def test_a_wrong_statement_is_the_callers_own_error(ledger: Ledger) -> None:
    with pytest.raises(OperationalError), ledger.transaction() as tx:
        tx.connection.execute(text("SELECT * FROM no_such_table"))
    ledger.record("desk.opened", "carol", {}, NOW)


def test_a_transaction_that_ends_itself_is_a_fault_and_the_writer_lives_on(ledger: Ledger, path: Path) -> None:
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


def test_a_reader_cannot_write(ledger: Ledger, path: Path) -> None:
    with pytest.raises(Fault), ledger.read() as connection:
        connection.execute(insert(schema.counters), {"name": "desk", "value": 7})
    assert audit_verify(path).whole


def test_work_that_waited_together_is_committed_together_and_each_hears_its_own(ledger: Ledger, path: Path) -> None:
    commits: list[int] = []
    with ThreadPoolExecutor(20) as pool:
        with ledger.transaction() as tx:
            tx.driver.set_trace_callback(lambda statement: commits.append(1) if statement == "COMMIT" else None)
            good = [pool.submit(ledger.record, f"good{number}", "carol", {"n": number}, NOW) for number in range(8)]
            bad = [pool.submit(ledger.record, f"bad{number}", "carol", {"n": 0.5}, NOW) for number in range(4)]
            deadline = time.monotonic() + 10
            while ledger._store._writer._jobs.qsize() < 12 and time.monotonic() < deadline:
                time.sleep(0.01)
        entries = [future.result() for future in good]
        assert all(isinstance(future.exception(), TypeError) for future in bad)
    assert sum(commits) == 2
    assert sorted(entry.seq for entry in entries) == list(range(1, 9))
    report = audit_verify(path)
    assert (report.whole, report.entries) == (True, 8)


def test_two_ledgers_on_one_file_never_overspend_together(path: Path) -> None:
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


def test_a_closed_ledger_is_a_fault_and_closing_twice_is_fine(path: Path) -> None:
    ledger = Ledger.open(path)
    ledger.close()
    ledger.close()
    with pytest.raises(Fault) as fault:
        ledger.record("k", "carol", {}, NOW)
    assert fault.value.code is Code.FAULT_LEDGER


def test_closing_finishes_what_is_queued(path: Path) -> None:
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


def test_writes_are_fully_synchronous_in_wal_with_foreign_keys(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        pragmas = {name: tx.driver.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous", "foreign_keys")}
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_the_books_are_readable_by_their_owner_alone(ledger: Ledger, path: Path) -> None:
    ledger.record("k", "carol", {}, NOW)
    modes = {name.name: stat.S_IMODE(name.stat().st_mode) for name in path.parent.iterdir()}
    assert modes == {"books.sqlite": 0o600, "books.sqlite-wal": 0o600, "books.sqlite-shm": 0o600}


def test_opening_books_that_are_up_to_date_is_quick(path: Path) -> None:
    Ledger.open(path).close()
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        Ledger.open(path).close()
        times.append(time.perf_counter() - begun)
    assert min(times) < 0.1


def test_many_may_open_new_books_at_once(path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        ledgers = list(pool.map(lambda _: Ledger.open(path), range(4)))
    for ledger in ledgers:
        ledger.record("k", "carol", {}, NOW)
        ledger.close()
    assert _kinds(path) == ["k"] * 4


def test_the_migrations_make_the_schema_that_the_code_declares(path: Path) -> None:
    Ledger.open(path).close()
    ours = set(schema.metadata.tables)

    def _ours(thing: Any, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:  # noqa: ANN401, FBT001 - Alembic's signature
        return (name if kind == "table" else thing.table.name) in ours

    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": _ours})
        assert compare_metadata(context, schema.metadata) == []
    engine.dispose()


def test_books_of_a_newer_haven_are_left_alone(path: Path) -> None:
    Ledger.open(path).close()
    with sqlite3.connect(path) as books:
        books.execute("UPDATE alembic_version SET version_num = '9999'")
    books.close()
    with pytest.raises(Fault):
        Ledger.open(path)


def test_a_migration_that_fails_leaves_the_books_as_they_were(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def _half(connection: Any) -> None:  # noqa: ANN401 - a Core connection
        connection.exec_driver_sql("CREATE TABLE half (x)")
        raise KeyError("half")

    monkeypatch.setattr(opening, "_upgrade", _half)
    with pytest.raises(KeyError):
        Ledger.open(path)
    monkeypatch.undo()
    with Ledger.open(path) as ledger:
        ledger.record("k", "carol", {}, NOW)
    with sqlite3.connect(path) as books:
        assert books.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
    books.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET kind = 'x'",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE seq = 1",
        "INSERT INTO entries SELECT 9, kind, actor, at, body, digest, digest FROM entries WHERE seq = 1",
        "INSERT INTO entries SELECT max(seq) + 1, kind, actor, at, body, prev_digest, digest FROM entries",
        "UPDATE answers SET content = '{}'",
        "DELETE FROM answers",
        "UPDATE spends SET outcome = 'x'",
        "DELETE FROM spends",
    ],
)
def test_what_is_written_for_good_cannot_be_changed_by_a_statement(path: Path, statement: str) -> None:
    with Ledger.open(path) as ledger:
        reservation = ledger.reserve(plan(rho(1)), permit(caps(rho(5))), 1, NOW)
        ledger.post(reservation, ANSWER, "pass", NOW)
    with sqlite3.connect(path) as books, pytest.raises(sqlite3.IntegrityError, match=r"only grow|ends once"):
        books.execute(statement)
    books.close()


def test_threads_of_every_kind_of_writing_leave_whole_books(path: Path) -> None:
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


def test_a_busy_timeout_is_what_a_locked_file_waits_before_its_fault(path: Path) -> None:
    with Ledger.open(path, busy_timeout=timedelta(milliseconds=50)) as ledger:
        books = sqlite3.connect(path, isolation_level=None)
        books.execute("BEGIN IMMEDIATE")
        with pytest.raises(Fault) as fault:
            ledger.record("k", "carol", {}, NOW)
        assert (fault.value.code, str(fault.value)) == (Code.FAULT_LEDGER, LEDGER_FAULT)
        with pytest.raises(Fault), ledger.transaction():
            pytest.fail("the block must not run without the lock")
        books.execute("ROLLBACK")
        books.close()
        assert ledger.record("k", "carol", {}, NOW).seq == 1


def _overflow(tx: Transaction) -> None:
    """Write more than the file may hold: SQLITE_FULL in the middle of the work, as on a full disk."""
    pages = tx.driver.execute("PRAGMA page_count").fetchone()[0]
    tx.driver.execute(f"PRAGMA max_page_count = {pages}")
    tx.append("k", "carol", {"long": "x" * 1_000_000}, NOW)


def test_a_file_that_fails_in_the_middle_of_work_is_a_fault_for_the_whole_group(ledger: Ledger, path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        with ledger.transaction():
            before = pool.submit(ledger.record, "before", "carol", {}, NOW)
            failing = pool.submit(ledger._store.write, _overflow)
            deadline = time.monotonic() + 10
            while ledger._store._writer._jobs.qsize() < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
        codes = {getattr(future.exception(), "code", None) for future in (before, failing)}
    assert codes == {Code.FAULT_LEDGER}
    assert _kinds(path) == []
    assert ledger.record("after", "carol", {}, NOW).seq == 1


def test_a_file_that_fails_inside_a_lent_transaction_is_a_fault_too(ledger: Ledger, path: Path) -> None:
    with pytest.raises(Fault) as fault, ledger.transaction() as tx:
        _overflow(tx)
    assert fault.value.code is Code.FAULT_LEDGER
    ledger.record("after", "carol", {}, NOW)
    assert _kinds(path) == ["after"]


def test_the_log_is_moved_into_the_file_while_nobody_waits(ledger: Ledger, path: Path, tmp_path: Path) -> None:
    for number in range(TIDY_AFTER + 1):  # the last one begins when the log of those before it has been moved
        ledger.record("desk.viewed", "carol", {"item": number}, NOW)
    alone = tmp_path / "alone.sqlite"
    alone.write_bytes(path.read_bytes())  # without the log beside it
    assert len(_kinds(alone)) >= TIDY_AFTER // 2


def test_readers_keep_no_state_of_the_books_alive(ledger: Ledger, path: Path) -> None:
    before = ledger.registry.registry_version()
    ledger.people.add_user("carol", Role.CUSTODIAN, actor="op", now=NOW)
    assert ledger.people.person("carol") is not None
    with sqlite3.connect(path) as other:
        other.execute("UPDATE counters SET value = value + 1 WHERE name = 'registry'")
    other.close()
    assert ledger.registry.registry_version() == before + 1
    with sqlite3.connect(path, isolation_level=None) as emptied:
        busy, *_ = emptied.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    emptied.close()
    assert busy == 0
