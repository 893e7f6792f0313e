"""Core statements compiled once: the statements that every spend runs, without the cost of preparing them again each time.

One spend runs thirteen statements; through SQLAlchemy's execution they cost more than the durable commit itself.
"""

import operator
import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

from sqlalchemy import Connection
from sqlalchemy.dialects import sqlite
from sqlalchemy.sql.elements import ClauseElement

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler


Driver: TypeAlias = sqlite3.Connection
"""The database's own connection under Core's, for statements compiled once."""


class StoredRow(Protocol):
    """A row with its columns as attributes: a prepared statement's, or Core's own."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - a column's type is the schema's
        """The value of column `name`."""


class Prepared:
    """A statement with named parameters, for SQLite's own driver. `columns` are what an INSERT or UPDATE sets, where it does not say."""

    def __init__(self, statement: ClauseElement, columns: Sequence[str] | None = None) -> None:
        """Compile `statement` now."""
        compiled = cast("SQLCompiler", statement.compile(dialect=sqlite.dialect(paramstyle="named"), column_keys=columns))
        self._text = str(compiled)
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}
        names = [result.keyname for result in compiled._result_columns]  # noqa: SLF001 - the compiled names have no public accessor
        self._row: Any = _row_type(names)

    def run(self, driver: Driver, parameters: Mapping[str, Any]) -> None:
        """Run it once, for its effect."""
        driver.execute(self._text, {**self._fixed, **parameters})

    def run_each(self, driver: Driver, parameters: Sequence[Mapping[str, Any]]) -> None:
        """Run it for each set of parameters."""
        driver.executemany(self._text, [{**self._fixed, **each} for each in parameters])

    def all(self, driver: Driver, parameters: Mapping[str, Any]) -> list[StoredRow]:
        """Its rows, with the columns as attributes."""
        return [self._row(row) for row in driver.execute(self._text, {**self._fixed, **parameters})]

    def first(self, driver: Driver, parameters: Mapping[str, Any]) -> StoredRow | None:
        """Its first row, None where there is none."""
        row = driver.execute(self._text, {**self._fixed, **parameters}).fetchone()
        return None if row is None else self._row(row)


def _row_type(names: list[str]) -> Any:  # noqa: ANN401 - a class that is made here, of the statement's columns
    return type("Row", (tuple,), {name: property(operator.itemgetter(place)) for place, name in enumerate(names)})


def driver_of(connection: Connection) -> Driver:
    """SQLite's own connection under a Core connection, inside the same transaction."""
    return cast("Driver", connection.connection.driver_connection)
