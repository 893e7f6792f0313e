"""Aggregates to integer targets: what the engine sums, on which grid, how large one row can be, and how the answer is made of it.

Order of operations for every expression: total, NULL unless finite → clamp to its interval → (x - centre)/g → round → integer clamp to
±Q → NULL counts nothing. The last clamp makes Q true whatever floats or interval arithmetic did; stored columns need none.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from haven.catalog.layout import NOISE_CAP, ROW_CAP, SUM_CAP, Grid, coarse_enough, grid_of
from haven.privacy.choices import Aim, Goal
from haven.query.aggregates import Aggregate, Kind, conjunction, present
from haven.query.candidates import MOST, Candidate, Candidates, evenly_spaced, listed, powers_of_two
from haven.query.expressions import Column, Expression
from haven.query.private_plan import OutputType
from haven.query.products import products, stored_integers
from haven.query.render import Names, double, render

LARGEST_ROW = SUM_CAP // ROW_CAP


class Method(StrEnum):
    """How a SUM is found: DIRECT sums the values; CENTRED sums their distances from the middle and adds middle times count."""

    DIRECT = "direct"
    CENTRED = "centred"


@dataclass(frozen=True, slots=True)
class Draft:
    """A target before its noise: `value` and `condition` are SQL over a row, the target is factor·Σ value - offset·#value in units of grid.

    `value` None counts rows (or persons, where `persons`); with `distinct` the different values are counted. `nullable` says whether
    #value may be fewer than the rows; `largest` is the largest integer one row adds; `centre` is what a row's zero stands for.
    With a `goal`, `value` is the index of a row's candidate, the engine counts rows by candidate, and `largest` is what one row may change
    of a score.
    """

    value: str | None
    condition: str | None
    persons: bool = False
    distinct: bool = False
    factor: int = 1
    offset: int = 0
    grid: float = 1.0
    largest: int = 1
    centre: float = 0.0
    nullable: bool = True
    words: str = ""
    goal: Goal | None = None
    candidates: tuple[Candidate, ...] = ()
    where: Expression | None = field(default=None, compare=False)
    """What `condition` says, for those who ask whether two targets can be of the same row."""

    @property
    def reach(self) -> float:
        """The largest absolute value one row adds, in the column's own unit."""
        return self.largest * self.grid

    @property
    def additive(self) -> bool:
        """Whether over a union of groups it is the sum of theirs."""
        return not (self.persons or self.distinct or self.goal is not None)

    @property
    def counts(self) -> bool:
        """Whether it counts rows, persons or values."""
        return self.value is None or self.distinct

    def sql(self, value: str, condition: str) -> str:
        """The aggregate over a relation whose columns `value` and `condition` hold what this draft's hold."""
        where = f" FILTER (WHERE {condition})" if self.condition is not None else ""
        if self.value is None:
            return f"count(DISTINCT {value}){where}" if self.persons else f"count(*){where}"
        if self.distinct:
            return f"count(DISTINCT {value}){where}"
        if self.goal is not None:
            # the remark makes choices of different values from the same counts different texts
            return f"histogram({value}){where} /* {self.goal}, {len(self.candidates)} candidates */"
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

    def __init__(self, names: Names, most_candidates: int = MOST) -> None:
        self._names = names
        self._most_candidates = most_candidates

    def rows(self, condition: Expression | None) -> Draft:
        """How many rows meet `condition`."""
        return Draft(None, self._condition(condition), words="number of rows" + _where(condition), where=condition)

    def persons(self, condition: Expression | None) -> Draft:
        """How many distinct units have a row that meets `condition`."""
        return Draft(None, self._condition(condition), persons=True, words="number of persons" + _where(condition))

    def values(self, aggregate: Aggregate) -> Draft:
        """How many distinct values an argument has: a row more or less changes it by one at most, as it does a count of rows."""
        argument, condition = _argument(aggregate), aggregate.condition
        words = f"number of distinct values of {_named(argument)}{_where(condition)}"
        return Draft(render(argument, self._names), self._condition(condition), distinct=True, words=words, where=condition)

    def present(self, aggregate: Aggregate) -> Draft:
        """How many rows a mean is of."""
        argument = aggregate.argument
        return self.rows(conjunction(aggregate.condition, None if argument is None else present(argument)))

    def total(self, aggregate: Aggregate, method: Method) -> Draft:
        """The sum of an aggregate's argument, direct or centred."""
        argument = _argument(aggregate)
        condition = self._condition(aggregate.condition)
        draft = self._stored(argument, method) or self._whole(argument, method) or self._rounded(argument, method)
        name = _named(argument)
        about = f"{name} - {draft.centre:.6g}" if draft.centre else name
        words = f"sum of {about}{_where(aggregate.condition)}"
        return replace(draft, condition=condition, words=words, where=aggregate.condition)

    def choices(self, aggregate: Aggregate) -> tuple[Draft, ...]:
        """The value an aggregate's goal is for; without one, powers of two below and above all but one in 200 of the values."""
        argument, goal, most = _argument(aggregate), aggregate.goal, self._most_candidates
        if goal is None:
            ways = ((Goal(Aim.TAIL, 1, 200), False), (Goal(Aim.TAIL, 1, 200, from_top=True), True))
            return tuple(self._chosen(aggregate, goal, powers_of_two(argument, self._names, most, above=above)) for goal, above in ways)
        if goal.aim is Aim.COMMONEST:
            found = listed(argument, self._names, most)
        else:
            found = evenly_spaced(argument, self._names, most, between=goal.aim is Aim.BETWEEN)
        return (self._chosen(aggregate, goal, found),)

    def _chosen(self, aggregate: Aggregate, goal: Goal, found: Candidates) -> Draft:
        words = f"{_spoken(goal)} of {_named(_argument(aggregate))}{_where(aggregate.condition)}"
        condition = self._condition(aggregate.condition)
        return Draft(found.sql, condition, largest=goal.largest, words=words, goal=goal, candidates=found.values)

    def _condition(self, condition: Expression | None) -> str | None:
        return None if condition is None else render(condition, self._names)

    def _stored(self, argument: Expression, method: Method) -> Draft | None:
        """Stored integers within the width, exact; or the product of two, exact but for the last bits that the width leaves no room for."""
        plain = stored_integers(argument, self._names)
        for found in products(argument, self._names) if plain is None else (plain,):
            draft = _integers(found.sql, found.low, found.high, found.step, method)
            if draft is not None:
                return replace(draft, nullable=found.nullable)
        return None

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


