"""Open books: one writer, many readers."""

import contextlib
import queue
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Self, TypeVar, cast

from sqlalchemy import Connection, Engine, PoolProxiedConnection

from haven.ledger import opening, tiles
from haven.ledger.database import READERS, Database, Place
from haven.ledger.failures import only_ledger_faults
from haven.ledger.prepared import Driver
from haven.ledger.writer import Transaction, Work, Writer, read_head

T = TypeVar("T")


class Store:
    """Durable writing and consistent reading of the books at one place."""

    def __init__(self, database: Database, writer: Writer, reader: Engine) -> None:
        """Use `open`."""
        self._database = database
        self._writer = writer
        self._reader = reader
        # last in, first out: the connection that has just read has the newest pages at hand
        self._idle: queue.LifoQueue[PoolProxiedConnection] = queue.LifoQueue(READERS)

    @classmethod
    def open(cls, place: Place, busy_timeout: timedelta) -> Self:
        """Create or bring forward the books at `place`, then start their writer.

        Raises:
            Fault: (FAULT_LEDGER) the file or server cannot be used, or a newer haven wrote the books.
            Refused: (HOME_INVALID) the address is none, or the server is not fit to keep books.
        """
        database = opening.database_at(place, busy_timeout)
        with only_ledger_faults():
            database.prepare()
            opening.migrate(database.migrating())
        store = cls(database, Writer(database), database.reading())
        try:
            store._add_missing_tiles()
        except BaseException:
            store.close()
            raise
        return store

    def write(self, work: Work[T]) -> T:
        """What `work` gives, once it is durable."""
        return self._writer.write(work)

    def later(self, work: Work[None]) -> None:
        """Do `work` in its turn, nobody waiting for it: for what may be lost in a crash, or where it cannot be written, without harm."""
        self._writer.later(work)

    def transaction(self) -> AbstractContextManager[Transaction]:
        """The writer, lent for one block."""
        return self._writer.transaction()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot of the books, read-only."""
        with only_ledger_faults(), self._reader.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def glance(self) -> Iterator[Driver]:
        """The database's own read-only connection, for one prepared statement: it reads one moment, no older than the last commit.

        A question reads the books several times before it is answered; through `read` each time would cost more than reading.
        """
        with only_ledger_faults():
            held = self._kept()
            try:
                yield cast("Driver", held.driver_connection)
            except BaseException:
                held.close()  # whatever went wrong, nothing that it remembers is trusted
                raise
            self._keep(held)

    def _add_missing_tiles(self) -> None:
        """Once for books that are older than their Merkle tree."""
        with self.glance() as driver:
            lacking = any(tiles.missing(driver, read_head(driver).seq))
        if lacking:
            self.write(lambda tx: tiles.add_missing(tx.driver, tx.head.seq))

    def _kept(self) -> PoolProxiedConnection:
        """A connection that was used before and is still good, or a new one."""
        while not self._idle.empty():
            with contextlib.suppress(queue.Empty):
                held = self._idle.get_nowait()
                if not self._database.lost(cast("Driver", held.driver_connection)):
                    return held
                held.invalidate()
                held.close()
        return self._reader.raw_connection()

    def _keep(self, held: PoolProxiedConnection) -> None:
        try:
            self._idle.put_nowait(held)
        except queue.Full:
            held.close()

    def close(self) -> None:
        """Finish what is queued and let go of the database."""
        self._writer.close()
        while not self._idle.empty():
            with contextlib.suppress(queue.Empty):
                self._idle.get_nowait().close()
        self._reader.dispose()
