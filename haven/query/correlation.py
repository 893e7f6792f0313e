"""What a subquery says of the row outside of it: the conjuncts of its WHERE that name an outer relation, apart from the rest."""

from collections.abc import Sequence

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.binding import Binder
from haven.query.expressions import Expression, UnitColumn
from haven.query.joining import Link
from haven.query.names import Scope
from haven.query.relations import Named


class Apart:
    """A SELECT whose correlated conjuncts are taken out. Columns of the row outside are those qualified with a name that FROM has not."""

    def __init__(self, tree: exp.Select, scope: Scope) -> None:
        """`scope` is that of the row outside."""
        self._scope = scope
        self._called = {alias.lower() for alias in _aliases(tree)}
        self._tree = tree.copy()
        where = self._tree.args.get("where")
        parts = [] if where is None else _conjuncts(where.this)
        self.across = [part for part in parts if any(map(self._outside, part.find_all(exp.Column)))]
        kept = [part for part in parts if all(part is not each for each in self.across)]
        self._tree.set("where", exp.Where(this=exp.and_(*kept, copy=False)) if kept else None)
        inside = (column for part in self.across for column in part.find_all(exp.Column) if not self._outside(column))
        self.columns = list(dict.fromkeys(inside))

    def inner(self, items: Sequence[exp.Expr]) -> exp.Select:
        """The rest of the SELECT, of `items` and then of every column that the conjuncts name."""
        tree = self._tree.copy()
        tree.set("expressions", [*(item.copy() for item in items), *(column.copy() for column in self.columns)])
        for part in ("order", "distinct"):
            tree.set(part, None)
        if not tree.expressions:
            raise ownership_refused()
        return tree

    def bound(self, found: Sequence[Named]) -> tuple[Expression, ...]:
        """The conjuncts over the columns that were found for them, where none is about the unit."""
        links, others = self.split(found)
        if links:
            raise ownership_refused()
        return others

    def split(self, found: Sequence[Named]) -> tuple[tuple[Link, ...], tuple[Expression, ...]]:
        """Equalities of unit columns, and the other conjuncts."""
        known = dict(zip(self.columns, (named.expression for named in found), strict=True))

        def names(node: exp.Column) -> Expression:
            return known[node] if node in known else self._scope.column(node)

        links: list[Link] = []
        others: list[Expression] = []
        for part in self.across:
            node = part.unnest()
            ends = [node.this.unnest(), node.expression.unnest()] if isinstance(node, exp.EQ) else []
            units = [end for end in map(names, ends) if isinstance(end, UnitColumn)] if _plain(ends) else []
            if len(units) == 2:  # noqa: PLR2004 - both sides
                links.append((units[0], units[1]))
            elif any(isinstance(names(column), UnitColumn) for column in part.find_all(exp.Column)):
                raise ownership_refused()
            else:
                others.append(Binder(names).condition(node))
        return tuple(links), tuple(others)

    def _outside(self, node: exp.Column) -> bool:
        return bool(node.table) and node.table.lower() not in self._called


def _plain(ends: Sequence[exp.Expr]) -> bool:
    return bool(ends) and all(isinstance(end, exp.Column) for end in ends)


def _aliases(tree: exp.Select) -> list[str]:
    clauses = [tree.args.get("from_"), *(tree.args.get("joins") or [])]
    return [clause.this.alias_or_name for clause in clauses if clause is not None]


def _conjuncts(node: exp.Expr) -> list[exp.Expr]:
    found, pending = [], [node]
    while pending:
        part = pending.pop().unnest()
        if isinstance(part, exp.And):
            pending += [part.expression, part.this]
        else:
            found.append(part)
    return found


def ownership_refused() -> Refused:
    """The refusal of a subquery that would carry other people's data into a row."""
    return Refused(
        Code.QUERY_OWNERSHIP,
        "A subquery inside an expression may only ask whether the row's own person is in it, or read public tables.",
        "Write id IN (SELECT id FROM … WHERE …), EXISTS (SELECT 1 FROM b WHERE b.id = a.id AND …), or join on the unit column.",
    )
