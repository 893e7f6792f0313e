"""Copying books while they are in use, and putting a copy back where there are none.

A copy is of one moment, and as durable as the books when the call returns. It is never put over books that are there.
"""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError

from haven.errors import Code, Refused
from haven.ledger.database import Place
from haven.ledger.failures import ledger_fault, only_ledger_faults
from haven.ledger.opening import look
from haven.ledger.postgres_server import address_of
from haven.ledger.prepared import driver_of

LONGEST_S = 3600
_TABLES = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()"


def in_a_file(place: Place) -> bool:
    """Whether books at `place` are a file."""
    return isinstance(place, Path) or "://" not in place


def copy_books(place: Place, target: Path) -> None:
    """Copy the books at `place` into the new file `target` (mode 0600).

    Raises:
        Fault: the books could not be read, or the copy could not be written.
        Refused: (HOME_INVALID) they are in PostgreSQL, and its `pg_dump` is not on this machine.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    if in_a_file(place):
        with only_ledger_faults(), look(place) as connection, closing(sqlite3.connect(target)) as copy:
            driver = driver_of(connection)
            if isinstance(driver, sqlite3.Connection):
                driver.backup(copy)
    else:
        _run("pg_dump", str(place), ["--format=custom", f"--file={target}"])
    _sync(target)


def put_books(copy: Path, place: Place) -> None:
    """Put a copy where there are no books: a new file, or an empty database. Refused (REQUEST_CONFLICT) where there are some."""
    if in_a_file(place):
        path = Path(place)
        if path.exists():
            raise _occupied()
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = path.with_name(f".{path.name}.restoring")
        shutil.copyfile(copy, partial)
        partial.chmod(0o600)
        _sync(partial)
        partial.rename(path)
        _sync(path.parent)
        return
    if not _is_empty(str(place)):
        raise _occupied()
    _run(
        "pg_restore",
        str(place),
        ["--no-owner", "--exit-on-error", "--single-transaction", "--dbname", address_of(str(place)).database or "", str(copy)],
    )


def _is_empty(address: str) -> bool:
    try:
        with look(address) as connection:
            return connection.exec_driver_sql(_TABLES).scalar() == 0
    except DBAPIError:
        raise ledger_fault() from None


def _occupied() -> Refused:
    return Refused(Code.REQUEST_CONFLICT, "There are books at that place.", "Restore beside them, or move them away first: keep them.")


def _run(program: str, address: str, options: Sequence[str]) -> None:
    """One of PostgreSQL's programs, its password out of sight. Refused where it is not here, Fault where it fails."""
    found = shutil.which(program)
    if found is None:
        raise Refused(
            Code.HOME_INVALID,
            f"The books are in PostgreSQL, and its {program} is not on this machine.",
            "Install PostgreSQL's client programs, of the server's version or newer.",
        )
    try:
        command = [found, *options]
        subprocess.run(  # noqa: S603 - a program of PostgreSQL's and our own options
            command, check=True, capture_output=True, env=_environment(address_of(address)), timeout=LONGEST_S
        )
    except (subprocess.SubprocessError, OSError):
        raise ledger_fault() from None


def _environment(url: URL) -> dict[str, str]:
    query = {name: value for name, value in url.query.items() if isinstance(value, str)}
    said = {
        "PGHOST": query.get("host") or url.host,
        "PGPORT": query.get("port") or (None if url.port is None else str(url.port)),
        "PGUSER": url.username,
        "PGPASSWORD": url.password,
        "PGDATABASE": url.database,
        "PGSSLMODE": query.get("sslmode"),
    }
    return {**os.environ, **{name: str(value) for name, value in said.items() if value}}


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
