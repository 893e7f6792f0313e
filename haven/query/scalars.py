"""A SELECT of one value inside an expression: of public tables it is a value, of persons' tables it is another question."""

from collections.abc import Callable

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.correlation import Apart
from haven.query.expressions import Expression
from haven.query.gathering import as_share
from haven.query.names import Scope, shown
from haven.query.public_values import aggregated, first_of, several_refused
from haven.query.select_list import has_aggregate
from haven.query.stages import AnswerStage, RowStage, Sort, Stage

Select = Callable[[exp.Expr], Stage]
LONGEST_SHOWN = 160
LONGEST_REWRITTEN = 400


def scalar(node: exp.Subquery, scope: Scope, select: Select) -> Expression:
    """The value of `(SELECT …)` inside an expression. Raises Refused with its rewrite for what is not one value of public tables."""
    tree = node.unnest()
    if isinstance(tree, exp.Select) and Apart(tree, scope).across:
        raise Refused(
            Code.QUERY_SUBQUERY,
            "A subquery of one value refers to the row outside of it.",
            "Join the public table: FROM visits AS v LEFT JOIN icd AS c ON v.code = c.code. Of the person's own rows: JOIN (SELECT id,"
            " COUNT(*) AS n FROM … GROUP BY id) AS t ON t.id = v.id. Else use conditions on the row's own columns.",
        )
    cut = tree.args.get("limit") if isinstance(tree, exp.Select) else None
    if not isinstance(tree, exp.Select) or any(map(has_aggregate, tree.expressions)) or len(tree.expressions) != 1:
        return _of_answer(select(tree), node)
    if cut is not None and (str(cut.expression) != "1" or tree.args.get("offset") is not None):
        raise several_refused()
    copy = tree.copy()
    order = copy.args.get("order")
    terms = [] if order is None else order.expressions
    for part in ("order", "limit"):
        copy.set(part, None)
    copy.set("expressions", [*copy.expressions, *(_ordered(term.this, tree).copy() for term in terms)])
    stage = select(copy)
    if isinstance(stage, AnswerStage) or stage.rows.personal:
        raise personal_refused(node)
    kinds = zip(terms, stage.columns[1:], strict=True)
    sorts = [Sort(named.expression, bool(term.args.get("desc")), bool(term.args.get("nulls_first"))) for term, named in kinds]
    return first_of(stage, sorts, cut=cut is not None)


def _of_answer(stage: Stage, node: exp.Subquery) -> Expression:
    if stage.rows.personal:
        raise personal_refused(node)
    if isinstance(stage, RowStage):
        raise several_refused()
    return aggregated(stage)


def _ordered(node: exp.Expr, tree: exp.Select) -> exp.Expr:
    """A term of ORDER BY: the first position and the alias are the value itself."""
    item = tree.expressions[0]
    if (isinstance(node, exp.Literal) and node.name == "1") or (
        isinstance(node, exp.Column) and not node.table and node.name == item.alias
    ):
        value: exp.Expr = item.unalias()
        return value
    if isinstance(node, exp.Literal):
        raise several_refused()
    return node


def personal_refused(node: exp.Subquery) -> Refused:
    """The refusal of an aggregate over persons inside an expression: it has a price of its own."""
    written = shown(node.unnest().sql(dialect="duckdb"), LONGEST_SHOWN)
    said = "A subquery over persons inside an expression is a question of its own, with noise of its own."
    if _of_rows(node):
        instead = (
            f"Ask {written} by itself, and write the number that it says: conditions on the row's own columns and constants are answered."
        )
    elif (rewritten := as_share(node)) is not None:
        instead = f"Write {shown(rewritten, LONGEST_REWRITTEN)}."
    else:
        instead = (
            "Over the same rows write it beside the others, as in COUNT(*) FILTER (WHERE c) * 1.0 / COUNT(*), and a total over groups as"
            f" SUM(COUNT(*)) OVER (). Else ask both at once and divide the answers: h.batch(['{written}', …])."
        )
    return Refused(Code.QUERY_SUBQUERY, said, instead)


def _of_rows(node: exp.Expr) -> bool:
    """Whether an expression stands in a row, and not above the aggregates."""
    if node.find_ancestor(exp.Where, exp.Group, exp.AggFunc, exp.Filter, exp.Select) is not node.parent_select:
        return True
    select = node.parent_select
    return select is None or not any(map(has_aggregate, select.expressions))
