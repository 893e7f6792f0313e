"""The open file: one writer, many readers."""

import contextlib
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine

from haven.ledger import opening
from haven.ledger.writer import Transaction, Work, Writer

T = TypeVar("T")


class Store:
    """Durable writing and consistent reading of the books at one path."""

    def __init__(self, writer: Writer, reader: Engine) -> None:
        """Use `open`."""
        self._writer = writer
        self._reader = reader

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

    def close(self) -> None:
        """Finish what is queued and let go of the file."""
        self._writer.close()
        self._reader.dispose()
