"""FROM: tables, subqueries, CTEs and UNION ALL, joined from left to right into rows and the names a SELECT may use."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from haven.catalog.dataset import Dataset
from haven.errors import Code, Refused
from haven.query.aggregates import conjunction, conjuncts
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
        joins = tree.args.get("joins") or []
        if joins or _bracketed(clause.this):
            beside, links = self._joined(clause.this, joins)
            scope = Scope.of(beside.parts)
            return Read(RowStage(beside.rows, scope.columns), scope, links)
        stage, aliases = self._relation(clause.this)
        return Read(stage, Scope(stage.columns, aliases), tied(stage.rows) if isinstance(stage, RowStage) else ())

    def _joined(self, first: exp.Expr, joins: Sequence[exp.Expr]) -> tuple[Beside, tuple[Link, ...]]:
        beside, links = self._side(first)
        for join in joins:
            beside, met = self._join(beside, join)
            links = (*links, *met)
        return beside, links

    def _side(self, node: exp.Expr) -> tuple[Beside, tuple[Link, ...]]:
        """One side of a join: a relation, or joins in brackets, whose relations keep their names unless the whole has one."""
        if not _bracketed(node):
            beside = self._beside(*self._relation(node))
            return beside, tied(beside.rows)
        beside, links = self._joined(node.this, node.this.args.get("joins") or [])
        if node.alias:
            whole = renamed(RowStage(beside.rows, Scope.of(beside.parts).columns), node)
            beside = Beside(beside.rows, (Part(whole.columns, frozenset({node.alias.lower()})),))
        return beside, links

    def _relation(self, node: exp.Expr) -> tuple[Stage, frozenset[str]]:
        """A table, CTE or subquery, and what it may be called."""
        stage, called = self._named(node)
        return renamed(stage, node), frozenset({node.alias.lower()}) if node.alias else called

    def _named(self, node: exp.Expr) -> tuple[Stage, frozenset[str]]:
        """A table, CTE or subquery, and what it is called without AS."""
        if isinstance(node, exp.Table) and not node.db and node.name.lower() in self._ctes:
            return self._ctes[node.name.lower()](), frozenset({node.name.lower()})
        if isinstance(node, exp.Table):
            return self._relations.table(node)
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select | exp.SetOperation):
            return self._select(node.this), frozenset()
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
        side, kind, method = (str(join.args.get(part) or "").upper() for part in ("side", "kind", "method"))
        if side not in {"", "LEFT", "RIGHT"} or kind not in {"", "INNER", "OUTER", "CROSS", *SEMI} or method not in {"", "NATURAL"}:
            raise _kind_refused(f"{method} {side} {kind}")
        right, inner = self._side(join.this)
        merged = _shared(left, right) if method else frozenset(identifier.name.lower() for identifier in join.args.get("using") or [])
        on = self._condition(left, right, join, merged)
        if kind in SEMI:
            return kept(left, right.rows, on, match=kind == "SEMI"), ()
        links = (*inner, *on.links)
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


def _shared(left: Beside, right: Beside) -> frozenset[str]:
    """The names of the columns that both sides of a NATURAL JOIN have."""
    names = [{column.name.lower() for column in Scope.of(side.parts).columns} for side in (left, right)]
    if not names[0] & names[1]:
        raise Refused(Code.QUERY_JOIN, "The sides of a NATURAL JOIN share no column.", "Write JOIN b ON a.id = b.id.")
    return frozenset(names[0] & names[1])


def _bracketed(node: exp.Expr) -> bool:
    """Whether a relation of FROM is joins in brackets."""
    inner = node.this
    if not isinstance(node, exp.Subquery) or not isinstance(inner, exp.Table | exp.Subquery):
        return False
    return bool(inner.args.get("joins")) or _bracketed(inner)


def renamed(stage: Stage, node: exp.Expr) -> Stage:
    """The relation with its first columns called as in AS t(a, b)."""
    alias = node.args.get("alias")
    names = [each.name for each in alias.args.get("columns") or []] if alias is not None else []
    if len(names) > len(stage.columns):
        raise Refused(Code.QUERY_CLAUSE, "More columns are named after AS than there are.", "Name as many as the SELECT has, or fewer.")
    columns = tuple(replace(column, name=name) for name, column in zip(names, stage.columns, strict=False))
    return replace(stage, columns=(*columns, *stage.columns[len(names) :]))


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
            others.append(Binder(scope.column).condition(node))
        else:
            links.append(link)
    whole = conjunction(*others)
    return Condition(tuple(links), () if whole is None else conjuncts(canonical(whole)))


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
