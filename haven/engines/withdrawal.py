"""Withdrawal: a new snapshot without the people who have left. No one else's row, number or rank changes."""

import csv
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from haven.catalog.layout import TableLayout, layout_of
from haven.engines.build import Workbench, publish, put_in_place, workbench
from haven.engines.columns import unit_of
from haven.engines.facts import facts_of, write_facts
from haven.engines.ingest import write_units
from haven.engines.quality import bound_counts
from haven.engines.ranks import RankKeys, rank_keys, seal_sql
from haven.engines.snapshot import Snapshot, database_of, noted_of, read_report, read_tables, units_of, withdrawn_of, write_details
from haven.engines.sql_text import literal, quoted
from haven.engines.storing import Digest, create_table, digest, fingerprint, stored_name, unit_set_digest
from haven.errors import Code, Refused


def withdraw(snapshot: Snapshot, units: Path, destination: Path, secret: bytes) -> Snapshot:
    """The next snapshot in `destination`: `snapshot` without the people whose ids `units` lists, one a line (first cell of a CSV line).

    Ids are compared as at ingest: as text without space at their ends. One that is not there, or a header line, changes nothing (the
    report counts it). The stored seals find the people; no id is stored. Whoever is listed stays out of every later ingest. The old
    snapshot stays until `forget_rows`; questions must be asked of the new one from here on. Raises Refused where the list cannot be
    read; then nothing is left behind.
    """
    keys, tables = rank_keys(secret), read_tables(snapshot)
    layouts = {name: layout_of(table) for name, table in tables.items()}
    ids = _ids(units)
    with workbench(destination) as bench:
        report = read_report(snapshot)
        bench.connection.execute(f"ATTACH {literal(str(database_of(snapshot.path)))} AS old (READ_ONLY)")
        _list(bench, keys, ids, noted_of(destination))
        report |= {"withdrawn_from_snapshot": snapshot.serial} | _leave(bench, snapshot)
        digests: dict[str, Digest] = {}
        for name, layout in layouts.items():
            digests[name] = _copy(bench.connection, keys, name, layout)
            if layout.unit is not None:
                report["tables"][name] |= bound_counts(bench.connection, stored_name(name), layout)
        write_details(bench.snapshot, tables, report)
        write_facts(bench.snapshot, facts_of(bench.connection, layouts))
        return publish(bench, destination, fingerprint(keys, layouts, digests), unit_set_digest(bench.connection, keys, "units"))


def _ids(units: Path) -> list[str]:
    try:
        with units.open(encoding="utf-8-sig", newline="") as lines:
            return [row[0] for row in csv.reader(lines) if row]
    except (OSError, UnicodeDecodeError, csv.Error):
        raise Refused(
            Code.INGEST_SOURCE, f"The list of withdrawn people, {units.name}, cannot be read.", "Give a text file with one id a line."
        ) from None


def note(units: Path, destination: Path, secret: bytes) -> None:
    """Remember, by their seals alone, the people whose ids `units` lists: the next snapshot in `destination` is without them.

    What it remembers is on disk whole or as it was before. Raises Refused where the list cannot be read.
    """
    keys, ids, noted = rank_keys(secret), _ids(units), noted_of(destination)
    with workbench(destination) as bench:
        _list(bench, keys, ids, noted)
        fresh = bench.directory / noted.name
        bench.connection.execute(f"COPY (FROM leaving ORDER BY seal_) TO {literal(str(fresh))} (FORMAT parquet)")
        put_in_place(fresh, noted)


def _list(bench: Workbench, keys: RankKeys, ids: list[str], noted: Path) -> None:
    """Make `asked`, the seals of the people listed now, and `leaving`, those with the people noted before."""
    bench.connection.register("listed", pa.table({"id": pa.array(ids, pa.string())}))
    normalised = f"SELECT DISTINCT {unit_of('id', 'VARCHAR')} AS u_ FROM listed"  # noqa: S608 - generated
    asked = f"SELECT {seal_sql(keys, 'u_')} AS seal_ FROM ({normalised}) WHERE u_ IS NOT NULL"  # noqa: S608 - generated
    bench.connection.execute(f"CREATE TABLE asked AS {asked}", keys.unit.parameters)
    before = f" UNION SELECT seal_ FROM read_parquet({literal(str(noted))})" if noted.exists() else ""  # noqa: S608 - generated
    bench.connection.execute(f"CREATE TABLE leaving AS SELECT seal_ FROM asked{before}")  # noqa: S608 - generated


def _leave(bench: Workbench, snapshot: Snapshot) -> dict[str, Any]:
    """Make `units`, the people who stay, and write their sealed list. How many stay, leave, and were not found."""
    connection = bench.connection
    before = f"read_parquet({literal(str(units_of(snapshot.path)))})"
    connection.execute(f"CREATE TABLE units AS SELECT unit_, seal_ FROM {before} WHERE seal_ NOT IN (FROM leaving)")  # noqa: S608
    write_units(bench, "SELECT unit_, seal_ FROM units ORDER BY unit_")
    _remember(bench, snapshot)
    absent = f"SELECT count(*) FROM asked WHERE seal_ NOT IN (SELECT seal_ FROM {before})"  # noqa: S608 - generated
    count = f"SELECT (SELECT count(*) FROM units), (SELECT count(*) FROM {before}), ({absent})"  # noqa: S608 - generated
    stay, were, not_found = connection.execute(count).fetchone() or (0, 0, 0)
    return {"units": stay, "withdrawn": were - stay, "listed_but_not_found": not_found}


def _remember(bench: Workbench, snapshot: Snapshot) -> None:
    """Write the seals of everyone listed now or before, so that no later ingest brings them back."""
    old = withdrawn_of(snapshot.path)
    before = f"UNION SELECT seal_ FROM read_parquet({literal(str(old))})" if old.exists() else ""  # noqa: S608 - generated
    everyone = f"SELECT seal_ FROM leaving {before} ORDER BY seal_"  # noqa: S608 - generated
    bench.connection.execute(f"COPY ({everyone}) TO {literal(str(withdrawn_of(bench.snapshot)))} (FORMAT parquet)")


def _copy(connection: duckdb.DuckDBPyConnection, keys: RankKeys, name: str, layout: TableLayout) -> Digest:
    """Copy the stored rows of those who stay, in the order they were stored."""
    create_table(connection, name, layout)
    old = f"old.{quoted(name)}"
    staying = f"FROM {old}"
    if layout.unit is not None:
        staying = f"SELECT o.* FROM {old} o SEMI JOIN units USING (unit_) ORDER BY unit_, rk_"  # noqa: S608 - generated
    try:
        connection.execute(f"INSERT INTO {stored_name(name)} {staying}")
    except duckdb.ConstraintException:
        # cutting them here could make two of a person's groups one, and the stored ranks would no longer bound it
        raise Refused(
            Code.INGEST_CONTENT,
            f"Table {name} of this snapshot holds texts that are longer than the stored layout now allows.",
            "Ingest the dataset again, with the list of those who withdrew as `withdrawals:` under `consent:` in its policy.",
        ) from None
    rows = stored_name(name) if layout.unit is None else f"{stored_name(name)} JOIN units USING (unit_)"
    return digest(connection, keys, name, layout, rows)
