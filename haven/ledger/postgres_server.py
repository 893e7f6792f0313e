"""Books in a PostgreSQL database, 15 or newer, for several mediators at once.

Every writing transaction of every mediator takes one advisory lock at its start and holds it to its end: the chain has one order, so its
writers have one too. What a transaction reads after that lock is what the last commit left, and it stays true until its own commit.
"""

import select
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, TypeAlias, TypeVar, cast

import psycopg
from psycopg.abc import Buffer, PQGen
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumper
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import NullPool, QueuePool

from haven.errors import Code, Refused
from haven.ledger.database import READERS
from haven.ledger.prepared import Driver, driver_of

Value = TypeVar("Value")
Raw: TypeAlias = psycopg.Connection[tuple[Any, ...]]
OLDEST = 150_000
WRITERS_LOCK = 0x686176656E  # "haven", in the database's space of advisory locks
# a peer that is gone is noticed within seconds, whoever sent last; what the address says itself goes before these
NETWORK = {
    "application_name": "haven",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
# a commit that returned is on the server's disk; and text is ordered by its bytes, as the indexes of any machine order it for ever
_FITNESS = (
    "SELECT current_setting('server_version_num')::int >= %(oldest)s, current_setting('server_encoding') = 'UTF8', 'Z' < 'a', "
    "current_setting('fsync')::bool"
)
_UNFIT = (
    ("is older than PostgreSQL 15", "Upgrade it"),
    ("does not keep its text in UTF-8", "Make the database with ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0"),
    (
        "orders text by a language, which upgrades of the system change",
        "Make the database with ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0",
    ),
    ("runs with fsync off, so a commit may be lost", "Turn fsync on"),
)


def address_of(text: str) -> URL:
    """The address in `text`, to be reached through psycopg. Refused where it is none; the refusal does not repeat it."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # the second for a port that is no number
        url = None
    if url is None or url.get_backend_name() not in {"postgresql", "postgres"}:
        raise Refused(
            Code.HOME_INVALID,
            "The address of the books is not one of a PostgreSQL database.",
            "Write it as postgresql://USER@HOST/DATABASE, with the password in the file that PGPASSFILE names.",
        )
    missing = {name: value for name, value in NETWORK.items() if name not in url.query}
    return url.set(drivername="postgresql+psycopg").update_query_dict(missing)


class KeptText(StrDumper):
    """A text for the server, which knows no NUL: Refused, where a file would keep it."""

    def dump(self, obj: str) -> Buffer | None:
        """The bytes of `obj`."""
        if "\x00" in obj:
            raise Refused(Code.REQUEST_INVALID, "A text holds the character NUL, which these books cannot keep.", "Leave it out.")
        return super().dump(obj)


class Patient(psycopg.Connection[tuple[Any, ...]]):
    """A connection that waits `patience_s` for an answer, and is closed when none came: what it was asked may be done or not."""

    patience_s = 0.0

    def wait(self, gen: PQGen[Value], interval: float = 0.1, timeout: float | None = None) -> Value:
        """What the server answers, in time."""
        try:
            return super().wait(gen, interval, timeout or self.patience_s or None)
        except psycopg.OperationalError:
            if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                self.close()
            raise


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a statement, a client that says nothing inside its transaction, and a server that does not answer are borne."""

    statement: timedelta
    silence: timedelta
    answer: timedelta

    def setting(self, lock: timedelta) -> str:
        """What tells the server."""
        limits = {"lock_timeout": lock, "statement_timeout": self.statement, "idle_in_transaction_session_timeout": self.silence}
        return "; ".join(f"SET {name} = {int(limit.total_seconds() * 1000)}" for name, limit in limits.items())


# a mediator that is cut off inside a transaction gives the lock back after 15 s; a long page or export may read for longer
WRITING = Limits(timedelta(seconds=15), timedelta(seconds=15), timedelta(seconds=20))
READING = Limits(timedelta(minutes=5), timedelta(hours=1), timedelta(minutes=6))
MIGRATING = Limits(timedelta(hours=1), timedelta(minutes=5), timedelta(hours=1))
_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_LOCKED = f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({WRITERS_LOCK})"


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """The database at `url`; a lock held by others is waited for `busy_timeout` long."""

    url: URL
    busy_timeout: timedelta

    def prepare(self) -> None:
        """Refused unless the server keeps what it commits and the database orders text by its bytes."""
        engine = create_engine(self.url, poolclass=NullPool)
        with engine.connect() as connection:
            fit = connection.exec_driver_sql(_FITNESS, {"oldest": OLDEST}).one()
        for good, (what, instead) in zip(fit, _UNFIT, strict=True):
            if not good:
                raise Refused(Code.HOME_INVALID, f"The database for the books {what}.", f"{instead}, and open it again.")

    def migrating(self) -> Engine:
        """Connections for bringing the books forward, which may take its time."""
        return self._set_up(create_engine(self.url, poolclass=NullPool), _LOCKED, "synchronous_commit = on", MIGRATING)

    def writing(self) -> Engine:
        """Connections for the one writer: every transaction begins with the lock that orders all writers of these books."""
        return self._set_up(create_engine(self.url, poolclass=NullPool), _LOCKED, "synchronous_commit = on", WRITING)

    def reading(self) -> Engine:
        """Connections that cannot write; each transaction is one consistent snapshot of the books."""
        patience_s = self.busy_timeout.total_seconds()
        engine = create_engine(self.url, poolclass=QueuePool, pool_size=READERS, max_overflow=READERS * 3, pool_timeout=patience_s)

        @event.listens_for(engine, "checkout")
        def _taken(connection: Raw, _record: object, _proxy: object) -> None:
            if self.lost(connection):
                raise DisconnectionError  # the pool connects anew

        return self._set_up(engine, _SNAPSHOT, "default_transaction_read_only = on", READING)

    def looking(self) -> Engine:
        """Connections that cannot write, none of which is kept."""
        return self._set_up(create_engine(self.url, poolclass=NullPool), _SNAPSHOT, "default_transaction_read_only = on", READING)

    def lost(self, driver: Driver) -> bool:
        """Whether the connection is closed, in a transaction that nobody ended, or has something to say though nobody asked."""
        if not isinstance(driver, psycopg.Connection) or driver.closed or driver.info.transaction_status != TransactionStatus.IDLE:
            return True
        poll = select.poll()
        poll.register(driver.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def tidy(self, driver: Driver) -> None:
        """Nothing: the server looks after itself."""

    def _set_up(self, engine: Engine, begin: str, setting: str, limits: Limits) -> Engine:
        settings = f"SET {setting}; {limits.setting(self.busy_timeout)}".encode()

        @event.listens_for(engine, "do_connect")
        def _connect(_dialect: object, _record: object, words: list[Any], named: dict[str, Any]) -> Raw:
            return Patient.connect(*words, **named)

        @event.listens_for(engine, "connect")
        def _connected(connection: Patient, _record: object) -> None:
            connection.patience_s = limits.answer.total_seconds()
            connection.autocommit = True  # the driver begins nothing by itself: `begin` below does
            connection.adapters.register_dumper(str, KeptText)
            connection.adapters.register_dumper(StrEnum, KeptText)  # a member is its text; by itself the driver writes its name
            connection.execute(settings)

        @event.listens_for(engine, "begin")
        def _begun(connection: Connection) -> None:
            cast("Raw", driver_of(connection)).execute(begin.encode(), prepare=False)  # two statements at once cannot be prepared

        return engine
