"""The physical layout of a table: a pure function of its declaration, read by the room that writes rows and by the one that asks.

What is stored for each declared column (names are always quoted identifiers in SQL; DuckDB compares them without case):

* integer  `x`     BIGINT or INTEGER; with bounds, clamped to [low, high], grid 1
* number   `x`     DOUBLE, NULL unless finite; with bounds, clamped to [lo, hi]; and then also
*          `x_fx`  fixed point on the stored scale g, a power of two between 2⁻²¹ and 2⁻²⁰ of the range: clamp, divide by g, round half
                   away from zero, clamp to [low, high] with low = ⌈lo/g⌉ and high = ⌊hi/g⌋, so that x_fx·g lies inside the bounds
* boolean  `x`     TINYINT 0 or 1
* category `x`     VARCHAR, at most LONGEST_TEXT characters, without space at its ends
* date     `x`     INTEGER, days since 1970-01-01; with bounds, clamped

A personal table also has the unit `unit_` (INTEGER, a number in place of the id, never NULL) and the rank `rk_`, and where a unit may
have several rows, for each category k, `gr_k` and `rpc_k`: INTEGER, from 1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

from haven.catalog.column import LONGEST_KEY
from haven.catalog.dataset import Column, ColumnType, Table

ROW_CAP = 2**34
"""Ingest refuses a table with more rows than this, so that the width of every sum is known before any row is seen."""
SUM_CAP = 2**61
"""ROW_CAP · multiplicity · (largest integer of a row) never exceeds this: no 64-bit sum can wrap."""
NOISE_CAP = 2**62
"""Exact sums are clamped to ±this before noise; the clamp is 1-Lipschitz, so it costs no sensitivity."""
SCALE_BITS = 20
LONGEST_TEXT = LONGEST_KEY
"""A stored text has at most this many characters (Unicode code points, at most four bytes each): longer ones are cut at ingest."""

UNIT = "unit_"
ROW_RANK = "rk_"


@dataclass(frozen=True, slots=True)
class Grid:
    """The grid of step 2^exponent on which a column's integers count."""

    exponent: int

    @property
    def step(self) -> float:
        """The step g, a power of two, exactly."""
        return math.ldexp(1.0, self.exponent)

    @property
    def exact_step(self) -> Fraction:
        """The step as a fraction."""
        return Fraction(2) ** self.exponent

    def floor(self, value: float) -> int:
        """The largest grid integer at or below `value`, exactly."""
        return math.floor(Fraction(value) / self.exact_step)

    def ceil(self, value: float) -> int:
        """The smallest grid integer at or above `value`, exactly."""
        return math.ceil(Fraction(value) / self.exact_step)

    def nearest(self, value: float) -> int:
        """The nearest grid integer, halves away from zero, exactly. `value` is finite."""
        doubled = abs(Fraction(value) / self.exact_step) * 2
        magnitude = (math.floor(doubled) + 1) // 2
        return magnitude if value >= 0 else -magnitude


UNIT_GRID = Grid(0)


class PhysicalKind(StrEnum):
    """What a stored column holds."""

    INTEGER = "integer"
    DOUBLE = "double"
    FIXED = "fixed"
    BOOLEAN = "boolean"
    TEXT = "text"
    DAYS = "days"


@dataclass(frozen=True, slots=True)
class PhysicalColumn:
    """One stored column `name` of the declared column `logical`.

    `grid` is None for DOUBLE and TEXT. `low` and `high` are the inclusive integers that a CHECK enforces, None where unbounded; a
    bounded DOUBLE is checked against the declared bounds instead. A column that is not `nullable` is stored NOT NULL.
    """

    name: str
    logical: str
    kind: PhysicalKind
    grid: Grid | None
    low: int | None
    high: int | None
    nullable: bool

    @property
    def sql_type(self) -> str:
        """The stored SQL type."""
        if self.kind in SQL_TYPES:
            return SQL_TYPES[self.kind]
        fits = self.low is not None and self.high is not None and self.low >= -(2**31) and self.high < 2**31
        return "INTEGER" if fits else "BIGINT"


SQL_TYPES: Mapping[PhysicalKind, str] = {
    PhysicalKind.DOUBLE: "DOUBLE",
    PhysicalKind.BOOLEAN: "TINYINT",
    PhysicalKind.TEXT: "VARCHAR",
    PhysicalKind.DAYS: "INTEGER",
}


