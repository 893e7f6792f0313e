"""The one writer: a thread that commits the work of many callers together, and tells each only after the commit is durable.

Each piece of work runs in its own savepoint, so that one that fails undoes itself alone. Where the database itself fails (full, locked,
input/output, out of reach), every caller of the group hears the same Fault. None is told that it is done; whether it is, where the
connection was lost during the commit, the next transaction sees: it begins with the lock that a commit still under way holds to its end.
"""

import contextlib
import functools
import queue
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import DBAPIError

from haven.errors import Fault
from haven.ledger import chain, tiles
from haven.ledger.amounts import stamp
from haven.ledger.database import Database
from haven.ledger.entries import Entry
from haven.ledger.failures import DATABASE_ERRORS, file_failed, ledger_fault, only_ledger_faults
from haven.ledger.prepared import Driver, Prepared, driver_of
from haven.ledger.schema import entries

T = TypeVar("T")
Work = Callable[["Transaction"], T]
GROUP = 256  # pieces of work that share a commit at most
CLOSE_WAIT = 30.0
TIDY_AFTER = 256  # commits after which the log is moved into the file as soon as nobody waits

_HEAD = Prepared(select(entries.c.seq, entries.c.digest).order_by(entries.c.seq.desc()).limit(1))
_APPEND = Prepared(insert(entries))


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain."""

    seq: int
    digest: str


def read_head(driver: Driver) -> Head:
    """The newest entry's number and digest; 0 and the genesis digest for empty books."""
    row = _HEAD.first(driver, {})
    return Head(row.seq, row.digest) if row else Head(0, chain.GENESIS)


class Transaction:
    """One atomic piece of writing: `connection` is a SQLAlchemy Core connection inside it, `append` adds an entry to the same.

    `driver` is the database's own connection under it, for prepared statements.
    """

    def __init__(self, connection: Connection, head: Head) -> None:
        """Work on `connection`, whose chain ends at `head`."""
        self.connection = connection
        self.driver = driver_of(connection)
        self.head = head

    def append(self, kind: str, actor: str, detail: Mapping[str, Any], now: datetime) -> Entry:
        """Add the next entry. `detail` holds strings, integers, booleans, nothing, lists and objects; never a float, never a datum."""
        kind = str(kind)  # the text of an enumeration's member: PostgreSQL's driver would write the member's name
        at, seq, previous = stamp(now), self.head.seq + 1, self.head.digest
        body = chain.body_of(seq, kind, actor, at, detail)
        digest = chain.link(previous, body)
        row = {"seq": seq, "kind": kind, "actor": actor, "at": at, "body": body, "prev_digest": previous, "digest": digest}
        _APPEND.run(self.driver, row)
        if seq % tiles.WIDTH == 0:
            tiles.fill(self.driver, seq)
        self.head = Head(seq, digest)
        return Entry(seq, kind, actor, now, detail, previous, digest)


@dataclass(frozen=True, slots=True)
class _Job(Generic[T]):
    work: Work[T]
    result: Future[T]


class _UndoneError(Exception):
    """A borrower's block raised: its work is undone; its caller hears the block's own exception."""


