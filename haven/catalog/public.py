"""What is known of a public table beyond its declaration: its columns, their values, and how often one value repeats.

A public table holds nobody's data, so all of this is public too: it is read once, when a snapshot is made, and planning may use it.
"""

from datetime import date
from typing import Annotated

from pydantic import Field

from haven.catalog.dataset import ColumnName, ColumnType, Declared

PublicValue = str | int | float | date | bool
MOST_VALUES = 10_000
"""A column with more distinct values than this has none listed."""


class PublicColumn(Declared):
    """One column of a public table, as stored.

    `low` and `high` are the least and largest value (days since 1970-01-01 for a date), None for text and for a column of NULLs alone.
    `values` are its distinct values that are not NULL, in ascending order; None where there are more than `MOST_VALUES`. `most_alike` is
    the largest number of rows that share one value that is not NULL: an equality join repeats a row at most so often.
    """

    type: ColumnType
    nullable: bool
    low: float | None = None
    high: float | None = None
    values: tuple[PublicValue, ...] | None = None
    most_alike: Annotated[int, Field(ge=0)]


class PublicTable(Declared):
    """A public table's facts: its number of rows and its columns, in stored order."""

    rows: Annotated[int, Field(ge=0)]
    columns: dict[ColumnName, PublicColumn]
