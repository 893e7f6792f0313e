"""The columns of a public table that its policy leaves out: names and types read from the source, all of it, or refused.

A Parquet or Arrow column has the type its file says. A CSV cell is text, so a CSV column has the first of these types that every cell
that is not empty can be written in: boolean (true, false), integer (no leading zero), number, date (2020-12-31), and text otherwise. A
type is taken only where it keeps apart what the source keeps apart: 007, 250.0 beside 250.00, and whole numbers beyond 2^53 stay text.
Only public tables come here: what a column holds decides its type, and that may be known of nobody's data alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
from pydantic import ValidationError

from haven.catalog.column import LARGEST_INTEGER, Column, ColumnType
from haven.catalog.dataset import Table, check_units_stay_apart
from haven.engines.columns import FLOATS, NOTHING, TIMES, WHOLE, Parsed, parse
from haven.engines.sources import PLAIN_NAME, Source, names_of, open_source, unreadable
from haven.engines.sql_text import literal, quoted
from haven.errors import Code, Refused

MOST_COLUMNS = 1_000
WRITTEN = {
    ColumnType.BOOLEAN: "true|false|True|False|TRUE|FALSE",
    ColumnType.INTEGER: "-?(0|[1-9][0-9]*)",
    ColumnType.NUMBER: r"-?(0|[1-9][0-9]*)?(\.[0-9]+)?([eE][+-]?[0-9]+)?",
    ColumnType.DATE: "[0-9]{4}-[0-9]{2}-[0-9]{2}",
}
"""How a cell of text is written in a type, as a pattern that matches all of it."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A type that a column may have: SQL aggregates for whether it keeps every value, and for whether a row is without one."""

    type: ColumnType
    keeps: str
    lacks: str


def declared_in_full(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, Table], source_dir: Path) -> dict[str, Table]:
    """The tables, with the columns of each public one that declares none. Raises Refused, which names the file and the column."""
    full = {
        name: _inferred(connection, name, table, source_dir / table.source) if table.public and not table.columns else table
        for name, table in tables.items()
    }
    try:
        check_units_stay_apart(full)
    except ValueError as clash:
        raise Refused(
            Code.INGEST_CONTENT,
            str(clash),
            "Nothing public may join on persons: rename the column in the source, or declare the table's `columns:` without it.",
        ) from None
    return full


def _inferred(connection: duckdb.DuckDBPyConnection, name: str, table: Table, path: Path) -> Table:
    source = open_source(connection, name, path, [])
    _check_names(name, path, source)
    candidates = {column: _candidates(quoted(stored), kind, written=source.written) for column, (stored, kind) in source.columns.items()}
    for column, possible in candidates.items():
        if not possible:
            raise _declare(f"Column {name}.{column} is of a type in the source that haven does not store.")
    try:
        columns = _surveyed(connection, source, candidates)
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, pa.ArrowException):
        raise unreadable(name, path.name) from None
    lost = [column for column, found in columns.items() if found is None]
    if lost:
        raise _declare(f"Column {name}.{lost[0]} holds times of day, which haven does not store.")
    return _with_columns(name, table, path, columns)


def _check_names(name: str, path: Path, source: Source) -> None:
    """Refuse names that SQL could not tell apart, or that could not be asked for; by number, for an odd name is no name."""
    names = names_of(path)
    if not names or len(names) > MOST_COLUMNS:
        raise _declare(f"The source of table {name}, {source.file}, has no column, or more than {MOST_COLUMNS}.")
    odd = [place for place, column in enumerate(names, start=1) if PLAIN_NAME.fullmatch(column) is None]
    if odd:
        raise _declare(
            f"Column number {odd[0]} of the source of table {name}, {source.file}, has a name that cannot be asked for: "
            "a name begins with a letter and goes on with letters, digits and _, 63 at most."
        )
    if len({column.lower() for column in names}) < len(names):
        raise _declare(f"The source of table {name}, {source.file}, has two columns of one name (upper and lower case are the same).")


