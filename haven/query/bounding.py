"""Contribution bounds of a question: how many rows and groups of it one unit can be in, and the stored ranks that make it so.

Everything is chosen from policy, query and options; never from data. Ranks are stored, each a function of one unit's rows alone, and
their filters sit on the base scan, so any row-wise condition above only takes rows away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from haven.catalog.layout import TableLayout
from haven.errors import Code, Refused
from haven.privacy.units import ContributionBound
from haven.query.aggregates import conjuncts
from haven.query.expressions import Call, Column, Expression, Literal, columns_of
from haven.query.render import quoted


@dataclass(frozen=True, slots=True)
class Bounding:
    """`rows` bounds sums over rows and `units` counts of persons, under `filters` (SQL over rank columns, sorted)."""

    rows: ContributionBound
    units: ContributionBound
    filters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limits:
    """r, m and c of the policy, lowered by the asker's options."""

    rows: int
    groups: int
    rows_in_group: int


@dataclass(frozen=True, slots=True)
class KeyLimit:
    """What ranks enforce for one group key: a unit in ≤ `groups` of its groups, ≤ `rows` rows in each (None: not enforced)."""

    groups: int | None = None
    rows: int | None = None
    group_filters: tuple[str, ...] = ()
    row_filters: tuple[str, ...] = ()


def limits_of(layout: TableLayout, rows_per_unit: int | None, groups_per_unit: int | None) -> Limits:
    """The policy's bounds, lowered by options. Raises Refused(QUERY_OPTION) for an option above the policy's bound."""
    bound = layout.table.bound()
    rows = _lowered("rows_per_unit", rows_per_unit, bound.rows_per_unit)
    groups = _lowered("groups_per_unit", groups_per_unit, bound.groups_per_unit)
    return Limits(rows, min(rows, groups), min(rows, bound.rows_per_group))


def _lowered(name: str, asked: int | None, most: int) -> int:
    if asked is None:
        return most
    if not 1 <= asked <= most:
        raise Refused(Code.QUERY_OPTION, f"The option {name} may only lower the policy's {most}.", f"Write a number from 1 to {most}.")
    return asked


def bound_rows(
    layout: TableLayout, limits: Limits, predicates: Sequence[Expression], keys: Sequence[tuple[Expression, int | None]], *, sums: bool
) -> Bounding:
    """The bounds of a question grouped by `keys`, each with the size of its public domain (None: private), and the filters for them.

    With `sums` False only persons are counted: then rows need no bound where groups have one.
    """
    if not keys and not sums:
        one = ContributionBound(1, 1, 1)
        return Bounding(one, one, ())
    rows, pinned = _pinned(layout, limits, predicates)
    found = [_key_limit(layout, limits, rows, key, size) for key, size in keys]
    enforced = [limit.groups for limit in found]
    by_key = rows if None in enforced else prod(groups for groups in enforced if groups is not None)
    groups = min(rows, by_key)
    units = ContributionBound(groups, groups, 1)
    group_filters = {each for limit in found for each in limit.group_filters}
    if not sums and by_key < rows:
        return Bounding(units, units, tuple(sorted(group_filters)))
    in_group = min([rows, *(limit.rows for limit in found if limit.rows is not None)])
    filters = {*pinned, *group_filters, *(each for limit in found for each in limit.row_filters)}
    if by_key < rows and in_group < rows and groups * in_group <= rows:
        rows = groups * in_group
    elif not pinned:
        filters.add(f"{quoted(layout.rk or '')} <= {rows}")
    return Bounding(ContributionBound(rows, groups, in_group), units, tuple(sorted(filters)))


def _pinned(layout: TableLayout, limits: Limits, predicates: Sequence[Expression]) -> tuple[int, tuple[str, ...]]:
    """WHERE key = constant: rows of that key alone, at most c of them, chosen among themselves and not among all the unit's rows.

    Gives the bound on rows and the filters that enforce it: none (the rank among all rows must do) unless fewer rows are allowed so.
    """
    best: tuple[int, tuple[str, ...]] = (limits.rows, ())
    for predicate in (part for whole in predicates for part in conjuncts(whole)):
        column, values = _equality(predicate)
        if column is not None and column.name in layout.rpc and values * limits.rows_in_group < best[0]:
            best = (values * limits.rows_in_group, (f"{quoted(layout.rpc[column.name])} <= {limits.rows_in_group}",))
    return best


def _equality(predicate: Expression) -> tuple[Column | None, int]:
    """The column that a condition ties to constants, and to how many."""
    match predicate:
        case (
            Call(function="equal", arguments=(Column() as column, Literal()))
            | Call(function="equal", arguments=(Literal(), Column() as column))
        ):
            return column, 1
        case Call(function="in", arguments=(Column() as column, *options)) if all(isinstance(option, Literal) for option in options):
            return column, len(options)
        case _:
            return None, 0


def _key_limit(layout: TableLayout, limits: Limits, rows: int, key: Expression, size: int | None) -> KeyLimit:
    """What bounds one key: the size of its public domain, and stored ranks, where it is a declared key column or a function of one alone.

    A function may put a unit's groups together: it has no more of them, and up to m·c rows in one.
    """
    listed = size if size is not None and size < rows else None
    columns = columns_of(key)
    if len(columns) != 1 or columns[0].name not in layout.gr:
        return KeyLimit(listed)
    name = columns[0].name
    ranked = limits.groups if limits.groups < rows and (listed is None or limits.groups < listed) else None
    group_filters = () if ranked is None else (f"{quoted(layout.gr[name])} <= {ranked}",)
    groups = listed if ranked is None else ranked
    in_group = limits.rows_in_group if isinstance(key, Column) else limits.rows_in_group * (ranked or rows)
    if in_group >= rows:
        return KeyLimit(groups, None, group_filters)
    return KeyLimit(groups, in_group, group_filters, (f"{quoted(layout.rpc[name])} <= {limits.rows_in_group}",))
