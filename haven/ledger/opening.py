"""Opening the file of the books: how SQLite is set up, and how an older file is brought forward.

WAL and synchronous=FULL: a commit that returned survives a crash of the process, the system and the power. Readers see the last commit
and never wait for the writer.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from importlib import resources
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, QueuePool

from haven.errors import Code, Fault
from haven.ledger.prepared import driver_of

LEDGER_FAULT = "haven's books could not be read or written just now, so nothing was answered. Tell your operator if it happens again."
READERS = 8
LONGEST_LOG = 8000  # pages of the log before a commit itself moves them into the file; the writer does so earlier, while nobody waits
WRITING = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    f"PRAGMA wal_autocheckpoint = {LONGEST_LOG}",
)
_FILE_FAILURES = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_ABORT,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}


def ledger_fault() -> Fault:
    """The one fault of the books, whatever went wrong under them."""
    return Fault(Code.FAULT_LEDGER, LEDGER_FAULT)


def file_failed(error: BaseException) -> bool:
    """Whether the file failed (full, locked, input/output, corrupt), rather than the statement sent to it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, sqlite3.Error) and (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _FILE_FAILURES


@contextlib.contextmanager
def only_ledger_faults() -> Iterator[None]:
    """A failure of the file leaves as the one constant Fault; a wrong statement or a broken constraint, the caller's doing, as it is."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        if file_failed(error):
            raise ledger_fault() from None
        raise


def write_engine(path: Path, busy_timeout: timedelta) -> Engine:
    """Connections for the one writer: every transaction takes the file's write lock at its start, so what it read stays true."""
    engine = create_engine(f"sqlite:///{path}", poolclass=NullPool, connect_args={"check_same_thread": False})
    _set_up(engine, busy_timeout, "BEGIN IMMEDIATE", WRITING)
    return engine


def read_engine(path: Path, busy_timeout: timedelta) -> Engine:
    """Connections that cannot write; each transaction is one consistent snapshot of the books."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=READERS * 7,
        connect_args={"check_same_thread": False},
    )
    _set_up(engine, busy_timeout, "BEGIN", ("PRAGMA query_only = ON",))
    return engine


def _set_up(engine: Engine, busy_timeout: timedelta, begin: str, pragmas: tuple[str, ...]) -> None:
    wait = f"PRAGMA busy_timeout = {int(busy_timeout.total_seconds() * 1000)}"

    @event.listens_for(engine, "connect")
    def _connected(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # the driver begins nothing by itself: `begin` below does
        for pragma in (wait, *pragmas):
            connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        driver_of(connection).execute(begin)


def create_private(path: Path) -> None:
    """Make the file, readable by its owner alone, where there is none; SQLite gives its companions the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        return
    except OSError:
        raise ledger_fault() from None


def present_revision() -> str:
    """The newest revision this haven knows: the highest number among the migration files."""
    names = (item.name for item in resources.files("haven.ledger.migrations.versions").iterdir())
    return max(name[:4] for name in names if name[:4].isdigit())


def migrate(engine: Engine) -> None:
    """Bring the books forward to the present revision, all or nothing, one process at a time. Fault for books of a newer haven."""
    head = present_revision()
    with engine.begin() as connection:
        found = _revision(connection)
        if found == head:
            return
        if found is not None and found > head:
            raise ledger_fault()
        _upgrade(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - 0.1 s that books which are up to date need not pay
    from alembic.config import Config  # noqa: PLC0415 - the same

    config = Config()
    config.set_main_option("script_location", "haven.ledger:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
