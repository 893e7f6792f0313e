"""Opening the books wherever they are, and bringing older ones forward."""

import contextlib
from collections.abc import Iterator
from datetime import timedelta
from importlib import resources
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect

from haven.ledger.database import Database, Place
from haven.ledger.failures import ledger_fault
from haven.ledger.postgres_server import PostgresServer, address_of
from haven.ledger.sqlite_file import SqliteFile

AUDIT_WAIT = timedelta(seconds=5)


def database_at(place: Place, busy_timeout: timedelta) -> Database:
    """The database at `place`. Refused (HOME_INVALID) for an address that is none of PostgreSQL's."""
    if isinstance(place, Path) or "://" not in place:
        return SqliteFile(Path(place), busy_timeout)
    return PostgresServer(address_of(place), busy_timeout)


@contextlib.contextmanager
def look(place: Place, busy_timeout: timedelta = AUDIT_WAIT) -> Iterator[Connection]:
    """One consistent snapshot of the books at `place`, of whatever revision, in use or not; nothing is created, changed or brought forward.

    The database's own errors leave as they are: to an audit they are findings.
    """
    engine = database_at(place, busy_timeout).looking()
    try:
        with engine.connect() as connection, connection.begin():
            yield connection
    finally:
        engine.dispose()


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
