"""Aggregates to integer targets: what the engine sums, on which grid, how large one row can be, and how the answer is made of it.

Order of operations for every expression: total, NULL unless finite → clamp to its interval → (x - centre)/g → round → integer clamp to
±Q → NULL counts nothing. The last clamp makes Q true whatever floats or interval arithmetic did; stored columns need none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from haven.catalog.layout import NOISE_CAP, ROW_CAP, SUM_CAP, Grid, coarse_enough, grid_of
from haven.query.aggregates import Aggregate, Kind, conjunction, present
from haven.query.expressions import Call, Column, Expression, Literal, columns_of
from haven.query.private_plan import OutputType
from haven.query.render import Names, double, quoted, render
from haven.query.shapes import Interval

LARGEST_ROW = SUM_CAP // ROW_CAP
FINE_ENOUGH = 2**12
"""A fixed-point column stands for a clamped one only while this many of its steps remain."""


class Method(StrEnum):
    """How a SUM is found: DIRECT sums the values; CENTRED sums their distances from the middle and adds middle times count."""

    DIRECT = "direct"
    CENTRED = "centred"


@dataclass(frozen=True, slots=True)
class Draft:
    """A target before its noise: `value` and `condition` are SQL over a row, the target is factor·Σ value - offset·#value in units of grid.

    `value` None counts rows (or persons, where `persons`); `nullable` says whether #value may be fewer than the rows; `largest` is the
    largest integer one row adds; `centre` is what a row's zero stands for.
    """

    value: str | None
    condition: str | None
    persons: bool = False
    factor: int = 1
    offset: int = 0
    grid: float = 1.0
    largest: int = 1
    centre: float = 0.0
    nullable: bool = True
    words: str = ""

    @property
    def reach(self) -> float:
        """The largest absolute value one row adds, in the column's own unit."""
        return self.largest * self.grid

    def sql(self, value: str, condition: str) -> str:
        """The aggregate over a relation whose columns `value` and `condition` hold what this draft's hold."""
        where = f" FILTER (WHERE {condition})" if self.condition is not None else ""
        if self.value is None:
            return f"count(DISTINCT {value}){where}" if self.persons else f"count(*){where}"
        total = f"sum({value}){where}"
        if self.factor != 1:
            total = f"{self.factor} * {total}"
        if self.offset:
            counted = value if self.nullable else "*"
            # 128 bits: a wide offset times many rows would not fit in 64, and how many rows there are must not be told by a failure
            total = f"{total} - CAST({self.offset} AS HUGEINT) * count({counted}){where}"
        return f"CAST(greatest({-NOISE_CAP}, least({NOISE_CAP}, coalesce({total}, 0))) AS BIGINT)"


class Drafter:
    """Drafts the targets of aggregates over one table, each expression rendered once."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def rows(self, condition: Expression | None) -> Draft:
        """How many rows meet `condition`."""
        return Draft(None, self._condition(condition), words="number of rows" + _where(condition))

    def persons(self, condition: Expression | None) -> Draft:
        """How many distinct units have a row that meets `condition`."""
        return Draft(None, self._condition(condition), persons=True, words="number of persons" + _where(condition))

    def present(self, aggregate: Aggregate) -> Draft:
        """How many rows a mean is of."""
        argument = aggregate.argument
        return self.rows(conjunction(aggregate.condition, None if argument is None else present(argument)))

    def total(self, aggregate: Aggregate, method: Method) -> Draft:
        """The sum of an aggregate's argument, direct or centred."""
        argument = aggregate.argument
        if argument is None:
            msg = "only sums and means have an argument"
            raise TypeError(msg)
        condition = self._condition(aggregate.condition)
        draft = self._stored(argument, method) or self._whole(argument, method) or self._rounded(argument, method)
        name = argument.name if isinstance(argument, Column) else "an expression"
        about = f"{name} - {draft.centre:.6g}" if draft.centre else name
        words = f"sum of {about}{_where(aggregate.condition)}"
        return replace(draft, condition=condition, words=words)

    def _condition(self, condition: Expression | None) -> str | None:
        return None if condition is None else render(condition, self._names)

    def _stored(self, argument: Expression, method: Method) -> Draft | None:
        """A stored integer column within the width: exact, and nothing to clamp but to the asker's own narrower bounds."""
        column = _clamped_column(argument)
        stored = column.storage.summed if column is not None and column.shape.numeric else None
        if column is None or stored is None or stored.grid is None or stored.low is None or stored.high is None:
            return None
        name, low, high = self._names[column.source] + quoted(stored.name), stored.low, stored.high
        if column != argument:
            bounds = _on_grid(argument.shape.interval, stored.grid, stored.low, stored.high)
            if bounds is None:
                return None
            low, high = bounds
        narrowed = name if (low, high) == (stored.low, stored.high) else f"greatest({low}, least({high}, {name}))"
        value = f"CASE WHEN {name} IS NOT NULL THEN {narrowed} END" if column.shape.nullable and narrowed != name else narrowed
        draft = _integers(value, low, high, stored.grid.step, method)
        return None if draft is None else replace(draft, nullable=column.shape.nullable)

    def _whole(self, argument: Expression, method: Method) -> Draft | None:
        """A computed integer within the width: centred in the row, so that the integer clamp is the last operation on it."""
        interval = argument.shape.interval
        if argument.shape.type is not OutputType.INTEGER or not interval.exact:
            return None
        draft = _integers("", int(interval.low), int(interval.high), 1.0, method)
        if draft is None:
            return None
        value = render(argument, self._names)
        row = f"greatest({-draft.largest}, least({draft.largest}, {draft.factor} * {value} - ({draft.offset})))"
        return Draft(_unless_null(row, value, argument), None, grid=draft.grid, largest=draft.largest, centre=draft.centre)

    def _rounded(self, argument: Expression, method: Method) -> Draft:
        """Any other number: in double precision, rounded to a grid of about 2⁻²⁰ of its range."""
        low, high = argument.shape.interval.low, argument.shape.interval.high
        centre = low / 2 + high / 2 if method is Method.CENTRED else 0.0
        reach = max(high - centre, centre - low)
        grid = _coarser(grid_of(low, high), coarse_enough(reach))
        largest = max(1, grid.ceil(reach))
        value = render(argument, self._names)
        held = f"greatest({double(low)}, least({double(high)}, {value}))"
        row = f"CAST(round(({held} - ({double(centre)})) / {double(grid.step)}) AS BIGINT)"
        row = f"greatest({-largest}, least({largest}, {row}))"
        return Draft(_unless_null(row, value, argument), None, grid=grid.step, largest=largest, centre=centre)


