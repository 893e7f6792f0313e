"""Above the noise: a question's expressions over aggregates to a plan's expressions over noisy integers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import reduce

from haven.query.aggregates import Kind
from haven.query.expressions import AggregateLeaf, Call, CellLeaf, Column, Expression, KeyLeaf, Literal, leaves
from haven.query.private_plan import (
    Apply,
    CellRef,
    Constant,
    KeyRef,
    Level,
    Ordering,
    OutputType,
    PostExpression,
    Summary,
    TargetRef,
    UnitsRef,
)
from haven.query.stages import AnswerLevel, Sort, SummaryOf
from haven.query.targets import Draft, Recipe

WITHIN = "within"
"""The operation that keeps a mean inside its bounds: a clamp that error bars look through."""
WHOLE = "whole"
"""The operation that rounds the noisy value of what is a whole number: halves to even."""
AS_SHOWN = "as_shown"
"""The operation that brings a noisy value to the target's own grid, so that figures made of several add up as they are shown."""
BOUNDS_TEXT = "bounds_text"
"""The operation that writes a clamp of two chosen bounds."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """What stands at the leaves: recipes of aggregates over targets, free counts of persons, keys in canonical order, targets' grids."""

    recipes: tuple[Recipe, ...]
    targets: Mapping[Draft, int]
    free: frozenset[int]
    keys: tuple[int, ...]
    grids: tuple[float, ...]

    @staticmethod
    def aggregates_in(expression: Expression) -> frozenset[int]:
        """The aggregates an expression reads."""
        return frozenset(leaf.index for leaf in leaves(expression) if isinstance(leaf, AggregateLeaf))

    def aggregate(self, index: int) -> PostExpression:
        """The noisy value of an aggregate."""
        if index in self.free:
            return UnitsRef()
        recipe = self.recipes[index]
        if recipe.aggregate.kind is Kind.MEAN:
            return self._mean(recipe)
        if recipe.aggregate.kind is Kind.CHOICE:
            chosen = TargetRef(self.targets[recipe.parts[0].draft])
            return Apply("to_date", (chosen,)) if recipe.aggregate.shape.type is OutputType.DATE else chosen
        if recipe.aggregate.kind is Kind.BOUNDS:
            return self._bounds(recipe)
        terms = [self._term(self._shown(part.draft), part.coefficient) for part in recipe.parts]
        total = reduce(_plus, terms)
        whole = recipe.aggregate.shape.type is OutputType.INTEGER
        grids = {self.grids[self.targets[part.draft]] for part in recipe.parts}
        return Apply(WHOLE, (total,)) if whole and (len(terms) > 1 or grids != {1.0}) else total

    def _shown(self, draft: Draft) -> PostExpression:
        """A target on its own grid, where its noise comes on a finer one; a count is then whole."""
        index = self.targets[draft]
        return TargetRef(index) if self.grids[index] == draft.grid else Apply(AS_SHOWN, (TargetRef(index), Constant(draft.grid)))

    def _term(self, target: PostExpression, coefficient: float) -> PostExpression:
        return target if coefficient == 1 else Apply("multiply", (target, Constant(coefficient)))

    def _mean(self, recipe: Recipe) -> PostExpression:
        """NULL where the noisy count is below 1, else centre + total / count, kept inside the bounds."""
        total, number = (TargetRef(self.targets[part.draft]) for part in recipe.parts)
        argument = recipe.aggregate.argument
        if argument is None:
            msg = "a mean has an argument"
            raise TypeError(msg)
        interval = argument.shape.interval
        mean = Apply("add", (Constant(recipe.parts[0].draft.centre), Apply("divide", (total, number))))
        held = Apply(WITHIN, (mean, Constant(interval.low), Constant(interval.high)))
        return Apply("case", (Apply("at_least", (number, Constant(1))), held, Constant(None)))

    def _bounds(self, recipe: Recipe) -> PostExpression:
        """The clamp to write: of the argument by its name, where it is a column."""
        argument = recipe.aggregate.argument
        name = argument.name if isinstance(argument, Column) else "x"
        low, high = (TargetRef(self.targets[part.draft]) for part in recipe.parts)
        return Apply(BOUNDS_TEXT, (Constant(name), low, high))


def _missing(key: int, width: int) -> PostExpression:
    """Whether a row's set leaves out a key: its bit of the mask, which stands after the keys."""
    shifted = Apply("whole_divide", (KeyRef(width), Constant(1 << (width - 1 - key))))
    return Apply("remainder", (shifted, Constant(2)))


def _plus(left: PostExpression, right: PostExpression) -> PostExpression:
    return Apply("add", (left, right))


def convert(expression: Expression, leaves_: Leaves) -> PostExpression:
    """The plan's form of an expression over aggregates and keys."""
    match expression:
        case AggregateLeaf(index=index):
            return leaves_.aggregate(index)
        case KeyLeaf(index=index) if index >= len(leaves_.keys):
            return _missing(leaves_.keys[index - len(leaves_.keys)], len(leaves_.keys))
        case CellLeaf(place=place):
            return CellRef(place)
        case KeyLeaf(index=index):
            return KeyRef(leaves_.keys[index])
        case Literal(value=value):
            return Apply("to_date", (Constant(value.isoformat()),)) if isinstance(value, date) else Constant(value)
        case Call(function=function, arguments=arguments):
            return Apply(function, tuple(convert(argument, leaves_) for argument in arguments))
        case _:
            msg = "a row's columns do not stand above the noise"
            raise TypeError(msg)


def conjoined(conditions: Sequence[Expression], leaves_: Leaves) -> PostExpression | None:
    """All of the conditions as one; None where there is none."""
    converted = tuple(convert(condition, leaves_) for condition in conditions)
    if not converted:
        return None
    return converted[0] if len(converted) == 1 else Apply("and", converted)


def orderings(sorts: Sequence[Sort], leaves_: Leaves) -> tuple[Ordering, ...]:
    """The plan's form of ORDER BY."""
    return tuple(Ordering(convert(sort.expression, leaves_), sort.descending, sort.nulls_first) for sort in sorts)


def level_of(level: AnswerLevel, leaves_: Leaves) -> Level:
    """The plan's form of one level."""
    return Level(
        conjoined(level.having, leaves_),
        orderings(level.order, leaves_),
        level.offset,
        level.limit,
        tuple(convert(key, leaves_) for key in level.keys),
        tuple(_summary(each, leaves_) for each in level.summaries),
        level.grouped,
    )


def _summary(each: SummaryOf, leaves_: Leaves) -> Summary:
    argument, condition = (None if part is None else convert(part, leaves_) for part in (each.argument, each.condition))
    partition = tuple(convert(key, leaves_) for key in each.partition)
    return Summary(each.function, argument, condition, partition, orderings(each.order, leaves_))
