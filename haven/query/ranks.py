"""The stored ranks that hold one table's rows to its bounds, chosen from policy, query and options.

`rk_` ranks all rows of a unit, `gr_k` the groups of a declared key, `rpc_k` the rows within each of its groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from haven.query.expressions import Call, Column, Expression, Literal, columns_of, leaves, lookups_in
from haven.query.relations import Scan
from haven.query.render import quoted


@dataclass(frozen=True, slots=True)
class Limits:
    """r, m and c of the policy, lowered by the asker's options."""

    rows: int
    groups: int
    rows_in_group: int


@dataclass(frozen=True, slots=True)
class Share:
    """What one unit contributes of one relation: ≤ `rows` rows, in ≤ `groups` groups of the keys it alone decides, ≤ `in_group` in each.

    `filters` (SQL over rank columns) enforce it; `grouped` says whether it decides any key.
    """

    rows: int
    groups: int
    in_group: int
    filters: tuple[str, ...] = ()
    grouped: bool = False


@dataclass(frozen=True, slots=True)
class KeyLimit:
    """What ranks enforce for one group key: a unit in ≤ `groups` of its groups, ≤ `rows` rows in each (None: not enforced)."""

    groups: int | None = None
    rows: int | None = None
    group_filters: tuple[str, ...] = ()
    row_filters: tuple[str, ...] = ()


def share_of_scan(
    scan: Scan, limits: Limits, predicates: Sequence[Expression], keys: Sequence[tuple[Expression, int | None]], *, sums: bool
) -> Share:
    """The share of a table grouped by `keys` over its columns alone, each with the size of its public domain (None: private).

    With `sums` False only persons are counted: then rows need no bound where groups have one.
    """
    rows, pinned = _pinned(scan, limits, predicates)
    found = [_key_limit(limits, rows, key, size) for key, size in keys]
    enforced = [limit.groups for limit in found]
    by_key = rows if None in enforced else prod(groups for groups in enforced if groups is not None)
    groups = min(rows, by_key)
    group_filters = {each for limit in found for each in limit.group_filters}
    if not sums and by_key < rows:
        return Share(rows, groups, rows, tuple(sorted(group_filters)), grouped=bool(keys))
    in_group = min([rows, *(limit.rows for limit in found if limit.rows is not None)])
    filters = {*pinned, *group_filters, *(each for limit in found for each in limit.row_filters)}
    if by_key < rows and in_group < rows and groups * in_group <= rows:
        rows = groups * in_group
    elif not pinned:
        filters.add(f"{quoted(scan.layout.rk or '')} <= {rows}")
    return Share(rows, groups, in_group, tuple(sorted(filters)), grouped=bool(keys))


def first_row(scan: Scan, keys: Sequence[Expression], conditions: Sequence[Expression]) -> str | None:
    """SQL that is true of exactly one row of each unit in each of its groups, by a stored rank; None where no rank tells.

    `rpc_k` numbers a unit's rows of a group in the order of `rk_`, so where any of them is kept by its rank the first is. Conditions may
    only be of the key itself: they keep a group whole, or not at all. In a table of one row a unit every row that counts is the first.
    """
    if scan.layout.table.bound().rows_per_unit == 1:
        return f"({quoted(scan.layout.rk or '')} = 1)"
    if not keys:
        return None if conditions else f"({quoted(scan.layout.rk or '')} = 1)"
    (key, *others) = keys
    if others or not isinstance(key, Column) or key.storage.rank_in_group is None:
        return None
    read = {leaf for condition in conditions for leaf in leaves(condition) if not isinstance(leaf, Literal)}
    if read - {key} or any(True for condition in conditions for _ in lookups_in(condition)):
        return None
    return f"({quoted(key.storage.rank_in_group)} = 1)"


def _pinned(scan: Scan, limits: Limits, predicates: Sequence[Expression]) -> tuple[int, tuple[str, ...]]:
    """WHERE key = constant: rows of that key alone, at most c of them, chosen among themselves and not among all the unit's rows.

    Gives the bound on rows and the filters that enforce it: none (the rank among all rows must do) unless fewer rows are allowed so.
    """
    best: tuple[int, tuple[str, ...]] = (limits.rows, ())
    for predicate in predicates:
        column, values = _equality(predicate)
        rank = None if column is None or column.source != scan.source else column.storage.rank_in_group
        if rank is not None and values * limits.rows_in_group < best[0]:
            best = (values * limits.rows_in_group, (f"{quoted(rank)} <= {limits.rows_in_group}",))
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


def _key_limit(limits: Limits, rows: int, key: Expression, size: int | None) -> KeyLimit:
    """What bounds one key: the size of its public domain, and stored ranks, where it is a declared key column or a function of one alone.

    A function may put a unit's groups together: it has no more of them, and up to m·c rows in one.
    """
    listed = size if size is not None and size < rows else None
    columns = columns_of(key)
    group_rank, rank = (columns[0].storage.group_rank, columns[0].storage.rank_in_group) if len(columns) == 1 else (None, None)
    if group_rank is None or rank is None:
        return KeyLimit(listed)
    ranked = limits.groups if limits.groups < rows and (listed is None or limits.groups < listed) else None
    group_filters = () if ranked is None else (f"{quoted(group_rank)} <= {ranked}",)
    groups = listed if ranked is None else ranked
    in_group = limits.rows_in_group if isinstance(key, Column) else limits.rows_in_group * (ranked or rows)
    if in_group >= rows:
        return KeyLimit(groups, None, group_filters)
    return KeyLimit(groups, in_group, group_filters, (f"{quoted(rank)} <= {limits.rows_in_group}",))
