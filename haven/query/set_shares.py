"""How the sets of a question are answered: all from one noisy table of their keys together, or each with a share of its own.

One table costs as much as one GROUP BY; coarser rows are sums of its cells, and their noise adds up. With shares a person is in one group
of every set, so the noise of each grows with their number; least squares then gives back what the sets say of each other. The choice
reads keys, bounds and the kinds of aggregates, never data: kept is the way with the smaller mean variance over the answer's rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod

from haven.errors import Code, Refused
from haven.privacy.budget import Definition
from haven.privacy.units import ContributionBound, SeveralBounds
from haven.query.aggregates import Aggregate, Kind
from haven.query.bounding import Bounding, Options, bound_rows
from haven.query.expressions import Expression
from haven.query.grouping_sets import KeySet
from haven.query.private_plan import GroupingSets, GroupKey, OutputType
from haven.query.set_totals import keys_in, variances
from haven.query.stages import AnswerStage
from haven.query.targets import Draft

ADDED_UP = frozenset({Kind.ROWS, Kind.SUM, Kind.MEAN})
"""Aggregates made of counts and sums: those of a coarser group are sums of those of the finer."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys of the sets, in canonical order: how many values each has (all public), and the sets by their positions."""

    sizes: tuple[int, ...]
    sets: tuple[KeySet, ...]

    def cells(self, keys: Sequence[int]) -> int:
        """The number of groups of one set."""
        return prod(self.sizes[index] for index in keys)

    @property
    def every(self) -> int:
        """The number of groups of all keys together."""
        return prod(self.sizes)

    @property
    def rows(self) -> int:
        """The number of rows of the answer."""
        return sum(map(self.cells, self.sets))

    def masks(self) -> tuple[int, ...]:
        """The sets as GROUPING_ID gives them: a bit for every key that is not in the set, the first key's highest."""
        width = len(self.sizes)
        return tuple(sorted(sum(1 << (width - 1 - index) for index in range(width) if index not in keys) for keys in self.sets))


@dataclass(frozen=True, slots=True)
class Shares:
    """The bounds of every set by its keys, and of all of them together."""

    by_set: Mapping[KeySet, Bounding]
    together: Bounding


@dataclass(frozen=True, slots=True)
class Settled:
    """How the sets are answered, and under which bounds; `keys` in canonical order."""

    keys: Keys
    sets: GroupingSets
    bounding: Bounding

    @property
    def grouped(self) -> tuple[KeySet, ...]:
        """The sets that the engine groups by; none where one table over all keys will do."""
        return () if self.sets.summed else tuple(keys_in(mask, len(self.keys.sizes)) for mask in self.sets.masks)

    @property
    def mask_key(self) -> tuple[GroupKey, ...]:
        """The key that tells the sets apart, where they have shares of their own."""
        return () if self.sets.summed else (GroupKey("grouping_set", OutputType.INTEGER, self.sets.masks, (), "GROUPING_ID"),)

    def said(self, drafts: Sequence[Draft]) -> GroupingSets:
        """The sets, and which of the drafted targets add up over them."""
        return replace(self.sets, sums=tuple(draft.additive for draft in drafts))

    @property
    def words(self) -> str:
        """The choice, to a reader."""
        number = len(self.sets.masks)
        if self.sets.summed:
            return (
                f"The {number} sets of group keys are one noisy table over all keys: coarser rows are sums of its cells, for nothing more."
            )
        return (
            f"Each of the {number} sets of group keys has a share of its own, a person being in all of them. Counts and sums under Gaussian"
            " noise are then moved by least squares to where parts agree with their totals, which only makes them more exact."
        )


@dataclass(frozen=True, slots=True)
class GroupedKey:
    """A key of the question: its place there, its expression, and the number of its public values (None: private)."""

    position: int
    expression: Expression
    size: int | None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the choice depends on besides the question: its options, the policy's definition, the most rows, and promises of an error."""

    options: Options
    definition: Definition
    most: int
    promised: bool


