"""How large an answer is, as far as that is known without looking: what a relative error, or the error of a mean, is measured against.

A size is public, named by the asker, or read off an earlier noisy answer that the asker may see: then it is post-processing. It is
taken at its lower end, so that the promise errs towards a smaller error.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from haven.errors import Code, Refused
from haven.query.aggregates import COUNTS, Aggregate, Kind, conjunction, present
from haven.query.targets import Draft, Recipe


@dataclass(frozen=True, slots=True)
class Known:
    """An earlier noisy value of an aggregate, and its 95 % half-width."""

    value: float
    half_width: float


Group = Mapping[Aggregate, Known]


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is known: at least `rows` rows (or persons) behind every figure, or for each group the earlier noisy values."""

    rows: int | None = None
    groups: tuple[Group, ...] = ()
    receipts: tuple[str, ...] = field(default=(), compare=False)


NOTHING_KNOWN = Sizes()
LINEAR = COUNTS | {Kind.SUM}
"""Aggregates whose error is that of the sum of their parts."""


def target_sql(draft: Draft) -> str:
    """The aggregate that the engine computes for a draft: equal texts over equal rows are equal targets."""
    return draft.sql(draft.value or "u", draft.condition or "")


def sized(aggregates: Sequence[Aggregate]) -> tuple[Aggregate, ...]:
    """The aggregates whose values tell how large these are: themselves, and the numbers of rows that their means are of."""
    return tuple(dict.fromkeys([*aggregates, *(_number_of(each) for each in aggregates if each.kind is Kind.MEAN)]))


def absolute(error: Decimal, recipes: Sequence[Recipe], sizes: Sizes) -> list[tuple[Recipe, float]]:
    """The 95 % half-width that the weighted sum of each recipe's parts may have, where every answer may be `error` off.

    Counts and sums are their parts' sum. A mean is that sum over the number of rows, so it may be that many times wider; where the number
    is not known nothing is promised for it, and it is left out.
    """
    promised: list[tuple[Recipe, float]] = []
    for recipe in recipes:
        if recipe.aggregate.kind in LINEAR:
            promised.append((recipe, float(error)))
        elif recipe.aggregate.kind is Kind.MEAN and (number := _least(recipe.aggregate, sizes, _number)):
            promised.append((recipe, float(error) * number))
    return promised


def relative(fraction: Decimal, recipes: Sequence[Recipe], sizes: Sizes) -> list[tuple[Recipe, float]]:
    """The same where every answer may be `fraction` of itself off. Raises Refused(QUERY_OPTION) where a size is not known."""
    promised: list[tuple[Recipe, float]] = []
    for recipe in recipes:
        if recipe.aggregate.kind not in LINEAR | {Kind.MEAN}:
            raise Refused(
                Code.QUERY_OPTION,
                "A relative error can be promised for counts, sums and means, and this question asks something else too.",
                "Ask with epsilon=, or ask the others by themselves.",
            )
        size = _least(recipe.aggregate, sizes, _size)
        if not size:
            raise unknown_count() if recipe.aggregate.kind in COUNTS else _unknown_size()
        promised.append((recipe, float(fraction) * size))
    return promised


def _least(aggregate: Aggregate, sizes: Sizes, size_of: Callable[[Aggregate, Group, Sizes], float | None]) -> float | None:
    """The least size over the groups that are known not to be empty; None where none is."""
    found = [size_of(aggregate, group, sizes) for group in sizes.groups or ({},)]
    return min((size for size in found if size is not None and math.isfinite(size) and size > 0), default=None)


def _size(aggregate: Aggregate, group: Group, sizes: Sizes) -> float | None:
    """How large an aggregate is at least: a mean, times its number of rows."""
    known = group.get(aggregate)
    if aggregate.kind is Kind.MEAN:
        number = _number(aggregate, group, sizes)
        return None if number is None else number * (_least_absolute(aggregate) if known is None else abs(known.value))
    if known is not None:
        return abs(known.value) - known.half_width if aggregate.kind is Kind.SUM else known.value - known.half_width
    if sizes.rows is None:
        return None
    # each row of a sum is at least this large, and all are of one sign
    return sizes.rows * (_least_absolute(aggregate) if aggregate.kind is Kind.SUM else 1)


def _number(aggregate: Aggregate, group: Group, sizes: Sizes) -> float | None:
    """How many rows a mean is of, at least."""
    known = group.get(_number_of(aggregate))
    return sizes.rows if known is None else known.value - known.half_width


def _number_of(mean: Aggregate) -> Aggregate:
    argument = mean.argument
    return Aggregate(Kind.ROWS, None, conjunction(mean.condition, None if argument is None else present(argument)))


def _least_absolute(aggregate: Aggregate) -> float:
    """The least absolute value that the bounds of an aggregate's argument leave a row; 0 where they hold 0."""
    argument = aggregate.argument
    if argument is None:
        return 0.0
    interval = argument.shape.interval
    return max(0.0, interval.low, -interval.high)


def unknown_count() -> Refused:
    """The refusal of a relative error where no number of rows is known."""
    return Refused(
        Code.QUERY_OPTION,
        "A relative error needs to know about how large the answer is, and nothing is known of these rows yet.",
        "Ask the same question first at a small epsilon (its noisy counts are then used), or name a public size: options size_hint=1000.",
    )


def _unknown_size() -> Refused:
    return Refused(
        Code.QUERY_OPTION,
        "A relative error needs to know about how large the answer is, and by its bounds it may be 0.",
        "Ask the same question first at a small epsilon: its noisy answer is then used; or ask with error=.",
    )
