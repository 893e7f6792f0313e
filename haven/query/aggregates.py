"""The aggregates a question may ask, reduced to five kinds so that the same number is recognised however it is written."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Protocol

from sqlglot import exp

from haven.errors import Code, Refused
from haven.privacy.choices import Aim, Goal
from haven.query.expressions import AggregateLeaf, Call, Expression, KeyLeaf, Literal, UnitColumn, leaves, literal
from haven.query.functions import CATALOGUE, call
from haven.query.private_plan import OutputType
from haven.query.shapes import ZERO_ONE, Interval, Shape, Value, integer, number, text

MOST_ROWS = 2.0**40
NARROWEST = 2.0**-900
"""Narrower intervals hold one value for all purposes, and no grid of doubles divides them."""
MOST_AGGREGATES = 200


class Kind(StrEnum):
    """ROWS counts rows, UNITS persons, VALUES distinct values; the others are of an expression's values that are not NULL.

    CHOICE is a value chosen by an aggregate's goal (quantiles, extremes, modes), BOUNDS two of them that make a clamp.
    """

    ROWS = "rows"
    UNITS = "units"
    VALUES = "values"
    SUM = "sum"
    MEAN = "mean"
    CHOICE = "choice"
    BOUNDS = "bounds"


COUNTS = frozenset({Kind.ROWS, Kind.UNITS, Kind.VALUES})


@dataclass(frozen=True, slots=True)
class Aggregate:
    """One aggregate over the rows for which `condition` is true (None: all of them)."""

    kind: Kind
    argument: Expression | None = None
    condition: Expression | None = None
    goal: Goal | None = None

    @property
    def shape(self) -> Shape:
        """What its noisy value is: an integer for counts and sums of integers, else a number."""
        if self.kind in COUNTS:
            return integer(Interval(-MOST_ROWS, MOST_ROWS), nullable=False)
        if self.kind is Kind.SUM and self.argument is not None and self.argument.shape.type is OutputType.INTEGER:
            reach = self.argument.shape.interval.reach * MOST_ROWS
            return integer(Interval(-reach, reach), nullable=False)
        if self.kind is Kind.MEAN and self.argument is not None:
            return number(self.argument.shape.interval, nullable=True)
        if self.kind is Kind.CHOICE and self.argument is not None and self.goal is not None:
            chosen = replace(self.argument.shape, nullable=False)
            between = chosen.type is OutputType.INTEGER and self.goal.aim is Aim.BETWEEN
            return replace(chosen, type=OutputType.NUMBER) if between else chosen
        if self.kind is Kind.BOUNDS:
            return text(nullable=True)
        return number(Interval(-1e299, 1e299), nullable=False)


class Row(Protocol):
    """Binds the expressions of one row, inside which no aggregate may stand."""

    def bind(self, node: exp.Expr) -> Expression:
        """The typed expression of a node, the unit column among them."""

    def condition(self, node: exp.Expr) -> Expression:
        """A bound condition."""


class AggregateTable:
    """The distinct aggregates of a question, in order of appearance."""

    def __init__(self, keys: tuple[Expression, ...] = ()) -> None:
        """`keys` are those of a question with several sets of them: what GROUPING may be asked of."""
        self._indices: dict[Aggregate, int] = {}
        self._keys = keys

    def leaf(self, aggregate: Aggregate) -> Expression:
        """The noisy value of `aggregate`, shared with every earlier mention."""
        index = self._indices.setdefault(aggregate, len(self._indices))
        if index >= MOST_AGGREGATES:
            raise Refused(Code.QUERY_TOO_LARGE, f"The question asks more than {MOST_AGGREGATES} aggregates.", "Ask fewer at once.")
        return AggregateLeaf(index, aggregate.shape)

    def total(self, value: Expression, condition: Expression | None) -> Expression:
        """The noisy SUM of `value`; a sum of zeros and ones is a count."""
        return self.leaf(sum_of(value, condition))

    def pick(self, node: exp.Expr, row: Row, condition: Expression | None) -> Expression:  # noqa: ARG002 - what per-person tables take
        """The value in the row with the least or largest of another column: one person's, so nothing of it is answered here."""
        raise Refused(
            Code.QUERY_AGGREGATE,
            "The row that has the least or greatest of a column is one person's, so nothing of it is answered.",
            "Use it per person, with GROUP BY the unit column in a subquery, and aggregate over persons above.",
        )

    def missing(self, key: Expression) -> Expression:
        """GROUPING of one key: 1 in rows of sets without it, else 0."""
        if key not in self._keys:
            raise Refused(
                Code.QUERY_AGGREGATE,
                "GROUPING is asked of something that is no key of several sets.",
                "Write GROUP BY ROLLUP (a, b) and GROUPING(a).",
            )
        return KeyLeaf(len(self._keys) + self._keys.index(key), integer(ZERO_ONE, nullable=False))

    def any_or_all(self, said: Expression, condition: Expression | None, *, every: bool) -> Expression:  # noqa: ARG002 - the same
        """Whether a condition is met by any row, or by every one: one person decides it, so it is not answered here."""
        raise Refused(
            Code.QUERY_AGGREGATE,
            "Whether all or any rows meet a condition turns on one person, so it is not answered.",
            "Ask AVG(c), the share of rows that meet c, or COUNT(*) FILTER (WHERE c).",
        )

    def __iter__(self) -> Iterator[Aggregate]:
        """In order of appearance."""
        return iter(self._indices)