def _argument(aggregate: Aggregate) -> Expression:
    if aggregate.argument is None:
        msg = "counts of rows and persons have no argument"
        raise TypeError(msg)
    return aggregate.argument


def _named(argument: Expression) -> str:
    return argument.name if isinstance(argument, Column) and argument.table else "an expression"


def _spoken(goal: Goal) -> str:
    """What is chosen, to a reader."""
    if goal.aim is Aim.COMMONEST:
        return "most common value"
    if goal.aim is Aim.RANK:
        return "largest value" if goal.from_top else "smallest value"
    if (goal.numerator, goal.denominator) == (1, 2):
        return "median"
    return f"{goal.numerator}/{goal.denominator} quantile{' from the top' if goal.from_top else ''}"


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
    """The recipe of one aggregate. A mean's error is measured in radii, for a count of its rows: w_sum = 1, w_count = R².

    A choice's error is measured in ranks, or for the commonest value in rows: one rank off weighs as one row off in a count.
    """
    match aggregate.kind:
        case Kind.ROWS | Kind.UNITS:
            count = drafter.rows if aggregate.kind is Kind.ROWS else drafter.persons
            return Recipe(aggregate, (Part(count(aggregate.condition)),))
        case Kind.VALUES:
            return Recipe(aggregate, (Part(drafter.values(aggregate)),))
        case Kind.CHOICE | Kind.BOUNDS:
            return Recipe(aggregate, tuple(map(_ranked, drafter.choices(aggregate))))
        case Kind.MEAN:
            total = drafter.total(aggregate, Method.CENTRED)
            return Recipe(aggregate, (Part(total), Part(drafter.present(aggregate), total.reach)), total.reach)
        case Kind.SUM:
            total = drafter.total(aggregate, method)
            scale = drafter.total(aggregate, Method.DIRECT).reach
            if not total.centre:
                return Recipe(aggregate, (Part(total),), scale)
            return Recipe(aggregate, (Part(total), Part(drafter.present(aggregate), total.centre)), scale)


def _ranked(draft: Draft) -> Part:
    """A choice, weighed by the standard deviation of its rank."""
    return Part(draft, 1.0 if draft.goal is None else math.sqrt(draft.goal.variance))
