"""Ingest: declared tables and their source files become one snapshot, or nothing.

Three passes over each table, all inside DuckDB: stage (read the source once, make every cell total, note what happened to it), number the
persons of all tables, then store (rank, sort by person, under constraints). Memory is bounded; what does not fit is spilled beside it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import duckdb
import pyarrow as pa

from haven.catalog import layout as catalog_layout
from haven.catalog.dataset import Table
from haven.catalog.layout import TableLayout, layout_of
from haven.engines.build import IngestProgress, Steps, Watcher, Workbench, publish, workbench
from haven.engines.columns import parse, status, stored, unit_of
from haven.engines.facts import facts_of, write_facts
from haven.engines.inference import declared_in_full
from haven.engines.quality import Report, bound_counts, cell_counts, check_columns
from haven.engines.ranks import RankKeys, rank_keys, seal_sql
from haven.engines.snapshot import Snapshot, latest, noted_of, units_of, withdrawn_of, write_details
from haven.engines.sources import Source, open_source, unreadable
from haven.engines.sql_text import literal, quoted
from haven.engines.storing import fingerprint, store_personal, store_public, stored_name, unit_set_digest
from haven.errors import Code, Refused

__all__ = ["IngestProgress", "ingest"]
Readable = TypeVar("Readable")
MOST_UNITS = 2**31 - 1


def ingest(tables: Mapping[str, Table], source_dir: Path, destination: Path, secret: bytes, progress: Watcher) -> Snapshot:
    """Make the next snapshot of the dataset whose directory is `destination` (`destination/SERIAL/`) from `tables`.

    Sources are read relative to `source_dir`; a public table that declares no columns gets those of its source. `secret` is the haven's
    ingest secret (32 bytes or more). `progress` is told of each step. Raises Refused, naming files and columns only, and then nothing
    is left behind; Fault where the machine lacks memory or disk.
    """
    keys = rank_keys(secret)
    steps = Steps(2 * len(tables) + 2, progress)
    with workbench(destination) as bench:
        tables = declared_in_full(bench.connection, tables, source_dir)
        layouts = {name: layout_of(table) for name, table in tables.items()}
        report: Report = {"tables": {}}
        for name, layout in layouts.items():
            steps.begin(f"reading {name}")
            report["tables"][name] = _stage(bench.connection, name, layout, source_dir / layout.table.source)
        steps.begin("numbering persons")
        personal = [name for name, layout in layouts.items() if layout.unit is not None]
        report["units"] = _number_units(bench, keys, personal, _withdrawn(bench, destination))
        digests = {}
        for name, layout in layouts.items():
            steps.begin(f"storing {name}")
            digests[name] = _store(bench.connection, keys, name, layout)
            if layout.unit is not None:
                report["tables"][name] |= bound_counts(bench.connection, stored_name(name), layout)
        steps.begin("sealing the snapshot")
        write_details(bench.snapshot, tables, report)
        write_facts(bench.snapshot, facts_of(bench.connection, layouts))
        sealed = fingerprint(keys, layouts, digests), unit_set_digest(bench.connection, keys, "units")
        snapshot = publish(bench, destination, *sealed)
    steps.finish()
    return snapshot


def staged_name(table: str) -> str:
    """The name, as SQL, of the table that holds a source's cells made total."""
    return quoted(f"staged {table}")


def _stage(connection: duckdb.DuckDBPyConnection, name: str, layout: TableLayout, path: Path) -> Report:
    """Read the source once into the staged table; its report. Rows without a person are counted, and left out from here on."""
    unit = [] if layout.table.unit_column is None else [layout.table.unit_column]
    source = open_source(connection, name, path, [*unit, *layout.table.columns])
    sql = _staging(name, layout, source)
    try:
        connection.execute(f"CREATE TABLE {staged_name(name)} AS {sql}")
    except duckdb.OutOfMemoryException:
        raise
    except (duckdb.Error, pa.ArrowException):
        raise unreadable(name, path.name) from None
    ownerless = 0
    if unit:
        (ownerless,) = connection.execute(f"DELETE FROM {staged_name(name)} WHERE u_ IS NULL").fetchone() or (0,)  # noqa: S608
    report = cell_counts(connection, staged_name(name), tuple(layout.table.columns))
    if report["rows"] > catalog_layout.ROW_CAP:
        raise Refused(Code.INGEST_CONTENT, f"Table {name} has more rows than haven can add up exactly.", "Split the dataset.")
    check_columns(name, layout, report)
    return {"rows_without_unit": ownerless} | report if unit else report


