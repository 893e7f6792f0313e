"""Variances, covariances and regressions as arithmetic over counts and means: nothing new is summed but squares and products.

With u = x - c about the public middle c of x's range, Var x = mean(u²) - (mean x - c)² for every c; Cov(x, y) alike. Centring keeps what
one row adds small, and mean x and the number of rows are the same targets as AVG(x) and COUNT(x) in the same question. Noise may make a
variance negative or a correlation larger than 1: they are moved to the nearest value that exists.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlglot import exp

from haven.query.aggregates import Aggregate, AggregateTable, Kind, conjunction, numeric, present
from haven.query.expressions import Call, Column, Expression, Literal, literal
from haven.query.functions import call
from haven.query.private_plan import OutputType
from haven.query.shapes import Interval

ROUNDING = 2.0**-26
"""Of the square of a reach: the grid of squares is finer than half of it, whatever the number of rows."""

CENTRE_BITS = 10
"""The middle is rounded to 2⁻¹⁰ of the range or less, so that it falls on the grid of every stored column."""


def middle(value: Expression) -> Literal:
    """A constant near the middle of `value`'s range: on a stored column's grid (its own middle, where that is whole or a half)."""
    interval = value.shape.interval
    step = 2.0 ** (math.frexp(interval.high - interval.low)[1] - 1 - CENTRE_BITS)
    centre = round((interval.low / 2 + interval.high / 2) / step) * step
    stored = isinstance(value, Column) or (isinstance(value, Call) and value.function == "clamp")
    if value.shape.type is OutputType.INTEGER and not (stored and centre != math.floor(centre)):
        return literal(math.floor(centre))
    return literal(centre)


@dataclass(frozen=True, slots=True)
class _Variable:
    """One argument: its values, their distance from the middle, and the noisy mean of that distance."""

    value: Expression
    distance: Expression
    mean_distance: Expression
    mean: Expression
    reach: float


class Moments:
    """The first two moments of one or two variables over the rows where a condition is true and neither is NULL."""

    def __init__(self, aggregates: AggregateTable, condition: Expression | None, values: tuple[Expression, ...], name: str) -> None:
        self._aggregates = aggregates
        self._condition = condition
        self._values = tuple(numeric(value, name) for value in values)
        self._name = name
        self._variables = [self._variable(index) for index in range(len(values))]

    def _variable(self, index: int) -> _Variable:
        value = self._values[index]
        centre = middle(value)
        mean = self._mean(value)
        at = float(centre.value) if isinstance(centre.value, int | float) else 0.0
        interval = value.shape.interval
        reach = max(interval.high - at, at - interval.low)
        if is_bit(value):
            return _Variable(value, value, mean, mean, 1.0)
        return _Variable(value, call("subtract", value, centre), call("subtract", mean, centre), mean, reach)

    def _mean(self, value: Expression) -> Expression:
        """The mean of `value` over the rows that count."""
        others = (present(other) for other in self._values if other != value)
        return self._aggregates.leaf(Aggregate(Kind.MEAN, value, conjunction(self._condition, *others)))

    def _mean_product(self, one: _Variable, other: _Variable) -> Expression:
        return self._mean(numeric(call("multiply", one.distance, other.distance), self._name))

    @property
    def number(self) -> Expression:
        """How many rows count."""
        return self._aggregates.leaf(Aggregate(Kind.ROWS, None, conjunction(self._condition, *map(present, self._values))))

    def mean(self, index: int) -> Expression:
        """The mean of one variable."""
        return self._variables[index].mean

    def variance(self, index: int) -> Expression:
        """The population variance of one variable, between 0 and the square of its reach; NULL over no rows.

        Squares are summed on a grid, so what is left of a variable that does not vary is its rounding: as little as that is 0.
        """
        one = self._variables[index]
        squares = one.mean if is_bit(one.value) else self._mean_product(one, one)
        spread = call("subtract", squares, call("multiply", one.mean_distance, one.mean_distance))
        held = call("clamp", spread, literal(0.0), literal(one.reach * one.reach))
        return call("case", call("less", held, literal(one.reach * one.reach * ROUNDING)), literal(0.0), held)

    def covariance(self) -> Expression:
        """The population covariance of the two variables; NULL over no rows."""
        if self._values[0] == self._values[1]:
            return self.variance(0)
        one, other = self._variables
        spread = call("subtract", self._mean_product(one, other), call("multiply", one.mean_distance, other.mean_distance))
        most = one.reach * other.reach
        return call("clamp", spread, literal(-most), literal(most))

    def of_sample(self, spread: Expression) -> Expression:
        """A population's variance or covariance as a sample's, n/(n - 1) times as large, hence at most twice; NULL below two rows."""
        number, within = self.number, spread.shape.interval
        scaled = call("divide", call("multiply", spread, number), call("subtract", number, literal(1)))
        scaled = call("clamp", scaled, literal(2 * within.low), literal(2 * within.high))
        return call("case", call("at_least", number, literal(2)), scaled, literal(None))

    def summed(self, spread: Expression) -> Expression:
        """A sum of squares or products about the means."""
        return call("multiply", spread, self.number)

    def correlation(self) -> Expression:
        """Pearson's r, between -1 and 1; NULL where a variance is 0."""
        root = call("sqrt", call("multiply", self.variance(0), self.variance(1)))
        return call("clamp", call("divide", self.covariance(), root), literal(-1.0), literal(1.0))

    def slope(self) -> Expression:
        """The slope of the least-squares line of the first variable on the second; NULL where the second does not vary."""
        return call("divide", self.covariance(), self.variance(1))

    def intercept(self) -> Expression:
        """Where that line meets 0."""
        return call("subtract", self.mean(0), call("multiply", self.slope(), self.mean(1)))

    def determination(self) -> Expression:
        """R²: 1 where the first variable does not vary, NULL where the second does not."""
        both = call("multiply", self.variance(0), self.variance(1))
        share = call("divide", call("multiply", self.covariance(), self.covariance()), both)
        held = call("clamp", share, literal(0.0), literal(1.0))
        flat = call("equal", self.variance(0), literal(0.0))
        varying = call("case", flat, literal(1.0), held)
        return call("case", call("greater", self.variance(1), literal(0.0)), varying, literal(None))


