"""Aggregates of noisy rows, and windows beside them: from syntax to the levels above an answer. Post-processing, which costs nothing."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.binding import Binder
from haven.query.expressions import Call, CellLeaf, Expression, Literal
from haven.query.functions import call
from haven.query.grammar import RUNNING
from haven.query.grouping import group_keys
from haven.query.grouping_sets import has_sets
from haven.query.names import Scope
from haven.query.private_plan import MOST_CELLS_A_LEVEL, OutputType, cell_place
from haven.query.resolved import MEMBERSHIP
from haven.query.select_list import has_aggregate, having_of, is_star, windowed
from haven.query.shapes import EVERYTHING, Interval, Shape, integer, number
from haven.query.stages import AnswerLevel, AnswerStage, Sort, SummaryOf

Lift = Callable[[Expression], Expression]
MOST_LEVELS = 16
MOST_SUMMARIES = MOST_CELLS_A_LEVEL // 2
FUNCTIONS: Mapping[type[exp.Expr], str] = {
    exp.Sum: "sum",
    exp.Avg: "avg",
    exp.Min: "min",
    exp.Max: "max",
    exp.Median: "median",
    exp.Variance: "var_samp",
    exp.VariancePop: "var_pop",
    exp.Stddev: "stddev_samp",
    exp.StddevSamp: "stddev_samp",
    exp.StddevPop: "stddev_pop",
}
RANKS: Mapping[type[exp.Expr], str] = {exp.Rank: "rank", exp.DenseRank: "dense_rank", exp.RowNumber: "row_number"}
ARITHMETIC = frozenset({"sum", "avg", "median", "var_samp", "var_pop", "stddev_samp", "stddev_pop"})
COUNTED = integer(Interval(0.0, 2.0**40), nullable=False)


def summarised(tree: exp.Select, scope: Scope, source: AnswerStage) -> tuple[AnswerStage, Lift]:
    """An answer whose rows are those of `source` in groups, for a SELECT with aggregates, GROUP BY or DISTINCT; and what lifts to it.

    The columns are still those of `source`. The aggregates of the SELECT are left with their nodes for the binder.
    """
    if has_sets(tree):
        raise Refused(
            Code.QUERY_CLAUSE,
            "Answers are not grouped by several sets of keys.",
            "Write ROLLUP in the inner SELECT, where persons are counted.",
        )
    keys = group_keys(tree, scope)
    level = len(source.levels)
    binder = Binder(scope.column)
    found = _Summaries(level, len(keys))
    clauses = [*tree.expressions, *(tree.args[part] for part in ("having", "order") if tree.args.get(part) is not None)]
    for node in (each for clause in clauses for each in _aggregates(clause)):
        node.meta[MEMBERSHIP] = found.leaf(_summary(node, binder, lambda expression: expression))
    expressions = [key.expression for key in keys]
    summed = AnswerLevel(source.having, source.order, source.offset, source.limit, tuple(expressions), tuple(found.summaries), grouped=True)
    stage = replace(_with_level(source, summed), having=(), order=(), offset=0, limit=None)

    def lift(expression: Expression) -> Expression:
        return _lifted(expression, expressions, level)

    having = having_of(tree, scope, binder, None)
    return (stage if having is None else replace(stage, having=(lift(having),))), lift


def windowed_beside(tree: exp.Select, stage: AnswerStage, binder: Binder, lift: Lift) -> AnswerStage:
    """The answer with the windows of a SELECT beside its rows, left with their nodes for the binder; the same where there are none."""
    order = tree.args.get("order")
    clauses = [*tree.expressions, *([] if order is None else [order])]
    nodes = [node for clause in clauses for node in _windows(clause)]
    if not nodes:
        return stage
    found = _Summaries(len(stage.levels), 0)
    for node in nodes:
        node.meta[MEMBERSHIP] = found.leaf(_window(node, binder, lift))
    level = AnswerLevel(having=stage.having, summaries=tuple(found.summaries))
    return replace(_with_level(stage, level), having=())


def settled(stage: AnswerStage) -> AnswerStage:
    """An answer that is cut, as rows that may be filtered and ordered anew."""
    if not stage.cut:
        return stage
    level = AnswerLevel(stage.having, stage.order, stage.offset, stage.limit)
    return replace(_with_level(stage, level), having=(), order=(), offset=0, limit=None)


def makes_groups(tree: exp.Select) -> bool:
    """Whether a SELECT over an answer makes one row of several."""
    return any(tree.args.get(part) is not None for part in ("group", "having", "distinct")) or any(
        has_aggregate(node) for node in tree.expressions if not is_star(node)
    )


def _with_level(stage: AnswerStage, level: AnswerLevel) -> AnswerStage:
    if len(stage.levels) >= MOST_LEVELS:
        raise Refused(Code.QUERY_TOO_LARGE, f"The answer is worked on in more than {MOST_LEVELS} steps.", "Say the same in fewer SELECTs.")
    return replace(stage, levels=(*stage.levels, level))


class _Summaries:
    """The distinct summaries of one level."""

    def __init__(self, level: int, keys: int) -> None:
        self._level = level
        self._keys = keys
        self.summaries: list[SummaryOf] = []

    def leaf(self, made: tuple[SummaryOf, Shape]) -> CellLeaf:
        """The cell of a summary, shared with every earlier mention."""
        summary, shape = made
        if summary not in self.summaries:
            if len(self.summaries) + self._keys >= MOST_SUMMARIES:
                raise Refused(Code.QUERY_TOO_LARGE, f"The question asks more than {MOST_SUMMARIES} aggregates.", "Ask fewer at once.")
            self.summaries.append(summary)
        return CellLeaf(cell_place(self._level, self._keys + self.summaries.index(summary)), shape)


def _lifted(expression: Expression, keys: Sequence[Expression], level: int) -> Expression:
    """The same over the rows of a level: keys and aggregates are its cells, and nothing else has one value there."""
    for index, key in enumerate(keys):
        if expression == key:
            return CellLeaf(cell_place(level, index), expression.shape)
    match expression:
        case Literal():
            return expression
        case CellLeaf(place=place) if place <= cell_place(level, 0):
            return expression
        case Call(function=function, arguments=arguments):
            return call(function, *(_lifted(argument, keys, level) for argument in arguments))
        case _:
            raise Refused(
                Code.QUERY_ROWS,
                "A column of the inner answer is neither a group key nor inside an aggregate.",
                "Add it to GROUP BY, or write MAX(n) or SUM(n).",
            )


def _aggregates(node: exp.Expr) -> Iterator[exp.Expr]:
    """The aggregates of an expression, with their FILTER: of a window, those inside of it."""
    if isinstance(node, exp.Query | exp.Subquery):
        return
    if isinstance(node, exp.AggFunc) or (isinstance(node, exp.Filter) and has_aggregate(node)):
        yield node
        return
    inside = [*windowed(node).iter_expressions(), *node.iter_expressions()] if isinstance(node, exp.Window) else node.iter_expressions()
    for part in inside:
        if not (isinstance(node, exp.Window) and part is node.this):
            yield from _aggregates(part)


def _windows(node: exp.Expr) -> Iterator[exp.Expr]:
    if isinstance(node, exp.Window):
        yield node
    elif not isinstance(node, exp.Query | exp.Subquery):
        for part in node.iter_expressions():
            yield from _windows(part)


def _window(node: exp.Expr, binder: Binder, lift: Lift) -> tuple[SummaryOf, Shape]:
    """A window over noisy rows: a summary of its partition, or a rank in it."""
    order = node.args.get("order")
    function = node.this
    partition = tuple(lift(binder.bind(each)) for each in node.args.get("partition_by") or [])
    if type(function) in RANKS:
        terms = [] if order is None else order.expressions
        sorts = tuple(Sort(lift(binder.bind(term.this)), bool(term.args.get("desc")), bool(term.args.get("nulls_first"))) for term in terms)
        return SummaryOf(RANKS[type(function)], partition=partition, order=sorts), COUNTED
    if order is not None:
        raise Refused(*RUNNING)
    summary, shape = _summary(function, binder, lift)
    return replace(summary, partition=partition), shape


def _summary(node: exp.Expr, binder: Binder, lift: Lift) -> tuple[SummaryOf, Shape]:
    """An aggregate of noisy rows, and what its value is."""
    condition = None
    if isinstance(node, exp.Filter):
        condition = lift(binder.condition(node.args["expression"].this))
        node = node.this
    if isinstance(node, exp.CountIf):
        return SummaryOf("true", lift(binder.condition(node.this)), condition), COUNTED
    if isinstance(node, exp.Count):
        return _counted(node, binder, lift, condition), COUNTED
    function = FUNCTIONS.get(type(node))
    if function is None or not isinstance(node.this, exp.Expr) or isinstance(node.this, exp.Distinct):
        raise Refused(
            Code.QUERY_AGGREGATE,
            "This aggregate of noisy rows is not answered.",
            "Write COUNT, COUNT(DISTINCT x), SUM, AVG, MIN, MAX, MEDIAN, VAR_SAMP or STDDEV_SAMP, or compute it from the answer in your"
            " notebook, which costs nothing more.",
        )
    value = lift(binder.bind(node.this))
    if function in ARITHMETIC and value.shape.type is OutputType.BOOLEAN:
        value = call("to_integer", value)
    if function in ARITHMETIC and not value.shape.numeric:
        raise Refused(Code.QUERY_TYPE, f"{function.upper()} takes a number.", "Use a column of numbers, or COUNT(*) with GROUP BY.")
    return SummaryOf(function, value, condition), _shape(function, value.shape)


def _counted(node: exp.Expr, binder: Binder, lift: Lift, condition: Expression | None) -> SummaryOf:
    argument = node.this
    if argument is None or isinstance(argument, exp.Star):
        return SummaryOf("count", None, condition)
    if isinstance(argument, exp.Distinct):
        if len(argument.expressions) != 1:
            raise Refused(Code.QUERY_AGGREGATE, "COUNT(DISTINCT …) takes one value.", "Count the distinct values of one column.")
        return SummaryOf("distinct", lift(binder.bind(argument.expressions[0])), condition)
    return SummaryOf("count", lift(binder.bind(argument)), condition)


def _shape(function: str, shape: Shape) -> Shape:
    if function in {"min", "max"}:
        return shape.or_null()
    if function == "sum" and shape.type is OutputType.INTEGER:
        return integer(EVERYTHING, nullable=True)
    if function in {"avg", "median"}:
        return number(shape.interval, nullable=True)
    return number(EVERYTHING, nullable=True)
