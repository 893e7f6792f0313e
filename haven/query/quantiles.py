"""The syntax of quantiles, extremes, modes and bounds: aggregates that choose one of a public list of values.

DuckDB's meaning: QUANTILE_CONT, PERCENTILE_CONT and MEDIAN lie between two neighbouring values; QUANTILE_DISC, QUANTILE, PERCENTILE_DISC
and APPROX_QUANTILE are a value; a negative fraction, and WITHIN GROUP (ORDER BY x DESC), count from the largest.
"""

from collections.abc import Iterator
from fractions import Fraction
from typing import Protocol

from sqlglot import exp

from haven.errors import Code, Refused
from haven.privacy.choices import LARGEST_DENOMINATOR, Aim, Goal
from haven.query.aggregates import NARROWEST, Aggregate, Kind, unit_refused
from haven.query.expressions import Column, Expression, UnitColumn, leaves
from haven.query.private_plan import OutputType
from haven.query.shapes import ALL_DAYS

CHOSEN: tuple[type[exp.Expr], ...] = (
    *(exp.Median, exp.Quantile, exp.PercentileCont, exp.PercentileDisc, exp.ApproxQuantile, exp.WithinGroup),
    *(exp.Min, exp.Max, exp.Mode, exp.AnonymousAggFunc),
)
"""The node types of these aggregates, once `spelled_out`."""
BOUNDS = "haven_bounds"
BETWEEN = (exp.Median, exp.PercentileCont)
LONGEST_LIST = 20


class Row(Protocol):
    """Binds the expressions of one row, inside which no aggregate may stand."""

    def bind(self, node: exp.Expr) -> Expression:
        """The typed expression of a node, the unit column among them."""


def spelled_out(tree: exp.Expr) -> exp.Expr:
    """The same question with every list of quantiles in a select list as one item a quantile, and haven's own aggregates as such.

    QUANTILE_CONT(x, [0.25, 0.5]) AS q becomes QUANTILE_CONT(x, 0.25) AS q_25, QUANTILE_CONT(x, 0.5) AS q_50.
    """
    for node in list(tree.find_all(exp.Anonymous)):
        arguments = node.expressions
        if str(node.this).lower() == BOUNDS:
            node.replace(exp.AnonymousAggFunc(this=BOUNDS, expressions=arguments))
        elif str(node.this).lower() == "approx_median" and len(arguments) == 1:
            node.replace(exp.Median(this=arguments[0]))
    for select in tree.find_all(exp.Select):
        select.set("expressions", [item for node in select.expressions for item in _items(node)])
    return tree


def _items(node: exp.Expr) -> Iterator[exp.Expr]:
    """A select item, or one for each of the quantiles it lists."""
    fractions = _listed(node.this if isinstance(node, exp.Alias) else node)
    if fractions is None:
        yield node
        return
    if not 1 <= len(fractions.expressions) <= LONGEST_LIST:
        raise Refused(Code.QUERY_AGGREGATE, f"A list of quantiles has 1 to {LONGEST_LIST} of them.", "Write [0.25, 0.5, 0.75].")
    for index in range(len(fractions.expressions)):
        one = node.copy()
        chosen = _listed(one.this if isinstance(one, exp.Alias) else one)
        if chosen is None:
            continue
        fraction = chosen.expressions[index]
        chosen.replace(fraction)
        if isinstance(one, exp.Alias):
            one.set("alias", exp.to_identifier(f"{node.alias}_{_percent(fraction)}", quoted=True))
        yield one


def _listed(node: exp.Expr) -> exp.Array | None:
    """The list of fractions of a quantile, where it has one."""
    while isinstance(node, exp.Filter | exp.Paren | exp.WithinGroup):
        within = isinstance(node, exp.WithinGroup)
        node = node.this
        if within and isinstance(node, exp.PercentileCont | exp.PercentileDisc):
            return node.this if isinstance(node.this, exp.Array) else None
    fraction = node.args.get("quantile") or node.args.get("expression")
    quantile = isinstance(node, exp.PercentileCont | exp.PercentileDisc | exp.Quantile | exp.ApproxQuantile)
    return fraction if quantile and isinstance(fraction, exp.Array) else None


def _percent(node: exp.Expr) -> str:
    """A fraction as it stands in a name: 0.25 is 25, 0.005 is 0_5, and from the top top_25."""
    fraction, from_top = _fraction(node)
    digits = f"{float(fraction * 100):.10g}".replace(".", "_")
    return f"top_{digits}" if from_top else digits


def chosen(node: exp.Expr, row: Row, condition: Expression | None) -> Aggregate:
    """The aggregate that `node`, one of `CHOSEN`, stands for. Raises Refused for arguments without order, bounds or public values."""
    if isinstance(node, exp.AnonymousAggFunc):
        return _bounds(node, row, condition)
    goal, argument, name = _spelled(node)
    if argument is None:
        raise Refused(Code.QUERY_AGGREGATE, f"{name} takes one argument.", f"Write {name} of one column.")
    value = row.bind(_without_distinct(argument, node))
    if any(isinstance(leaf, UnitColumn) for leaf in leaves(value)):
        raise unit_refused()
    if goal.aim is not Aim.COMMONEST:
        _check_ordered(value, name)
    return Aggregate(Kind.CHOICE, value, condition, goal)


def _without_distinct(argument: exp.Expr, node: exp.Expr) -> exp.Expr:
    """MIN(DISTINCT x) is MIN(x); other choices of distinct values are others."""
    if not isinstance(argument, exp.Distinct):
        return argument
    if len(argument.expressions) != 1 or not isinstance(node, exp.Min | exp.Max):
        raise Refused(Code.QUERY_AGGREGATE, "Quantiles of distinct values are not answered.", "Leave DISTINCT out.")
    only: exp.Expr = argument.expressions[0]
    return only


