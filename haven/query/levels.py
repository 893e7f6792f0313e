"""Levels above the noise: aggregates of noisy rows, and windows beside them. Post-processing: it costs nothing and cannot fail."""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from haven.query.evaluation import Evaluate, Gradient, Group, compiled
from haven.query.gradients import Followed, added, gradient_of
from haven.query.private_plan import Level, Ordering, PostExpression, PrivatePlan, Summary, cell_place
from haven.query.shapes import Value

Groups = list[Group]


def climbed(plan: PrivatePlan, groups: Groups) -> Groups:
    """The rows that the levels of `plan` make of those of its noisy table, which stand in their order."""
    for number, level in enumerate(plan.levels):
        kept = shown(plan, groups, level.having, level.order, level.offset, level.limit)
        groups = _grouped(plan, number, level, kept) if level.grouped else _beside(plan, number, level, kept)
    return groups


def shown(
    plan: PrivatePlan, groups: Groups, having: PostExpression | None, order: Sequence[Ordering], offset: int, limit: int | None
) -> Groups:
    """The rows that meet a condition, in an order that keeps that of equals, and cut."""
    if having is not None:
        holds = compiled(having, plan)
        groups = [group for group in groups if holds(group) is True]
    for term in reversed(order):
        groups = _sorted(groups, compiled(term.expression, plan), term)
    return groups[offset : None if limit is None else offset + limit]


def _sorted(groups: Groups, evaluate: Evaluate, term: Ordering) -> Groups:
    values = [(evaluate(group), group) for group in groups]
    present: list[tuple[Any, Group]] = [pair for pair in values if pair[0] is not None]
    present.sort(key=_first, reverse=term.descending)
    missing = [group for value, group in values if value is None]
    found = [group for _, group in present]
    return [*missing, *found] if term.nulls_first else [*found, *missing]


def _first(pair: tuple[Any, Group]) -> Any:  # noqa: ANN401 - values of one type, of any
    return pair[0]


def _grouped(plan: PrivatePlan, number: int, level: Level, groups: Groups) -> Groups:
    """One row for each value of the keys, in the order in which they are met; one of all without keys."""
    keys = [compiled(key, plan) for key in level.keys]
    found: dict[tuple[Value, ...], Groups] = {} if keys else {(): []}
    for group in groups:
        found.setdefault(tuple(key(group) for key in keys), []).append(group)
    makers = [_Maker(summary, plan) for summary in level.summaries]
    made: Groups = []
    for key, members in found.items():
        cells = [(value, None) for value in key] + [maker.over(members) for maker in makers]
        made.append(_with(Group((), {}), number, cells))
    return made


def _beside(plan: PrivatePlan, number: int, level: Level, groups: Groups) -> Groups:
    """The same rows, with the summaries of their partitions, and ranks in them."""
    columns = [_window(summary, plan, groups) for summary in level.summaries]
    return [_with(group, number, cells) for group, *cells in zip(groups, *columns, strict=True)] if columns else groups


Made = tuple[Value, Gradient | None]


def _with(group: Group, number: int, cells: Sequence[Made]) -> Group:
    """The group with the cells of a level beside what it holds."""
    places = [cell_place(number, index) for index in range(len(cells))]
    values = {**group.values, **{place: value for place, (value, _) in zip(places, cells, strict=True)}}
    return replace(
        group, values=values, gradients={**group.gradients, **{place: each for place, (_, each) in zip(places, cells, strict=True)}}
    )


def _window(summary: Summary, plan: PrivatePlan, groups: Groups) -> list[Made]:
    """One summary beside every row."""
    keys = [compiled(key, plan) for key in summary.partition]
    parts: dict[tuple[Value, ...], list[int]] = {}
    for index, group in enumerate(groups):
        parts.setdefault(tuple(key(group) for key in keys), []).append(index)
    maker, made = _Maker(summary, plan), dict[int, Made]()
    for indices in parts.values():
        members = [groups[index] for index in indices]
        cells = _ranked(summary, plan, members) if summary.function in RANKS else [maker.over(members)] * len(members)
        made |= zip(indices, cells, strict=True)
    return [made[index] for index in range(len(groups))]