def settle(answer: AnswerStage, keys: Sequence[GroupedKey], finest: Bounding, terms: Terms) -> Settled:
    """The way in which `answer` is grouped by its sets. `keys` are its keys in canonical order, with their places in the question.

    Raises Refused for private keys (QUERY_KEY), whose absence in one set would tell of another, and for too many rows.
    """
    sizes = tuple(key.size for key in keys if key.size is not None)
    if len(sizes) < len(keys):
        raise Refused(
            Code.QUERY_KEY,
            "A group key is not public, and a threshold in one set of keys would not fit what another set shows.",
            "Group the sets by public keys, or ask each GROUP BY as a question of its own.",
        )
    place = {key.position: index for index, key in enumerate(keys)}
    all_keys = Keys(sizes, tuple(tuple(sorted(place[position] for position in each)) for each in answer.sets))
    sums = any(aggregate.kind is not Kind.UNITS for aggregate in answer.aggregates)
    by_set = {
        each: bound_rows(answer.rows, terms.options, [(keys[index].expression, keys[index].size) for index in each], sums=sums)
        for each in all_keys.sets
    }
    shares = shares_of(finest, by_set, all_keys)
    sets = choose(all_keys, finest, shares, answer.aggregates, terms)
    return Settled(all_keys, sets, finest if sets.summed else shares.together)


def shares_of(finest: Bounding, by_set: Mapping[KeySet, Bounding], keys: Keys) -> Shares:
    """The bounds of each set over the rows that `finest` keeps, and of the vector of them all.

    A person's rows are the same in every set. What a set's own ranks promise holds where those ranks are kept.
    """
    held = {each: _held(finest, by_set[each], keys.cells(each)) for each in keys.sets}
    rows = SeveralBounds.of([each.rows for each in held.values()])
    units = SeveralBounds.of([each.units for each in held.values()])
    return Shares(held, replace(finest, rows=rows, units=units))


def _held(finest: Bounding, own: Bounding, cells: int) -> Bounding:
    rows, kept = finest.rows, set(own.filters) <= set(finest.filters)
    total = min(rows.rows_per_unit, own.rows.rows_per_unit) if kept else rows.rows_per_unit
    groups = min(cells, rows.groups_per_unit, total, *([own.rows.groups_per_unit] if kept else []))
    in_group = min(total, own.rows.rows_per_group) if kept else total
    in_groups = min(cells, finest.units.groups_per_unit)
    return replace(finest, rows=ContributionBound(total, groups, in_group), units=ContributionBound(in_groups, in_groups, 1))


def choose(keys: Keys, finest: Bounding, shares: Shares, aggregates: Sequence[Aggregate], terms: Terms) -> GroupingSets:
    """The better way; shares where an aggregate does not add up, where an error is promised for every row, or the table is too large."""
    both = (GroupingSets(keys.masks(), summed=True), GroupingSets(keys.masks(), summed=False))
    added_up = all(aggregate.kind in ADDED_UP for aggregate in aggregates)
    if keys.rows > terms.most:
        raise Refused(
            Code.QUERY_KEY,
            f"The sets of group keys make {keys.rows} groups, more than {terms.most}, and every one is answered, empty ones too.",
            "Group by fewer keys, or by ranges such as floor(x / 10) * 10.",
        )
    if terms.promised or not added_up or keys.every > terms.most:
        return both[1]
    gaussian = terms.definition.gaussian
    loads = [each.rows.l2_squared(1) if gaussian else each.rows.l1(1) ** 2 for each in (finest, shares.together)]
    means = [load * _mean(keys, sets, least_squares=gaussian) for load, sets in zip(loads, both, strict=True)]
    return both[0] if means[0] <= means[1] else both[1]


def _mean(keys: Keys, sets: GroupingSets, *, least_squares: bool) -> float:
    """The mean variance of an answer's rows, in that of one noisy cell."""
    found = variances(keys.sizes, sets, least_squares=least_squares)
    width = len(keys.sizes)
    sizes = {mask: prod(size for index, size in enumerate(keys.sizes) if not mask >> (width - 1 - index) & 1) for mask in sets.masks}
    return sum(sizes[mask] * found[mask] for mask in sets.masks) / keys.rows
