"""How the engine holds the column behind a name: what it must be turned into to be computed with, and what is declared of its values."""

from dataclasses import dataclass

from haven.catalog.dataset import ColumnType
from haven.catalog.layout import PhysicalColumn, TableLayout
from haven.catalog.public import PublicColumn
from haven.query.shapes import EVERYTHING, FIRST_DAY, LAST_DAY, Interval, Shape, Value, boolean, date_of, day, integer, number, text


@dataclass(frozen=True, slots=True)
class Storage:
    """What is declared of a stored column; a `type` of None says that it was computed below and is already in the engine's own form.

    `interval` bounds what is stored, `values` lists it where that is public, `summed` is the integer column to sum instead, `group_rank`
    and `rank_in_group` are the stored ranks of a declared key.
    """

    type: ColumnType | None = None
    sql_type: str = ""
    interval: Interval = EVERYTHING
    values: tuple[Value, ...] | None = None
    summed: PhysicalColumn | None = None
    group_rank: str | None = None
    rank_in_group: str | None = None


COMPUTED = Storage()


def stored(layout: TableLayout, name: str) -> tuple[Shape, Storage]:
    """What a personal table's declaration says of every value of a column, and how it is held."""
    physical, declared = layout.stored(name), layout.table.columns[name]
    interval = EVERYTHING if declared.interval is None else Interval(*map(float, declared.interval))
    held = Storage(
        declared.type,
        physical.sql_type,
        interval,
        declared.keys,
        layout.summed(name),
        layout.gr.get(name),
        layout.rpc.get(name),
    )
    return _shape(declared.type, interval, nullable=physical.nullable), held


def public(column: PublicColumn) -> tuple[Shape, Storage]:
    """What is known of every value of a public table's column, and how it is held."""
    known = column.low is not None and column.high is not None
    interval = Interval(column.low, column.high) if column.low is not None and column.high is not None else EVERYTHING
    values: tuple[Value, ...] | None = column.values
    if values is not None and column.type is ColumnType.DATE:
        values = tuple(date_of(value) if isinstance(value, int) else value for value in values)
    numeric = column.type in {ColumnType.INTEGER, ColumnType.DATE}
    held = Storage(column.type, "BIGINT" if column.type is ColumnType.INTEGER else "", interval if known else EVERYTHING, values)
    return _shape(column.type, interval if known or not numeric else EVERYTHING, nullable=column.nullable), held


def _shape(kind: ColumnType, interval: Interval, *, nullable: bool) -> Shape:
    match kind:
        case ColumnType.INTEGER:
            return integer(interval, nullable=nullable)
        case ColumnType.NUMBER:
            return number(interval, nullable=nullable)
        case ColumnType.BOOLEAN:
            return boolean(nullable=nullable)
        case ColumnType.DATE:
            sure = interval.low >= FIRST_DAY and interval.high <= LAST_DAY
            return day(interval, nullable=nullable or not sure)
        case ColumnType.CATEGORY:
            return text(nullable=nullable)
