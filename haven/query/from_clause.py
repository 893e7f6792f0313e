"""FROM: tables, subqueries, CTEs and UNION ALL, joined from left to right into rows and the names a SELECT may use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from haven.catalog.dataset import Dataset
from haven.errors import Code, Refused
from haven.query.binding import Binder
from haven.query.canonical import canonical
from haven.query.expressions import Expression, UnitColumn
from haven.query.functions import call
from haven.query.grammar import REFUSALS
from haven.query.joining import Beside, Condition, Link, joined_inner, joined_left, tied
from haven.query.membership import kept
from haven.query.names import Part, Scope, find_table, table_source
from haven.query.relations import Rows
from haven.query.stages import AnswerStage, RowStage, Stage

MOST_RELATIONS = 32
SEMI = frozenset({"SEMI", "ANTI"})


class Relations:
    """What the relations of one question share: the catalogue, their numbers, and the one dataset they are of."""

    def __init__(self, catalog: Mapping[str, Dataset]) -> None:
        self._catalog = catalog
        self._numbered = 0
        self.dataset: Dataset | None = None

    def fresh(self) -> str:
        """A name for one more relation. Refused (QUERY_TOO_LARGE) beyond `MOST_RELATIONS`."""
        if self._numbered >= MOST_RELATIONS:
            raise Refused(Code.QUERY_TOO_LARGE, f"The question reads more than {MOST_RELATIONS} relations.", "Use fewer tables and CTEs.")
        self._numbered += 1
        return f"s{self._numbered - 1}"

    def table(self, node: exp.Table) -> tuple[RowStage, frozenset[str]]:
        """A table of the catalogue, and what it is called. Refused (QUERY_JOIN) where it is of another dataset."""
        dataset, name = find_table(node, self._catalog)
        if self.dataset is not None and dataset.name != self.dataset.name:
            raise Refused(
                Code.QUERY_JOIN,
                "The question joins tables of two datasets, whose persons are promised different things.",
                "Ask each dataset by itself, and put the answers together in your notebook.",
            )
        self.dataset = dataset
        source = table_source(dataset, name, self.fresh())
        return RowStage(Rows(source), source.columns), frozenset({name, f"{dataset.name}.{name}"})

    def is_table(self, name: str) -> bool:
        """Whether the catalogue has a table called so."""
        return any(name in dataset.tables for dataset in self._catalog.values())


@dataclass(frozen=True, slots=True)
class Read:
    """What FROM reads: a stage, the scope of its names, and the units that its joins make equal."""

    stage: Stage
    scope: Scope
    links: tuple[Link, ...] = ()


Select = Callable[[exp.Expr], Stage]
"""Resolves a SELECT, or SELECTs under UNION ALL, within the CTEs in force."""


class FromClause:
    """Resolves one FROM. `ctes` gives the stage of a CTE, afresh at each mention."""

    def __init__(self, relations: Relations, select: Select, ctes: Mapping[str, Callable[[], Stage]]) -> None:
        self._relations = relations
        self._select = select
        self._ctes = ctes

    def read(self, tree: exp.Select) -> Read:
        """The rows of a SELECT's FROM and JOINs."""
        clause = tree.args.get("from_")
        if clause is None:
            raise Refused(Code.QUERY_CLAUSE, "The question names no table.", "Write SELECT COUNT(*) FROM dataset.table.")
        stage, aliases = self._relation(clause.this)
        joins = tree.args.get("joins") or []
        if not joins:
            return Read(stage, Scope(stage.columns, aliases), tied(stage.rows) if isinstance(stage, RowStage) else ())
        beside = self._beside(stage, aliases)
        links = list(tied(beside.rows))
        for join in joins:
            beside, met = self._join(beside, join)
            links += met
        scope = Scope.of(beside.parts)
        return Read(RowStage(beside.rows, scope.columns), scope, tuple(links))

    def _relation(self, node: exp.Expr) -> tuple[Stage, frozenset[str]]:
        """A table, CTE or subquery, and what it may be called."""
        alias = frozenset({node.alias.lower()}) if node.alias else frozenset()
        if isinstance(node, exp.Table) and not node.db and node.name.lower() in self._ctes:
            return self._ctes[node.name.lower()](), alias or frozenset({node.name.lower()})
        if isinstance(node, exp.Table):
            stage, called = self._relations.table(node)
            return stage, alias or called
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select | exp.SetOperation):
            return self._select(node.this), alias
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Table | exp.Subquery):
            return self._relation(node.this)
        raise Refused(Code.QUERY_CLAUSE, "FROM names a table or a SELECT in brackets.", "Write SELECT … FROM dataset.table.")

    def _beside(self, stage: Stage, aliases: frozenset[str]) -> Beside:
        if isinstance(stage, AnswerStage):
            raise Refused(
                Code.QUERY_OWNERSHIP,
                "An aggregate over many persons is joined to rows: each row would then carry other people's data.",
                "Aggregate per person, with GROUP BY the unit column, or join the two answers in your notebook.",
            )
        return Beside(stage.rows, (Part(stage.columns, aliases),))

    def _join(self, left: Beside, join: exp.Expr) -> tuple[Beside, tuple[Link, ...]]:
        side, kind = str(join.args.get("side") or "").upper(), str(join.args.get("kind") or "").upper()
        if side not in {"", "LEFT", "RIGHT"} or kind not in {"", "INNER", "OUTER", "CROSS", *SEMI} or join.args.get("method"):
            raise _kind_refused(f"{join.args.get('method') or ''} {side} {kind}")
        right = self._beside(*self._relation(join.this))
        merged = frozenset(identifier.name.lower() for identifier in join.args.get("using") or [])
        on = self._condition(left, right, join, merged)
        if kind in SEMI:
            return kept(left, right.rows, on, match=kind == "SEMI"), ()
        links = (*tied(right.rows), *on.links)
        if side == "LEFT":
            return joined_left(left, right, on, merged, self._relations.fresh()), links
        if side == "RIGHT":
            swapped = joined_left(right, left, on, frozenset(), self._relations.fresh())
            return Beside(swapped.rows, (*swapped.parts[len(right.parts) :], *swapped.parts[: len(right.parts)])), links
        return joined_inner(left, right, on, merged), links

    def _condition(self, left: Beside, right: Beside, join: exp.Expr, merged: frozenset[str]) -> Condition:
        """ON, or USING: equalities of units apart from the rest."""
        if merged:
            return self._using(left, right, merged)
        written = join.args.get("on")
        return Condition() if written is None else split(written, Scope.of((*left.parts, *right.parts)))

    def _using(self, left: Beside, right: Beside, merged: frozenset[str]) -> Condition:
        links, others = [], []
        for name in sorted(merged):
            node = exp.column(name, quoted=True)
            ends = [Scope.of(beside.parts).column(node) for beside in (left, right)]
            if isinstance(ends[0], UnitColumn) and isinstance(ends[1], UnitColumn):
                links.append((ends[0], ends[1]))
            elif any(isinstance(end, UnitColumn) for end in ends):
                raise Refused(Code.QUERY_OWNERSHIP, "USING names a column that identifies persons on one side only.", "Write ON with AND.")
            else:
                others.append(call("equal", *ends))
        return Condition(tuple(links), tuple(others))


