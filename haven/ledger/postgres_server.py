"""Books in a PostgreSQL database, 15 or newer, for several mediators at once.

Every writing transaction of every mediator takes one advisory lock at its start and holds it to its end: the chain has one order, so its
writers have one too. What a transaction reads after that lock is what the last commit left, and it stays true until its own commit.
"""

import select
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeAlias, cast

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.pool import NullPool, QueuePool

from haven.errors import Code, Refused
from haven.ledger.database import READERS
from haven.ledger.prepared import Driver, driver_of

Raw: TypeAlias = psycopg.Connection[tuple[Any, ...]]
OLDEST = 150_000
WRITERS_LOCK = 0x686176656E  # "haven", in the database's space of advisory locks
LONGEST_STATEMENT = timedelta(seconds=60)
LONGEST_SILENCE = timedelta(seconds=15)  # inside a transaction: a mediator that is cut off gives the lock back after this
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
    "SELECT current_setting('server_version_num')::int >= %(oldest)s, current_setting('server_encoding') = 'UTF8', "
    "(SELECT datcollate IN ('C', 'POSIX', 'C.UTF-8', 'C.utf8') FROM pg_database WHERE datname = current_database()), "
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
    except ArgumentError:
        url = None
    if url is None or url.get_backend_name() not in {"postgresql", "postgres"}:
        raise Refused(
            Code.HOME_INVALID,
            "The address of the books is not one of a PostgreSQL database.",
            "Write it as postgresql://USER@HOST/DATABASE, with the password in the file that PGPASSFILE names.",
        )
    missing = {name: value for name, value in NETWORK.items() if name not in url.query}
    return url.set(drivername="postgresql+psycopg").update_query_dict(missing)


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

    def writing(self) -> Engine:
        """Connections for the one writer: every transaction begins with the lock that orders all writers of these books."""
        engine = create_engine(self.url, poolclass=NullPool)
        self._set_up(
            engine, f"BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock({WRITERS_LOCK})", "synchronous_commit = on"
        )
        return engine

    def reading(self) -> Engine:
        """Connections that cannot write; each transaction is one consistent snapshot of the books."""
        engine = create_engine(
            self.url, poolclass=QueuePool, pool_size=READERS, max_overflow=READERS * 3, pool_timeout=self.busy_timeout.total_seconds()
        )
        self._set_up(engine, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "default_transaction_read_only = on")

        @event.listens_for(engine, "checkout")
        def _taken(connection: Raw, _record: object, _proxy: object) -> None:
            if self.lost(connection):
                raise DisconnectionError  # the pool connects anew

        return engine

    def lost(self, driver: Driver) -> bool:
        """Whether the connection is closed, in a transaction that nobody ended, or has something to say though nobody asked."""
        if not isinstance(driver, psycopg.Connection) or driver.closed or driver.info.transaction_status != TransactionStatus.IDLE:
            return True
        poll = select.poll()
        poll.register(driver.fileno(), select.POLLIN)
        return bool(poll.poll(0))

    def tidy(self, driver: Driver) -> None:
        """Nothing: the server looks after itself."""

    def _set_up(self, engine: Engine, begin: str, setting: str) -> None:
        limits = {
            "lock_timeout": self.busy_timeout,
            "statement_timeout": LONGEST_STATEMENT,
            "idle_in_transaction_session_timeout": LONGEST_SILENCE,
        }
        words = "; ".join([f"SET {setting}", *(f"SET {name} = {int(limit.total_seconds() * 1000)}" for name, limit in limits.items())])

        @event.listens_for(engine, "connect")
        def _connected(connection: Raw, _record: object) -> None:
            connection.autocommit = True  # the driver begins nothing by itself: `begin` below does
            connection.execute(words.encode())

        @event.listens_for(engine, "begin")
        def _begun(connection: Connection) -> None:
            cast("Raw", driver_of(connection)).execute(begin.encode(), prepare=False)  # two statements at once cannot be prepared
