"""What exists: datasets and their tables as their custodians declare them. Public, data-free, frozen.

A declaration that exists is valid. A field it does not know is refused; so is every bound, key or name that the physical layout
(`haven.catalog.layout`) could not hold.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Annotated, Self

from pydantic import Field, StrictStr, model_validator

from haven.catalog.column import Column, ColumnName, ColumnType, Declared, Flag, Name, days_of
from haven.catalog.public import PublicTable
from haven.privacy.units import ContributionBound

__all__ = [
    "Column",
    "ColumnName",
    "ColumnType",
    "Dataset",
    "Declared",
    "Flag",
    "Name",
    "Table",
    "check_units_stay_apart",
    "days_of",
]

Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]


class Table(Declared):
    """One declared table: personal (it has a unit column and contribution bounds) or public.

    A public table may leave `columns` out: they are then read from its source at ingest (`completed` fills them in).
    """

    source: StrictStr = Field(min_length=1)
    public: Flag = False
    unit_column: ColumnName | None = None
    rows_per_unit: Count = 1
    groups_per_unit: Count | None = None
    rows_per_group: Count | None = None
    columns: dict[ColumnName, Column] = Field(default_factory=dict)
    description: StrictStr = ""

    def __hash__(self) -> int:
        """Equal tables have equal hashes; the columns' names tell most others apart."""
        return hash((self.source, self.unit_column, *self.columns))

    def bound(self) -> ContributionBound:
        """How much of a table grouped by one declared key column a unit may change: groups and rows in each default to rows_per_unit.

        Raises ValueError on a public table, which no unit contributes to.
        """
        if self.public:
            raise ValueError("a public table has no contribution bound")
        return ContributionBound(
            rows_per_unit=self.rows_per_unit,
            groups_per_unit=self.groups_per_unit or self.rows_per_unit,
            rows_per_group=self.rows_per_group or self.rows_per_unit,
        )

    @model_validator(mode="after")
    def _is_personal_or_public(self) -> Self:
        bounded = self.groups_per_unit is not None or self.rows_per_group is not None or self.rows_per_unit != 1
        if self.public and (self.unit_column is not None or bounded):
            raise ValueError("a public table has no unit column and no contribution bounds; remove them, or remove `public: true`.")
        if not self.public and self.unit_column is None:
            raise ValueError("a table with personal data names its unit_column; write `public: true` if it holds none.")
        return self

    @model_validator(mode="after")
    def _contribution_bounds_agree(self) -> Self:
        if (self.rows_per_group or 1) > self.rows_per_unit:
            raise ValueError("rows_per_group cannot exceed rows_per_unit.")
        if (self.groups_per_unit or 1) > self.rows_per_unit:
            raise ValueError("groups_per_unit cannot exceed rows_per_unit: each row lies in one group.")
        return self

    @model_validator(mode="after")
    def _names_do_not_clash(self) -> Self:
        if not self.columns and not self.public:
            raise ValueError("a table with personal data declares at least one column.")
        spoken_for = {name.lower() for name in _system_names(self)}
        seen: set[str] = set()
        for name in self.columns:
            if self.unit_column is not None and name.lower() == self.unit_column.lower():
                raise ValueError(f"{name} is the unit column and cannot be queried; remove it from `columns`.")
            if name.lower() in spoken_for or name.endswith("_"):
                raise ValueError(f"the column name {name} is taken by the stored layout; choose another.")
            if name.lower() in seen:
                raise ValueError(f"the column name {name} is there twice; names that differ in case alone are the same.")
            seen.add(name.lower())
        return self


def _system_names(table: Table) -> frozenset[str]:
    """The names that the stored layout adds beside the declared columns."""
    keys = [name for name, column in table.columns.items() if column.type is ColumnType.CATEGORY]
    numbers = [name for name, column in table.columns.items() if column.type is ColumnType.NUMBER and column.bounds is not None]
    return frozenset(chain(("unit_", "rk_"), (f"gr_{k}" for k in keys), (f"rpc_{k}" for k in keys), (f"{x}_fx" for x in numbers)))


def check_units_stay_apart(tables: Mapping[str, Table]) -> None:
    """No public table has a column named as a unit column: nothing public may join on persons. Raises ValueError."""
    units = {table.unit_column.lower() for table in tables.values() if table.unit_column is not None}
    for name, table in tables.items():
        if table.public and any(column.lower() in units for column in table.columns):
            raise ValueError(f"the public table {name} has a column named as the unit column of a personal table; rename or remove it.")


class Dataset(Declared):
    """A dataset's public face: its name and tables. Who may use it, and at what price, is policy.

    `facts` are what the snapshot in force says of the public tables; a public table that is not there has none, and cannot be joined.
    """

    name: Name
    title: StrictStr = Field(min_length=1)
    tables: dict[Name, Table] = Field(min_length=1)
    facts: Mapping[Name, PublicTable] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _units_stay_apart(self) -> Self:
        check_units_stay_apart(self.tables)
        return self


def completed(table: Table, facts: PublicTable) -> Table:
    """The declaration of a public table with the columns that ingest read from its source; as it is where it declares its columns.

    `layout_of` it is the stored layout: ingest stores by it, and questions are planned by it.
    """
    if table.columns or not table.public:
        return table
    columns = {name: Column(type=column.type, nullable=column.nullable) for name, column in facts.columns.items()}
    return table.model_copy(update={"columns": columns})


def described(dataset: Dataset, facts: Mapping[str, PublicTable]) -> Dataset:
    """The dataset as one snapshot holds it: public tables with their facts, and with columns where the declaration leaves them out.

    `facts` are all of that one snapshot. Raises ValueError where a column that ingest read has the name of a unit column.
    """
    kept = {name: of_table for name, of_table in facts.items() if name in dataset.tables and dataset.tables[name].public}
    tables = {name: completed(table, kept[name]) if name in kept else table for name, table in dataset.tables.items()}
    return Dataset(name=dataset.name, title=dataset.title, tables=tables, facts=kept)
