"""Columns as their custodians declare them: a type, public bounds, public keys. What a declaration is made of. Pure."""

import math
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictStr, model_validator

Name = Annotated[StrictStr, Field(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
ColumnName = Annotated[StrictStr, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,62}$")]

EPOCH = date(1970, 1, 1)
LARGEST_INTEGER = 2**53
FARTHEST = 2**31
MOST_KEYS = 10_000
LONGEST_KEY = 1024
"""In characters (Unicode code points). A stored text is no longer than this, so neither is a key."""


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
        if any(len(key) > LONGEST_KEY for key in self.keys):
            raise ValueError(f"a key has at most {LONGEST_KEY} characters.")
        if any("\0" in key for key in self.keys):
            raise ValueError("a key has no NUL character.")
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
