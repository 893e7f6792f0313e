"""Relations over rows: base tables, what is computed per person or stacked below, and how they are joined.

Every row of a personal relation belongs to exactly one privacy unit. Relations are immutable; what a unit may contribute to one is in
`stability` (by policy) and `bounding` (by policy and options).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from haven.catalog.layout import UNIT, TableLayout
from haven.catalog.public import PublicTable
from haven.query.aggregates import Aggregate
from haven.query.expressions import Column, Expression, UnitColumn
from haven.query.shapes import Shape
from haven.query.storage import public, stored


@dataclass(frozen=True, slots=True)
class Named:
    """An expression under the name it was given."""

    name: str
    expression: Expression


Columns = Mapping[str, Named]
"""By name in lower case: DuckDB compares names without case, quoted or not."""


def columns_by_name(columns: tuple[Named, ...]) -> Columns:
    """The first column of each name."""
    return {named.name.lower(): named for named in reversed(columns)}


@dataclass(frozen=True, slots=True)
class Scan:
    """The rows of one personal table, each owned by exactly one unit. `source` tells the relations of a question apart."""

    table: str
    layout: TableLayout
    source: str = "s0"

    @property
    def columns(self) -> tuple[Named, ...]:
        """The unit column, which may only be counted, and the declared columns."""
        declared = tuple(Named(name, self._column(name)) for name in self.layout.table.columns)
        return (Named(self.layout.table.unit_column or UNIT, self.unit), *declared)

    @property
    def unit(self) -> UnitColumn:
        """The privacy unit of a row."""
        return UnitColumn(self.source, self.layout.table.unit_column or UNIT, Shape(None, nullable=False))

    def _column(self, name: str) -> Column:
        shape, held = stored(self.layout, name)
        return Column(self.source, self.table, name, shape, held)


@dataclass(frozen=True, slots=True)
class PublicScan:
    """The rows of a public table, which belong to nobody."""

    table: str
    facts: PublicTable
    source: str

    @property
    def columns(self) -> tuple[Named, ...]:
        """Its columns, with what is known of their values."""
        return tuple(Named(name, Column(self.source, self.table, name, *public(column))) for name, column in self.facts.columns.items())


@dataclass(frozen=True, slots=True)
class Pick:
    """The value of `argument` in a person's row with the least or (`last`) largest `by`; of equals, in the row of the least stored rank.

    Rows where `by` is NULL are passed over, and where not `keep_null` those where `argument` is.
    """

    argument: Expression
    by: Expression
    rank: Column
    condition: Expression | None
    last: bool
    keep_null: bool


@dataclass(frozen=True, slots=True)
class Selected:
    """Rows with computed columns: one row in, one row out."""

    rows: "Rows"
    columns: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class PerUnit:
    """One row for every person in `rows`, or for every person and value of `keys`, with aggregates of that person's rows alone.

    Every aggregate is of integers, or a choice among a person's values: no order of rows can change it.
    """

    rows: "Rows"
    keys: tuple[Named, ...]
    aggregates: tuple[tuple[str, Aggregate | Pick], ...]
    columns: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Stacked:
    """The rows of every branch, one below the other, with columns of the same names."""

    branches: tuple[Selected, ...]


Body = Selected | PerUnit | Stacked


@dataclass(frozen=True, slots=True)
class Derived:
    """A relation computed below, with the unit of every row. `shapes` says what is known of its columns, by name."""

    body: Body
    shapes: tuple[tuple[str, Shape], ...]
    source: str
    unit_name: str = UNIT

    @property
    def unit(self) -> UnitColumn:
        """The privacy unit of a row."""
        return UnitColumn(self.source, self.unit_name, Shape(None, nullable=False))

    def column(self, name: str) -> Column:
        """One of its columns."""
        return Column(self.source, "", name, dict(self.shapes)[name])


Source = Scan | PublicScan | Derived


@dataclass(frozen=True, slots=True)
class Joined:
    """A further relation beside those before it: personal ones meet on the unit, public ones in at most `matches` rows each.

    `outer` is LEFT JOIN: a row that meets none is kept, with NULLs beside it. `conditions` are those of ON besides the unit.
    """

    source: Source
    conditions: tuple[Expression, ...] = ()
    outer: bool = False
    matches: int = 1


@dataclass(frozen=True, slots=True)
class Rows:
    """Relations joined from left to right, and what is filtered away of their rows."""

    first: Source
    joined: tuple[Joined, ...] = ()
    conditions: tuple[Expression, ...] = ()

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every relation, from left to right."""
        return (self.first, *(each.source for each in self.joined))

    @property
    def personal(self) -> bool:
        """Whether rows belong to persons."""
        return any(not isinstance(source, PublicScan) for source in self.sources)

    @property
    def unit(self) -> UnitColumn:
        """The privacy unit of a row: of a personal relation that no LEFT JOIN can leave without rows. Raises TypeError without one."""
        for source in (self.first, *(each.source for each in self.joined if not each.outer)):
            if not isinstance(source, PublicScan):
                return source.unit
        msg = "rows of public tables belong to nobody"
        raise TypeError(msg)

    def where(self, *conditions: Expression) -> "Rows":
        """Only the rows that meet further conditions."""
        return replace(self, conditions=(*self.conditions, *conditions))

    def predicates(self) -> Iterator[Expression]:
        """Every condition of WHERE and ON."""
        yield from self.conditions
        for each in self.joined:
            yield from each.conditions


def inner_rows(source: Source) -> tuple[Rows, ...]:
    """The rows that a derived relation is computed from; none for a base table."""
    if not isinstance(source, Derived):
        return ()
    body = source.body
    return tuple(branch.rows for branch in body.branches) if isinstance(body, Stacked) else (body.rows,)


def every_source(rows: Rows) -> Iterator[Source]:
    """Every relation of `rows` and of what they are computed from, from the outside in."""
    for source in rows.sources:
        yield source
        for inner in inner_rows(source):
            yield from every_source(inner)
