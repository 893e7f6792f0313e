"""Source files: Parquet, CSV and Arrow, opened with their column names and types, or refused by name where they cannot be read."""

import csv
import gzip
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import duckdb
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet

from haven.engines.sql_text import literal, quoted
from haven.errors import Code, Refused

PARQUET, CSV, ARROW = (".parquet", ".pq"), (".csv", ".tsv", ".csv.gz", ".tsv.gz"), (".arrow", ".feather", ".ipc")
DELIMITERS = (",", ";", "\t", "|")
PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Source:
    """An opened source: `sql` reads it, `columns` maps each of its column names to (the name in `sql`, the DuckDB type).

    `written` is true where every value is written out as text and no type is given.
    """

    table: str
    file: str
    sql: str
    columns: dict[str, tuple[str, str]]
    written: bool = False


def unreadable(table: str, file: str) -> Refused:
    """The refusal of a source whose bytes are not what its name says."""
    return Refused(
        Code.INGEST_CONTENT,
        f"The source of table {table}, {file}, cannot be read to its end: it is damaged, cut short, or not of the format its name says.",
        "Make the file again, or correct `source:` in the policy.",
    )


def open_source(connection: duckdb.DuckDBPyConnection, table: str, path: Path, wanted: Sequence[str]) -> Source:
    """The source of `table`, in which the columns `wanted` exist. Raises Refused, which names the file and the column."""
    if not path.is_file():
        raise Refused(Code.INGEST_SOURCE, f"The source of table {table}, {path.name}, does not exist.", "Correct `source:` in the policy.")
    if path.stat().st_size == 0:
        raise Refused(Code.INGEST_CONTENT, f"The source of table {table}, {path.name}, is empty.", "Give a file with a header and rows.")
    try:
        source = _open(connection, table, path, wanted)
    except (duckdb.Error, pa.ArrowException, OSError, UnicodeDecodeError, csv.Error):
        raise unreadable(table, path.name) from None
    missing = [name for name in wanted if name not in source.columns]
    if missing:
        raise Refused(
            Code.INGEST_CONTENT,
            f"The source of table {table}, {path.name}, has no column {missing[0]}.",
            "Correct the column's name in the policy (upper and lower case count), or add it to the file.",
        )
    return source


def _open(connection: duckdb.DuckDBPyConnection, table: str, path: Path, wanted: Sequence[str]) -> Source:
    name = path.name.lower()
    if name.endswith(PARQUET):
        return _described(connection, table, path, f"read_parquet({literal(str(path))})")
    if name.endswith(CSV):
        return _csv(table, path, wanted)
    if name.endswith(ARROW):
        view = f"arrow_{table}"
        connection.complete()  # a single row fetched from an earlier statement leaves it open, and nothing can be registered then
        connection.register(view, pyarrow.dataset.dataset(str(path), format="ipc"))
        return _described(connection, table, path, quoted(view))
    raise Refused(
        Code.INGEST_SOURCE,
        f"The source of table {table}, {path.name}, is of a format that haven does not read.",
        f"Give Parquet ({', '.join(PARQUET)}), CSV ({', '.join(CSV)}) or Arrow ({', '.join(ARROW)}).",
    )


def _described(connection: duckdb.DuckDBPyConnection, table: str, path: Path, sql: str) -> Source:
    rows: list[tuple[Any, ...]] = connection.execute(f"DESCRIBE SELECT * FROM {sql}").fetchall()  # noqa: S608 - generated
    return Source(table, path.name, sql, {name: (name, kind) for name, kind, *_ in rows})


def _csv(table: str, path: Path, wanted: Sequence[str]) -> Source:
    """Every cell of a CSV file is text; its first line names the columns; its delimiter is the one that finds most of them there.

    Where none is wanted by name, all are: the delimiter is the one that gives the most names, odd ones last.
    """
    with _text(path) as lines:
        first = lines.readline()
    delimiter, names = _split(first, wanted)
    columns = ", ".join(f"'c{i}': 'VARCHAR'" for i in range(len(names)))
    dialect = f"""auto_detect=false, header=true, delim={literal(delimiter)}, quote='"', escape='"', strict_mode=true"""
    sql = f"read_csv({literal(str(path))}, {dialect}, columns={{{columns}}})"
    places = {name: i for i, name in reversed(list(enumerate(names)))}
    return Source(table, path.name, sql, {name: (f"c{places[name]}", "VARCHAR") for name in names}, written=True)


def _split(first: str, wanted: Sequence[str]) -> tuple[str, list[str]]:
    """The delimiter of a first line, and the names it gives."""
    found = [(delimiter, _cells(first, delimiter)) for delimiter in DELIMITERS]
    if wanted:
        return max(found, key=lambda one: len(set(wanted) & set(one[1])))
    return max(found, key=lambda one: (all(PLAIN_NAME.fullmatch(name) for name in one[1]), len(one[1])))


def names_of(path: Path) -> list[str]:
    """The column names as the file gives them, repeated ones too, of a source that could be opened."""
    name = path.name.lower()
    if name.endswith(CSV):
        with _text(path) as lines:
            return _split(lines.readline(), ())[1]
    if name.endswith(PARQUET):
        return list(pyarrow.parquet.read_schema(path).names)
    return list(pyarrow.dataset.dataset(str(path), format="ipc").schema.names)


def _text(path: Path) -> TextIO:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _cells(line: str, delimiter: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]
