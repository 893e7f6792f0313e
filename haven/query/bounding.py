"""Contribution bounds of a question: how many rows and groups of it one unit can be in, and the stored ranks that make it so.

Everything is chosen from policy, query and options; never from data. Ranks are stored, each a function of one unit's rows alone, and
their filters sit on the base scans, so any row-wise condition above only takes rows away.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from haven.errors import Code, Refused
from haven.privacy.units import ContributionBound
from haven.query.aggregates import conjuncts
from haven.query.domains import domain_of
from haven.query.expressions import Expression, sources_of
from haven.query.ranks import Limits, Share, share_of_scan
from haven.query.relations import Derived, Joined, PerUnit, PublicScan, Rows, Scan, Selected, Source, every_source
from haven.query.stability import check_size, times

ONE = ContributionBound(1, 1, 1)
Key = tuple[Expression, int | None]
"""A group key with the size of its public domain (None: private)."""


@dataclass(frozen=True, slots=True)
class Bounding:
    """`rows` bounds sums over rows and `units` counts of persons, under the rank filters of each source.

    `inner` holds the bounds of what derived sources are computed from, a list a source. With `per_person` no rank bounds the rows: each
    person's are aggregated first, and count in proportion beyond the bound.
    """

    rows: ContributionBound
    units: ContributionBound
    by_source: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    inner: Mapping[str, tuple["Bounding", ...]] = field(default_factory=dict)
    per_person: bool = False

    @property
    def filters(self) -> tuple[str, ...]:
        """Every rank filter (SQL), sorted."""
        below = (each for boundings in self.inner.values() for each in boundings)
        texts = {text for texts in self.by_source.values() for text in texts} | {text for each in below for text in each.filters}
        return tuple(sorted(texts))


@dataclass(frozen=True, slots=True)
class Options:
    """The asker's options, which may only lower the policy's bounds."""

    rows_per_unit: int | None = None
    groups_per_unit: int | None = None

    def check(self, rows: Rows) -> None:
        """Refuse (QUERY_OPTION) an option above the bound of every table that the question reads."""
        bounds = [source.layout.table.bound() for source in every_source(rows) if isinstance(source, Scan)]
        _check("rows_per_unit", self.rows_per_unit, max(bound.rows_per_unit for bound in bounds))
        _check("groups_per_unit", self.groups_per_unit, max(bound.groups_per_unit for bound in bounds))

    def limits(self, scan: Scan) -> Limits:
        """The policy's bounds of one table, lowered."""
        bound = scan.layout.table.bound()
        rows = min(self.rows_per_unit or bound.rows_per_unit, bound.rows_per_unit)
        groups = min(self.groups_per_unit or bound.groups_per_unit, bound.groups_per_unit)
        return Limits(rows, min(rows, groups), min(rows, bound.rows_per_group))


def _check(name: str, asked: int | None, most: int) -> None:
    if asked is not None and not 1 <= asked <= most:
        raise Refused(Code.QUERY_OPTION, f"The option {name} may only lower the policy's {most}.", f"Write a number from 1 to {most}.")


def bound_rows(rows: Rows, options: Options, keys: Sequence[Key], *, sums: bool) -> Bounding:
    """The bounds of `rows` grouped by `keys`, and the filters for them.

    With `sums` False only persons are counted: then rows need no bound where groups have one.
    """
    return _Bounder(rows, options, keys, sums=sums).bounding()


