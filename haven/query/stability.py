"""Stability by policy: the most rows that one privacy unit can have in a relation, before any option lowers it.

A join on the unit multiplies the bounds of its sides, a join to a public table multiplies by its largest number of matches, UNION ALL adds
the bounds of its branches, and a grouping by the unit leaves one row a person, or one for each of the person's groups.
"""

from haven.errors import Code, Refused
from haven.query.relations import Derived, Joined, PerUnit, PublicScan, Rows, Scan, Selected, Source, Stacked

MOST_ROWS = 1_000_000
"""Of one unit, after all joins: beyond it a question could neither be exact nor end."""


def most_rows(rows: Rows) -> int:
    """The most rows of one unit. Raises Refused(QUERY_TOO_LARGE) beyond `MOST_ROWS`."""
    most = _of(rows.first)
    for each in rows.joined:
        most *= times(each, _of(each.source))
        check_size(most)
    return most


def times(joined: Joined, rows: int) -> int:
    """How many rows one row becomes: of a personal relation with `rows` rows a unit, or a public one; one where it is kept unmatched."""
    most = joined.matches if isinstance(joined.source, PublicScan) else rows
    return max(1, most) if joined.outer else most


def check_size(rows: int) -> None:
    """Refuse a relation with more rows of one unit than any answer could be exact for."""
    if rows > MOST_ROWS:
        raise Refused(
            Code.QUERY_TOO_LARGE,
            f"These joins give one person up to {rows} rows, more than {MOST_ROWS}.",
            "Join fewer tables, aggregate each per person first, or lower rows_per_unit.",
        )


def _of(source: Source) -> int:
    match source:
        case Scan(layout=layout):
            return layout.table.bound().rows_per_unit
        case PublicScan():
            return 1
        case Derived(body=Selected(rows=rows)):
            return most_rows(rows)
        case Derived(body=PerUnit(rows=rows, keys=keys)):
            return most_rows(rows) if keys else 1
        case Derived(body=Stacked(branches=branches)):
            return sum(most_rows(branch.rows) for branch in branches)
        case _:
            msg = "a derived relation is selected, stacked or per unit"
            raise TypeError(msg)
