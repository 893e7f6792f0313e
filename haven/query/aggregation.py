"""One SELECT with aggregates or GROUP BY: over persons, or, where the unit is among its keys, one row a person."""

from dataclasses import replace

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.aggregates import AggregateTable
from haven.query.binding import Binder
from haven.query.canonical import canonical, canonical_aggregate
from haven.query.expressions import Expression, UnitColumn
from haven.query.grouping import as_key, checked_key, key_sets
from haven.query.names import Scope
from haven.query.per_person import PersonGroups, PersonTable
from haven.query.postselect import lifted, ordered_and_cut
from haven.query.public_values import PublicAggregates
from haven.query.relations import Named, Rows
from haven.query.select_list import check_order, having_of, select_items
from haven.query.stages import AnswerStage, RowStage
from haven.query.summaries import windowed_beside


class Aggregation:
    """One SELECT with aggregates or GROUP BY over rows."""

    def __init__(self, tree: exp.Select, rows: Rows, scope: Scope, keys: tuple[Named, ...]) -> None:
        self._tree = tree
        self._rows = rows
        self._scope = scope
        self._keys = tuple(map(checked_key, keys))
        self._sets = key_sets(tree, scope, keys)
        held = tuple(key.expression for key in keys) if self._sets else ()
        self._table = AggregateTable(held) if rows.personal else PublicAggregates(held)
        self._binder = Binder(scope.column, self._table)

    def stage(self) -> AnswerStage:
        """The answer, before what is asked of it above."""
        having = having_of(self._tree, self._scope, self._binder, self._table)
        conditions = () if having is None else (self._lifted(having),)
        stage = AnswerStage(self._rows, self._keys, (), (), conditions)
        stage = windowed_beside(self._tree, stage, self._binder, self._lifted)
        items = select_items(self._tree, self._scope, self._binder)
        stage = replace(stage, columns=tuple(Named(item.name, self._lifted(item.expression)) for item in items))
        stage = ordered_and_cut(self._tree, stage, self._binder, self._lifted)
        named = tuple(Named(key.name, canonical(as_key(key.expression))) for key in self._keys)
        return replace(stage, keys=named, sets=self._sets, aggregates=tuple(map(canonical_aggregate, self._table)))

    def _lifted(self, expression: Expression) -> Expression:
        return lifted(expression, self._keys)


def per_person(tree: exp.Select, rows: Rows, scope: Scope, keys: tuple[Named, ...], source: str) -> RowStage:
    """One row for every person, or for every person and value of the other keys: a relation like any other. HAVING filters its rows."""
    units = [key.expression for key in keys if isinstance(key.expression, UnitColumn)]
    if any(unit.shape.nullable for unit in units):
        raise Refused(
            Code.QUERY_UNIT_COLUMN,
            "The rows are grouped by the person of an optional side of a LEFT JOIN, who may be missing.",
            "Group by the unit column of the table that is kept.",
        )
    if any(tree.args.get(part) is not None for part in ("limit", "offset")):
        raise Refused(
            Code.QUERY_ROWS,
            "LIMIT and OFFSET over persons choose whose data is used, so they are not answered.",
            "Order and cut the answer instead, after the aggregates over persons.",
        )
    if key_sets(tree, scope, keys):
        raise Refused(
            Code.QUERY_CLAUSE,
            "Rows of a person are not grouped by several sets of keys.",
            "Group by the unit column and other keys, and by sets above.",
        )
    others = tuple(key for key in keys if not isinstance(key.expression, UnitColumn))
    table = PersonTable(rows, source)
    groups = PersonGroups(rows, source, others, table)
    binder = Binder(scope.column, table)
    items = tuple(Named(item.name, groups.lifted(item.expression)) for item in select_items(tree, scope, binder))
    check_order(tree, items, binder)
    having = having_of(tree, scope, binder, table)
    conditions = () if having is None else (groups.lifted(having),)
    return RowStage(Rows(groups.derived(), (), conditions), items)
