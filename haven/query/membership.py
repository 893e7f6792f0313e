"""IN (SELECT …), EXISTS, SEMI and ANTI JOIN: whether a row's own unit has rows elsewhere, or whether its value is in a public table.

Either is a function of the row's own person and of public data, so it may stand anywhere a condition may. Everything else a subquery in an
expression could say would carry other people's data into a row, and is refused.
"""

from collections.abc import Callable
from dataclasses import replace

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.bounding import Options, bound_rows
from haven.query.correlation import Apart, ownership_refused
from haven.query.expressions import Call, Expression, Membership, UnitColumn, literal, sources_of
from haven.query.functions import call
from haven.query.joining import Beside, Condition
from haven.query.names import Scope
from haven.query.public_matches import among, matched
from haven.query.public_values import any_row
from haven.query.relations import Rows
from haven.query.render import quoted, render
from haven.query.resolved import MEMBERSHIP
from haven.query.rows_sql import columns_used, rows_text
from haven.query.scalars import scalar
from haven.query.shapes import boolean
from haven.query.stages import AnswerStage, RowStage, Stage, names_read

Select = Callable[[exp.Expr], Stage]
Member = Callable[[Expression], Expression]
"""What the binder makes of an operand."""


def settle(tree: exp.Select, scope: Scope, select: Select) -> None:
    """Resolve every IN (SELECT …) and EXISTS of a SELECT's own expressions, and leave with each node what the binder makes of it."""
    parts = [value for name, value in tree.args.items() if name not in {"from_", "joins", "with_", "limit", "offset"}]
    pending = [each for value in parts for each in (value if isinstance(value, list) else [value]) if isinstance(each, exp.Expr)]
    while pending:
        node = pending.pop()
        if isinstance(node, exp.Exists):
            node.meta[MEMBERSHIP] = _exists(node, scope, select)
        elif isinstance(node, exp.In) and node.args.get("query") is not None:
            node.meta[MEMBERSHIP] = _within(node, scope, select)
            pending.append(node.this)
        elif isinstance(node, exp.Subquery):
            node.meta[MEMBERSHIP] = scalar(node, scope, select)
        elif not isinstance(node, exp.Select):
            pending += list(node.iter_expressions())


def _within(node: exp.In, scope: Scope, select: Select) -> Member:
    """`operand IN (SELECT column …)`, and of several columns of public tables."""
    query = node.args["query"].unnest()
    wanted = len(node.this.unnest().expressions) if isinstance(node.this.unnest(), exp.Tuple) else 1
    apart = Apart(query, scope) if isinstance(query, exp.Select) else None
    stage = _rows(select(query if apart is None or not apart.across else apart.inner(query.expressions)))
    values = tuple(named.expression for named in stage.columns[:wanted])
    if len(stage.columns) - (0 if apart is None else len(apart.columns)) != wanted:
        raise Refused(Code.QUERY_SUBQUERY, "IN takes a SELECT of one column.", "Select the unit column: id IN (SELECT id FROM …).")
    across = () if apart is None else apart.bound(stage.columns[wanted:])

    def member(*operands: Expression) -> Expression:
        if wanted == 1 and not across and isinstance(operands[0], UnitColumn) and isinstance(values[0], UnitColumn):
            _check_present(values[0], stage.rows)
            return _of_unit(operands[0], stage.rows)
        if stage.rows.personal or any(isinstance(each, UnitColumn) for each in operands):
            raise _compared_refused() if across or wanted > 1 else ownership_refused()
        pairs = tuple(zip(operands, values, strict=True))
        return _in_public(operands[0], stage.rows, values[0]) if wanted == 1 and not across else among(stage.rows, across, pairs)

    return member


def kept(left: Beside, right: Rows, on: Condition, *, match: bool) -> Beside:
    """SEMI JOIN: the rows of `left` that `match` one of `right`; ANTI JOIN: those that do not."""
    condition = _matched(right, on)
    return replace(left, rows=left.rows.where(condition if match else call("not", condition)))


def _matched(right: Rows, on: Condition) -> Expression:
    """Whether a row has a match in `right`: never NULL."""
    found = [call("same", each, literal(value=True)) if each.shape.nullable else each for each in _memberships(right, on)]
    return found[0] if len(found) == 1 else call("and", *found)


def _memberships(right: Rows, on: Condition) -> list[Expression]:
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
    if right.personal or on.links or not across:
        raise ownership_refused()
    match across:
        case [Call(function="equal", arguments=(one, other))]:
            operand, value = (other, one) if sources_of(one) <= inside else (one, other)
            if sources_of(value) <= inside and not sources_of(operand) & inside:
                return [_in_public(operand, rows, value)]
    return [matched(rows, across)]


def _exists(node: exp.Exists, scope: Scope, select: Select) -> Expression:
    """EXISTS (SELECT … WHERE inner.id = outer.id AND …): whether the row's own unit, or a row of public tables, has such a row."""
    inner = node.this.unnest() if isinstance(node.this, exp.Subquery) else node.this
    if not isinstance(inner, exp.Select) or any(inner.args.get(part) is not None for part in ("group", "having", "limit", "offset")):
        raise ownership_refused()
    apart = Apart(inner, scope)
    if not apart.across:
        return _any_row(_rows(select(inner)))
    stage = _rows(select(apart.inner([])))
    links, others = apart.split(stage.columns)
    return _matched(stage.rows, Condition(links, others))


def _any_row(stage: RowStage) -> Expression:
    if stage.rows.personal:
        raise ownership_refused()
    return any_row(stage.rows)


def _rows(stage: Stage) -> RowStage:
    if isinstance(stage, AnswerStage):
        raise ownership_refused()
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


def _compared_refused() -> Refused:
    return Refused(
        Code.QUERY_SUBQUERY,
        "Where a subquery reads tables of persons, only the unit is compared with the row outside.",
        "Join on the unit column with that condition, and count persons: SELECT COUNT(DISTINCT a.id) FROM a JOIN b ON a.id = b.id AND ….",
    )
