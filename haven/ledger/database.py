"""What the books ask of the database that holds them, whichever it is."""

from pathlib import Path
from typing import Protocol, TypeAlias

from sqlalchemy import Engine

from haven.ledger.prepared import Driver

Place: TypeAlias = Path | str
"""Where books are: the path of a file, or the address of a PostgreSQL database (`postgresql://…`)."""

READERS = 8  # connections that a process keeps for reading


class Database(Protocol):
    """A database of books: how it is opened, and what its own connections can tell."""

    def prepare(self) -> None:
        """Make the place ready, or find it unfit: Refused with what is to be changed."""

    def migrating(self) -> Engine:
        """Connections as for writing, for the one transaction that brings the books forward and may take its time."""

    def writing(self) -> Engine:
        """Connections for the one writer: a transaction holds, from its start, the one lock that orders all writers of these books."""

    def reading(self) -> Engine:
        """Connections that cannot write; each transaction is one consistent snapshot, no older than the last commit at its start."""

    def looking(self) -> Engine:
        """A connection for an audit: one that can neither write nor make books where there are none, and keeps nothing when it is done."""

    def lost(self, driver: Driver) -> bool:
        """Whether an idle connection is no use any more, as far as can be told without asking the server."""

    def tidy(self, driver: Driver) -> None:
        """Housekeeping of the database's own while nobody waits; what is committed is durable with or without."""
