"""Relations over rows: a scan, what is filtered away, and what its columns are called. Each knows its unit and its base scan."""

from collections.abc import Mapping
from dataclasses import dataclass

from haven.catalog.layout import TableLayout
from haven.query.expressions import Column, Expression, UnitColumn
from haven.query.shapes import Shape
from haven.query.storage import stored


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
    """The rows of one personal table, each owned by exactly one unit."""

    table: str
    layout: TableLayout

    @property
    def columns(self) -> tuple[Named, ...]:
        """The unit column, which may only be counted, and the declared columns."""
        declared = tuple(Named(name, self._column(name)) for name in self.layout.table.columns)
        unit = self.layout.table.unit_column
        owner = () if unit is None else (Named(unit, UnitColumn(self.table, unit, Shape(None, nullable=False))),)
        return owner + declared

    def _column(self, name: str) -> Column:
        shape, held = stored(self.layout, name)
        return Column(self.table, self.table, name, shape, held)


@dataclass(frozen=True, slots=True)
class Filter:
    """The rows of `source` for which `predicate` is true: a row-wise choice, so a unit's rows only become fewer."""

    source: "Relation"
    predicate: Expression

    @property
    def columns(self) -> tuple[Named, ...]:
        """Those of the source."""
        return self.source.columns


@dataclass(frozen=True, slots=True)
class Project:
    """The rows of `source` with other columns: one row in, one row out."""

    source: "Relation"
    columns: tuple[Named, ...]


Relation = Scan | Filter | Project


def scan_of(relation: Relation) -> Scan:
    """The base scan."""
    while not isinstance(relation, Scan):
        relation = relation.source
    return relation


def predicates_of(relation: Relation) -> tuple[Expression, ...]:
    """Every predicate between the relation and its base scan, over the base scan's columns."""
    found: list[Expression] = []
    while not isinstance(relation, Scan):
        if isinstance(relation, Filter):
            found.append(relation.predicate)
        relation = relation.source
    return tuple(found)
