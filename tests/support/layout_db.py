"""Small databases in the physical layout, built row by row from a declaration: what an ingest must leave behind, written plainly.

Ranks come from a seeded shuffle of each unit's own rows and groups, so they are functions of that unit's rows alone.
"""
# ruff: noqa: ANN401 - a row's values are of any type

import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from haven.catalog.dataset import ColumnType, Table
from haven.catalog.layout import PhysicalColumn, PhysicalKind, layout_of
from haven.privacy.choices import Choice
from haven.privacy.mechanisms import Noise
from haven.privacy.tables import NoisyTable
from haven.query import PrivatePlan

Row = dict[str, Any]
EPOCH = date(1970, 1, 1)


def kept_row(table: Table, row: Mapping[str, Any]) -> Row:
    """A source row as it is kept: numbers not finite are NULL, values outside the bounds stand on the nearest."""
    kept = {table.unit_column or "": row[table.unit_column or ""]}
    for name, column in table.columns.items():
        value = row[name]
        if isinstance(value, float) and not (abs(value) < float("inf")):
            value = None
        if value is not None and column.bounds is not None:
            value = min(max(value, column.bounds[0]), column.bounds[1])
            value = float(value) if column.type is ColumnType.NUMBER else value
        kept[name] = value
    return kept


def ranked(table: Table, rows: Iterable[Mapping[str, Any]], seed: int = 0) -> list[Row]:
    """The rows as kept, each with its stored ranks."""
    layout, unit = layout_of(table), table.unit_column or ""
    owned: dict[Any, list[Row]] = {}
    for row in rows:
        kept = kept_row(table, row)
        owned.setdefault(kept[unit], []).append(kept)
    for owner, mine in owned.items():
        draw = random.Random(f"{seed} {owner!r}")  # noqa: S311 - a test's own order, nobody's secret
        _number(mine, "rk_", draw)
        for key in layout.gr:
            groups = sorted({repr(row[key]) for row in mine})
            draw.shuffle(groups)
            for row in mine:
                row[layout.gr[key]] = groups.index(repr(row[key])) + 1
            for group in groups:
                for place, row in enumerate(sorted((row for row in mine if repr(row[key]) == group), key=lambda row: row["rk_"]), start=1):
                    row[layout.rpc[key]] = place
    return [row for mine in owned.values() for row in mine]


def _number(rows: Sequence[Row], rank: str, draw: random.Random) -> None:
    numbers = list(range(1, len(rows) + 1))
    draw.shuffle(numbers)
    for row, number in zip(rows, numbers, strict=True):
        row[rank] = number


def store(connection: duckdb.DuckDBPyConnection, name: str, table: Table, rows: Sequence[Row]) -> None:
    """Create `name` in the physical layout and fill it with ranked rows."""
    layout = layout_of(table)
    columns = [f'"{column.name}" {column.sql_type}' for column in layout.columns]
    system = [f'"{each}" {"VARCHAR" if each == layout.unit else "INTEGER"}' for each in layout.system_columns]
    connection.execute(f'CREATE OR REPLACE TABLE "{name}" ({", ".join(columns + system)})')
    for row in rows:
        values = [_stored(column, row[column.logical]) for column in layout.columns]
        values += [str(row[table.unit_column or ""]) if each == layout.unit else row[each] for each in layout.system_columns]
        marks = ", ".join("?" for _ in values)
        connection.execute(f'INSERT INTO "{name}" VALUES ({marks})', values)  # noqa: S608 - a test's own names


def _stored(column: PhysicalColumn, value: Any) -> Any:
    if value is None:
        return None
    if column.kind is PhysicalKind.DAYS:
        return (value - EPOCH).days
    if column.kind is PhysicalKind.BOOLEAN:
        return int(value)
    if column.kind is PhysicalKind.FIXED and column.grid is not None and column.low is not None and column.high is not None:
        return max(column.low, min(column.high, column.grid.nearest(value)))
    return value


def _exact_cell(cell: Any, noise: Noise | Choice) -> int:
    if not isinstance(noise, Choice):
        return int(cell) * noise.multiple
    counts = cell or {}
    return noise.best([counts.get(index, 0) for index in range(noise.candidates)])


def exact(connection: duckdb.DuckDBPyConnection, plan: PrivatePlan) -> NoisyTable:
    """What the engine counts for `plan`, in the shape of a noisy table but without noise: public keys in their order, others sorted.

    Of a choice, the index of its best candidate.
    """
    width = len(plan.keys)
    skipped = width + (plan.public_keys() is None)
    found = {
        tuple(row[:width]): (
            *row[width:skipped],
            *(_exact_cell(cell, noise) for cell, noise in zip(row[skipped:], plan.noises, strict=True)),
        )
        for row in connection.execute(plan.sql).fetchall()
    }
    public = plan.public_keys()
    if public is not None:
        zeros = tuple(_exact_cell(None if isinstance(noise, Choice) else 0, noise) for noise in plan.noises)
        return NoisyTable(public, tuple(zip(*(found.get(key, zeros) for key in public), strict=True)))
    keys = sorted(found, key=lambda key: tuple((value is not None, value) for value in key))
    columns = list(zip(*(found[key] for key in keys), strict=True)) if keys else [()] * (len(plan.targets) + 1)
    return NoisyTable(tuple(keys), tuple(columns[1:]), tuple(columns[0]))
