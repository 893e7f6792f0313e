"""What ingest must store, computed row by row in plain Python from a source's cells: exact fractions, `hmac`, and nothing of the engine.

Cells are Python values (None, int, float, bool, str, date) as a typed source holds them.
"""

import hashlib
import hmac
import math
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from haven.catalog.dataset import Column, ColumnType, Table, days_of

Row = dict[str, Any]


def unit_text(cell: object) -> str | None:
    """A person's id as text; None where there is none."""
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return str(cell).strip(" \t\r\n\f\v") or None


def stored_value(column: Column, cell: object) -> object:
    """What the column stores under its own name."""
    number = _number(cell)
    if column.type is ColumnType.CATEGORY:
        text = unit_text(cell)
        return text if column.keys is None or text in column.keys else None
    if column.type is ColumnType.DATE:
        number = days_of(cell if isinstance(cell, date) else date.fromisoformat(str(cell))) if cell is not None else None
    if number is None or (column.type is not ColumnType.NUMBER and number != int(number)):
        return None
    if column.type is ColumnType.BOOLEAN and number not in {0, 1}:
        return None
    if column.interval is not None:
        number = min(max(number, column.interval[0]), column.interval[1])
    return float(number) if column.type is ColumnType.NUMBER else int(number)


def fixed_point(column: Column, cell: object) -> int | None:
    """The fixed-point value: the nearest multiple of the stored scale, halves away from zero, inside the bounds; by exact fractions."""
    value = stored_value(column, cell)
    if value is None or column.interval is None:
        return None
    low, high = (Fraction(bound) for bound in column.interval)
    exponent = -2000
    while (high - low) / Fraction(2) ** exponent >= 2**21:
        exponent += 1
    step = Fraction(2) ** exponent
    magnitude = math.floor(abs(Fraction(value)) / step + Fraction(1, 2))  # type: ignore[arg-type]
    signed = magnitude if value >= 0 else -magnitude  # type: ignore[operator]
    return min(max(signed, math.ceil(low / step)), math.floor(high / step))


def stored_rows(name: str, table: Table, rows: Sequence[Mapping[str, Any]], secret: bytes) -> list[tuple[str, Row]]:
    """Every stored row with its person's id: the declared columns and the ranks, in no particular order."""
    persons: dict[str, list[Row]] = {}
    for row in rows:
        unit = unit_text(row[table.unit_column or ""])
        if unit is not None:
            persons.setdefault(unit, []).append({c: stored_value(column, row[c]) for c, column in table.columns.items()})
    for unit, mine in persons.items():
        _rank(name, table, unit, mine, secret)
    return [(unit, row) for unit, mine in persons.items() for row in mine]


def seal(secret: bytes, unit: str) -> bytes:
    """The keyed hash that stands for a person's id."""
    return _mac(secret, "unit", unit.encode())[:16]


def _rank(name: str, table: Table, unit: str, mine: list[Row], secret: bytes) -> None:
    mark = seal(secret, unit)
    hashes = {
        id(row): _mac(secret, "row", mark + f"{name},{''.join(_text(table, c, row[c]) for c in table.columns)}".encode()) for row in mine
    }
    _number_in_order(mine, "rk_", hashes)
    if table.rows_per_unit == 1:
        return
    for key in (c for c, column in table.columns.items() if column.type is ColumnType.CATEGORY):
        values = {row[key] for row in mine}
        order = sorted(values, key=lambda v: _mac(secret, "group", mark + f"{name},{key},{_text(table, key, v)}".encode()))
        for rank, value in enumerate(order, start=1):
            group = [row for row in mine if row[key] == value]
            _number_in_order(group, f"rpc_{key}", hashes)
            for row in group:
                row[f"gr_{key}"] = rank


def _number_in_order(rows: list[Row], rank: str, hashes: Mapping[int, bytes]) -> None:
    for number, row in enumerate(sorted(rows, key=lambda row: hashes[id(row)]), start=1):
        row[rank] = number


def _text(table: Table, column: str, value: object) -> str:
    if value is None:
        return ","
    if table.columns[column].type is ColumnType.CATEGORY:
        return f"{len(str(value).encode())}:{value},"
    return f"{value},"


def _mac(secret: bytes, purpose: str, message: bytes) -> bytes:
    """The first 8 bytes decide an order; the first 16 are a seal."""
    key = hmac.digest(secret, b"haven/ingest/" + purpose.encode(), "sha256")
    return hmac.new(key, message, hashlib.sha256).digest()


def _number(cell: object) -> float | int | None:
    if isinstance(cell, str):
        try:
            cell = float(cell)
        except ValueError:
            return None
    if not isinstance(cell, int | float) or (isinstance(cell, float) and not math.isfinite(cell)):
        return None
    return cell
