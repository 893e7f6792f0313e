"""Building a snapshot: in a hidden sibling directory, whole on disk before one rename makes it exist."""

import contextlib
import logging
import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from haven.engines.limits import GIB
from haven.engines.locked_directory import locked_directory
from haven.engines.snapshot import Snapshot, database_of, next_serial, write_record
from haven.engines.sql_text import literal
from haven.errors import SERVICE_FAULT, Code, Fault, Refused

log = logging.getLogger(__name__)
BUILDING = ".building-"
PRIVATE_FILE = 0o600
MEMORY = 4 * GIB


@dataclass(frozen=True, slots=True)
class IngestProgress:
    """How far an ingest is: `done` of `total` steps, and the next one in `words` (names only)."""

    done: int
    total: int
    words: str


Watcher = Callable[[IngestProgress], None]


class Steps:
    """Tells a watcher of each step as it begins."""

    def __init__(self, total: int, watcher: Watcher) -> None:
        self._total = total
        self._done = 0
        self._watcher = watcher

    def begin(self, words: str) -> None:
        """The step `words` begins."""
        self._watcher(IngestProgress(self._done, self._total, words))
        self._done += 1

    def finish(self) -> None:
        """All steps are done."""
        self._watcher(IngestProgress(self._total, self._total, "done"))


@dataclass(frozen=True, slots=True)
class Workbench:
    """A directory under construction and a DuckDB on it: `stored` is the snapshot's database, the default one is for what is between."""

    directory: Path
    snapshot: Path
    connection: duckdb.DuckDBPyConnection


@contextlib.contextmanager
def workbench(destination: Path) -> Iterator[Workbench]:
    """A workbench under `destination` that leaves nothing behind, even where the process is killed: the next one sweeps it away.

    A failure of the machine (memory, disk) is a Fault; a refusal passes.
    """
    with locked_directory(destination, BUILDING) as directory:
        try:
            snapshot = directory / "snapshot"
            snapshot.mkdir(mode=0o700)
            with contextlib.closing(_connect(directory)) as connection:
                connection.execute(f"ATTACH {literal(str(database_of(snapshot)))} AS stored")
                yield Workbench(directory, snapshot, connection)
        except (duckdb.Error, OSError) as error:
            log.error("a snapshot could not be built: %s", type(error).__name__)  # noqa: TRY400 - a traceback may hold data
            raise Fault(Code.FAULT_SERVICE, SERVICE_FAULT) from None


def publish(bench: Workbench, destination: Path, fingerprint: str, unit_set: str) -> Snapshot:
    """Make the workbench's snapshot exist under `destination`, with the next serial: all of it is on disk before the one rename."""
    bench.connection.execute("CHECKPOINT stored")
    bench.connection.execute("DETACH stored")
    record = Snapshot(next_serial(destination), secrets.token_hex(16), fingerprint, unit_set, datetime.now(UTC), bench.snapshot)
    write_record(record)
    for path in bench.snapshot.iterdir():
        path.chmod(PRIVATE_FILE)
        _sync(path)
    _sync(bench.snapshot)
    final = destination / str(record.serial)
    try:
        if final.exists():  # a rename would silently replace an empty directory
            raise FileExistsError
        bench.snapshot.rename(final)
    except OSError:
        raise Refused(
            Code.INGEST_EXISTS,
            f"Snapshot {record.serial} of {destination.name} exists: another ingest finished first.",
            "Look at it, and ingest again if you still need to.",
        ) from None
    _sync(destination)
    return replace(record, path=final)


def put_in_place(fresh: Path, target: Path) -> None:
    """Make the finished file `fresh` the file `target`, private, whole on disk before one rename."""
    fresh.chmod(PRIVATE_FILE)
    _sync(fresh)
    fresh.replace(target)
    _sync(target.parent)


def _connect(directory: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        str(directory / "between.duckdb"),
        config={
            "memory_limit": f"{MEMORY}B",
            "temp_directory": str(directory / "spill"),
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "python_enable_replacements": "false",
        },
    )
    connection.execute("SET enable_progress_bar = false")
    return connection


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
