"""Core statements compiled once: the statements that every spend runs, without the cost of preparing them again each time.

One spend runs thirteen statements; through SQLAlchemy's execution they cost more than the durable commit itself. A statement is compiled
for SQLite and for PostgreSQL; which of the two texts is sent is decided by the connection that it is sent through.
"""

import functools
import operator
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import psycopg
from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.postgresql import psycopg as postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.elements import ClauseElement

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler


Driver: TypeAlias = sqlite3.Connection | psycopg.Connection[tuple[Any, ...]]
"""The database's own connection under Core's, for statements compiled once."""

_SQLITE = sqlite.dialect(paramstyle="named")
_POSTGRES = postgresql.dialect()  # type: ignore[no-untyped-call]  # its construction has no published types


class StoredRow(Protocol):
    """A row with its columns as attributes: a prepared statement's, or Core's own."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a column's type is the schema's
        """The value of column `name`."""


class _Text:
    """A statement's text in one dialect, and the parameters that never change."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None, dialect: Dialect) -> None:
        compiled = cast("SQLCompiler", statement.compile(dialect=dialect, column_keys=columns))
        self.text = str(compiled)
        self.bytes = self.text.encode()
        self.fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self.names = [result.keyname for result in compiled._result_columns]  # noqa: SLF001 - the names have no public accessor


class Prepared:
    """A statement with named parameters, for the database's own driver. `columns` are what an INSERT or UPDATE sets, where it says none.

    An upsert is `sqlalchemy.dialects.postgresql.insert`, which both databases understand.
    """

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        """Compile `statement` for SQLite now, and for PostgreSQL when it is first sent there."""
        self._statement, self._columns = statement, columns
        self._sqlite = _Text(statement, columns, _SQLITE)
        self._row: Any = _row_type(self._sqlite.names)

    @functools.cached_property
    def _postgres(self) -> _Text:
        return _Text(self._statement, self._columns, _POSTGRES)

    def run(self, driver: Driver, parameters: Mapping[str, Any]) -> None:
        """Run it once, for its effect."""
        self._sent(driver, parameters)

    def run_each(self, driver: Driver, parameters: Sequence[Mapping[str, Any]]) -> None:
        """Run it for each set of parameters."""
        if isinstance(driver, sqlite3.Connection):
            driver.executemany(self._sqlite.text, [{**self._sqlite.fixed, **each} for each in parameters])
        else:
            driver.cursor().executemany(self._postgres.bytes, [{**self._postgres.fixed, **each} for each in parameters])

    def all(self, driver: Driver, parameters: Mapping[str, Any]) -> list[StoredRow]:
        """Its rows, with the columns as attributes."""
        return [self._row(row) for row in self._sent(driver, parameters)]

    def first(self, driver: Driver, parameters: Mapping[str, Any]) -> StoredRow | None:
        """Its first row, None where there is none."""
        row = next(iter(self._sent(driver, parameters)), None)
        return None if row is None else self._row(row)

    def _sent(self, driver: Driver, parameters: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
        if isinstance(driver, sqlite3.Connection):
            return driver.execute(self._sqlite.text, {**self._sqlite.fixed, **parameters})
        return driver.execute(self._postgres.bytes, {**self._postgres.fixed, **parameters}, prepare=True)


def _row_type(names: list[str]) -> Any:  # noqa: ANN401 - a class that is made here, of the statement's columns
    return type("Row", (tuple,), {name: property(operator.itemgetter(place)) for place, name in enumerate(names)})


def driver_of(connection: Connection) -> Driver:
    """The database's own connection under a Core connection, inside the same transaction."""
    return cast("Driver", connection.connection.driver_connection)
