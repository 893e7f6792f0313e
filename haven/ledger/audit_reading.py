"""What an audit reads of books in either store: entries in groups, and the rows that a group's entries tell of, in a few statements."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from haven.ledger.prepared import driver_of

GROUP = 4000
_MOST_VALUES = 500


class Books:
    """Rows with their columns by name, from one snapshot of the books."""

    def __init__(self, connection: Connection, *, lenient: bool = False) -> None:
        """Read through `connection`; with `lenient`, from a file whose texts may be damaged."""
        self._connection = connection
        driver = driver_of(connection)
        self.in_a_file = isinstance(driver, sqlite3.Connection)
        self._place = "?" if self.in_a_file else "%s"
        if isinstance(driver, sqlite3.Connection) and lenient:
            driver.text_factory = lambda raw: raw.decode("utf-8", "replace")  # what a damaged text says is compared like any other
        self.tables = self._tables()

    def entries(self) -> Iterator[Sequence[Any]]:
        """Every entry, in groups: seq, kind, actor, at, body, prev_digest, digest."""
        statement = "SELECT seq, kind, actor, at, body, prev_digest, digest FROM entries ORDER BY seq"
        yield from self._connection.execute(text(statement), execution_options={"yield_per": GROUP}).partitions(GROUP)

    def each(self, statement: str) -> Iterable[RowMapping]:
        """The statement's rows, however many."""
        return self._connection.execute(text(statement), execution_options={"yield_per": GROUP}).mappings()

    def number(self, statement: str) -> object:
        """The one value that the statement gives."""
        return self._connection.execute(text(statement)).scalar()

    def those(self, columns: str, table: str, key: str, values: Collection[Any]) -> dict[Any, Any]:
        """The rows of `table` whose `key` is among `values`, by it."""
        found: dict[Any, Any] = {}
        wanted = list(values)
        for start in range(0, len(wanted), _MOST_VALUES):
            part = tuple(wanted[start : start + _MOST_VALUES])
            places = ", ".join([self._place] * len(part))
            statement = f"SELECT {columns} FROM {table} WHERE {key} IN ({places})"  # noqa: S608 - the names are the audit's own
            rows = self._connection.exec_driver_sql(statement, part)
            place = list(rows.keys()).index(key)
            found.update((row[place], row) for row in rows)
        return found

    def has(self, table: str) -> bool:
        """Whether the books, which may be of an earlier version, have this table."""
        return table in self.tables

    def _tables(self) -> frozenset[str]:
        catalogue = "SELECT name FROM sqlite_master WHERE type = 'table'"
        if not self.in_a_file:
            catalogue = "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()"
        return frozenset(self._connection.execute(text(catalogue)).scalars())
