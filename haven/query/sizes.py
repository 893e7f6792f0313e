"""How large an answer is, as far as that is known without looking: what a relative error, or the error of a mean, is measured against.

A size is public, named by the asker, or read off an earlier noisy answer that the asker may see: then it is post-processing. It is
taken at its lower end, so that the promise errs towards a smaller error.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from haven.errors import Code, Refused
from haven.query.aggregates import Kind
from haven.query.targets import Draft, Recipe


@dataclass(frozen=True, slots=True)
class Known:
    """An earlier noisy value of a target, in real units, and its 95 % half-width."""

    value: float
    half_width: float


@dataclass(frozen=True, slots=True)
class Sizes:
    """What is known: at least `rows` rows (or persons) behind every figure, or for each group the earlier noisy values by target SQL."""

    rows: int | None = None
    groups: tuple[Mapping[str, Known], ...] = ()
    receipts: tuple[str, ...] = field(default=(), compare=False)


NOTHING_KNOWN = Sizes()
Group = Mapping[str, Known]


def target_sql(draft: Draft) -> str:
    """The aggregate that the engine computes for a draft: equal texts over equal rows are equal targets."""
    return draft.sql(draft.value or "u", draft.condition or "")


def absolute(error: Decimal, recipes: Sequence[Recipe], sizes: Sizes) -> list[tuple[Recipe, float]]:
    """The 95 % half-width that the weighted sum of each recipe's parts may have, where every answer may be `error` off.

    Counts and sums are their parts' sum. A mean is that sum over the number of rows, so it may be that many times wider; where the number
    is not known nothing is promised for it, and it is left out.
    """
    promised: list[tuple[Recipe, float]] = []
    for recipe in recipes:
        if recipe.aggregate.kind in LINEAR:
            promised.append((recipe, float(error)))
        elif recipe.aggregate.kind is Kind.MEAN and (number := _least(recipe, sizes, _number)):
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
        size = _least(recipe, sizes, _size)
        if not size:
            raise unknown_count() if recipe.aggregate.kind in COUNTS else _unknown_size()
        promised.append((recipe, float(fraction) * size))
    return promised


COUNTS = frozenset({Kind.ROWS, Kind.UNITS})
LINEAR = COUNTS | {Kind.SUM}


def _least(recipe: Recipe, sizes: Sizes, size_of: Callable[[Recipe, Group, Sizes], float | None]) -> float | None:
    """The least size over the groups that are known not to be empty; None where none is."""
    found = [size_of(recipe, group, sizes) for group in sizes.groups or ({},)]
    return min((size for size in found if size is not None and math.isfinite(size) and size > 0), default=None)


def _size(recipe: Recipe, group: Group, sizes: Sizes) -> float | None:
    """How large the weighted sum of a recipe's parts is at least: of a mean, the mean times its number of rows."""
    match recipe.aggregate.kind:
        case Kind.ROWS | Kind.UNITS:
            return _rows(recipe.parts[0].draft, group, sizes)
        case Kind.SUM:
            return _sum(recipe, group, sizes)
        case _:
            number = _number(recipe, group, sizes)
            return None if number is None else number * (_mean(recipe, group) or _least_absolute(recipe))


def _rows(draft: Draft, group: Group, sizes: Sizes) -> float | None:
    known = group.get(target_sql(draft))
    return sizes.rows if known is None else known.value - known.half_width


def _number(recipe: Recipe, group: Group, sizes: Sizes) -> float | None:
    """How many rows a mean is of."""
    return _rows(recipe.parts[1].draft, group, sizes)


def _sum(recipe: Recipe, group: Group, sizes: Sizes) -> float | None:
    known = [group.get(target_sql(part.draft)) for part in recipe.parts]
    if None not in known:
        terms = [(part.coefficient, one) for part, one in zip(recipe.parts, known, strict=True) if one is not None]
        width = math.sqrt(math.fsum((factor * one.half_width) ** 2 for factor, one in terms))
        return abs(math.fsum(factor * one.value for factor, one in terms)) - width
    # each row of the sum is at least this large, and all of one sign
    return None if sizes.rows is None else sizes.rows * _least_absolute(recipe)


def _mean(recipe: Recipe, group: Group) -> float | None:
    """The size of an earlier noisy mean."""
    total, number = (group.get(target_sql(part.draft)) for part in recipe.parts)
    if total is None or number is None or number.value < 1:
        return None
    return abs(recipe.parts[0].draft.centre + total.value / number.value)


def _least_absolute(recipe: Recipe) -> float:
    """The least absolute value that the bounds of an aggregate's argument leave a row; 0 where they hold 0."""
    argument = recipe.aggregate.argument
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
