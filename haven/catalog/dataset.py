"""What exists: datasets, tables and columns as their custodians declare them. Public, data-free, frozen."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
ColumnName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]


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


class Column(Declared):
    """One declared column. `bounds` are inclusive and public; `keys` are the public group keys of a category."""

    type: ColumnType
    bounds: tuple[float, float] | None = None
    nullable: bool = False
    keys: tuple[str, ...] | None = None
    description: str = ""


class Table(Declared):
    """One declared table: personal (it has a unit column and contribution bounds) or public."""

    source: str
    public: bool = False
    unit_column: ColumnName | None = None
    rows_per_unit: int = 1
    groups_per_unit: int | None = None
    rows_per_group: int | None = None
    columns: dict[ColumnName, Column] = Field(default_factory=dict)
    description: str = ""


class Dataset(Declared):
    """A dataset's public face: its name and tables. Who may use it, and at what price, is policy."""

    name: Name
    title: str
    tables: dict[Name, Table]
