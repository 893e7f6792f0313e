"""Writing the stored tables, and the digests that say what is in them."""

import json
from collections.abc import Mapping, Sequence

import duckdb

from haven.catalog.layout import TableLayout
from haven.engines.columns import declaration
from haven.engines.ranks import RankKeys, group_hash_sql, group_ranks, row_hash_sql, row_rank
from haven.engines.sql_text import quoted

Digest = tuple[int, int]
"""The number of a table's rows and the sum of their hashes."""


def stored_name(table: str) -> str:
    """A stored table's qualified name, as SQL."""
    return f"stored.{quoted(table)}"


def create_table(connection: duckdb.DuckDBPyConnection, table: str, layout: TableLayout) -> None:
    """Create the stored table, with the constraints that make its layout a fact."""
    system = [
        f"{quoted(name)} INTEGER NOT NULL CHECK ({quoted(name)} >= {0 if name == layout.unit else 1})" for name in layout.system_columns
    ]
    declared = [declaration(layout.table.columns[column.logical], column) for column in layout.columns]
    connection.execute(f"CREATE TABLE {stored_name(table)} ({', '.join(system + declared)})")


def store_public(connection: duckdb.DuckDBPyConnection, keys: RankKeys, table: str, layout: TableLayout, rows: str) -> Digest:
    """Store a public table as it came."""
    columns = _columns(layout)
    create_table(connection, table, layout)
    connection.execute(f"INSERT INTO {stored_name(table)} SELECT {columns} FROM {rows}")  # noqa: S608 - generated
    return digest(connection, keys, table, layout, stored_name(table))


def store_personal(connection: duckdb.DuckDBPyConnection, keys: RankKeys, table: str, layout: TableLayout, rows: str) -> Digest:
    """Store a personal table from `rows` (SQL for rows with `unit_`, `seal_` and the stored columns): ranked, and sorted by person."""
    columns = _columns(layout)
    group_hashes = {key: f"g{i}_" for i, key in enumerate(layout.gr)}
    hashes = [f"{row_hash_sql(keys, table, layout)} AS h_"]
    hashes += [f"{group_hash_sql(keys, table, layout, key)} AS {name}" for key, name in group_hashes.items()]
    parameters = keys.row.parameters | (keys.group.parameters if group_hashes else {})
    selected = f"SELECT unit_, {columns}, {', '.join(hashes)} FROM {rows}"  # noqa: S608 - generated
    connection.execute(f"CREATE OR REPLACE TABLE hashed AS {selected}", parameters)
    create_table(connection, table, layout)
    ranks = ", ".join(["unit_", "rk_", *group_ranks(layout, group_hashes)])
    ranked = f"SELECT {ranks}, {columns} FROM (SELECT *, {row_rank(layout)} FROM hashed) ORDER BY unit_, rk_"  # noqa: S608 - generated
    connection.execute(f"INSERT INTO {stored_name(table)} {ranked}")
    result = _digest(connection, "h_", "hashed", {})
    connection.execute("DROP TABLE hashed")
    return result


def digest(connection: duckdb.DuckDBPyConnection, keys: RankKeys, table: str, layout: TableLayout, rows: str) -> Digest:
    """The digest of stored rows; personal rows have their `seal_` beside them."""
    return _digest(connection, row_hash_sql(keys, table, layout), rows, keys.row.parameters)


def fingerprint(keys: RankKeys, layouts: Mapping[str, TableLayout], digests: Mapping[str, Digest]) -> str:
    """The sealed fingerprint of all stored content: its tables, their columns, and their digests."""
    content = [[name, [[c.name, c.sql_type] for c in layouts[name].columns], *digests[name]] for name in sorted(digests)]
    return keys.fingerprint.hex(json.dumps(content).encode())


def unit_set_digest(connection: duckdb.DuckDBPyConnection, keys: RankKeys, units: str) -> str:
    """The sealed digest of a set of persons: equal for equal sets under one secret, whatever the dataset."""
    halves = [f"coalesce(sum(CAST('0x' || {side}(hex(seal_), 16) AS UBIGINT)::HUGEINT), 0)" for side in ("left", "right")]
    row = connection.execute(f"SELECT count(*), {', '.join(halves)} FROM {units}").fetchone()  # noqa: S608 - generated
    return keys.unit_set.hex(json.dumps([int(part) for part in row or ()]).encode())


def _digest(connection: duckdb.DuckDBPyConnection, row_hash: str, rows: str, parameters: Mapping[str, bytes]) -> Digest:
    sql = f"SELECT count(*), coalesce(sum(({row_hash})::HUGEINT), 0) FROM {rows}"  # noqa: S608 - generated
    count, total = connection.execute(sql, dict(parameters)).fetchone() or (0, 0)
    return count, int(total)


def _columns(layout: TableLayout) -> str:
    names: Sequence[str] = [quoted(column.name) for column in layout.columns]
    return ", ".join(names)
