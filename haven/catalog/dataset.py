"""What exists: datasets, tables and columns as their custodians declare them. Public, data-free, frozen.

A declaration that exists is valid. A field it does not know is refused; so is every bound, key or name that the physical layout
(`haven.catalog.layout`) could not hold.
"""

import math
from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from itertools import chain
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, model_validator

from haven.privacy.units import ContributionBound

Name = Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
ColumnName = Annotated[StrictStr, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]
Count = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]

EPOCH = date(1970, 1, 1)
LARGEST_INTEGER = 2**53
FARTHEST = 2**31
MOST_KEYS = 10_000


def _plain_bound(value: Any) -> Any:  # noqa: ANN401 - a validator sees whatever was written
    """A bound is a finite number or an ISO date; a boolean or another string is neither."""
    if isinstance(value, str):
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise ValueError("a bound is a number without quotes, or a date as 2020-12-31.") from None
    if isinstance(value, datetime):
        raise ValueError("a bound is a date without a time of day, as 2020-12-31.")  # noqa: TRY004 - pydantic needs a ValueError
    if isinstance(value, bool) or not isinstance(value, int | float | date):
        raise ValueError("a bound is a number without quotes, or a date as 2020-12-31.")  # noqa: TRY004 - the same
    if not isinstance(value, date) and not math.isfinite(value):
        raise ValueError("a bound is finite.")
    return value


def _plain_flag(value: Any) -> Any:  # noqa: ANN401 - the same
    """True or false; 0 and 1 are accepted; no other number and no word is."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in {0, 1}:
        return bool(value)
    raise ValueError("write true or false.")


Flag = Annotated[bool, BeforeValidator(_plain_flag)]
Bound = Annotated[int | float | date, BeforeValidator(_plain_bound)]


class Declared(BaseModel):
    """A frozen declaration; a field it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class ColumnType(StrEnum):
    """The type of a column's values."""

    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CATEGORY = "category"
    DATE = "date"


BOUNDED_TYPES = frozenset({ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.DATE})


class Column(Declared):
    """One declared column. `bounds` are inclusive and public; `keys` are the public group keys of a category."""

    type: ColumnType
    bounds: tuple[Bound, Bound] | None = None
    nullable: Flag = False
    keys: tuple[StrictStr, ...] | None = None
    description: StrictStr = ""

    @property
    def interval(self) -> tuple[float, float] | None:
        """The bounds as numbers: days since 1970-01-01 for a date, (0, 1) for a boolean, None where the column is unbounded."""
        if self.type is ColumnType.BOOLEAN:
            return (0, 1)
        if self.bounds is None:
            return None
        low, high = (days_of(bound) if isinstance(bound, date) else bound for bound in self.bounds)
        return (low, high)

    @model_validator(mode="after")
    def _bounds_fit_the_type(self) -> Self:
        if self.bounds is None:
            return self
        if self.type not in BOUNDED_TYPES:
            raise ValueError(f"a {self.type} column has no bounds; remove `bounds`.")
        if any(isinstance(bound, date) != (self.type is ColumnType.DATE) for bound in self.bounds):
            raise ValueError("bounds are dates on a date column and numbers on every other.")
        low, high = self.interval or (0, 0)
        if not low < high:
            raise ValueError("the lower bound must lie below the upper one: write bounds: [low, high].")
        if self.type is ColumnType.INTEGER:
            _check_integer_bounds(low, high)
        if self.type is ColumnType.NUMBER:
            _check_number_bounds(low, high)
        return self

    @model_validator(mode="after")
    def _keys_fit_the_type(self) -> Self:
        if self.keys is None:
            return self
        if self.type is not ColumnType.CATEGORY:
            raise ValueError(f"only a category has keys; a {self.type} column has none.")
        if not self.keys:
            raise ValueError("an empty list of keys says nothing: list the public keys, or leave `keys` out and they are private.")
        if len(self.keys) > MOST_KEYS:
            raise ValueError(f"at most {MOST_KEYS} public keys are allowed; leave `keys` out and they are private.")
        if len(set(self.keys)) != len(self.keys):
            raise ValueError("a key is listed twice; list each once.")
        if any(not key or key != key.strip() for key in self.keys):
            raise ValueError("a key is not empty and has no space at its ends.")
        return self


def days_of(day: date) -> int:
    """Days since 1970-01-01: how a date is stored."""
    return (day - EPOCH).days


def _check_integer_bounds(low: float, high: float) -> None:
    if low != int(low) or high != int(high):
        raise ValueError("bounds of an integer column are whole numbers.")
    if max(abs(low), abs(high)) > LARGEST_INTEGER:
        raise ValueError("bounds of an integer column lie within ±2^53.")


def _check_number_bounds(low: float, high: float) -> None:
    """The stored scale is about 2^-20 of the range and stored values stay within 2^52, so the range may not be far from zero."""
    width = high - low
    if not math.isfinite(width) or width < math.ldexp(1, -900):
        raise ValueError("the distance between the bounds is too large or too small to compute with.")
    if max(abs(low), abs(high)) > FARTHEST * width:
        raise ValueError("the bounds lie too far from zero for their width; widen them, or store the column less an offset.")


class Table(Declared):
    """One declared table: personal (it has a unit column and contribution bounds) or public."""

    source: StrictStr = Field(min_length=1)
    public: Flag = False
    unit_column: ColumnName | None = None
    rows_per_unit: Count = 1
    groups_per_unit: Count | None = None
    rows_per_group: Count | None = None
    columns: dict[ColumnName, Column] = Field(default_factory=dict)
    description: StrictStr = ""

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
        if not self.columns:
            raise ValueError("a table declares at least one column.")
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
    """A dataset's public face: its name and tables. Who may use it, and at what price, is policy."""

    name: Name
    title: StrictStr = Field(min_length=1)
    tables: dict[Name, Table] = Field(min_length=1)

    @model_validator(mode="after")
    def _units_stay_apart(self) -> Self:
        check_units_stay_apart(self.tables)
        return self