def _ranked(summary: Summary, plan: PrivatePlan, members: Groups) -> list[Made]:
    """The rank of every row of a partition: equals have one rank, but for row_number, where the order of the rows decides."""
    terms = [compiled(term.expression, plan) for term in summary.order]
    values = [tuple(term(group) for term in terms) for group in members]
    numbered = [replace(group, number=index) for index, group in enumerate(members)]
    places: dict[int, int] = {}
    before: tuple[Value, ...] | None = None
    rank = dense = 0
    for row, group in enumerate(shown(plan, numbered, None, summary.order, 0, None), start=1):
        if before is None or values[group.number] != before:
            rank, dense, before = row, dense + 1, values[group.number]
        places[group.number] = {"rank": rank, "dense_rank": dense}.get(summary.function, row)
    return [(places[index], None) for index in range(len(members))]


class _Maker:
    """Makes one summary of rows: its value, and how it follows their noise."""

    def __init__(self, summary: Summary, plan: PrivatePlan) -> None:
        self._function = summary.function
        self._holds = None if summary.condition is None else compiled(summary.condition, plan)
        self._value = None if summary.argument is None else compiled(summary.argument, plan)
        follows = summary.function in {"sum", "avg"} and summary.argument is not None
        self._gradient: Followed | None = gradient_of(summary.argument, plan) if follows and summary.argument is not None else None

    def over(self, members: Groups) -> Made:
        """Of the rows that meet the condition and have a value."""
        held = members if self._holds is None else [group for group in members if self._holds(group) is True]
        if self._value is None:
            return len(held), None
        pairs = [(value, group) for group in held if (value := self._value(group)) is not None]
        return _finite(SUMMARIES[self._function]([value for value, _ in pairs])), self._followed([group for _, group in pairs])

    def _followed(self, groups: Groups) -> Gradient | None:
        if self._gradient is None or not groups:
            return None
        factor = 1.0 if self._function == "sum" else 1 / len(groups)
        return added((self._gradient(group), factor) for group in groups)


def _total(values: Sequence[Any]) -> Value:
    if not values:
        return None
    return math.fsum(values) if any(isinstance(value, float) for value in values) else sum(values)


def _mean(values: Sequence[Any]) -> Value:
    return math.fsum(values) / len(values) if values else None


def _spread(values: Sequence[Any], fewer: int) -> float | None:
    """The variance, with `fewer` degrees of freedom than values."""
    if len(values) <= fewer:
        return None
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values) / (len(values) - fewer)


def _root(value: float | None) -> float | None:
    return None if value is None else math.sqrt(value)


def _finite(value: Value) -> Value:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _guarded(function: Callable[[Sequence[Any]], Value]) -> Callable[[Sequence[Any]], Value]:
    """Total: what overflows is NULL."""

    def guarded(values: Sequence[Any]) -> Value:
        try:
            return function(values)
        except OverflowError:
            return None

    return guarded


RANKS = frozenset({"rank", "dense_rank", "row_number"})
SUMMARIES: Mapping[str, Callable[[Sequence[Any]], Value]] = {
    "count": len,
    "distinct": lambda values: len(set(values)),
    "true": lambda values: sum(value is True for value in values),
    "sum": _guarded(_total),
    "avg": _guarded(_mean),
    "min": lambda values: min(values, default=None),
    "max": lambda values: max(values, default=None),
    "median": _guarded(lambda values: float(statistics.median(values)) if values else None),
    "var_samp": _guarded(lambda values: _spread(values, 1)),
    "var_pop": _guarded(lambda values: _spread(values, 0)),
    "stddev_samp": _guarded(lambda values: _root(_spread(values, 1))),
    "stddev_pop": _guarded(lambda values: _root(_spread(values, 0))),
}
"""What is made of the values that are not NULL."""
