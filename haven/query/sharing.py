"""Several questions over one table: the plain table that holds all that they need, and each question as an answer of it."""

from collections.abc import Sequence
from dataclasses import replace

from haven.policy.authorisation import Footprint
from haven.query.aggregates import Aggregate
from haven.query.evaluation import targets_in
from haven.query.expressions import AggregateLeaf, Call, Expression, leaves
from haven.query.postprocessing import AS_SHOWN, WHOLE
from haven.query.private_plan import Apply, OutputType, PostExpression, PrivatePlan
from haven.query.relations import Named
from haven.query.resolve import ResolvedQuery
from haven.query.stages import AnswerStage


def table_of(asked: Sequence[ResolvedQuery]) -> ResolvedQuery:
    """The table over the rows and keys of the first question with every aggregate of them all, each a column of its own."""
    table = table_over(asked[0], tuple(dict.fromkeys(each for one in asked for each in one.answer.aggregates)))
    # tables are merged where their sets of keys are sums over one table: what is merged is that table
    answer = table.answer if len(asked) == 1 else replace(table.answer, sets=())
    return replace(table, footprint=_footprint(asked), answer=answer)


def table_over(asked: ResolvedQuery, aggregates: tuple[Aggregate, ...]) -> ResolvedQuery:
    """The table over a question's rows and keys with these aggregates, each a column of its own, and nothing done to them."""
    columns = tuple(Named(f"a{index}", AggregateLeaf(index, each.shape)) for index, each in enumerate(aggregates))
    answer = replace(asked.answer, aggregates=aggregates, columns=columns, having=(), order=(), offset=0, limit=None, levels=())
    return replace(asked, answer=answer)


def answered_from(asked: ResolvedQuery, aggregates: tuple[Aggregate, ...]) -> ResolvedQuery:
    """The same question, worked out of a list of aggregates that holds its own among others."""
    answer, places = asked.answer, [aggregates.index(each) for each in asked.answer.aggregates]
    moved = replace(answer.changed(lambda expression: _moved(expression, places)), aggregates=aggregates)
    return replace(asked, answer=moved)


def shown(answer: AnswerStage) -> tuple[float, ...]:
    """For each aggregate how many output columns show it; 1 where none does."""
    found = [0.0] * len(answer.aggregates)
    for column in answer.columns:
        for index in {leaf.index for leaf in leaves(column.expression) if isinstance(leaf, AggregateLeaf)}:
            found[index] += 1
    return tuple(count or 1.0 for count in found)


def continuous(plan: PrivatePlan) -> PrivatePlan:
    """`plan` with numbers where it shows whole numbers: for values that are no longer on the grid."""
    outputs = []
    for output in plan.outputs:
        expression = _unrounded(output.expression)
        if isinstance(expression, Apply) and expression.operation == "to_integer":
            expression = expression.arguments[0]
        noisy = output.type is OutputType.INTEGER and targets_in(expression)
        outputs.append(replace(output, expression=expression, type=OutputType.NUMBER) if noisy else output)
    return replace(plan, outputs=tuple(outputs))


def _unrounded(expression: PostExpression) -> PostExpression:
    """An expression whose noisy values are taken as they are."""
    if not isinstance(expression, Apply):
        return expression
    arguments = tuple(map(_unrounded, expression.arguments))
    return arguments[0] if expression.operation in {WHOLE, AS_SHOWN} else replace(expression, arguments=arguments)


def _moved(expression: Expression, places: Sequence[int]) -> Expression:
    match expression:
        case AggregateLeaf(index=index):
            return replace(expression, index=places[index])
        case Call(arguments=arguments):
            return replace(expression, arguments=tuple(_moved(argument, places) for argument in arguments))
        case _:
            return expression


def _footprint(asked: Sequence[ResolvedQuery]) -> Footprint:
    tables = frozenset().union(*(one.footprint.tables for one in asked))
    return Footprint(asked[0].footprint.dataset, tables, frozenset().union(*(one.footprint.columns for one in asked)))