def is_bit(value: Expression) -> bool:
    """Whether every value is 0 or 1, hence its own square."""
    return value.shape.type is OutputType.INTEGER and value.shape.interval == Interval(0.0, 1.0)


MOMENTS: Mapping[type[exp.Expr], Callable[[Moments], Expression]] = {
    exp.VariancePop: lambda of: of.variance(0),
    exp.Variance: lambda of: of.of_sample(of.variance(0)),
    exp.StddevPop: lambda of: call("sqrt", of.variance(0)),
    exp.Stddev: lambda of: call("sqrt", of.of_sample(of.variance(0))),
    exp.StddevSamp: lambda of: call("sqrt", of.of_sample(of.variance(0))),
    exp.CovarPop: Moments.covariance,
    exp.CovarSamp: lambda of: of.of_sample(of.covariance()),
    exp.Corr: Moments.correlation,
    exp.RegrSlope: Moments.slope,
    exp.RegrIntercept: Moments.intercept,
    exp.RegrR2: Moments.determination,
    exp.RegrCount: lambda of: of.number,
    exp.RegrAvgx: lambda of: of.mean(1),
    exp.RegrAvgy: lambda of: of.mean(0),
    exp.RegrSxx: lambda of: of.summed(of.variance(1)),
    exp.RegrSyy: lambda of: of.summed(of.variance(0)),
    exp.RegrSxy: lambda of: of.summed(of.covariance()),
}
"""The aggregates of one variable, or of a pair (y, x), by the node that calls them."""


def moment(node: exp.Expr, values: tuple[Expression, ...], aggregates: AggregateTable, condition: Expression | None) -> Expression:
    """The value of a variance, covariance or regression over the rows that meet `condition`. Raises Refused for unbounded arguments."""
    return MOMENTS[type(node)](Moments(aggregates, condition, values, node.key.upper()))