class Writer:
    """Runs work one piece after another on its own thread and connection. `close` finishes what is queued."""

    def __init__(self, database: Database) -> None:
        """Start the thread."""
        self._database = database
        self._engine = database.writing()
        self._jobs: queue.SimpleQueue[_Job[Any] | None] = queue.SimpleQueue()
        self._closed = False
        self._gate = threading.Lock()
        self._connection: Connection | None = None
        self._untidied = 0
        self._borrower = threading.local()
        self._thread = threading.Thread(target=self._run, name="haven-ledger-writer", daemon=True)
        self._thread.start()

    def write(self, work: Work[T]) -> T:
        """What `work` gives, once it is durable. What it raises, once it is undone. Fault where the file failed or is closed."""
        return self._submit(work).result()

    def later(self, work: Work[None]) -> None:
        """Do `work` in its turn, nobody waiting for it and nobody told how it ended."""
        self._submit(work)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Lend the writer to the caller's thread for one block: durable when the block is left, undone when it raises."""
        lent: queue.SimpleQueue[Transaction | None] = queue.SimpleQueue()
        given_back: queue.SimpleQueue[bool] = queue.SimpleQueue()

        def lend(transaction: Transaction) -> None:
            lent.put(transaction)
            if not given_back.get():
                raise _UndoneError

        result = self._submit(lend)
        result.add_done_callback(lambda _: lent.put(None))
        transaction = lent.get()
        if transaction is not None:
            with self._in_block(result, given_back):
                yield transaction
        result.result()

    @contextlib.contextmanager
    def _in_block(self, result: Future[None], given_back: queue.SimpleQueue[bool]) -> Iterator[None]:
        self._borrower.inside = True
        try:
            with only_ledger_faults():
                yield
        except BaseException:
            given_back.put(False)  # noqa: FBT003 - the queue carries the one word "keep"
            with contextlib.suppress(_UndoneError, Fault):
                result.result()
            raise
        finally:
            self._borrower.inside = False
        given_back.put(True)  # noqa: FBT003 - the same

    def close(self) -> None:
        """Finish what is queued, then stop. Closing twice is the same as once."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._thread.join(CLOSE_WAIT)

    def _submit(self, work: Work[T]) -> Future[T]:
        if getattr(self._borrower, "inside", False):
            msg = "a transaction is open in this thread: write through it"
            raise RuntimeError(msg)
        job = _Job(work, Future[T]())
        with self._gate:
            if self._closed:
                raise ledger_fault()
            self._jobs.put(job)
        return job.result

    def _run(self) -> None:
        open_for_work = True
        while open_for_work:
            group, open_for_work = self._next_group()
            if group:
                self._commit(group)
                self._tidy()
        self._drop()

    def _next_group(self) -> tuple[list[_Job[Any]], bool]:
        """Wait for one piece of work and take what else is there already; False with it when the writer is to stop."""
        group: list[_Job[Any]] = []
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == GROUP:
                return group, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, True
        return group, False

    def _commit(self, group: list[_Job[Any]]) -> None:
        """One durable transaction for the group, then the answers. All hear a Fault where the file failed: nothing of it stands."""
        try:
            outcomes = self._in_one_transaction(group)
        except Exception:  # noqa: BLE001 - the boundary: whatever failed, no caller may wait for ever, and the writer lives on
            self._drop()
            for job in group:
                job.result.set_exception(ledger_fault())
            return
        for job, outcome in zip(group, outcomes, strict=True):
            outcome(job.result)

    def _tidy(self) -> None:
        """Let the database keep house while nobody waits, so that no question pays for it."""
        self._untidied += 1
        if self._connection is None or self._untidied < TIDY_AFTER or not self._jobs.empty():
            return
        self._untidied = 0
        try:
            self._database.tidy(driver_of(self._connection))
        except DATABASE_ERRORS:
            self._drop()

    def _in_one_transaction(self, group: list[_Job[Any]]) -> list[Callable[[Future[Any]], None]]:
        if self._connection is not None and self._database.lost(driver_of(self._connection)):
            self._drop()
        if self._connection is None:
            self._connection = self._engine.connect()
        with self._connection.begin():
            head = read_head(driver_of(self._connection))
            outcomes = []
            for job in group:
                outcome, head = _in_savepoint(self._connection, head, job.work)
                outcomes.append(outcome)
        return outcomes

    def _drop(self) -> None:
        """Let go of the connection: after a failure of the file nothing that it remembers is trusted."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(DBAPIError):
                connection.invalidate()
                connection.close()


def _in_savepoint(connection: Connection, head: Head, work: Work[Any]) -> tuple[Callable[[Future[Any]], None], Head]:
    """Do one piece of work; how to tell its caller, and where the chain ends now."""
    transaction = Transaction(connection, head)
    transaction.driver.execute("SAVEPOINT work")
    try:
        value = work(transaction)
    except Exception as error:
        if file_failed(error):
            raise
        transaction.driver.execute("ROLLBACK TO work")
        transaction.driver.execute("RELEASE work")
        return functools.partial(Future.set_exception, exception=error), head
    transaction.driver.execute("RELEASE work")
    return functools.partial(Future.set_result, result=value), transaction.head
