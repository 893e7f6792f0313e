"""A plan's SQL: rows, then groups, then integers. Every part is generated, none is the researcher's."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from haven.catalog.layout import NOISE_CAP
from haven.query.rows_sql import RowsText
from haven.query.targets import Draft

PARTS_OF_A_ROW = 2**10
"""A person held to a bound counts in proportion: rows are then counted in parts of this size."""


@dataclass(frozen=True, slots=True)
class Grouped:
    """Rows under their bounds, the unit of each, and the SQL of the keys they are grouped by; `private` keys also count their units.

    `sets` are the sets of keys that have shares of their own, by position; none for a plain GROUP BY. `first` is SQL that is true of one
    row of each unit in each of its groups, where a stored rank tells it: persons are then counted by it.
    """

    rows: RowsText
    unit: str
    keys: Sequence[str]
    private: bool
    sets: Sequence[Sequence[int]] = ()
    first: str | None = None


def question_sql(grouped: Grouped, drafts: Sequence[Draft]) -> str:
    """SELECT keys, units, targets FROM (SELECT what they need FROM rows WHERE ranks AND conditions) GROUP BY keys.

    With sets of keys, by each of them; the mask that tells them apart, and NULL from NULL, stands after the keys.
    """
    inner, names = _needed(grouped, drafts)
    keys = [f"k{index}" for index in range(len(grouped.keys))]
    rows, persons = grouped.rows, "count(DISTINCT u)"
    if grouped.first is not None and all(map(_plain, drafts)):
        rows, persons = replace(rows, conditions=(*rows.conditions, grouped.first)), "count(*)"
    elif grouped.first is not None:
        inner, persons = [*inner, f"{grouped.first} AS f"], "count(*) FILTER (WHERE f)"
    outer = list(keys) + ([f"{persons} AS units_"] if grouped.private else [])
    if grouped.sets:
        outer.append(f"GROUPING_ID({', '.join(keys)}) AS k{len(keys)}")
        sets = [f"({', '.join(keys[index] for index in each)})" for each in grouped.sets]
        keys = [f"GROUPING SETS ({', '.join(sets)})"]
    outer += [f"{persons if _plain(draft) else _aggregate(draft, names)} AS t{index}" for index, draft in enumerate(drafts)]
    return _grouped(outer, rows.select(inner), keys)


def _plain(draft: Draft) -> bool:
    """Whether it counts all persons of a group."""
    return draft.persons and draft.condition is None


def per_person_sql(grouped: Grouped, drafts: Sequence[Draft], rows_per_unit: int) -> str:
    """The same without keys, aggregated per person first: whoever has more than `rows_per_unit` rows counts in proportion.

    A person's part of a target is p·r/n, whole, for the p that n > r rows add: as all subsets of r rows would on average. It is held to
    r times the largest row, whatever p is.
    """
    inner, names = _needed(grouped, drafts)
    parts = [f"{_part(draft, names)} AS p{index}" for index, draft in enumerate(drafts)]
    persons = _grouped(["count(*) AS n", *parts], grouped.rows.select([*inner, f"{grouped.unit} AS w"]), ["w"])
    outer = []
    for index, draft in enumerate(drafts):
        most = draft.largest * rows_per_unit
        held = f"CASE WHEN n <= {rows_per_unit} THEN p{index} ELSE p{index} * {rows_per_unit} // n END"
        total = f"coalesce(sum(greatest({-most}, least({most}, {held}))), 0)"
        outer.append(f"CAST(greatest({-NOISE_CAP}, least({NOISE_CAP}, {total})) AS BIGINT) AS t{index}")
    return _grouped(outer, persons, [])


def _needed(grouped: Grouped, drafts: Sequence[Draft]) -> tuple[list[str], dict[str, str]]:
    """The columns that drafts need of a row, and the name of each by its SQL."""
    values = dict.fromkeys(draft.value for draft in drafts if draft.value is not None)
    conditions = dict.fromkeys(draft.condition for draft in drafts if draft.condition is not None)
    names = {f"value {sql}": f"v{index}" for index, sql in enumerate(values)}
    names |= {f"condition {sql}": f"c{index}" for index, sql in enumerate(conditions)}
    inner = [f"{sql} AS k{index}" for index, sql in enumerate(grouped.keys)]
    inner += [f"{sql} AS {names[f'value {sql}']}" for sql in values] + [f"{sql} AS {names[f'condition {sql}']}" for sql in conditions]
    by_rank = grouped.first is not None
    if (grouped.private and not by_rank) or any(draft.persons and not (by_rank and _plain(draft)) for draft in drafts):
        inner.append(f"{grouped.unit} AS u")
    return inner, names


def _aggregate(draft: Draft, names: dict[str, str]) -> str:
    value = "u" if draft.persons else names.get(f"value {draft.value}", "")
    return draft.sql(value, names.get(f"condition {draft.condition}", ""))


def _part(draft: Draft, names: dict[str, str]) -> str:
    """What one person's rows add to a target, in 128 bits: no number of rows can make it fail."""
    where = "" if draft.condition is None else f" FILTER (WHERE {names[f'condition {draft.condition}']})"
    if draft.value is None:
        return f"CAST(count(*){where} AS HUGEINT) * {draft.largest}"
    value = names[f"value {draft.value}"]
    counted = value if draft.nullable else "*"
    total = f"{draft.factor} * CAST(coalesce(sum({value}){where}, 0) AS HUGEINT)"
    return f"{total} - CAST({draft.offset} AS HUGEINT) * count({counted}){where}" if draft.offset else total


def _grouped(outer: Sequence[str], rows: str, keys: Sequence[str]) -> str:
    return " ".join(["SELECT", ", ".join(outer), "FROM", f"({rows})", *(["GROUP BY", ", ".join(keys)] if keys else [])])
