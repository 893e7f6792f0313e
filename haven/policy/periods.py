"""Spans of time that policies are written in: the periods that a cap holds for, and the dates on which snapshots are taken. Pure, in UTC.

Every span is counted from the calendar alone (months from January, weeks from a Monday), so that nobody's data or spending moves one.
"""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from haven.catalog.dataset import Declared
from haven.policy.quantities import Day

MONTHS_OF_YEAR = 12
FIRST_MONDAY = date(1970, 1, 5)
LAST_DAY_OF_EVERY_MONTH = 28
EVERY = re.compile(r"([1-9][0-9]{0,2}) (days?|weeks?|months?)")


@dataclass(frozen=True, slots=True)
class Span:
    """One period: its `name` in the books, its first day, and the first day of the next."""

    name: str
    begins: date
    next_begins: date


class Length(Declared):
    """How long a period is: whole calendar months (a divisor of twelve, counted from January) or whole weeks (from a Monday), in UTC."""

    months: Literal[1, 2, 3, 4, 6, 12] | None = None
    weeks: Annotated[int, Field(strict=True, ge=1, le=52)] | None = None

    @model_validator(mode="after")
    def _is_one_of_the_two(self) -> Self:
        if (self.months is None) is (self.weeks is None):
            raise ValueError("a period is a number of months or of weeks; write one of the two, as months: 1.")
        return self

    def span(self, day: date) -> Span:
        """The period that `day` lies in. Periods of one length never overlap, and those of two lengths never share a name."""
        return _months(day, self.months) if self.months is not None else _weeks(day, self.weeks or 1)

    @property
    def words(self) -> str:
        """`month`, `3 months`, `week`, `2 weeks`."""
        count, unit = (self.months, "month") if self.months is not None else (self.weeks, "week")
        return unit if count == 1 else f"{count} {unit}s"


def _every(value: Any) -> Any:  # noqa: ANN401 - a validator sees whatever was written
    if not isinstance(value, str) or not EVERY.fullmatch(value):
        raise ValueError("how often is written as 3 months, 2 weeks or 30 days.")
    return value


class Calendar(Declared):
    """The published dates on which a dataset's snapshot is renewed: `from`, and every so often after it."""

    model_config = ConfigDict(serialize_by_alias=True)

    every: Annotated[str, BeforeValidator(_every), WithJsonSchema({"type": "string", "pattern": f"^{EVERY.pattern}$"})]
    first: Day = Field(alias="from")

    @model_validator(mode="after")
    def _has_its_day_in_every_month(self) -> Self:
        if self._unit == "month" and self.first.day > LAST_DAY_OF_EVERY_MONTH:
            raise ValueError("a calendar of months begins on one of the first 28 days of a month, which every month has.")
        return self

    def latest(self, day: date) -> date | None:
        """The last date of the calendar up to and including `day`; None before the first."""
        return None if day < self.first else self._date(self._steps(day))

    def following(self, day: date) -> date:
        """The first date of the calendar after `day`."""
        return self.first if day < self.first else self._date(self._steps(day) + 1)

    def is_due(self, last: date, day: date) -> bool:
        """Whether a date of the calendar lies after `last`, the day of the present snapshot, and not after `day`."""
        latest = self.latest(day)
        return latest is not None and last < latest

    @property
    def _count(self) -> int:
        return int(self.every.partition(" ")[0])

    @property
    def _unit(self) -> str:
        return self.every.partition(" ")[2].removesuffix("s")

    def _steps(self, day: date) -> int:
        """How many dates of the calendar follow its first one up to `day`."""
        if self._unit != "month":
            return (day - self.first).days // self._days
        whole = (day.year - self.first.year) * MONTHS_OF_YEAR + day.month - self.first.month
        return (whole - (day.day < self.first.day)) // self._count

    def _date(self, step: int) -> date:
        if self._unit != "month":
            return self.first + timedelta(days=self._days * step)
        return _first_of(self.first.year * MONTHS_OF_YEAR + self.first.month - 1 + self._count * step).replace(day=self.first.day)

    @property
    def _days(self) -> int:
        return self._count * (7 if self._unit == "week" else 1)


def _months(day: date, count: int) -> Span:
    number = (day.year * MONTHS_OF_YEAR + day.month - 1) // count * count
    begins = _first_of(number)
    return Span(f"{begins:%Y-%m}" + ("" if count == 1 else f"+{count}"), begins, _first_of(number + count))


def _weeks(day: date, count: int) -> Span:
    begins = FIRST_MONDAY + timedelta(weeks=(day - FIRST_MONDAY).days // (7 * count) * count)
    year, week, _ = begins.isocalendar()
    return Span(f"{year}-W{week:02d}" + ("" if count == 1 else f"+{count}"), begins, begins + timedelta(weeks=count))


def _first_of(month: int) -> date:
    """The first day of a month, counted from January of the year 0."""
    return date(month // MONTHS_OF_YEAR, month % MONTHS_OF_YEAR + 1, 1)
