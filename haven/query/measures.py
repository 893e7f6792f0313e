"""The syntax of COUNT, SUM, AVG and what is computed of them to aggregates over a row's bound expressions."""

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.aggregates import Aggregate, AggregateTable, Kind, Row, conjunction, count_of, mean_of, present, unit_refused
from haven.query.expressions import Expression, Literal, UnitColumn, leaves
from haven.query.functions import call
from haven.query.grammar import refusal
from haven.query.moments import MOMENTS, moment
from haven.query.names import shown
from haven.query.quantiles import CHOSEN, chosen

PICKED = (exp.ArgMax, exp.ArgMin, exp.First, exp.Last)


def measure(node: exp.Expr, row: Row, aggregates: AggregateTable | None, condition: Expression | None) -> Expression:
    """The noisy value of the aggregate `node` over the rows that meet `condition`. Raises Refused where none may stand."""
    if aggregates is None:
        raise Refused(
            Code.QUERY_AGGREGATE,
            "An aggregate stands where only a row's own values can: in WHERE, in GROUP BY, or inside another aggregate.",
            "Put conditions on aggregates into HAVING, and aggregates of aggregates into arithmetic on the answer.",
        )
    if isinstance(node, PICKED):
        return aggregates.pick(node, row, condition)
    if isinstance(node, (exp.Count, exp.ApproxDistinct, *CHOSEN)):
        return aggregates.leaf(chosen(node, row, condition) if isinstance(node, CHOSEN) else _count(row, node, condition))
    if isinstance(node.this, exp.Distinct):
        raise _distinct_refused(node)
    return _summed(node, row, aggregates, condition)


def _summed(node: exp.Expr, row: Row, aggregates: AggregateTable, condition: Expression | None) -> Expression:
    """What is made of counts and sums."""
    if isinstance(node, exp.CountIf):
        return aggregates.leaf(Aggregate(Kind.ROWS, None, conjunction(condition, row.condition(node.this))))
    if type(node) in MOMENTS:
        return moment(node, _values(row, node), aggregates, condition)
    if isinstance(node, exp.LogicalOr | exp.LogicalAnd):
        return aggregates.any_or_all(row.condition(node.this), condition, every=isinstance(node, exp.LogicalAnd))
    if not isinstance(node, exp.Avg | exp.Sum):
        raise refusal(node)
    value = row.bind(node.this)
    if isinstance(node, exp.Avg):
        return aggregates.leaf(mean_of(value, condition))
    if isinstance(value, Literal) and value.shape.numeric:
        return call("multiply", value, aggregates.leaf(Aggregate(Kind.ROWS, None, conjunction(condition))))
    return aggregates.total(value, condition)


def _values(row: Row, node: exp.Expr) -> tuple[Expression, ...]:
    """The one or two arguments of a moment."""
    given = [node.this, node.args.get("expression")]
    wanted = len(type(node).arg_types.keys() & {"this", "expression"})
    values = tuple(row.bind(part) for part in given if part is not None)
    if len(values) != wanted:
        raise Refused(Code.QUERY_AGGREGATE, "A covariance or regression takes two arguments.", "Write CORR(y, x) or REGR_SLOPE(y, x).")
    return values


def _count(row: Row, node: exp.Expr, condition: Expression | None) -> Aggregate:
    argument = node.this
    if isinstance(node, exp.ApproxDistinct):
        return _distinct(row, argument, condition)
    if argument is None or (isinstance(argument, exp.Star) and not argument.args.get("except_")):
        return Aggregate(Kind.ROWS, None, conjunction(condition))
    if isinstance(argument, exp.Distinct):
        if len(argument.expressions) != 1:
            raise _several_refused(argument)
        if isinstance(argument.expressions[0].unnest(), exp.Tuple):
            return _distinct_rows(row, argument.expressions[0].unnest(), condition)
        return _distinct(row, argument.expressions[0], condition)
    value, condition = _of_person(row, argument, condition)
    return count_of(_not_null(value), condition)


def _of_person(row: Row, node: exp.Expr, condition: Expression | None) -> tuple[Expression, Expression | None]:
    """CASE WHEN c THEN id END, inside COUNT, is the person of the rows that meet c; all else is what it is."""
    branch = _only_branch(node.unnest())
    value = None if branch is None else branch.args["true"].unnest()
    owner = row.bind(value) if isinstance(value, exp.Column) else None
    if branch is None or not isinstance(owner, UnitColumn):
        return row.bind(node), condition
    return owner, conjunction(condition, row.condition(branch.this))


def _only_branch(node: exp.Expr) -> exp.If | None:
    """The one branch of a CASE, or of an IF, that is NULL elsewhere."""
    otherwise = node.args.get("default") or node.args.get("false")
    if otherwise is not None and not isinstance(otherwise, exp.Null):
        return None
    if isinstance(node, exp.Case) and node.this is None and len(node.args["ifs"]) == 1:
        (node,) = node.args["ifs"]
    return node if isinstance(node, exp.If) else None


def _distinct(row: Row, counted: exp.Expr, condition: Expression | None) -> Aggregate:
    """COUNT(DISTINCT x): persons, where x is the column that identifies them, else the values that are not NULL."""
    value, condition = _of_person(row, counted, condition)
    if isinstance(value, UnitColumn):
        return Aggregate(Kind.UNITS, None, conjunction(condition, present(value)))
    if any(isinstance(leaf, UnitColumn) for leaf in leaves(value)):
        raise unit_refused()
    if isinstance(value, Literal):
        raise Refused(Code.QUERY_AGGREGATE, "A constant has one distinct value.", "Count the distinct values of a column.")
    return Aggregate(Kind.VALUES, value, condition)


def _distinct_rows(row: Row, counted: exp.Expr, condition: Expression | None) -> Aggregate:
    """COUNT(DISTINCT (a, b)): combinations, NULL being a value of each like any other."""
    values = tuple(row.bind(part) for part in counted.expressions)
    if any(isinstance(leaf, UnitColumn) for value in values for leaf in leaves(value)):
        raise Refused(
            Code.QUERY_AGGREGATE,
            "The column that identifies persons is counted by itself.",
            "Write COUNT(DISTINCT id), and COUNT(DISTINCT (a, b)) of other columns.",
        )
    return Aggregate(Kind.VALUES, call("row", *values), condition)


def _not_null(expression: Expression) -> Expression:
    if isinstance(expression, Literal) and expression.value is None:
        raise Refused(Code.QUERY_AGGREGATE, "COUNT(NULL) is always 0.", "Write COUNT(*), or COUNT of a column.")
    return expression


def _several_refused(node: exp.Expr) -> Refused:
    named = ", ".join(part.name or "x" for part in node.expressions[:6])
    return Refused(
        Code.QUERY_AGGREGATE,
        "COUNT(DISTINCT …) takes one value.",
        f"Write the columns as one row: COUNT(DISTINCT ({shown(named)})). There NULL is a value like any other.",
    )


def _distinct_refused(node: exp.Expr) -> Refused:
    named = node.key.upper()
    return Refused(
        Code.QUERY_AGGREGATE,
        f"{named} of distinct values is not answered: one person could add a value that nobody else has, and with it the widest.",
        f"Write {named}(x) over all rows, COUNT(DISTINCT x), or GROUP BY x to see which values there are.",
    )
