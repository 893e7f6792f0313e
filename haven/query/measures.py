"""The syntax of COUNT, SUM and AVG to aggregates over a row's bound expressions."""

from typing import Protocol

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.aggregates import Aggregate, AggregateTable, Kind, conjunction, count_of, numeric, sum_of
from haven.query.expressions import Expression, Literal, UnitColumn
from haven.query.functions import call


class Row(Protocol):
    """Binds the expressions of one row, inside which no aggregate may stand."""

    def bind(self, node: exp.Expr) -> Expression:
        """The typed expression of a node, the unit column among them."""

    def condition(self, node: exp.Expr) -> Expression:
        """A bound condition."""


def measure(node: exp.Expr, row: Row, aggregates: AggregateTable | None, condition: Expression | None) -> Expression:
    """The noisy value of the aggregate `node` over the rows that meet `condition`. Raises Refused where none may stand."""
    if aggregates is None:
        raise Refused(
            Code.QUERY_AGGREGATE,
            "An aggregate stands where only a row's own values can: in WHERE, in GROUP BY, or inside another aggregate.",
            "Put conditions on aggregates into HAVING, and aggregates of aggregates into arithmetic on the answer.",
        )
    if isinstance(node, exp.Count):
        return aggregates.leaf(_count(row, node.this, condition))
    if isinstance(node.this, exp.Distinct):
        raise _distinct_refused()
    if isinstance(node, exp.CountIf):
        return aggregates.leaf(Aggregate(Kind.ROWS, None, conjunction(condition, row.condition(node.this))))
    value = row.bind(node.this)
    if isinstance(node, exp.Avg):
        return aggregates.leaf(Aggregate(Kind.MEAN, numeric(value, "AVG"), condition))
    if isinstance(value, Literal) and value.shape.numeric:
        return call("multiply", value, aggregates.leaf(Aggregate(Kind.ROWS, None, conjunction(condition))))
    return aggregates.leaf(sum_of(value, condition))


def _count(row: Row, argument: exp.Expr | None, condition: Expression | None) -> Aggregate:
    if argument is None or isinstance(argument, exp.Star):
        return Aggregate(Kind.ROWS, None, conjunction(condition))
    if isinstance(argument, exp.Distinct):
        return _units(row, argument, condition)
    return count_of(_not_null(row.bind(argument)), condition)


def _units(row: Row, distinct: exp.Distinct, condition: Expression | None) -> Aggregate:
    columns = [row.bind(node) for node in distinct.expressions if isinstance(node, exp.Column)]
    if len(distinct.expressions) != 1 or not all(isinstance(column, UnitColumn) for column in columns) or not columns:
        raise _distinct_refused()
    return Aggregate(Kind.UNITS, None, condition)


def _not_null(expression: Expression) -> Expression:
    if isinstance(expression, Literal) and expression.value is None:
        raise Refused(Code.QUERY_AGGREGATE, "COUNT(NULL) is always 0.", "Write COUNT(*), or COUNT of a column.")
    return expression


def _distinct_refused() -> Refused:
    return Refused(
        Code.QUERY_AGGREGATE,
        "DISTINCT counts persons only: COUNT(DISTINCT unit column).",
        "Ask COUNT(*) with GROUP BY the column to see which values it has.",
    )
