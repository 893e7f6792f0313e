"""Above the noise: a SELECT over an answer, and ORDER BY and LIMIT, are arithmetic, filters and cuts of noisy values."""

from dataclasses import replace

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.aggregates import unit_refused
from haven.query.binding import Binder
from haven.query.expressions import (
    Call,
    Column,
    Expression,
    KeyLeaf,
    Matched,
    Membership,
    PublicValue,
    UnitColumn,
    lookups_in,
)
from haven.query.functions import call
from haven.query.names import Scope
from haven.query.relations import Named, columns_by_name
from haven.query.select_list import has_window, item_at, orders_all, select_items
from haven.query.stages import AnswerStage, Sort
from haven.query.summaries import Lift, makes_groups, settled, summarised, windowed_beside

MOST_ROWS_SHOWN = 2**53
LONGEST_COUNT = 16
"""Digits of 2⁵³."""


def post_process(tree: exp.Select, source: AnswerStage, scope: Scope) -> AnswerStage:
    """A SELECT over an answer: arithmetic, filters, aggregates, windows, order and cut on noisy values."""
    binder = Binder(scope.column)
    lift: Lift = _above
    where = tree.args.get("where")
    stage = source
    if where is not None:
        stage = settled(stage)
        stage = replace(stage, having=(*stage.having, _above(binder.condition(where.this))))
    if makes_groups(tree):
        stage, lift = summarised(tree, scope, stage)
    stage = windowed_beside(tree, settled(stage) if has_window(tree) else stage, binder, lift)
    items = select_items(tree, scope, binder)
    stage = replace(stage, columns=tuple(Named(item.name, lift(_above(item.expression))) for item in items))
    return ordered_and_cut(tree, stage, binder, lift)


def ordered_and_cut(tree: exp.Select, stage: AnswerStage, binder: Binder, lift: Lift) -> AnswerStage:
    """ORDER BY, OFFSET and LIMIT; names of the select list come first, then those of the source, which `lift` brings above groups."""
    order = tree.args.get("order")
    if order is not None:
        stage = settled(stage)
        stage = replace(stage, order=tuple(sort for term in order.expressions for sort in _sorts(term, stage, binder, lift)))
    offset, limit = (_count_of_rows(tree.args.get(part)) for part in ("offset", "limit"))
    if offset is not None or limit is not None:
        stage = settled(stage)
        stage = replace(stage, offset=offset or 0, limit=limit)
    return stage


def _sorts(term: exp.Ordered, stage: AnswerStage, binder: Binder, lift: Lift) -> list[Sort]:
    """One term; ALL and * stand for every column of the select list."""
    found = [each.expression for each in stage.columns] if orders_all(term.this) else [_ordering(term.this, stage, binder, lift)]
    return [Sort(each, bool(term.args.get("desc")), bool(term.args.get("nulls_first"))) for each in found]


def _ordering(node: exp.Expr, stage: AnswerStage, binder: Binder, lift: Lift) -> Expression:
    if isinstance(node, exp.Literal) and not node.args.get("is_string"):
        return item_at(node, stage.columns).expression
    if isinstance(node, exp.Column) and not node.table:
        named = columns_by_name(stage.columns).get(node.name.lower())
        if named is not None:
            return named.expression
    return lift(binder.bind(node))


def _count_of_rows(clause: exp.Expr | None) -> int | None:
    if clause is None:
        return None
    node = clause.args["expression"]
    written = str(node.this) if isinstance(node, exp.Literal) else ""
    if not (written.isdecimal() and len(written) <= LONGEST_COUNT and int(written) <= MOST_ROWS_SHOWN):
        raise Refused(Code.QUERY_CLAUSE, "LIMIT and OFFSET take a whole number.", "Write LIMIT 10.")
    return int(written)


def _above(expression: Expression) -> Expression:
    """What may stand above the noise."""
    if any(True for _ in lookups_in(expression)):
        raise looked_up_refused()
    return expression


def looked_up_refused() -> Refused:
    """The refusal of other tables above the noise, where no row is read any more."""
    return Refused(
        Code.QUERY_SUBQUERY,
        "Beside a noisy answer public tables are not read, but for the COUNT(*), MIN and MAX of a whole table, which are known.",
        "Write the number itself, which the catalogue or the public file shows, or use the subquery in WHERE or in a group key.",
    )


def lifted(expression: Expression, keys: tuple[Named, ...]) -> Expression:
    """The same above the aggregation: each group key becomes its value; other columns of rows have no single value there."""
    for index, key in enumerate(keys):
        if expression == key.expression:
            return KeyLeaf(index, expression.shape)
    match expression:
        case Call(function=function, arguments=arguments):
            return call(function, *(lifted(argument, keys) for argument in arguments))
        case UnitColumn() | Membership():
            raise unit_refused()
        case PublicValue() | Matched():
            raise looked_up_refused()
        case Column(name=name, table=""):
            raise Refused(
                Code.QUERY_ROWS,
                "A column of a subquery is neither a group key nor inside an aggregate.",
                "Add it to GROUP BY, or write AVG(x) or COUNT(x).",
            )
        case Column(name=name):
            raise Refused(
                Code.QUERY_ROWS,
                f"The column {name} is neither a group key nor inside an aggregate.",
                f"Add {name} to GROUP BY, or write AVG({name}) or COUNT({name}).",
            )
        case _:
            return expression
