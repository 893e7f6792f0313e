"""The select list, and positions in it."""

from collections.abc import Sequence
from typing import TypeVar

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.aggregates import AggregateTable
from haven.query.binding import Binder
from haven.query.expressions import Expression
from haven.query.names import Scope, column_name
from haven.query.relations import Named

Item = TypeVar("Item")


def has_aggregate(node: exp.Expr) -> bool:
    """Whether an aggregate stands in an expression, outside of any subquery of it."""
    if isinstance(node, exp.Query | exp.Subquery):
        return False
    if isinstance(node, exp.Window):
        return any(has_aggregate(part) for part in (*windowed(node).iter_expressions(), *frame_of(node)))
    return isinstance(node, exp.AggFunc) or any(map(has_aggregate, node.iter_expressions()))


def windowed(node: exp.Expr) -> exp.Expr:
    """The function of a window, without FILTER."""
    inner = node.this
    while isinstance(inner, exp.Filter):
        inner = inner.this
    whole: exp.Expr = inner
    return whole


def frame_of(node: exp.Expr) -> list[exp.Expr]:
    """What a window is partitioned and ordered by, and its FILTER."""
    order = node.args.get("order")
    filtered = node.this.args["expression"].this if isinstance(node.this, exp.Filter) else None
    parts = [*(node.args.get("partition_by") or []), *(term.this for term in (order.expressions if order is not None else []))]
    return parts if filtered is None else [*parts, filtered]


def has_window(tree: exp.Select) -> bool:
    """Whether a SELECT shows a window, or is ordered by one."""
    order = tree.args.get("order")
    clauses = [*tree.expressions, *([] if order is None else [order])]
    return any(clause.find(exp.Window) is not None for clause in clauses)


def is_star(node: exp.Expr) -> bool:
    """Whether a select item is * or t.*, which stands for columns."""
    return isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star))


def select_items(tree: exp.Select, scope: Scope, binder: Binder) -> tuple[Named, ...]:
    """The select list, bound; * stands for every column of the source."""
    items: list[Named] = []
    for node in tree.expressions:
        if is_star(node):
            items += scope.starred(node)
        else:
            items.append(Named(column_name(node), binder.bind(node.this if isinstance(node, exp.Alias) else node)))
    return tuple(items)


def orders_all(node: exp.Expr) -> bool:
    """Whether a term of ORDER BY is ALL, or *."""
    return isinstance(node, exp.Star) or (isinstance(node, exp.Var) and node.name.upper() == "ALL")


def check_order(tree: exp.Select, items: Sequence[Named], binder: Binder) -> None:
    """ORDER BY over rows changes nothing of what is asked of them; its names are checked, and that is all."""
    order = tree.args.get("order")
    named = {item.name.lower() for item in items}
    for term in order.expressions if order is not None else ():
        node = term.this
        if orders_all(node):
            continue
        if isinstance(node, exp.Literal) and not node.args.get("is_string"):
            item_at(node, items)
        elif not (isinstance(node, exp.Column) and not node.table and node.name.lower() in named):
            binder.bind(node)


def item_at(node: exp.Literal, items: Sequence[Item]) -> Item:
    """The item at a position, counted from 1. Raises Refused(QUERY_CLAUSE) outside of the list."""
    written = str(node.this)
    if not (written.isdecimal() and len(written) < 10 and 1 <= int(written) <= len(items)):  # noqa: PLR2004 - far more than any select list
        raise Refused(Code.QUERY_CLAUSE, "A position in GROUP BY or ORDER BY is not in the select list.", "Positions count from 1.")
    return items[int(written) - 1]


def having_of(tree: exp.Select, scope: Scope, binder: Binder, table: AggregateTable | None) -> Expression | None:
    """HAVING, bound; it may name the aliases of the select list."""
    having = tree.args.get("having")
    if having is None:
        return None

    def aliased(name: str) -> Expression | None:
        for node in tree.expressions:
            if isinstance(node, exp.Alias) and node.alias.lower() == name:
                return binder.bind(node.this)
        return None

    return Binder(scope.or_else(aliased), table).condition(having.this)
