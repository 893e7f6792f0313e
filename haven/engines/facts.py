"""The facts of public tables, counted over what is stored of them: public, exact, kept beside the snapshot's database.

Only public tables come here. Nothing of a personal table may be counted for planning.
"""

import json
import logging
import math
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
from pydantic import ValidationError

from haven.catalog.column import EPOCH, ColumnType
from haven.catalog.layout import TableLayout
from haven.catalog.public import MOST_VALUES, PublicColumn, PublicTable, PublicValue
from haven.engines.sql_text import quoted
from haven.engines.storing import stored_name
from haven.errors import Code, Refused

FACTS = "public.json"
FIRST_DAY, LAST_DAY = (date.min - EPOCH).days, (date.max - EPOCH).days
log = logging.getLogger(__name__)


def facts_of(connection: duckdb.DuckDBPyConnection, layouts: Mapping[str, TableLayout]) -> dict[str, PublicTable]:
    """The facts of every public table among the stored ones. Refused for a text with a NUL character, which no question could name."""
    return {name: _table(connection, name, layout) for name, layout in layouts.items() if layout.unit is None}


def write_facts(directory: Path, facts: Mapping[str, PublicTable]) -> None:
    """Write the facts into a snapshot's directory."""
    plain = {name: table.model_dump(mode="json") for name, table in facts.items()}
    (directory / FACTS).write_text(json.dumps(plain) + "\n", encoding="utf-8")


def read_facts(directory: Path) -> dict[str, PublicTable]:
    """The facts in a snapshot's directory; none where it was made before there were any, or where they are damaged (which is logged)."""
    try:
        plain = json.loads((directory / FACTS).read_text(encoding="utf-8"))
        return {name: PublicTable.model_validate(table) for name, table in plain.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, AttributeError, TypeError, ValidationError):
        log.error("the facts of public tables in snapshot %s of %s are damaged", directory.name, directory.parent.name)  # noqa: TRY400
        return {}


def _table(connection: duckdb.DuckDBPyConnection, name: str, layout: TableLayout) -> PublicTable:
    (rows,) = connection.execute(f"SELECT count(*) FROM {stored_name(name)}").fetchone() or (0,)  # noqa: S608 - generated
    return PublicTable(rows=rows, columns={column: _column(connection, name, layout, column) for column in layout.table.columns})


def _column(connection: duckdb.DuckDBPyConnection, name: str, layout: TableLayout, column: str) -> PublicColumn:
    kind, cell = layout.table.columns[column].type, quoted(column)
    groups = f"SELECT {cell} AS v, count(*) AS n FROM {stored_name(name)} WHERE {cell} IS NOT NULL GROUP BY {cell}"  # noqa: S608
    nul = "coalesce(bool_or(contains(v, chr(0))), false)" if kind is ColumnType.CATEGORY else "false"
    summed = f"SELECT count(*), coalesce(max(n), 0), min(v), max(v), {nul} FROM ({groups})"  # noqa: S608 - generated
    distinct, most_alike, low, high, unspeakable = connection.execute(summed).fetchone() or (0, 0, None, None, False)
    if unspeakable:
        raise Refused(Code.INGEST_CONTENT, f"A text in {name}.{column} holds a NUL character.", "Take it out of the source.")
    listed = distinct <= MOST_VALUES and not (kind is ColumnType.DATE and _beyond_calendar(low, high))
    found = connection.execute(f"SELECT v FROM ({groups}) ORDER BY v").fetchall() if listed else []  # noqa: S608 - generated
    return PublicColumn(
        type=kind,
        nullable=layout.stored(column).nullable,
        low=None if kind is ColumnType.CATEGORY else _outward(low, -math.inf),
        high=None if kind is ColumnType.CATEGORY else _outward(high, math.inf),
        values=tuple(_value(kind, value) for (value,) in found) if listed else None,
        most_alike=most_alike,
    )


def _beyond_calendar(low: int | None, high: int | None) -> bool:
    return low is not None and high is not None and not (low >= FIRST_DAY and high <= LAST_DAY)


def _outward(value: float | None, towards: float) -> float | None:
    """The value as a float; where no float equals it, the next one outside."""
    if value is None:
        return None
    near = float(value)
    inside = near > value if towards < 0 else near < value
    return math.nextafter(near, towards) if inside else near


def _value(kind: ColumnType, stored: Any) -> PublicValue:  # noqa: ANN401 - a stored cell is of any type
    if kind is ColumnType.DATE:
        return EPOCH + timedelta(days=stored)
    value: PublicValue = bool(stored) if kind is ColumnType.BOOLEAN else stored
    return value