def _clamped_column(argument: Expression) -> Column | None:
    """The column that `argument` is, or that it clamps to constants."""
    match argument:
        case Column() | Call(function="clamp", arguments=(Column(), Literal(), Literal())):
            return argument if isinstance(argument, Column) else columns_of(argument)[0]
        case _:
            return None


def _on_grid(interval: Interval, grid: Grid, least: int, most: int) -> tuple[int, int] | None:
    """An interval within a stored column's in the column's integers; None where an end falls between two, or few are left of many."""
    low, high = max(least, grid.ceil(interval.low)), min(most, grid.floor(interval.high))
    exact = (low == least or low == grid.floor(interval.low)) and (high == most or high == grid.ceil(interval.high))
    return (low, high) if exact and (grid.exponent == 0 or high - low >= FINE_ENOUGH) else None


def _integers(value: str, low: int, high: int, step: float, method: Method) -> Draft | None:
    """Integers in [low, high]; None where a row could be wider than a sum allows. An odd centre needs half a step."""
    if method is Method.DIRECT:
        draft = Draft(value, None, grid=step, largest=max(abs(low), abs(high)))
    elif (low + high) % 2:
        draft = Draft(value, None, factor=2, offset=low + high, grid=step / 2, largest=high - low, centre=(low + high) * step / 2)
    else:
        middle = (low + high) // 2
        draft = Draft(value, None, offset=middle, grid=step, largest=(high - low) // 2, centre=middle * step)
    return draft if 1 <= draft.largest <= LARGEST_ROW else None


def _unless_null(row: str, value: str, argument: Expression) -> str:
    return f"CASE WHEN {value} IS NOT NULL THEN {row} END" if argument.shape.nullable else row


def _coarser(one: Grid, other: Grid) -> Grid:
    return Grid(max(one.exponent, other.exponent))


def _where(condition: Expression | None) -> str:
    return "" if condition is None else " that meet a condition"


@dataclass(frozen=True, slots=True)
class Part:
    """One term of an aggregate's answer: `coefficient` × the draft's value in real units."""

    draft: Draft
    coefficient: float = 1.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an aggregate is answered: Σ parts, or for a mean centre + total / number. `scale` is what its error is measured against."""

    aggregate: Aggregate
    parts: tuple[Part, ...]
    scale: float = 1.0

    def demands(self) -> Sequence[tuple[Draft, float]]:
        """Each draft with the weight of its variance, in 1/grid² units, for an error measured in units of `scale`."""
        return [(part.draft, (part.coefficient * part.draft.grid / self.scale) ** 2) for part in self.parts]


def recipe_of(aggregate: Aggregate, drafter: Drafter, method: Method) -> Recipe:
    """The recipe of one aggregate. A mean's error is measured in radii, for a count of its rows: w_sum = 1, w_count = R²."""
    match aggregate.kind:
        case Kind.ROWS:
            return Recipe(aggregate, (Part(drafter.rows(aggregate.condition)),))
        case Kind.UNITS:
            return Recipe(aggregate, (Part(drafter.persons(aggregate.condition)),))
        case Kind.MEAN:
            total = drafter.total(aggregate, Method.CENTRED)
            return Recipe(aggregate, (Part(total), Part(drafter.present(aggregate), total.reach)), total.reach)
        case Kind.SUM:
            total = drafter.total(aggregate, method)
            scale = drafter.total(aggregate, Method.DIRECT).reach
            if not total.centre:
                return Recipe(aggregate, (Part(total),), scale)
            return Recipe(aggregate, (Part(total), Part(drafter.present(aggregate), total.centre)), scale)
