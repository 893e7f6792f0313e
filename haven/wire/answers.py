"""The answer on the wire: a table of plain cells, the 95 % half-width of each, and the receipt."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

Cell = str | int | float | bool | None
WIDEST = 2**63


class CellType(StrEnum):
    """The type of an answer's column."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TEXT = "text"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Column:
    """Name and type of one column, in the order asked."""

    name: str
    type: CellType


@dataclass(frozen=True, slots=True)
class AnswerMessage:
    """One answer: `rows[i][j]`, its 95 % half-width `errors[i][j]` (None: a key, or none can be said), and the receipt's JSON object.

    Every row and every row of errors is as long as `columns`; else ValueError.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    errors: tuple[tuple[float | None, ...], ...]
    receipt: Mapping[str, Any]

    def __post_init__(self) -> None:
        """An answer that exists is rectangular."""
        width = len(self.columns)
        if len(self.rows) != len(self.errors) or any(len(row) != width for row in (*self.rows, *self.errors)):
            msg = "rows and errors of an answer have one shape"
            raise ValueError(msg)

    def to_json(self) -> dict[str, Any]:
        """The JSON form: `{"columns", "rows", "errors", "receipt"}`; dates are ISO 8601 strings."""
        types = [column.type for column in self.columns]
        return {
            "columns": [{"name": column.name, "type": column.type.value} for column in self.columns],
            "rows": [[_json_cell(plain(cell, kind)) for cell, kind in zip(row, types, strict=True)] for row in self.rows],
            "errors": errors_to_json(self.errors),
            "receipt": dict(self.receipt),
        }


def plain(cell: Cell, kind: CellType) -> Cell | date:
    """`cell` as a value of `kind`; what has no such value (beyond 64 bits, not finite) is None, as everything undefined is.

    Raises TypeError where the cell is of another kind altogether: that is a mistake in haven, never in data.
    """
    if cell is None:
        return None
    if kind is CellType.TEXT and isinstance(cell, str):
        return cell
    if kind is CellType.DATE and isinstance(cell, str | date):
        return date.fromisoformat(cell) if isinstance(cell, str) else cell
    if kind is CellType.BOOLEAN and isinstance(cell, bool):
        return cell
    return _plain_number(cell, kind)


def _plain_number(cell: Cell, kind: CellType) -> int | float | None:
    if kind not in (CellType.INTEGER, CellType.NUMBER) or isinstance(cell, bool) or not isinstance(cell, int | float):
        msg = "an answer's cell does not have its column's type"
        raise TypeError(msg)
    if kind is CellType.INTEGER:
        if isinstance(cell, float):
            cell = int(cell) if math.isfinite(cell) and cell.is_integer() else WIDEST
        return cell if -WIDEST <= cell < WIDEST else None
    return finite(cell)


def finite(value: float | None) -> float | None:
    """`value` as a finite double, else None."""
    try:
        number = math.nan if value is None else float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def errors_to_json(errors: tuple[tuple[float | None, ...], ...]) -> list[list[float | None]]:
    """The half-widths as JSON lists, row by row; what is not finite is null."""
    return [[finite(error) for error in row] for row in errors]


def _json_cell(cell: Cell | date) -> Cell:
    return cell.isoformat() if isinstance(cell, date) else cell