def _staging(name: str, layout: TableLayout, source: Source) -> str:
    """SQL that reads a source: the person's id `u_`, each stored column, and the status `s<i>_` of each declared column's cell."""
    inner, outer = [], []
    if layout.table.unit_column is not None:
        inner.append(f"{_readable(unit_of(*_cell(source, layout.table.unit_column)), name, layout.table.unit_column)} AS u_")
        outer.append("u_")
    for i, (logical, column) in enumerate(layout.table.columns.items()):
        parsed = _readable(parse(column, *_cell(source, logical)), name, logical)
        inner += [f"{parsed.value} AS v{i}_", f"{parsed.missing} AS m{i}_"]
        physicals = [physical for physical in layout.columns if physical.logical == logical]
        outer += [f"{stored(column, physical, f'v{i}_')} AS {quoted(physical.name)}" for physical in physicals]
        outer.append(f"{status(column, f'v{i}_', f'm{i}_')} AS s{i}_")
    return f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {source.sql})"  # noqa: S608 - generated


def _cell(source: Source, name: str) -> tuple[str, str]:
    column, kind = source.columns[name]
    return quoted(column), kind


def _readable(read: Readable | None, table: str, column: str) -> Readable:
    if read is None:
        raise Refused(
            Code.INGEST_CONTENT,
            f"Column {table}.{column} is of a type in the source that cannot be read as the policy declares it.",
            "Correct the column's type in the policy, or convert it in the source.",
        )
    return read


def _withdrawn(bench: Workbench, destination: Path) -> Path | None:
    """The seals of those who withdrew from the snapshot before, or were noted since, handed on: no source brings anybody back."""
    before, target = latest(destination), withdrawn_of(bench.snapshot)
    handed_on = () if before is None else (withdrawn_of(before.path),)
    lists = [path for path in (noted_of(destination), *handed_on) if path.exists()]
    if not lists:
        return None
    everyone = " UNION ".join(f"SELECT seal_ FROM read_parquet({literal(str(path))})" for path in lists)  # noqa: S608 - generated
    bench.connection.execute(f"COPY ({everyone} ORDER BY seal_) TO {literal(str(target))} (FORMAT parquet)")
    return target


def _number_units(bench: Workbench, keys: RankKeys, personal: list[str], withdrawn: Path | None) -> int:
    """Number the persons of all tables in the order of their seals, and write seals and numbers beside the database. How many there are."""
    ids = " UNION ALL ".join(f"SELECT u_ FROM {staged_name(name)}" for name in personal) or "SELECT '' AS u_ WHERE false"  # noqa: S608
    seals = f"SELECT u_, {seal_sql(keys, 'u_')} AS seal_ FROM (SELECT DISTINCT u_ FROM ({ids}))"  # noqa: S608 - generated
    staying = "" if withdrawn is None else f"WHERE seal_ NOT IN (FROM read_parquet({literal(str(withdrawn))}))"
    numbered = f"SELECT u_, seal_, row_number() OVER (ORDER BY seal_) - 1 AS unit_ FROM ({seals}) {staying}"  # noqa: S608 - generated
    bench.connection.execute(f"CREATE TABLE units AS {numbered}", keys.unit.parameters)
    (count,) = bench.connection.execute("SELECT count(*) FROM units").fetchone() or (0,)
    if count > MOST_UNITS:
        raise Refused(Code.INGEST_CONTENT, "There are more persons than haven can number.", "Split the dataset.")
    write_units(bench, "SELECT CAST(unit_ AS INTEGER) AS unit_, seal_ FROM units ORDER BY unit_")
    return int(count)


def write_units(bench: Workbench, sql: str) -> None:
    """Write the sealed list of persons that `sql` gives."""
    bench.connection.execute(f"COPY ({sql}) TO {literal(str(units_of(bench.snapshot)))} (FORMAT parquet)")


def _store(connection: duckdb.DuckDBPyConnection, keys: RankKeys, name: str, layout: TableLayout) -> tuple[int, int]:
    if layout.unit is None:
        digest = store_public(connection, keys, name, layout, staged_name(name))
    else:
        digest = store_personal(connection, keys, name, layout, f"{staged_name(name)} JOIN units USING (u_)")
    connection.execute(f"DROP TABLE {staged_name(name)}")
    return digest
