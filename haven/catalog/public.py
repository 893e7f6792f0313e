"""What is known of a public table beyond its declaration: its columns, their values, and how often one value repeats.

A public table holds nobody's data, so all of this is public too: it is read once, when a snapshot is made, and planning may use it.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated, Any

from pydantic import Field, FiniteFloat, ValidationInfo, field_validator

from haven.catalog.column import ColumnName, ColumnType, Declared

PublicValue = bool | int | float | date | str
MOST_VALUES = 10_000
"""A column with more distinct values than this has none listed."""
READ_AS: Mapping[ColumnType, Callable[[Any], PublicValue]] = {
    ColumnType.INTEGER: int,
    ColumnType.NUMBER: float,
    ColumnType.BOOLEAN: bool,
    ColumnType.CATEGORY: str,
    ColumnType.DATE: date.fromisoformat,
}


class PublicColumn(Declared):
    """One column of a public table, as stored.

    `nullable` says whether the stored column may hold NULL. `low` and `high` are its least and largest value (days since 1970-01-01 for
    a date, 0 and 1 for a boolean; beyond 2^53 the next float outside), None for text and for a column of NULLs alone. `values` are its
    distinct values that are not NULL, in ascending order (text by code point; a date as a date, a number as a float), none twice; None
    where there are more than `MOST_VALUES`, or a date outside the years 1 to 9999. `most_alike` is the largest number of rows that share
    one value that is not NULL: an equality join repeats a row at most so often.
    """

    type: ColumnType
    nullable: bool
    low: FiniteFloat | None = None
    high: FiniteFloat | None = None
    values: tuple[PublicValue, ...] | None = None
    most_alike: Annotated[int, Field(ge=0)]

    @field_validator("values", mode="before")
    @classmethod
    def _values_are_of_the_type(cls, values: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - a validator sees whatever was written
        """What JSON holds as text or as a number becomes the column's own type again."""
        kind = info.data.get("type")
        if values is None or kind is None:
            return values
        return tuple(READ_AS[kind](value) if kind is not ColumnType.DATE or isinstance(value, str) else value for value in values)


class PublicTable(Declared):
    """A public table's facts: its number of rows and its columns, in stored order."""

    rows: Annotated[int, Field(ge=0)]
    columns: dict[ColumnName, PublicColumn]