def split(written: exp.Expr, scope: Scope) -> Condition:
    """The conjuncts of a condition: equalities of two unit columns apart from the rest, which is bound."""
    links: list[Link] = []
    others: list[Expression] = []
    pending = [written]
    while pending:
        node = pending.pop().unnest()
        if isinstance(node, exp.And):
            pending += [node.expression, node.this]
            continue
        link = _link(node, scope)
        if link is None:
            others.append(canonical(Binder(scope.column).condition(node)))
        else:
            links.append(link)
    return Condition(tuple(links), tuple(others))


def _link(node: exp.Expr, scope: Scope) -> Link | None:
    """a.id = b.id, of unit columns."""
    if not isinstance(node, exp.EQ):
        return None
    ends = [scope.column(end) for end in (node.this.unnest(), node.expression.unnest()) if isinstance(end, exp.Column)]
    match ends:
        case [UnitColumn() as one, UnitColumn() as other]:
            return one, other
        case _:
            return None


def _kind_refused(kind: str) -> Refused:
    if "FULL" in kind:
        return Refused(
            Code.QUERY_OWNERSHIP,
            "FULL JOIN keeps rows of both sides without a match.",
            "Write a LEFT JOIN from the table of persons.",
        )
    return Refused(*REFUSALS[exp.Join])