@dataclass(frozen=True, slots=True)
class TableLayout:
    """The stored form of `table`.

    `unit` and `rk` are None for a public table; `gr` and `rpc` map each category column of a personal table with several rows a unit to
    the names of its stored ranks. `rk` ranks a unit's rows, `gr` its groups, `rpc` its rows within the group; all from 1.
    """

    table: Table
    columns: tuple[PhysicalColumn, ...]
    unit: str | None = UNIT
    rk: str | None = ROW_RANK
    gr: Mapping[str, str] = field(default_factory=dict)
    rpc: Mapping[str, str] = field(default_factory=dict)

    def stored(self, logical: str) -> PhysicalColumn:
        """The column that holds the values of `logical` under its own name. Raises KeyError where it is not declared."""
        return next((column for column in self.columns if column.name == column.logical == logical), None) or _unknown(logical)

    def summed(self, logical: str) -> PhysicalColumn | None:
        """The integer column to sum for `logical`, with its grid and bounds; None where it has none (unbounded, or not a number)."""
        candidates = (column for column in self.columns if column.logical == logical)
        return next((column for column in candidates if column.grid is not None and column.low is not None), None)

    @property
    def system_columns(self) -> tuple[str, ...]:
        """The names of the unit and rank columns, in stored order."""
        names = (self.unit, self.rk, *(name for key in self.gr for name in (self.gr[key], self.rpc[key])))
        return tuple(name for name in names if name is not None)


@lru_cache(maxsize=256)
def layout_of(table: Table) -> TableLayout:
    """The stored form of a declared table. Made once for a table that is asked often: a wide one takes a millisecond."""
    columns = tuple(stored for name, column in table.columns.items() for stored in _stored(name, column))
    if table.public:
        return TableLayout(table, columns, unit=None, rk=None)
    keys = [name for name, column in table.columns.items() if column.type is ColumnType.CATEGORY and table.rows_per_unit > 1]
    return TableLayout(table, columns, gr={key: f"gr_{key}" for key in keys}, rpc={key: f"rpc_{key}" for key in keys})


def grid_of(low: float, high: float) -> Grid:
    """The stored scale of a number with these bounds: the power of two with 2²⁰ ≤ (high - low)/g < 2²¹ steps in the range."""
    exponent_above = math.frexp(high - low)[1]
    return Grid(exponent_above - 1 - SCALE_BITS)


def coarse_enough(reach: float, multiplicity: int = 1) -> Grid:
    """The finest grid on which sums stay within the width: ROW_CAP · multiplicity · ⌈reach/g⌉ ≤ SUM_CAP.

    `reach` > 0 is the largest absolute value of one row (in the column's unit), `multiplicity` the largest number of times a join repeats
    a row. A plan takes the coarser of this and the stored grid. Raises ValueError where none does (multiplicity above SUM_CAP / ROW_CAP).
    """
    if not 0 < reach < math.inf:
        raise ValueError("the reach of a row is positive and finite")
    largest = SUM_CAP // (ROW_CAP * multiplicity)
    if largest < 1:
        raise ValueError("a join repeats its rows too often for any sum to stay within its width")
    exponent = math.frexp(reach / largest)[1]
    while Grid(exponent - 1).ceil(reach) <= largest:
        exponent -= 1
    return Grid(exponent)


def _stored(name: str, column: Column) -> tuple[PhysicalColumn, ...]:
    bounds = column.interval
    if column.type is ColumnType.CATEGORY:
        return (PhysicalColumn(name, name, PhysicalKind.TEXT, None, None, None, column.nullable),)
    if column.type is ColumnType.NUMBER:
        return _stored_number(name, bounds, nullable=column.nullable)
    low, high = (None, None) if bounds is None else (int(bounds[0]), int(bounds[1]))
    return (PhysicalColumn(name, name, WHOLE_KINDS[column.type], UNIT_GRID, low, high, column.nullable),)


WHOLE_KINDS: Mapping[ColumnType, PhysicalKind] = {
    ColumnType.INTEGER: PhysicalKind.INTEGER,
    ColumnType.BOOLEAN: PhysicalKind.BOOLEAN,
    ColumnType.DATE: PhysicalKind.DAYS,
}


def _stored_number(name: str, bounds: tuple[float, float] | None, *, nullable: bool) -> tuple[PhysicalColumn, ...]:
    double = PhysicalColumn(name, name, PhysicalKind.DOUBLE, None, None, None, nullable)
    if bounds is None:
        return (double,)
    grid = grid_of(*bounds)
    return (double, PhysicalColumn(f"{name}_fx", name, PhysicalKind.FIXED, grid, grid.ceil(bounds[0]), grid.floor(bounds[1]), nullable))


def _unknown(logical: str) -> PhysicalColumn:
    raise KeyError(logical)
