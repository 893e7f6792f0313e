"""IN (SELECT …), EXISTS, SEMI and ANTI JOIN: whether a row's own unit has rows elsewhere, or whether its value is in a public table.

Either is a function of the row's own person and of public data, so it may stand anywhere a condition may. Everything else a subquery in an
expression could say would carry other people's data into a row, and is refused.
"""

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.binding import MEMBERSHIP
from haven.query.bounding import Options, bound_rows
from haven.query.expressions import Call, Expression, Membership, UnitColumn, literal, sources_of
from haven.query.functions import call
from haven.query.joining import Beside, Condition
from haven.query.names import Scope
from haven.query.relations import Rows
from haven.query.render import quoted, render
from haven.query.rows_sql import columns_used, rows_text
from haven.query.shapes import boolean
from haven.query.stages import AnswerStage, RowStage, Stage, names_read

Select = Callable[[exp.Expr], Stage]
Member = Callable[[Expression], Expression]
"""What the binder makes of an operand."""


def settle(tree: exp.Select, scope: Scope, select: Select) -> None:
    """Resolve every IN (SELECT …) and EXISTS of a SELECT's own expressions, and leave with each node what the binder makes of it."""
    parts = [value for name, value in tree.args.items() if name not in {"from_", "joins", "with_"}]
    pending = [each for value in parts for each in (value if isinstance(value, list) else [value]) if isinstance(each, exp.Expr)]
    while pending:
        node = pending.pop()
        if isinstance(node, exp.Exists):
            node.meta[MEMBERSHIP] = _exists(node, scope, select)
        elif isinstance(node, exp.In) and node.args.get("query") is not None:
            node.meta[MEMBERSHIP] = _within(node, select)
            pending.append(node.this)
        elif not isinstance(node, exp.Subquery | exp.Select):
            pending += list(node.iter_expressions())


def _within(node: exp.In, select: Select) -> Member:
    """`operand IN (SELECT column …)`."""
    query = node.args["query"]
    stage = _rows(select(query.unnest() if isinstance(query, exp.Subquery) else query))
    if len(stage.columns) != 1:
        raise Refused(Code.QUERY_SUBQUERY, "IN takes a SELECT of one column.", "Select the unit column: id IN (SELECT id FROM …).")
    value = stage.columns[0].expression

    def member(operand: Expression) -> Expression:
        if isinstance(operand, UnitColumn) and isinstance(value, UnitColumn):
            _check_present(value, stage.rows)
            return _of_unit(operand, stage.rows)
        if stage.rows.personal or isinstance(operand, UnitColumn):
            raise _ownership_refused()
        return _in_public(operand, stage.rows, value)

    return member


def kept(left: Beside, right: Rows, on: Condition, *, match: bool) -> Beside:
    """SEMI JOIN: the rows of `left` that `match` one of `right`; ANTI JOIN: those that do not."""
    condition = _matched(right, on)
    return replace(left, rows=left.rows.where(condition if match else call("not", condition)))


def _matched(right: Rows, on: Condition) -> Expression:
    """Whether a row has a match in `right`: never NULL."""
    found = [call("same", each, literal(value=True)) if each.shape.nullable else each for each in _memberships(right, on)]
    return found[0] if len(found) == 1 else call("and", *found)


def _memberships(right: Rows, on: Condition) -> list[Membership]:
    """By the row's unit, or by one value in a public table; what else ON says is of `right` alone."""
    inside = {source.source for source in right.sources}
    across = [each for each in on.others if not sources_of(each) <= inside]
    ends = [end for link in on.links for end in link]
    present = (call("is_present", end) for end in ends if end.source in inside and end.shape.nullable)
    rows = right.where(*(each for each in on.others if each not in across), *present)
    units = [end for end in ends if end.source not in inside]
    if right.personal and units and len(units) == len(on.links):
        if across:
            raise _compared_refused()
        return [_of_unit(unit, rows) for unit in dict.fromkeys(units)]
    match across:
        case [Call(function="equal", arguments=(one, other))] if not (right.personal or on.links):
            operand, value = (other, one) if sources_of(one) <= inside else (one, other)
            if sources_of(value) <= inside and not sources_of(operand) & inside:
                return [_in_public(operand, rows, value)]
    raise _ownership_refused()


