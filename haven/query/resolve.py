"""Station 2, second half: names to the catalogue's tables and columns, SELECTs to one aggregation and what is done to its answer.

A question is a tower of SELECTs: rows below (tables, joins, CTEs, per-person groupings), one aggregation over persons, and post-processing
above. Names of subqueries are spelled out as they are used, so conditions and aggregates become expressions over relations.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from haven.catalog.dataset import Dataset
from haven.errors import Code, Refused
from haven.policy.authorisation import Footprint
from haven.query.aggregation import Aggregation, per_person
from haven.query.binding import Binder
from haven.query.expressions import UnitColumn
from haven.query.from_clause import FromClause, Read, Relations, renamed, split
from haven.query.functions import call
from haven.query.gathering import gathered
from haven.query.grouping import group_keys
from haven.query.joining import checked
from haven.query.membership import settle
from haven.query.parse import ParsedQuery
from haven.query.postselect import post_process
from haven.query.relations import Rows
from haven.query.select_list import check_order, has_aggregate, select_items
from haven.query.stacking import distinct, met, set_refused, stacked
from haven.query.stages import AnswerStage, RowStage, Stage, footprint_of, pruned

Ctes = Mapping[str, Callable[[], Stage]]


@dataclass(frozen=True, slots=True)
class ResolvedQuery:
    """A question whose every name is known: what it reads (`footprint`), what it aggregates, and what it does to the answer."""

    dataset: Dataset
    footprint: Footprint
    answer: AnswerStage


def resolve(parsed: ParsedQuery, catalog: Mapping[str, Dataset]) -> ResolvedQuery:
    """`parsed` over the datasets of a project.

    A table is `dataset.table`, or `table` alone where the project has one dataset; names compare without case. Raises Refused with the
    nearest names for unknown ones, and for questions whose rows, keys or aggregates are not answered.
    """
    resolver = _Resolver(catalog)
    stage = resolver.select(parsed.tree, {})
    dataset = resolver.relations.dataset
    if isinstance(stage, RowStage) or dataset is None:
        raise _rows_refused(parsed.tree)
    answer = pruned(stage)
    if not answer.rows.personal:
        raise Refused(
            Code.QUERY_OWNERSHIP,
            "The question reads public tables alone: they hold nobody's data.",
            "Ask a table of persons; the catalogue shows what public tables hold.",
        )
    return ResolvedQuery(dataset, footprint_of(dataset, answer), answer)


DEEPEST_SELECT = 64


class _Resolver:
    """Resolves the tower of SELECTs from the inside out."""

    def __init__(self, catalog: Mapping[str, Dataset]) -> None:
        self.relations = Relations(catalog)
        self._depth = 0

    def select(self, tree: exp.Expr, ctes: Ctes) -> Stage:
        """The stage of a SELECT, or of SELECTs under UNION ALL. Refused (QUERY_TOO_LARGE) below `DEEPEST_SELECT`, CTEs spelled out."""
        self._depth += 1
        if self._depth > DEEPEST_SELECT:
            said = f"The question nests SELECTs more than {DEEPEST_SELECT} deep, CTEs spelled out."
            raise Refused(Code.QUERY_TOO_LARGE, said, "Say the same in fewer steps.")
        stage = self._stage(tree, ctes)
        self._depth -= 1
        return stage

    def _stage(self, tree: exp.Expr, ctes: Ctes) -> Stage:
        if isinstance(tree, exp.SetOperation):
            return self._stacked(tree, self._with(tree, ctes))
        if not isinstance(tree, exp.Select):
            raise Refused(Code.QUERY_CLAUSE, "FROM names a table or a SELECT in brackets.", "Write SELECT … FROM dataset.table.")
        ctes = self._with(tree, ctes)
        tree = tree if tree.args.get("from_") is not None else gathered(tree)
        read = FromClause(self.relations, lambda inner: self.select(inner, ctes), ctes).read(tree)
        settle(tree, read.scope, lambda inner: self.select(inner, ctes))
        if isinstance(read.stage, AnswerStage):
            return post_process(tree, read.stage, read.scope)
        return self._over_rows(tree, read, self._where(tree, read, read.stage.rows))

    def _over_rows(self, tree: exp.Select, read: Read, rows: Rows) -> Stage:
        """A per-person grouping, an aggregation over persons, or other columns of the same rows."""
        keys = group_keys(tree, read.scope)
        if any(isinstance(key.expression, UnitColumn) for key in keys):
            return per_person(tree, rows, read.scope, keys, self.relations.fresh())
        grouped = any(tree.args.get(part) is not None for part in ("group", "having", "distinct"))
        if grouped or any(map(has_aggregate, tree.expressions)):
            return Aggregation(tree, rows, read.scope, keys).stage()
        if any(tree.args.get(part) is not None for part in ("limit", "offset")):
            raise Refused(
                Code.QUERY_ROWS,
                "LIMIT and OFFSET over rows choose whose data is used, so they are not answered.",
                "Order and cut the answer instead, after the aggregates.",
            )
        binder = Binder(read.scope.column)
        items = select_items(tree, read.scope, binder)
        check_order(tree, items, binder)
        return RowStage(rows, items)

    def _where(self, tree: exp.Select, read: Read, rows: Rows) -> Rows:
        """The rows that meet WHERE, with every personal relation tied to the others by its unit."""
        where = tree.args.get("where")
        if where is None:
            return checked(rows, read.links)
        condition = split(where.this, read.scope)
        met = [call("is_present", unit) for link in condition.links for unit in link if unit.shape.nullable]
        rows = rows.where(*condition.others, *met)
        return checked(rows, (*read.links, *condition.links))

    def _with(self, tree: exp.Expr, ctes: Ctes) -> Ctes:
        """The CTEs in force inside a SELECT: those around it, and its own, each of which sees the ones before it."""
        clause = tree.args.get("with_")
        if clause is None:
            return ctes
        if clause.args.get("recursive"):
            raise Refused(Code.QUERY_SUBQUERY, "Recursive queries are not answered.", "Write the steps as CTEs of their own.")
        known = dict(ctes)
        for cte in clause.expressions:
            name = cte.alias.lower()
            if name in known or self.relations.is_table(name):
                raise Refused(
                    Code.QUERY_AMBIGUOUS,
                    "A name after WITH is that of a table, or stands there twice.",
                    "Give every CTE a name of its own.",
                )
            known[name] = self._later(cte, dict(known))
        return known

    def _later(self, cte: exp.Expr, ctes: Ctes) -> Callable[[], Stage]:
        return lambda: renamed(self.select(cte.this, ctes), cte)

    def _stacked(self, tree: exp.SetOperation, ctes: Ctes) -> Stage:
        """SELECTs one below the other; without repetitions, or with those of others left out, where every row has its person in it."""
        if any(tree.args.get(part) for part in ("order", "limit", "offset")):
            raise set_refused()
        if not isinstance(tree, exp.Union):
            return met(tree, [self._branch(side, ctes) for side in (tree.this, tree.expression)], self.relations.fresh())
        stage = stacked([self._branch(side, ctes) for side in _branches(tree)], self.relations.fresh())
        return distinct(stage, self.relations.fresh()) if tree.args.get("distinct") else stage

    def _branch(self, side: exp.Expr, ctes: Ctes) -> RowStage:
        stage = self.select(_unbracketed(side), ctes)
        if isinstance(stage, AnswerStage):
            raise Refused(
                Code.QUERY_CLAUSE,
                "A UNION ALL of aggregates over persons is several questions in one.",
                "Ask each SELECT as a question of its own, or use GROUPING SETS.",
            )
        return stage


def _unbracketed(node: exp.Expr) -> exp.Expr:
    """The SELECT in brackets that stand for nothing else."""
    while isinstance(node, exp.Subquery) and not node.alias and not node.args.get("joins"):
        node = node.this
    return node


def _branches(tree: exp.Expr) -> list[exp.Expr]:
    """The SELECTs of a chain of UNION ALLs, from left to right."""
    found: list[exp.Expr] = []
    pending = [tree]
    while pending:
        node = pending.pop()
        node = _unbracketed(node)
        if (isinstance(node, exp.Union) and not node.args.get("distinct") and node.args.get("with_") is None) or node is tree:
            pending += [node.expression, node.this]
        else:
            found.append(node)
    return found


def _rows_refused(tree: exp.Select) -> Refused:
    grouped = tree.args.get("group") is not None
    if grouped:
        return Refused(
            Code.QUERY_UNIT_COLUMN,
            "Grouping by the column that identifies persons would answer about one person at a time.",
            "Group by a column that many persons share, or put this into FROM: SELECT AVG(n) FROM (SELECT …) AS per_person.",
        )
    return Refused(
        Code.QUERY_ROWS,
        "The question asks for rows; only aggregates over persons are answered.",
        "Write SELECT COUNT(*), AVG(x) … and GROUP BY the columns whose values you want to compare.",
    )
