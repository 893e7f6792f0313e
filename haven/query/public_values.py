"""(SELECT AVG(weight) FROM icd): one value of public tables inside a row's expression. It says nothing of anybody, and has bounds."""

from collections.abc import Sequence
from math import prod

from haven.errors import Code, Refused
from haven.privacy.choices import Aim, Goal
from haven.query.aggregates import Aggregate, AggregateTable, Kind, conjuncts, numeric
from haven.query.expressions import AggregateLeaf, Call, Column, Expression, Literal, PublicValue, columns_of, literal
from haven.query.functions import call
from haven.query.private_plan import OutputType
from haven.query.relations import PublicScan, Rows
from haven.query.render import render
from haven.query.rows_sql import columns_used, rows_text
from haven.query.shapes import FINITE, Interval, Shape, Value, date_of, integer, number
from haven.query.stages import AnswerStage, RowStage, Sort, names_read

NULLS = {True: "NULLS FIRST", False: "NULLS LAST"}


class PublicAggregates(AggregateTable):
    """The distinct aggregates over rows of public tables: plain SQL, in which the sum of nothing is NULL."""

    def total(self, value: Expression, condition: Expression | None) -> Expression:
        """SUM as it is written."""
        return self.leaf(Aggregate(Kind.SUM, numeric(value, "SUM"), condition))


def aggregated(stage: AnswerStage) -> Expression:
    """The one value of an aggregation of public rows without groups: arithmetic over one value for each aggregate.

    What the facts of a public table tell is a constant of the question. Raises Refused for several rows or columns.
    """
    if stage.keys or stage.having or stage.cut or len(stage.columns) != 1:
        raise several_refused()
    values = [_value(aggregate, stage.rows) for aggregate in stage.aggregates]

    def filled(expression: Expression) -> Expression:
        match expression:
            case AggregateLeaf(index=index):
                return values[index]
            case Call(function=function, arguments=arguments):
                return call(function, *map(filled, arguments))
            case _:
                return expression

    return filled(stage.columns[0].expression)


def first_of(stage: RowStage, order: Sequence[Sort], *, cut: bool) -> Expression:
    """The first column of the first row in `order`, whose value no tie can change; without LIMIT, of rows of which there is one at most.

    Raises Refused (QUERY_SUBQUERY) where neither is certain.
    """
    value, rows = stage.columns[0].expression, stage.rows
    if not (_single(rows) or (cut and _settled(value, rows, order))):
        raise several_refused()
    expressions = [value, *(term.expression for term in order)]
    text = rows_text(rows, None, columns_used([*rows.predicates(), *expressions]))
    sql = text.select([render(value, text.names)])
    terms = [f"{render(each.expression, text.names)} {'DESC' if each.descending else 'ASC'} {NULLS[each.nulls_first]}" for each in order]
    sql += f" ORDER BY {', '.join(terms)}" if terms else ""
    return PublicValue(f"{sql} LIMIT 1" if cut else sql, names_read(rows, expressions), value.shape.or_null())


def any_row(rows: Rows) -> Expression:
    """Whether public tables have a row that meets the conditions of `rows`."""
    return call("greater", _value(Aggregate(Kind.ROWS), rows), literal(0))


def several_refused() -> Refused:
    """The refusal of a subquery of more than one value."""
    return Refused(
        Code.QUERY_SUBQUERY,
        "A subquery inside an expression must be one value of public tables, whatever they hold.",
        "Write (SELECT MAX(x) FROM …), or (SELECT x FROM … ORDER BY k LIMIT 1) with a column k that tells all rows apart.",
    )


def _value(aggregate: Aggregate, rows: Rows) -> Expression:
    known = _known(aggregate, rows)
    if known is not None:
        return literal(known)
    read = [each for each in (aggregate.argument, aggregate.condition) if each is not None]
    text = rows_text(rows, None, columns_used([*rows.predicates(), *read]))
    where = "" if aggregate.condition is None else f" FILTER (WHERE {render(aggregate.condition, text.names)})"
    most = prod(source.facts.rows for source in rows.sources if isinstance(source, PublicScan))
    value = None if aggregate.argument is None else render(aggregate.argument, text.names)
    shape = _shape(aggregate, rows, most)
    return PublicValue(text.select([_sql(aggregate, value, shape) + where]), names_read(rows, read), shape)


def _known(aggregate: Aggregate, rows: Rows) -> Value:
    """What the facts of one whole table say: how many rows it has, and the ends and the number of a column's values."""
    column = aggregate.argument
    if rows.joined or rows.conditions or aggregate.condition is not None or not isinstance(rows.first, PublicScan):
        return None
    if aggregate.kind is Kind.ROWS:
        return rows.first.facts.rows
    if not isinstance(column, Column):
        return None
    facts = rows.first.facts.columns[column.name]
    if aggregate.kind is Kind.VALUES:
        return None if facts.values is None else len(facts.values)
    extreme = aggregate.goal if aggregate.goal is not None and aggregate.goal.aim is Aim.RANK else None
    return None if extreme is None else _as_value(facts.high if extreme.from_top else facts.low, column.shape)


