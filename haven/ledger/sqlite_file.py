"""Books in an embedded SQLite file.

WAL and synchronous=FULL: a commit that returned survives a crash of the process, the system and the power. Readers see the last commit
and never wait for the writer.
"""

import os
import sqlite3
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import NullPool, QueuePool

from haven.ledger.database import READERS
from haven.ledger.failures import ledger_fault
from haven.ledger.prepared import Driver, driver_of

LONGEST_LOG = 8000  # pages of the log before a commit itself moves them into the file; the writer does so earlier, while nobody waits
WRITING = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA wal_autocheckpoint = {LONGEST_LOG}",
)


@dataclass(frozen=True, slots=True)
class SqliteFile:
    """The file at `path`; a lock held by others is waited for `busy_timeout` long."""

    path: Path
    busy_timeout: timedelta

    def prepare(self) -> None:
        """Make the file, readable by its owner alone, where there is none; SQLite gives its companions the same mode."""
        try:
            os.close(os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return
        except OSError:
            raise ledger_fault() from None

    def migrating(self) -> Engine:
        """The same as for writing: the file knows no other limit than that of the lock."""
        return self.writing()

    def writing(self) -> Engine:
        """Connections for the one writer: every transaction takes the file's write lock at its start, so what it read stays true."""
        engine = create_engine(f"sqlite:///{self.path}", poolclass=NullPool, connect_args={"check_same_thread": False})
        self._set_up(engine, "BEGIN IMMEDIATE", WRITING)
        return engine

    def reading(self) -> Engine:
        """Connections that cannot write; each transaction is one consistent snapshot of the books."""
        engine = create_engine(
            f"sqlite:///{self.path}",
            poolclass=QueuePool,
            pool_size=READERS,
            max_overflow=READERS * 7,
            connect_args={"check_same_thread": False},
        )
        self._set_up(engine, "BEGIN", ("PRAGMA query_only = ON",))
        return engine

    def looking(self) -> Engine:
        """Connections to a file that is there already; SQLite must be able to write its index of the log beside it."""
        engine = create_engine(f"sqlite:///file:{quote(str(self.path.absolute()))}?mode=rw&uri=true", poolclass=NullPool)
        self._set_up(engine, "BEGIN", ("PRAGMA query_only = ON",))
        return engine

    def lost(self, _: Driver) -> bool:
        """Never: the file is here."""
        return False

    def tidy(self, driver: Driver) -> None:
        """Move the log into the file, so that no question pays for it."""
        driver.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _set_up(self, engine: Engine, begin: str, pragmas: tuple[str, ...]) -> None:
        wait = f"PRAGMA busy_timeout = {int(self.busy_timeout.total_seconds() * 1000)}"

        @event.listens_for(engine, "connect")
        def _connected(connection: sqlite3.Connection, _record: object) -> None:
            connection.isolation_level = None  # the driver begins nothing by itself: `begin` below does
            for pragma in (wait, *pragmas):
                connection.execute(pragma)

        @event.listens_for(engine, "begin")
        def _begun(connection: Connection) -> None:
            driver_of(connection).execute(begin)
