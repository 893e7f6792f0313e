"""A real PostgreSQL server of the tests' own: a private cluster in a temporary folder, reached through a Unix socket alone.

It keeps what it commits as a custodian's server does (fsync is on). A database for one test is copied from a template with empty books.
"""

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url

from haven.ledger.ledger import Ledger

DEBIAN = Path("/usr/lib/postgresql")
OLDEST = 15
OWNER = "postgres"
TEMPLATE = "empty_books"
STARTED_WITHIN = 30.0
MEMORY, ROOM = Path("/dev/shm"), 2 << 30  # noqa: S108 - a folder of its own is made in it
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "32MB",
    "max_wal_size": "256MB",
    "max_connections": "150",
    "log_min_messages": "warning",
}


def programs() -> Path | None:
    """The folder of the newest server's programs on this machine, None where there is no server of 15 or newer."""
    debian = sorted((path for path in DEBIAN.glob("*/bin") if path.parent.name.isdigit()), key=lambda path: int(path.parent.name))
    found = [path for path in debian if int(path.parent.name) >= OLDEST and (path / "initdb").exists()]
    if found:
        return found[-1]
    initdb = shutil.which("initdb")
    if initdb is None:
        return None
    version = subprocess.run([initdb, "--version"], check=True, capture_output=True, text=True).stdout.split()[-1]
    return Path(initdb).resolve().parent if int(version.split(".")[0]) >= OLDEST else None


def why_not() -> str | None:
    """Why no server can be started here, None where one can."""
    if programs() is None:
        return f"there is no PostgreSQL {OLDEST} or newer on this machine (make system installs it where it may)"
    if os.getuid() == 0 and not _has_owner():
        return f"PostgreSQL does not run as root, and this machine has no user {OWNER}"
    return None


def _has_owner() -> bool:
    try:
        pwd.getpwnam(OWNER)
    except KeyError:
        return False
    return True


class Cluster:
    """A server that runs. Whoever made it calls `stop`; it ends with the process that started it in any case."""

    def __init__(self, folder: Path) -> None:
        """Make a cluster in `folder`, and start it."""
        found = programs()
        assert found is not None
        self._programs, self._folder, self._names = found, folder, itertools.count()
        self._as_owner: list[str] = []
        if os.getuid() == 0:
            owner = pwd.getpwnam(OWNER)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            self._as_owner = [f"--reuid={OWNER}", f"--regid={OWNER}", "--clear-groups"]
        kind = ("-A", "trust", "-U", OWNER, "-E", "UTF8", "--locale=C", "--no-sync")
        self._run("initdb", "-D", str(self._data), *kind)
        self.start()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def socket(self) -> Path:
        """The Unix socket that the server listens on."""
        return self._folder / ".s.PGSQL.5432"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        server = [str(self._programs / "postgres"), "-D", str(self._data), "-k", str(self._folder), *settings]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(self._setpriv(server), stdout=log, stderr=log, cwd="/")
        deadline = time.monotonic() + STARTED_WITHIN
        while True:
            try:
                psycopg.connect(self.address(OWNER)).close()
            except psycopg.OperationalError:
                assert self._server.poll() is None, (self._folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return

    def stop(self, how: str = "immediate") -> None:
        """Stop the server: "immediate" is as a crash, "fast" as an operator does."""
        self._run("pg_ctl", "stop", "-D", str(self._data), "-m", how)
        self._server.wait()

    def address(self, database: str) -> str:
        """Where the books of `database` are."""
        return f"postgresql://{OWNER}@/{database}?host={self._folder}"

    def fresh(self, template: str = TEMPLATE) -> str:
        """The address of a new database, a copy of `template`."""
        name = f"books_{next(self._names)}"
        self.say(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.address(name)

    def drop(self, address: str) -> None:
        """Give the disk of one database back."""
        self.say(f'DROP DATABASE "{make_url(address).database}" WITH (FORCE)')

    def say(self, statement: str, database: str = OWNER) -> None:
        """Run one statement as the server's owner."""
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(self._setpriv([str(self._programs / program), *words]), check=False, capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stderr

    def _setpriv(self, command: list[str]) -> list[str]:
        return ["setpriv", "--pdeathsig=INT", *self._as_owner, *command]


def _in_memory() -> Path | None:
    """A file system in memory with room for a cluster, None where there is none."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM
    return MEMORY if roomy else None


@contextmanager
def cluster(*, on_disk: bool = False) -> Iterator[Cluster]:
    """A running server with a template of empty books: in memory where there is room, since no test pulls the plug, or on disk."""
    folder = Path(tempfile.mkdtemp(prefix="haven-pg-", dir=None if on_disk else _in_memory()))
    try:
        running = Cluster(folder)
        try:
            running.say(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0")
            Ledger.open(running.address(TEMPLATE)).close()
            yield running
        finally:
            running.stop()
    finally:
        shutil.rmtree(folder)