def conjunction(*conditions: Expression | None) -> Expression | None:
    """All of the conditions that there are."""
    present = [condition for condition in conditions if condition is not None]
    flat = [part for condition in present for part in conjuncts(condition)]
    distinct = tuple(dict.fromkeys(flat))
    if not distinct:
        return None
    return distinct[0] if len(distinct) == 1 else call("and", *distinct)


def conjuncts(condition: Expression) -> tuple[Expression, ...]:
    """The parts of a top-level AND; the condition itself where there is none."""
    if isinstance(condition, Call) and condition.function == "and":
        return condition.arguments
    return (condition,)


def present(expression: Expression) -> Expression | None:
    """The condition under which `expression` is not NULL; None where it never is.

    CASE WHEN c THEN x ELSE NULL END is present exactly where c is true and x is present; a function that is NULL for NULL alone, where
    all its arguments are.
    """
    if not expression.shape.nullable:
        return None
    chosen = _chosen(expression)
    if chosen is not None and chosen[2] is None:
        return conjunction(chosen[0], present(chosen[1]))
    if isinstance(expression, Call) and _passes_null_on(expression):
        return conjunction(*map(present, expression.arguments))
    return call("is_present", expression)


def _passes_null_on(expression: Call) -> bool:
    """Whether it is NULL only where an argument is."""
    function = CATALOGUE[expression.function]
    certain = tuple(replace(argument.shape, nullable=False) for argument in expression.arguments)
    return function.strict and not function.shape(certain).nullable


def _chosen(expression: Expression) -> tuple[Expression, Expression, Value] | None:
    """The condition, the value and the other value of CASE WHEN condition THEN value ELSE constant END."""
    match expression:
        case Call(function="case", arguments=(condition, value, Literal(value=other))):
            return condition, value, other
        case _:
            return None


def count_of(expression: Expression, condition: Expression | None) -> Aggregate:
    """COUNT(x): the rows where x is not NULL."""
    return Aggregate(Kind.ROWS, None, conjunction(condition, present(expression)))


def sum_of(expression: Expression, condition: Expression | None) -> Aggregate:
    """SUM(x); a sum of zeros and ones is a count, and a sum of x where c is true and of nothing elsewhere is the sum over those rows."""
    counted = _counted(expression)
    if counted is not None:
        return Aggregate(Kind.ROWS, None, conjunction(condition, counted))
    chosen = _chosen(expression)
    if chosen is not None and not chosen[2] and _alone(chosen[1], expression):
        return sum_of(chosen[1], conjunction(condition, chosen[0]))
    return Aggregate(Kind.SUM, numeric(expression, "SUM"), condition)


def _alone(value: Expression, whole: Expression) -> bool:
    """Whether the one value of a CASE may be summed in its place: of the same type, and not the same in every row."""
    return value.shape.type == whole.shape.type and not isinstance(value, Literal)


def _counted(expression: Expression) -> Expression | None:
    """The condition whose true rows are summed, where the values are ones and zeros by their very form."""
    if expression.shape.type is OutputType.BOOLEAN:
        return expression
    if not isinstance(expression, Call):
        return None
    if expression.function == "to_integer" and expression.arguments[0].shape.type is OutputType.BOOLEAN:
        return expression.arguments[0]
    if expression.function == "case":
        condition, value, *otherwise = expression.arguments
        if len(otherwise) == 1 and value == literal(1) and isinstance(otherwise[0], Literal) and otherwise[0].value in {0, None}:
            return condition
    return None


def mean_of(expression: Expression, condition: Expression | None) -> Aggregate:
    """AVG(x); of CASE WHEN c THEN x END, over the rows where c is true."""
    chosen = _chosen(expression)
    if chosen is not None and chosen[2] is None and _alone(chosen[1], expression):
        return mean_of(chosen[1], conjunction(condition, chosen[0]))
    return Aggregate(Kind.MEAN, numeric(expression, "AVG"), condition)


def numeric(expression: Expression, name: str) -> Expression:
    """The argument of SUM or AVG: a bounded number that is not the same in every row."""
    if any(isinstance(leaf, UnitColumn) for leaf in leaves(expression)):
        raise unit_refused()
    if expression.shape.type is OutputType.BOOLEAN:
        expression = call("to_integer", expression)
    if not expression.shape.numeric:
        raise Refused(Code.QUERY_TYPE, f"{name} takes a number.", "Use a numeric column, or COUNT(*) with GROUP BY for categories.")
    interval = expression.shape.interval
    if not interval.bounded:
        raise Refused(
            Code.QUERY_UNBOUNDED,
            f"The argument of {name} has no bounds, so one person could move the answer without limit.",
            f"Write {name}(clamp(x, 0, 100)) with bounds of your own; values outside are moved to the nearest bound.",
        )
    if interval.high - interval.low < NARROWEST:
        raise Refused(Code.QUERY_AGGREGATE, f"The argument of {name} is the same in every row.", "Ask COUNT(*) and multiply.")
    return expression


def unit_refused() -> Refused:
    """The refusal of any use of the unit column but counting it."""
    return Refused(
        Code.QUERY_UNIT_COLUMN,
        "The column that identifies persons may be counted and nothing else.",
        "Write COUNT(DISTINCT unit column), or use another column.",
    )
