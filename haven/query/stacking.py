"""UNION ALL: relations of persons one below the other, whose bounds add up; every row keeps its owner. And UNION, INTERSECT and EXCEPT."""

from collections.abc import Sequence

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.domains import domain_of
from haven.query.expressions import Column, UnitColumn
from haven.query.function import joined
from haven.query.joining import Beside, Condition
from haven.query.membership import kept
from haven.query.per_person import PersonGroups, PersonTable
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


def distinct(stage: RowStage, source: str) -> RowStage:
    """Every row once: a grouping by person and all other columns. Raises Refused where no column tells whose row it is."""
    keys = {named.expression: named for named in stage.columns if not isinstance(named.expression, UnitColumn)}
    if not any(isinstance(named.expression, UnitColumn) for named in stage.columns):
        raise set_refused()
    groups = PersonGroups(stage.rows, source, tuple(keys.values()), PersonTable(stage.rows, source))
    return RowStage(Rows(groups.derived()), tuple(Named(named.name, groups.lifted(named.expression)) for named in stage.columns))


def met(tree: exp.SetOperation, sides: Sequence[RowStage], source: str) -> RowStage:
    """INTERSECT and EXCEPT of persons: those of the first who are, or are not, in the second."""
    first, second = sides
    of_persons = all(len(side.columns) == 1 and isinstance(side.columns[0].expression, UnitColumn) for side in sides)
    if not of_persons or not tree.args.get("distinct"):
        raise set_refused()
    links = ((_unit(first), _unit(second)),)
    kept_rows = kept(Beside(first.rows, ()), second.rows, Condition(links), match=isinstance(tree, exp.Intersect)).rows
    return distinct(RowStage(kept_rows, first.columns), source)


def _unit(stage: RowStage) -> UnitColumn:
    (named,) = stage.columns
    if not isinstance(named.expression, UnitColumn) or named.expression.shape.nullable:
        raise set_refused()
    return named.expression


def set_refused() -> Refused:
    """The refusal of sets of rows that do not say whose they are."""
    return Refused(
        Code.QUERY_CLAUSE,
        "UNION, INTERSECT and EXCEPT compare one person's rows with other people's, unless the person is in every row.",
        "Write UNION ALL, or select the unit column too; INTERSECT and EXCEPT take the unit column alone.",
    )


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
