"""IN (SELECT …) and EXISTS: whether a row's own unit has rows elsewhere, or whether its value is in a public table.

Either is a function of the row's own person and of public data, so it may stand anywhere a condition may. Everything else a subquery in an
expression could say would carry other people's data into a row, and is refused.
"""

from collections.abc import Callable

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.binding import MEMBERSHIP
from haven.query.bounding import Options, bound_rows
from haven.query.expressions import Expression, Membership, UnitColumn, literal
from haven.query.functions import call
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
        units = isinstance(operand, UnitColumn), isinstance(value, UnitColumn)
        if all(units):
            return _of_unit(operand, stage.rows)
        if stage.rows.personal or any(units):
            raise _ownership_refused()
        call("equal", operand, value)  # refuses types that do not compare
        nullable = operand.shape.nullable or value.shape.nullable
        return Membership(operand, _sql(stage.rows, value), names_read(stage.rows, [value]), boolean(nullable=nullable))

    return member


def _exists(node: exp.Exists, scope: Scope, select: Select) -> Expression:
    """EXISTS (SELECT … WHERE inner.id = outer.id AND …): whether the row's own unit has such a row."""
    inner = node.this.unnest() if isinstance(node.this, exp.Subquery) else node.this
    if not isinstance(inner, exp.Select) or inner.args.get("group") is not None or inner.args.get("having") is not None:
        raise _ownership_refused()
    copy = inner.copy()
    where = copy.args.get("where")
    met: list[tuple[UnitColumn, exp.Expr]] = []
    kept: list[exp.Expr] = []
    called = {alias.lower() for alias in _aliases(copy)}
    for part in _conjuncts(where.this) if where is not None else ():
        outer = _outer_unit(part, scope, called)
        if outer is None:
            kept.append(part)
        else:
            met.append(outer)
    if not met:
        raise _ownership_refused()
    copy.set("where", exp.Where(this=exp.and_(*kept, copy=False)) if kept else None)
    copy.set("expressions", [inner for _, inner in met])
    stage = _rows(select(copy))
    if not stage.rows.personal or not all(isinstance(each.expression, UnitColumn) for each in stage.columns):
        raise _ownership_refused()
    found = _of_unit(met[0][0], stage.rows)
    return call("same", found, literal(value=True)) if found.shape.nullable else found


def _outer_unit(part: exp.Expr, scope: Scope, called: set[str]) -> tuple[UnitColumn, exp.Expr] | None:
    """The unit column of the outer row that a conjunct makes equal to a column of the subquery, and that column."""
    node = part.unnest()
    if not isinstance(node, exp.EQ):
        return None
    ends = [end.unnest() for end in (node.this, node.expression)]
    if not all(isinstance(end, exp.Column) and end.table for end in ends):
        return None
    outer = [end for end in ends if end.table.lower() not in called]
    if len(outer) != 1 or not isinstance(outer[0], exp.Column):
        return None
    found = scope.column(outer[0])
    inner = next(end for end in ends if end is not outer[0])
    return (found, inner) if isinstance(found, UnitColumn) else None


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
