"""The open file: one writer, many readers."""

import contextlib
import queue
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Self, TypeVar, cast

from sqlalchemy import Connection, Engine, PoolProxiedConnection

from haven.ledger import opening
from haven.ledger.prepared import Driver
from haven.ledger.writer import Transaction, Work, Writer

T = TypeVar("T")


class Store:
    """Durable writing and consistent reading of the books at one path."""

    def __init__(self, writer: Writer, reader: Engine) -> None:
        """Use `open`."""
        self._writer = writer
        self._reader = reader
        # last in, first out: the connection that has just read has the newest pages at hand
        self._idle: queue.LifoQueue[PoolProxiedConnection] = queue.LifoQueue(opening.READERS)

    @classmethod
    def open(cls, path: Path, busy_timeout: timedelta) -> Self:
        """Create or bring forward the file, then start its writer. Fault (FAULT_LEDGER) where the file cannot be used."""
        with opening.only_ledger_faults():
            opening.create_private(path)
            engine = opening.write_engine(path, busy_timeout)
            opening.migrate(engine)
        return cls(Writer(engine), opening.read_engine(path, busy_timeout))

    def write(self, work: Work[T]) -> T:
        """What `work` gives, once it is durable."""
        return self._writer.write(work)

    def transaction(self) -> AbstractContextManager[Transaction]:
        """The writer, lent for one block."""
        return self._writer.transaction()

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent snapshot of the books, read-only."""
        with opening.only_ledger_faults(), self._reader.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def glance(self) -> Iterator[Driver]:
        """SQLite's own read-only connection, for one prepared statement: what it reads is of one moment, no older than the last commit.

        A question reads the books several times before it is answered; through `read` each time would cost more than reading.
        """
        with opening.only_ledger_faults():
            held = self._kept()
            try:
                yield cast("Driver", held.driver_connection)
            except BaseException:
                held.close()  # whatever went wrong, nothing that it remembers is trusted
                raise
            self._keep(held)

    def _kept(self) -> PoolProxiedConnection:
        try:
            return self._idle.get_nowait()
        except queue.Empty:
            return self._reader.raw_connection()

    def _keep(self, held: PoolProxiedConnection) -> None:
        try:
            self._idle.put_nowait(held)
        except queue.Full:
            held.close()

    def close(self) -> None:
        """Finish what is queued and let go of the file."""
        self._writer.close()
        while not self._idle.empty():
            self._kept().close()
        self._reader.dispose()
