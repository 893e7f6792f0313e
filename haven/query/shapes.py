"""What is known of a scalar expression before any row is read: its type, whether it may be NULL, and the interval its values lie in."""

import math
from dataclasses import dataclass
from datetime import date

from haven.catalog.layout import LONGEST_TEXT
from haven.query.private_plan import OutputType

Value = str | int | float | date | None
"""A scalar in Python: booleans are ints' subclass, dates are dates, NULL is None."""

EXACT_INTEGERS = 2.0**53
"""Integers are computed in 64 bits only where interval arithmetic, exact up to here, proves that they fit."""
FINITE = 1e300
"""Numbers whose interval lies within this need no guard against infinity."""
FIRST_DAY, LAST_DAY = -719162, 2932896
"""Dates lie in the years 1 to 9999: days since 1970-01-01."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval of the extended reals, low ≤ high."""

    low: float
    high: float

    @property
    def reach(self) -> float:
        """The largest absolute value."""
        return max(abs(self.low), abs(self.high))

    @property
    def bounded(self) -> bool:
        """Whether both ends are finite, with room to compute."""
        return self.reach <= FINITE

    @property
    def exact(self) -> bool:
        """Whether integers in it are exact in a double and far from the ends of 64 bits."""
        return self.reach <= EXACT_INTEGERS

    def holds(self, value: float) -> bool:
        """Whether `value` lies in it."""
        return self.low <= value <= self.high

    def outward(self, relative: float = 0.0) -> "Interval":
        """The interval widened by one float at each end, and by `relative` of its reach: covers the rounding of one operation."""
        margin = self.reach * relative if self.bounded else 0.0
        return Interval(math.nextafter(self.low - margin, -math.inf), math.nextafter(self.high + margin, math.inf))

    def join(self, other: "Interval") -> "Interval":
        """The least interval that holds both."""
        return Interval(min(self.low, other.low), max(self.high, other.high))

    def __neg__(self) -> "Interval":
        """Every negated value."""
        return Interval(-self.high, -self.low)

    def __add__(self, other: "Interval") -> "Interval":
        """Every sum."""
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Interval") -> "Interval":
        """Every difference."""
        return self + -other

    def __mul__(self, other: "Interval") -> "Interval":
        """Every product; 0 · ∞ is 0, because 0 times any finite value is."""
        corners = [_product(a, b) for a in (self.low, self.high) for b in (other.low, other.high)]
        return Interval(min(corners), max(corners))


def _product(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


EVERYTHING = Interval(-math.inf, math.inf)
ZERO_ONE = Interval(0.0, 1.0)
ALL_DAYS = Interval(FIRST_DAY, LAST_DAY)
STORED_LENGTHS = Interval(0.0, LONGEST_TEXT)
NUMERIC = frozenset({OutputType.INTEGER, OutputType.NUMBER})


@dataclass(frozen=True, slots=True)
class Shape:
    """Type, nullability and range of a scalar: of dates in days since 1970-01-01, of texts in characters. `type` is None for a bare NULL.

    Every finite claim about `interval` holds for every row. An INTEGER outside ±2⁵³ has an interval with an infinite end.
    """

    type: OutputType | None
    nullable: bool
    interval: Interval = EVERYTHING

    @property
    def numeric(self) -> bool:
        """Whether it is an integer or a number."""
        return self.type in NUMERIC

    def or_null(self) -> "Shape":
        """The same, possibly NULL."""
        return Shape(self.type, nullable=True, interval=self.interval)


NULL_SHAPE = Shape(None, nullable=True)


def integer(interval: Interval, *, nullable: bool) -> Shape:
    """An INTEGER in `interval`; one that may leave ±2⁵³ is known no better than unbounded."""
    return Shape(OutputType.INTEGER, nullable, interval if interval.exact else EVERYTHING)


def number(interval: Interval, *, nullable: bool) -> Shape:
    """A NUMBER: finite or NULL."""
    return Shape(OutputType.NUMBER, nullable, interval)


def boolean(*, nullable: bool) -> Shape:
    """A BOOLEAN."""
    return Shape(OutputType.BOOLEAN, nullable, ZERO_ONE)


def text(*, nullable: bool, lengths: Interval | None = None) -> Shape:
    """A TEXT; its interval holds the number of its characters, at most those that a stored text may have."""
    return Shape(OutputType.TEXT, nullable, STORED_LENGTHS if lengths is None else lengths)


def day(interval: Interval, *, nullable: bool) -> Shape:
    """A DATE between the years 1 and 9999."""
    return Shape(OutputType.DATE, nullable, Interval(max(interval.low, FIRST_DAY), min(interval.high, LAST_DAY)))


def shape_of_value(value: Value) -> Shape:
    """The shape of a constant."""
    match value:
        case None:
            return NULL_SHAPE
        case bool():
            return Shape(OutputType.BOOLEAN, nullable=False, interval=Interval(float(value), float(value)))
        case int():
            return integer(Interval(float(value), float(value)), nullable=False)
        case float():
            return number(Interval(value, value), nullable=False)
        case date():
            days = float(days_of(value))
            return Shape(OutputType.DATE, nullable=False, interval=Interval(days, days))
        case _:
            return text(nullable=False, lengths=Interval(len(value), len(value)))


EPOCH = date(1970, 1, 1)


def days_of(value: date) -> int:
    """Days since 1970-01-01."""
    return (value - EPOCH).days


def date_of(days: int) -> date:
    """The date that many days after 1970-01-01. Raises OverflowError outside the years 1 to 9999."""
    return date.fromordinal(EPOCH.toordinal() + days)
