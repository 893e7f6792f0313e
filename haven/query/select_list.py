"""The select list, and positions in it."""

from collections.abc import Sequence
from typing import TypeVar

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.binding import Binder
from haven.query.names import Scope, column_name
from haven.query.relations import Named

Item = TypeVar("Item")


def has_aggregate(node: exp.Expr) -> bool:
    """Whether an aggregate stands in an expression, outside of any subquery of it."""
    if isinstance(node, exp.Query | exp.Subquery):
        return False
    return isinstance(node, exp.AggFunc) or any(map(has_aggregate, node.iter_expressions()))


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
