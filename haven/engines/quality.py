"""The quality report: what ingest found in the sources. Exact counts of personal data, for the custodian alone."""

from typing import Any

import duckdb

from haven.catalog.layout import TableLayout
from haven.engines.columns import CellStatus
from haven.engines.sql_text import quoted
from haven.errors import Code, Refused

Report = dict[str, Any]
COUNTED = {
    CellStatus.MISSING: "missing",
    CellStatus.UNREADABLE: "unreadable",
    CellStatus.OUT_OF_BOUNDS: "out_of_bounds",
    CellStatus.UNLISTED: "unlisted_keys",
    CellStatus.CUT: "cut_short",
}


def cell_counts(connection: duckdb.DuckDBPyConnection, staged: str, names: tuple[str, ...]) -> Report:
    """Of the staged rows: their number, and for each column how many cells were not stored as they came (`s<i>_` is a cell's status)."""
    sums = [f"count(*) FILTER (s{i}_ = {kind:d})" for i in range(len(names)) for kind in COUNTED]
    row = connection.execute(f"SELECT {', '.join(['count(*)', *sums])} FROM {staged}").fetchone() or ()  # noqa: S608 - generated
    rows, counts = row[0], iter(row[1:])
    return {"rows": rows, "columns": {name: {words: next(counts) for words in COUNTED.values()} for name in names}}


def check_columns(table: str, layout: TableLayout, report: Report) -> None:
    """Refuse a column that is wholly unreadable, or that has cells without a value and is not declared nullable. Names only."""
    for name, counts in report["columns"].items():
        present = report["rows"] - counts["missing"]
        if present and counts["unreadable"] == present:
            raise Refused(
                Code.INGEST_CONTENT,
                f"No value of column {table}.{name} can be read as {layout.table.columns[name].type}.",
                "Correct the column's type in the policy, or its values in the source.",
            )
        empty = counts["missing"] + counts["unreadable"] + counts["unlisted_keys"]
        if empty and not layout.table.columns[name].nullable:
            raise Refused(
                Code.INGEST_CONTENT,
                f"Column {table}.{name} has cells that are missing, unreadable or outside its keys, and is not declared nullable.",
                "Write `nullable: true`, extend its keys, or mend the source.",
            )


def bound_counts(connection: duckdb.DuckDBPyConnection, stored: str, layout: TableLayout) -> Report:
    """Of a stored personal table: its persons, and the rows that its contribution bounds leave out of every answer."""
    bound = layout.table.bound()
    counts = {
        "units": f"count(DISTINCT {layout.unit})",
        "rows_past_rows_per_unit": f"count(*) FILTER ({layout.rk} > {bound.rows_per_unit})",
    }
    if layout.table.rows_per_unit == 1:
        counts["units_with_duplicates"] = f"count(*) FILTER ({layout.rk} = 2)"
    for key, gr in layout.gr.items():
        counts[f"rows_past_groups_per_unit: {key}"] = f"count(*) FILTER ({quoted(gr)} > {bound.groups_per_unit})"
        counts[f"rows_past_rows_per_group: {key}"] = f"count(*) FILTER ({quoted(layout.rpc[key])} > {bound.rows_per_group})"
    row = connection.execute(f"SELECT {', '.join(counts.values())} FROM {stored}").fetchone() or ()  # noqa: S608 - generated
    return dict(zip(counts, row, strict=True))
