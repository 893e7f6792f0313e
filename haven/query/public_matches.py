"""EXISTS and IN over public tables by several columns: whether they have a row that fits this one, a function of it and public data."""

from collections.abc import Sequence

from haven.errors import Code, Refused
from haven.query.expressions import (
    Call,
    Column,
    Expression,
    Literal,
    Matched,
    UnitColumn,
    columns_of,
    leaves,
    literal,
    lookups_in,
    sources_of,
)
from haven.query.functions import call
from haven.query.relations import PublicScan, Rows
from haven.query.render import Names, quoted, render
from haven.query.rows_sql import columns_used, rows_text
from haven.query.shapes import boolean
from haven.query.stages import names_read

INSIDE, OUTSIDE = "inside", "outside"
MOST_UNTIED = 1000
"""Rows of a public table that every row may be compared with where no equality leads to them."""


def matched(rows: Rows, across: Sequence[Expression]) -> Expression:
    """Whether `rows`, of public tables, hold a row for which every condition of `across` is true: they speak of it and of the row outside.

    Raises Refused (QUERY_SUBQUERY) where no equality leads from one to the other, and the tables are large.
    """
    own = {source.source for source in rows.sources}
    tied = any(isinstance(each, Call) and each.function == "equal" and _meets(each, own) for each in across)
    if not tied and sum(source.facts.rows for source in rows.sources if isinstance(source, PublicScan)) > MOST_UNTIED:
        raise Refused(
            Code.QUERY_SUBQUERY,
            "Every row would be compared with every row of a large public table.",
            "Compare at least one column by =, as in WHERE c.code = v.code AND c.weight > v.nights.",
        )
    values = list(dict.fromkeys(column for each in across for column in columns_of(each) if column.source in own))
    operands: list[Expression] = []
    pieces = [_split(each, own, values, operands) for each in across]
    text = rows_text(rows, None, columns_used([*rows.predicates(), *values]))
    shown = [f"{render(value, text.names)} AS {quoted(_called(index))}" for index, value in enumerate(values)]
    names: Names = {INSIDE: "", OUTSIDE: ""}
    conditions = " AND ".join(render(each, names) for each in pieces)
    sql = f"EXISTS (SELECT 1 FROM ({text.select(shown)}) AS m_ WHERE {conditions})"  # noqa: S608 - generated
    return Matched(tuple(operands), sql, names_read(rows, values), boolean(nullable=False))


def among(rows: Rows, across: Sequence[Expression], pairs: Sequence[tuple[Expression, Expression]]) -> Expression:
    """`operands IN (SELECT values …)` as SQL has it: true, or NULL where a missing value leaves it open, or false."""
    equal = [call("equal", operand, value) for operand, value in pairs]
    found = matched(rows, [*across, *equal])
    if not any(each.shape.nullable for each in equal):
        return found
    either = [call("or", each, *(call("is_null", end) for end in pair)) for each, pair in zip(equal, pairs, strict=True)]
    return call("case", found, literal(value=True), matched(rows, [*across, *either]), literal(None), literal(value=False))


def _meets(condition: Call, own: set[str]) -> bool:
    sides = [sources_of(side) for side in condition.arguments]
    return any(one and one <= own for one in sides) and any(not side & own for side in sides)


def _called(index: int) -> str:
    """A name that no declared column has, so that it stands for nothing outside."""
    return f"_i{index}"


def _split(expression: Expression, own: set[str], values: Sequence[Expression], operands: list[Expression]) -> Expression:
    """The condition over columns that stand for the values inside, and for whole operands outside."""
    if isinstance(expression, Literal):
        return expression
    if isinstance(expression, Column) and expression.source in own:
        return Column(INSIDE, "", _called(values.index(expression)), expression.shape)
    if sources_of(expression) & own:
        if not isinstance(expression, Call):
            raise _nested_refused()
        return call(expression.function, *(_split(each, own, values, operands) for each in expression.arguments))
    if any(isinstance(leaf, UnitColumn) for leaf in leaves(expression)) or any(True for _ in lookups_in(expression)):
        raise _nested_refused()
    if expression not in operands:
        operands.append(expression)
    return Column(OUTSIDE, "", Matched.mark(operands.index(expression)).strip('"'), expression.shape)


def _nested_refused() -> Refused:
    return Refused(
        Code.QUERY_SUBQUERY,
        "Columns of persons' rows are compared with a public table's, and nothing else is.",
        "Compare plain columns: WHERE c.code = v.code AND c.weight > v.nights.",
    )