class _Bounder:
    """The bounds of joined relations, from the share of each."""

    def __init__(self, rows: Rows, options: Options, keys: Sequence[Key], *, sums: bool) -> None:
        self._rows = rows
        self._options = options
        self._sums = sums
        self._joins: Mapping[str, Joined] = {each.source.source: each for each in rows.joined}
        self._inner = {source.source: self._below(source) for source in rows.sources if isinstance(source, Derived)}
        reads = [sources_of(key) for key, _ in keys]
        scans = {source.source for source in rows.sources if isinstance(source, Scan)}
        self._own = {name: [key for key, read in zip(keys, reads, strict=True) if read == {name}] for name in scans}
        self._foreign = [(key, self._reach(read)) for key, read in zip(keys, reads, strict=True) if not (len(read) == 1 and read <= scans)]
        self._none_grouped = not keys

    def bounding(self) -> Bounding:
        inner = {name: boundings for name, (_, boundings) in self._inner.items()}
        if self._none_grouped and not self._sums:
            return Bounding(ONE, ONE, {}, inner)
        shares = {source.source: self._share(source) for source in self._rows.sources}
        groups = prod(share.groups for share in shares.values() if share.grouped)
        for (_, size), reach in self._foreign:
            spread = prod(shares[name].rows + self._sometimes_missing(name) for name in reach)
            groups *= spread if size is None else min(size, spread)
        filters = {name: share.filters for name, share in shares.items() if share.filters}
        if not self._sums:
            return Bounding(ONE, ContributionBound(groups, groups, 1), filters, inner)
        total = prod(share.rows for share in shares.values())
        check_size(total)
        groups = min(groups, total)
        in_group = min(share.in_group * (total // share.rows) for share in shares.values())
        return Bounding(ContributionBound(total, groups, in_group), ContributionBound(groups, groups, 1), filters, inner)

    def _reach(self, read: frozenset[str]) -> frozenset[str]:
        """The relations on which the values of some of them depend: a public row is found from those that its conditions name."""
        public = {each.source.source for each in self._rows.joined if isinstance(each.source, PublicScan)}
        found, pending = set(read), [name for name in read if name in public]
        while pending:
            name = pending.pop()
            for condition in self._rows.predicates():
                named = sources_of(condition)
                further = named - found if name in named else set()
                found |= further
                pending += [each for each in further if each in public]
        return frozenset(found)

    def _predicates(self, source: Source) -> list[Expression]:
        """What every row of a relation that counts must meet: conditions of a LEFT JOIN speak of the relation it adds, and no other."""
        joined = self._rows.joined
        wholes = [*self._rows.conditions, *(each for join in joined if not join.outer or join.source == source for each in join.conditions)]
        return [part for whole in wholes for part in conjuncts(whole)]

    def _share(self, source: Source) -> Share:
        joined = self._joins.get(source.source)
        if isinstance(source, Scan):
            needed = self._sums or any(source.source in reach for _, reach in self._foreign)
            share = share_of_scan(source, self._options.limits(source), self._predicates(source), self._own[source.source], sums=needed)
        else:
            rows = 1 if isinstance(source, PublicScan) else self._inner[source.source][0]
            share = Share(rows, 1, rows)
        if joined is None:
            return share
        most = times(joined, share.rows)
        in_group = most if isinstance(source, PublicScan) else max(1, share.in_group)
        groups = max(1, share.groups) + self._sometimes_missing(source.source)
        return Share(most, groups, in_group, share.filters, grouped=share.grouped)

    def _sometimes_missing(self, name: str) -> int:
        """1 where some of a unit's rows may meet rows of an optional relation and others none: NULL is then one more group of its own."""
        joined = self._joins.get(name)
        if joined is None or not joined.outer:
            return 0
        return int(any(sources_of(condition) - {name} for condition in joined.conditions))

    def _below(self, source: Derived) -> tuple[int, tuple[Bounding, ...]]:
        """The most rows of one unit in a derived relation, and the bounds of what it is computed from."""
        body = source.body
        if isinstance(body, PerUnit):
            sizes = [domain_of(named.expression) for named in body.keys]
            keys = [(named.expression, None if size is None else len(size)) for named, size in zip(body.keys, sizes, strict=True)]
            inner = bound_rows(body.rows, self._options, keys, sums=True)
            return (inner.units.groups_per_unit if keys else 1), (inner,)
        branches = (body,) if isinstance(body, Selected) else body.branches
        inners = tuple(bound_rows(branch.rows, self._options, (), sums=True) for branch in branches)
        return sum(inner.rows.rows_per_unit for inner in inners), inners