def _as_value(end: float | None, shape: Shape) -> Value:
    """The end of a column's values; None where the facts do not tell it to the last digit."""
    if end is None or not shape.interval.bounded:
        return None
    match shape.type:
        case OutputType.INTEGER:
            return int(end) if shape.interval.exact else None
        case OutputType.DATE:
            return date_of(int(end))
        case OutputType.NUMBER:
            return end
        case _:
            return None


def _shape(aggregate: Aggregate, rows: Rows, most: int) -> Shape:
    """What is known of an aggregate's value from the number of rows and the bounds of its argument."""
    argument = aggregate.argument
    if argument is None or aggregate.kind is Kind.VALUES:
        return integer(Interval(0.0, float(most)), nullable=False)
    whole_table = not (rows.joined or rows.conditions or aggregate.condition is not None or argument.shape.nullable)
    missing = not (whole_table and most > 0)
    interval = argument.shape.interval
    reach = Interval(min(0.0, most * interval.low), max(0.0, most * interval.high))
    if aggregate.kind in {Kind.SUM, Kind.MEAN} and reach.reach > FINITE:
        raise Refused(Code.QUERY_UNBOUNDED, "A sum over a public table could be infinite.", "Write clamp(x, 0, 100) inside of it.")
    match aggregate.kind:
        case Kind.SUM if argument.shape.type is OutputType.INTEGER and reach.exact:
            return integer(reach, nullable=missing)
        case Kind.SUM:
            return number(reach.outward(1e-9), nullable=missing)
        case Kind.MEAN:
            return number(interval.outward(1e-9), nullable=missing)
        case Kind.CHOICE if aggregate.goal is not None and _orders(aggregate.goal, argument):
            return Shape(aggregate.shape.type, missing, interval)
        case _:
            raise Refused(
                Code.QUERY_AGGREGATE,
                "Of public tables a subquery takes COUNT, SUM, AVG, MIN, MAX, MEDIAN and quantiles of numbers.",
                "Write one of those, or ORDER BY with LIMIT 1.",
            )


def _orders(goal: Goal, argument: Expression) -> bool:
    """Whether the value follows from the order of rows alone: not among equally common ones, nor between two dates."""
    between = goal.aim is Aim.BETWEEN and argument.shape.type is OutputType.DATE
    return goal.aim in {Aim.RANK, Aim.BETWEEN, Aim.AT} and not between and not (goal.aim is Aim.AT and goal.from_top)


def _sql(aggregate: Aggregate, value: str | None, shape: Shape) -> str:
    """The aggregate in the engine: sums of numbers in one order, so that they are one number."""
    goal = aggregate.goal
    if value is None:
        return "count(*)"
    if aggregate.kind is Kind.VALUES:
        return f"count(DISTINCT {value})"
    if aggregate.kind is Kind.SUM:
        whole = shape.type is OutputType.INTEGER
        return f"CAST(sum({value}) AS BIGINT)" if whole else f"sum(CAST({value} AS DOUBLE) ORDER BY {value})"
    if aggregate.kind is Kind.MEAN:
        return f"avg({value} ORDER BY {value})"
    if goal is not None and goal.aim is not Aim.RANK:
        name = "quantile_cont" if goal.aim is Aim.BETWEEN else "quantile_disc"
        held = f"CAST({value} AS DOUBLE)" if shape.type is OutputType.NUMBER else value
        return f"{name}({held}, {goal.numerator / goal.denominator!r})"
    return f"{'max' if goal is not None and goal.from_top else 'min'}({value})"


def _single(rows: Rows) -> bool:
    """Whether a column that has no value twice is held to one value."""
    if rows.joined or not isinstance(rows.first, PublicScan):
        return False
    for part in (each for whole in rows.conditions for each in conjuncts(whole)):
        match part:
            case Call(function="equal", arguments=(Column(name=name), Literal())) if rows.first.facts.columns[name].most_alike <= 1:
                return True
    return False


def _settled(value: Expression, rows: Rows, order: Sequence[Sort]) -> bool:
    """Whether rows that are equal in `order` are one row, or have one value."""
    by = {term.expression for term in order if isinstance(term.expression, Column)}
    if value in {term.expression for term in order} or set(columns_of(value)) <= by:
        return bool(order)
    if rows.joined or not isinstance(rows.first, PublicScan):
        return False
    facts = rows.first.facts.columns
    return any(facts[column.name].most_alike <= 1 and not facts[column.name].nullable for column in by)
