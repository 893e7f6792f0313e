"""UNION ALL: relations of persons one below the other. The bounds of the branches add up; every row keeps its owner."""

from collections.abc import Sequence

from haven.errors import Code, Refused
from haven.query.domains import domain_of
from haven.query.expressions import Column, UnitColumn
from haven.query.function import joined
from haven.query.relations import Derived, Named, Rows, Selected, Stacked
from haven.query.shapes import NULL_SHAPE, Shape, Value
from haven.query.stages import RowStage
from haven.query.storage import Storage


def stacked(branches: Sequence[RowStage], source: str) -> RowStage:
    """The branches as one relation, with the names of the first. Raises Refused for columns that do not fit each other."""
    first = branches[0]
    if any(len(branch.columns) != len(first.columns) for branch in branches):
        raise Refused(
            Code.QUERY_CLAUSE, "The SELECTs of a UNION ALL have different numbers of columns.", "Select the same columns in each."
        )
    if not all(branch.rows.personal for branch in branches):
        raise Refused(
            Code.QUERY_OWNERSHIP,
            "A UNION ALL mixes rows of persons with rows that belong to nobody.",
            "Join the public table instead, or write its values as constants.",
        )
    shapes: list[tuple[str, Shape]] = []
    columns: list[Named] = []
    for index, named in enumerate(first.columns):
        cells = [branch.columns[index].expression for branch in branches]
        units = [isinstance(cell, UnitColumn) for cell in cells]
        if any(units) and not (all(units) and not any(cell.shape.nullable for cell in cells)):
            raise Refused(Code.QUERY_UNIT_COLUMN, "The column that identifies persons stands in different places.", "Put it first in each.")
        if all(units):
            columns.append(Named(named.name, UnitColumn(source, first.rows.unit.name, Shape(None, nullable=False))))
            continue
        each = tuple(cell.shape for cell in cells)
        shape = joined(each, "UNION ALL", may_be_null=any(one.nullable for one in each)) if set(each) != {NULL_SHAPE} else NULL_SHAPE
        shapes.append((f"c{index}", shape))
        columns.append(Named(named.name, Column(source, "", f"c{index}", shape, Storage(values=_values([domain_of(c) for c in cells])))))
    names = [name for name, _ in shapes]
    bodies = tuple(_selected(branch, names) for branch in branches)
    return RowStage(Rows(Derived(Stacked(bodies), tuple(shapes), source, first.rows.unit.name)), tuple(columns))


def _selected(branch: RowStage, names: Sequence[str]) -> Selected:
    values = {f"c{index}": named.expression for index, named in enumerate(branch.columns)}
    return Selected(branch.rows, tuple(Named(name, values[name]) for name in names))


def _values(domains: Sequence[tuple[Value, ...] | None]) -> tuple[Value, ...] | None:
    """Every value of any branch, where all are public; NULL stands in the shape."""
    found: dict[Value, None] = {}
    for domain in domains:
        if domain is None:
            return None
        found |= dict.fromkeys(value for value in domain if value is not None)
    return tuple(found)
