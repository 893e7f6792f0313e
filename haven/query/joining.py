"""Joins: two relations side by side become one, and the privacy unit is followed through.

Two personal relations meet on their unit columns and nowhere else: one row could otherwise be referred to by many persons, and each row
has one owner. A public relation multiplies the bound by its largest number of matches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from haven.errors import Code, Refused
from haven.query.aggregates import conjuncts
from haven.query.expressions import Call, Column, Expression, UnitColumn, sources_of
from haven.query.functions import call
from haven.query.names import Part
from haven.query.per_person import key_column
from haven.query.relations import Derived, Joined, Named, PublicScan, Rows, Selected, Source

Link = tuple[UnitColumn, UnitColumn]
"""Two unit columns that a condition makes equal."""


@dataclass(frozen=True, slots=True)
class Beside:
    """Rows with the named parts of FROM that they are made of."""

    rows: Rows
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """The conjuncts of a condition: equalities of units apart from the rest."""

    links: tuple[Link, ...] = ()
    others: tuple[Expression, ...] = ()


def joined_inner(left: Beside, right: Beside, on: Condition, merged: frozenset[str]) -> Beside:
    """INNER JOIN, or CROSS JOIN where `on` says nothing. Units that must still meet are checked by `checked`."""
    if right.rows.personal and not left.rows.personal:
        first, second = right.rows, left.rows
    else:
        first, second = left.rows, right.rows
    conditions = (*on.others, *(present for link in on.links for present in _present(link)))
    both_personal = first.personal and second.personal
    head = Joined(second.first, () if both_personal else conditions)
    rows = Rows(first.first, (*first.joined, head, *second.joined), (*first.conditions, *second.conditions))
    rows = rows.where(*conditions) if both_personal else rows
    return Beside(rows, (*left.parts, *_merged(right.parts, merged)))


def joined_left(left: Beside, right: Beside, on: Condition, merged: frozenset[str], fresh: str) -> Beside:
    """LEFT JOIN: rows of `left` without a match stay, with NULLs beside them. `right` is one relation; one that is more becomes one."""
    if not left.rows.personal and right.rows.personal:
        raise Refused(
            Code.QUERY_OWNERSHIP,
            "A public table stands on the side that is kept: its rows without a match belong to nobody.",
            "Write an inner JOIN: groups that are public and empty are answered anyway.",
        )
    if right.rows.personal and not on.links:
        raise join_refused()
    source, parts = (right.rows.first, right.parts) if _bare(right) else wrapped(right, fresh)
    conditions = [*on.others, *(present for link in on.links for present in _present(link) if not _of(present, source))]
    renamed = tuple(_renamed(each, right, parts) for each in conditions)
    kept = tuple(replace(part, columns=tuple(_optional(named) for named in part.columns)) for part in parts)
    rows = replace(left.rows, joined=(*left.rows.joined, Joined(source, renamed, outer=True)))
    return Beside(rows, (*left.parts, *_merged(kept, merged)))


def wrapped(beside: Beside, fresh: str) -> tuple[Derived, tuple[Part, ...]]:
    """The rows as one derived relation, and its parts with the columns of it."""
    if not beside.rows.personal:
        raise Refused(
            Code.QUERY_JOIN,
            "The public side of this LEFT JOIN is more than one public table as it stands.",
            "Join the public table itself, with its conditions in ON.",
        )
    if any(isinstance(named.expression, UnitColumn) and named.expression.shape.nullable for part in beside.parts for named in part.columns):
        raise Refused(
            Code.QUERY_JOIN,
            "The optional side of this LEFT JOIN is itself a LEFT JOIN.",
            "Write the joins one after another: FROM a LEFT JOIN b ON … LEFT JOIN c ON ….",
        )
    distinct = {named.expression: f"c{index}" for index, named in enumerate(named for part in beside.parts for named in part.columns)}
    values = {expression: name for expression, name in distinct.items() if not isinstance(expression, UnitColumn)}
    columns = tuple(Named(name, expression) for expression, name in values.items())
    body = Selected(beside.rows, columns)
    derived = Derived(body, tuple((each.name, each.expression.shape) for each in columns), fresh, beside.rows.unit.name)

    def inside(named: Named) -> Named:
        if isinstance(named.expression, UnitColumn):
            return Named(named.name, derived.unit)
        return Named(named.name, key_column(fresh, values[named.expression], named.expression))

    return derived, tuple(replace(part, columns=tuple(map(inside, part.columns))) for part in beside.parts)


def checked(rows: Rows, links: Sequence[Link]) -> Rows:
    """`rows` once every personal relation of an inner join is tied to the others by its unit, and public ones have their matches.

    Raises Refused(QUERY_OWNERSHIP) for two personal relations whose units nothing makes equal.
    """
    inner = [rows.first, *(each.source for each in rows.joined if not each.outer)]
    personal = {source.source for source in inner if not isinstance(source, PublicScan)}
    if personal:
        met = {rows.unit.source}
        for _ in rows.sources:
            met |= {end.source for link in links if any(each.source in met for each in link) for end in link}
        if personal - met:
            raise join_refused()
    return replace(rows, joined=tuple(replace(each, matches=_matches(each, rows)) for each in rows.joined))


def tied(rows: Rows) -> tuple[Link, ...]:
    """The links of rows that were checked already, as those of a subquery: all its inner personal relations meet on the unit."""
    inner = [rows.first, *(each.source for each in rows.joined if not each.outer)]
    personal = [source for source in inner if not isinstance(source, PublicScan)]
    return tuple((personal[0].unit, source.unit) for source in personal[1:])


def join_refused() -> Refused:
    """The refusal of two personal relations that do not meet on the unit."""
    return Refused(
        Code.QUERY_OWNERSHIP,
        "Two tables of persons are joined, but not by their unit columns: one person's row could reach into many others'.",
        "Join them by the person: FROM a JOIN b ON a.id = b.id, with the columns that identify persons; add further conditions with AND.",
    )


def _matches(joined: Joined, rows: Rows) -> int:
    """The most rows of a public table that one row can meet: by its equalities with columns, else all of them."""
    if not isinstance(joined.source, PublicScan):
        return 1
    where = () if joined.outer else rows.conditions
    equal = [part for whole in (*joined.conditions, *where) for part in conjuncts(whole)]
    alike = [joined.source.facts.columns[name].most_alike for each in equal for name in _tied(each, joined.source.source)]
    return min([joined.source.facts.rows, *alike])


def _tied(condition: Expression, source: str) -> list[str]:
    """The column of `source` that a condition makes equal to what other relations say."""
    match condition:
        case Call(function="equal", arguments=(one, other)):
            pairs = ((one, other), (other, one))
            return [
                a.name for a, b in pairs if isinstance(a, Column) and a.source == source and source not in sources_of(b) and _exact(a, b)
            ]
        case _:
            return []


def _bare(beside: Beside) -> bool:
    """Whether rows are one relation as it stands."""
    plain = (named.expression for part in beside.parts for named in part.columns)
    return not beside.rows.joined and not beside.rows.conditions and all(isinstance(each, Column | UnitColumn) for each in plain)


def _present(link: Link) -> list[Expression]:
    """Equal units are present ones: of a unit that a LEFT JOIN may leave out, that is a condition."""
    return [call("is_present", unit) for unit in link if unit.shape.nullable]


def _of(present: Expression, source: Source) -> bool:
    return isinstance(present, Call) and present.arguments == (getattr(source, "unit", None),)


def _optional(named: Named) -> Named:
    """A column that a LEFT JOIN may leave NULL."""
    expression = named.expression
    if not isinstance(expression, Column | UnitColumn):
        return named
    return Named(named.name, replace(expression, shape=expression.shape.or_null()))


def _renamed(condition: Expression, before: Beside, after: Sequence[Part]) -> Expression:
    """A condition over the parts of a relation, over those it was wrapped into."""
    pairs = zip(before.parts, after, strict=True)
    new = {old.expression: now.expression for part, made in pairs for old, now in zip(part.columns, made.columns, strict=True)}
    return _replaced(condition, new)


def _replaced(expression: Expression, new: dict[Expression, Expression]) -> Expression:
    if expression in new:
        return new[expression]
    if isinstance(expression, Call):
        return call(expression.function, *(_replaced(argument, new) for argument in expression.arguments))
    return expression


def _merged(parts: Sequence[Part], merged: frozenset[str]) -> tuple[Part, ...]:
    return tuple(replace(part, merged=part.merged | merged) for part in parts)


def _exact(one: Expression, other: Expression) -> bool:
    """Whether they compare as the values they are: beyond 2⁵³ two integers may be one number."""
    return one.shape.type is other.shape.type or one.shape.interval.exact