def _exists(node: exp.Exists, scope: Scope, select: Select) -> Expression:
    """EXISTS (SELECT … WHERE inner.id = outer.id AND …): whether the row's own unit, or its value in a public table, has such a row."""
    inner = node.this.unnest() if isinstance(node.this, exp.Subquery) else node.this
    if not isinstance(inner, exp.Select) or inner.args.get("group") is not None or inner.args.get("having") is not None:
        raise _ownership_refused()
    copy = inner.copy()
    where = copy.args.get("where")
    called = {alias.lower() for alias in _aliases(copy)}
    parts = [] if where is None else _conjuncts(where.this)
    met = [(part, ends) for part in parts if (ends := _across(part, called)) is not None]
    if not met:
        raise _ownership_refused()
    kept = [part for part in parts if all(part is not across for across, _ in met)]
    if any(_outside(column, called) for part in kept for column in part.find_all(exp.Column)):
        raise _compared_refused()
    copy.set("where", exp.Where(this=exp.and_(*kept, copy=False)) if kept else None)
    copy.set("expressions", [inner for _, (_, inner) in met])
    stage = _rows(select(copy))
    pairs = [(scope.column(outer), column.expression) for (_, (outer, _)), column in zip(met, stage.columns, strict=True)]
    links = tuple((one, other) for one, other in pairs if isinstance(one, UnitColumn) and isinstance(other, UnitColumn))
    others = tuple(
        call("equal", one, other) for one, other in pairs if not isinstance(one, UnitColumn) and not isinstance(other, UnitColumn)
    )
    if len(links) + len(others) != len(pairs):
        raise _ownership_refused()
    return _matched(stage.rows, Condition(links, others))


def _across(part: exp.Expr, called: set[str]) -> tuple[exp.Column, exp.Expr] | None:
    """The column of the outer row that a conjunct makes equal to a value of the subquery, and that value."""
    node = part.unnest()
    if not isinstance(node, exp.EQ):
        return None
    one, other = node.this.unnest(), node.expression.unnest()
    for outer, inner in ((one, other), (other, one)):
        if _outside(outer, called) and not any(_outside(column, called) for column in inner.find_all(exp.Column)):
            return outer, inner
    return None


def _outside(node: exp.Expr, called: set[str]) -> bool:
    return isinstance(node, exp.Column) and bool(node.table) and node.table.lower() not in called


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


def _rows(stage: Stage) -> RowStage:
    if isinstance(stage, AnswerStage):
        raise _ownership_refused()
    return stage


def _of_unit(operand: Expression, rows: Rows) -> Membership:
    return Membership(operand, _sql(rows, rows.unit), names_read(rows, []), boolean(nullable=operand.shape.nullable))


def _check_present(value: UnitColumn, rows: Rows) -> None:
    """NOT IN over a missing value says nothing of anybody: whether one is missing would be told of everybody."""
    if value.shape.nullable and call("is_present", value) not in rows.conditions:
        raise Refused(
            Code.QUERY_OWNERSHIP,
            "The subquery's persons are of an optional side of a LEFT JOIN, and one who is missing would decide the answer for all.",
            "Add WHERE id IS NOT NULL to the subquery.",
        )


def _in_public(operand: Expression, rows: Rows, value: Expression) -> Membership:
    call("equal", operand, value)  # refuses types that do not compare
    nullable = operand.shape.nullable or value.shape.nullable
    return Membership(operand, _sql(rows, value), names_read(rows, [value]), boolean(nullable=nullable))


def _sql(rows: Rows, value: Expression) -> str:
    """The subquery, with every row that the policy lets count."""
    bounding = bound_rows(rows, Options(), (), sums=True) if rows.personal else None
    text = rows_text(rows, bounding, columns_used([*rows.predicates(), value]))
    return text.select([f"{render(value, text.names)} AS {quoted('v_')}"])


def _ownership_refused() -> Refused:
    return Refused(
        Code.QUERY_OWNERSHIP,
        "A subquery inside an expression may only ask whether the row's own person is in it, or read public tables.",
        "Write id IN (SELECT id FROM … WHERE …), EXISTS (SELECT 1 FROM b WHERE b.id = a.id AND …), or join on the unit column.",
    )


def _compared_refused() -> Refused:
    return Refused(
        Code.QUERY_SUBQUERY,
        "Inside EXISTS, or ON a SEMI JOIN, only the unit or one value of a public table is compared with the row outside.",
        "Join on the unit column with that condition, and count persons: COUNT(DISTINCT id).",
    )