def _candidates(cell: str, kind: str, *, written: bool) -> tuple[Candidate, ...]:
    """The types that a column of the DuckDB type `kind` may have, best first; none where haven cannot store it."""
    if kind in WHOLE:
        within = f"coalesce(bool_and({cell} BETWEEN -{LARGEST_INTEGER} AND {LARGEST_INTEGER}), true)"
        return (_candidate(ColumnType.INTEGER, cell, kind, within), _candidate(ColumnType.CATEGORY, cell, kind))
    if kind in TIMES:
        return (_candidate(ColumnType.DATE, cell, kind, f"coalesce(bool_and({cell} = date_trunc('day', {cell})), true)"),)
    if kind in FLOATS or kind.startswith("DECIMAL"):
        return (_candidate(ColumnType.NUMBER, cell, kind),)
    if kind in {"BOOLEAN", "DATE"}:
        return (_candidate(ColumnType(kind.lower()), cell, kind),)
    if kind in {"VARCHAR", "UUID", NOTHING} or kind.startswith("ENUM"):
        readings = [_candidate(column_type, cell, kind, _written(column_type, cell, kind)) for column_type in WRITTEN if written]
        return (*readings, _candidate(ColumnType.CATEGORY, cell, kind))
    return ()


def _candidate(column_type: ColumnType, cell: str, kind: str, keeps: str = "true") -> Candidate:
    return Candidate(column_type, keeps, f"coalesce(bool_or({_parsed(column_type, cell, kind).value} IS NULL), false)")


def _written(column_type: ColumnType, cell: str, kind: str) -> str:
    """SQL: every cell of text that is not empty is written in the type, and what is written differently is a different value."""
    text, value = _parsed(ColumnType.CATEGORY, cell, kind).value, _parsed(column_type, cell, kind).value
    each = f"regexp_full_match({text}, {literal(WRITTEN[column_type])}) AND {value} IS NOT NULL"
    if column_type in {ColumnType.INTEGER, ColumnType.NUMBER}:
        whole = f"regexp_full_match({text}, {literal(WRITTEN[ColumnType.INTEGER])})"
        # not as a DOUBLE, which would round 2^53 + 1 into the bound
        each += f" AND (NOT {whole} OR coalesce(abs(TRY_CAST({text} AS HUGEINT)) <= {LARGEST_INTEGER}, false))"
    # a column without any value is text: FILTER leaves bool_and nothing, and so NULL
    every = f"bool_and({each}) FILTER ({text} IS NOT NULL)"
    apart = f"count(DISTINCT {text}) = count(DISTINCT {value})"
    return f"({every} AND {apart})" if column_type is ColumnType.NUMBER else every


def _parsed(column_type: ColumnType, cell: str, kind: str) -> Parsed:
    parsed = parse(Column(type=column_type), cell, kind)
    if parsed is None:
        raise KeyError(kind)
    return parsed


def _surveyed(
    connection: duckdb.DuckDBPyConnection, source: Source, candidates: Mapping[str, tuple[Candidate, ...]]
) -> dict[str, Column | None]:
    """The first candidate of each column that keeps all its values; None where none does. The source is read once."""
    connection.execute(f"CREATE TABLE surveyed AS SELECT * FROM {source.sql}")  # noqa: S608 - generated
    found = {column: _first(connection, possible) for column, possible in candidates.items()}
    connection.execute("DROP TABLE surveyed")
    return found


def _first(connection: duckdb.DuckDBPyConnection, candidates: tuple[Candidate, ...]) -> Column | None:
    sums = ", ".join(f"{one.keeps}, {one.lacks}" for one in candidates)
    row = connection.execute(f"SELECT {sums} FROM surveyed").fetchone() or ()  # noqa: S608 - generated
    kept = [Column(type=one.type, nullable=row[2 * i + 1]) for i, one in enumerate(candidates) if row[2 * i]]
    return kept[0] if kept else None


def _with_columns(name: str, table: Table, path: Path, columns: Mapping[str, Column | None]) -> Table:
    try:
        return Table.model_validate({**dict(table), "columns": columns})
    except ValidationError as clash:
        # its words are haven's own, about names
        reasons = [str(error["ctx"]["error"]) for error in clash.errors() if "error" in error.get("ctx", {})]
        raise _declare(f"In the source of table {name}, {path.name}, {(reasons or ['the columns cannot be stored.'])[0]}") from None


def _declare(reason: str) -> Refused:
    return Refused(
        Code.INGEST_CONTENT, reason, "Mend the source, or declare the table's `columns:` in the policy; no others are read then."
    )