def _spelled(node: exp.Expr) -> tuple[Goal, exp.Expr | None, str]:
    """The goal, the argument, and the name to speak of it by."""
    match node:
        case exp.Min() | exp.Max():
            return Goal(Aim.RANK, from_top=isinstance(node, exp.Max)), node.this, type(node).__name__.upper()
        case exp.Mode():
            return Goal(Aim.COMMONEST), node.this, "MODE"
        case exp.Median():
            return Goal(Aim.BETWEEN, 1, 2), node.this, "MEDIAN"
        case exp.WithinGroup():
            return _within_group(node)
        case _:
            fraction = node.args.get("quantile") or node.args.get("expression")
            return _goal(isinstance(node, BETWEEN), fraction), node.this, "A quantile"


def _within_group(node: exp.Expr) -> tuple[Goal, exp.Expr | None, str]:
    """PERCENTILE_CONT(fraction) WITHIN GROUP (ORDER BY x), and MODE() alike."""
    inner, order = node.this, node.args["expression"]
    terms = order.expressions if isinstance(order, exp.Order) else []
    if len(terms) != 1 or not isinstance(inner, exp.PercentileCont | exp.PercentileDisc | exp.Mode):
        raise Refused(
            Code.QUERY_AGGREGATE,
            "WITHIN GROUP orders a percentile or mode by one column.",
            "Write PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY x), or MEDIAN(x).",
        )
    if isinstance(inner, exp.Mode):
        return Goal(Aim.COMMONEST), terms[0].this, "MODE"
    return _goal(isinstance(inner, BETWEEN), inner.this, descending=bool(terms[0].args.get("desc"))), terms[0].this, "A quantile"


def _goal(between: bool, node: exp.Expr | None, *, descending: bool = False) -> Goal:  # noqa: FBT001 - a fact of the function called
    fraction, from_top = _fraction(node)
    from_top = from_top != descending
    if fraction in {0, 1}:
        return Goal(Aim.RANK, from_top=from_top != (fraction == 1))
    if between:
        fraction = 1 - fraction if from_top else fraction
        return Goal(Aim.BETWEEN, fraction.numerator, fraction.denominator)
    return Goal(Aim.AT, fraction.numerator, fraction.denominator, from_top)


def _fraction(node: exp.Expr | None) -> tuple[Fraction, bool]:
    """A constant from -1 to 1, exactly as written, and whether it counts from the largest."""
    sign = isinstance(node, exp.Neg)
    inner = node.this if node is not None and sign else node
    written = str(inner.this) if isinstance(inner, exp.Literal) and not inner.args.get("is_string") else ""
    try:
        fraction = Fraction(written)
    except (ValueError, ZeroDivisionError):
        fraction = Fraction(2)
    if not 0 <= fraction <= 1 or fraction.denominator > LARGEST_DENOMINATOR:
        raise Refused(
            Code.QUERY_AGGREGATE,
            f"A quantile is a constant from 0 to 1 that is a fraction with a denominator of at most {LARGEST_DENOMINATOR}.",
            "Write three decimals at most, as in QUANTILE_CONT(x, 0.975).",
        )
    return fraction, sign


def _check_ordered(value: Expression, name: str) -> None:
    """Refuse an argument without order, without bounds, or without more than one value."""
    shape = value.shape
    if not (shape.numeric or shape.type is OutputType.DATE):
        raise Refused(
            Code.QUERY_TYPE,
            f"{name} takes numbers or dates, whose bounds are public.",
            "Write MODE(x) for the most common value, COUNT(*) with GROUP BY for categories, or AVG(c) for conditions.",
        )
    called = value.name if isinstance(value, Column) else "x"
    if not shape.interval.bounded or (shape.type is OutputType.DATE and shape.interval == ALL_DAYS):
        raise _unbounded(called, name, day=shape.type is OutputType.DATE)
    if shape.interval.high - shape.interval.low < NARROWEST:
        raise Refused(Code.QUERY_AGGREGATE, f"The argument of {name} is the same in every row.", "Leave it out: its value is known.")


def _unbounded(called: str, name: str, *, day: bool) -> Refused:
    function = "QUANTILE_CONT" if name == "A quantile" else name
    said = f"The argument of {name} has no bounds, so there is no public list of values to choose from."
    if day:
        return Refused(Code.QUERY_UNBOUNDED, said, f"Write {function}(clamp(year({called}), 1900, 2030)) with bounds of your own.")
    return Refused(
        Code.QUERY_UNBOUNDED,
        said,
        f"Write {function}(clamp({called}, 0, 100)) with bounds of your own, or find some for a part of the budget: SELECT"
        f" {BOUNDS}({called}) …",
    )


def _bounds(node: exp.Expr, row: Row, condition: Expression | None) -> Aggregate:
    if node.this != BOUNDS:
        raise Refused(Code.QUERY_AGGREGATE, "This aggregate is not answered.", "Use COUNT, SUM, AVG, MEDIAN, MIN or MAX.")
    if len(node.expressions) != 1:
        raise Refused(Code.QUERY_AGGREGATE, f"{BOUNDS} takes one column.", f"Write {BOUNDS}(x).")
    value = row.bind(node.expressions[0])
    if any(isinstance(leaf, UnitColumn) for leaf in leaves(value)):
        raise unit_refused()
    if not value.shape.numeric:
        raise Refused(Code.QUERY_TYPE, f"{BOUNDS} takes a number.", "Other columns need no bounds.")
    return Aggregate(Kind.BOUNDS, value, condition)
