"""Station 4: a resolved question and a way to pay to a private plan. Data-free: a function of policy, query, options and price."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from haven.errors import Code, Refused
from haven.privacy.budget import Definition
from haven.privacy.choices import Choice
from haven.privacy.mechanisms import Noise, Sensitivity
from haven.query.aggregates import Aggregate, Kind
from haven.query.assembling import Grouped, per_person_sql, question_sql
from haven.query.bounding import Bounding, Options, bound_rows
from haven.query.candidates import MOST, most_candidates
from haven.query.complements import complemented
from haven.query.dates import as_date
from haven.query.digests import plan_digest
from haven.query.domains import domain_of
from haven.query.expressions import Expression, columns_of
from haven.query.postprocessing import Leaves, conjoined, convert, level_of, orderings
from haven.query.preaggregation import bound_per_person, in_parts
from haven.query.pricing import Asked, PlanContext, Priced, burden, burden_alone, price_for_error, price_shared, weigh
from haven.query.private_plan import Bounds, GroupKey, Output, OutputType, PrivatePlan, Target
from haven.query.ranks import first_row
from haven.query.relations import Scan
from haven.query.render import render
from haven.query.resolve import ResolvedQuery
from haven.query.rows_sql import columns_used, rows_text
from haven.query.set_shares import GroupedKey, Settled, Terms, settle
from haven.query.shapes import Value
from haven.query.sizes import target_sql
from haven.query.targets import Draft, Drafter, Method, Recipe, recipe_of
from haven.query.words import explain, warn

MOST_CELLS = 100_000
CLEARLY = 1e-6
"""A sum is asked another way only where that is better by more than rounding."""


@dataclass(frozen=True, slots=True)
class PlannedKey:
    """A group key, its SQL, and its public values (None: private)."""

    sql: str
    key: GroupKey


@dataclass(frozen=True, slots=True)
class Drafted:
    """A question with its targets, in canonical order, and their noise."""

    recipes: tuple[Recipe, ...]
    drafts: tuple[Draft, ...]
    priced: Priced


def plan(resolved: ResolvedQuery, context: PlanContext, asked: Asked) -> PrivatePlan:
    """The private plan of `resolved` under the policy's facts.

    With `asked.price` the noise spends at most that, shared by weight; with `asked.error` it spends the least that keeps the 95 %
    half-width of every COUNT and SUM within it. Private keys also spend the policy's δ of one selection. Raises Refused.
    """
    return _Planner(resolved, context, asked).plan()


def burden_of(resolved: ResolvedQuery, context: PlanContext, asked: Asked) -> float:
    """What the weighted variance of a question's answer grows with, whatever its price (`asked` says how its aggregates are weighed).

    Under zCDP the variance is burden²/2ρ, under Gaussian DP burden²/μ², under pure DP 2·burden³/ε². Raises Refused as `plan` does.
    """
    return _Planner(resolved, context, asked).burden()


class _Planner:
    """The decisions of one plan, each made once."""

    def __init__(self, resolved: ResolvedQuery, context: PlanContext, asked: Asked) -> None:
        self._resolved = resolved
        self._answer = resolved.answer
        self._context = context
        self._asked = asked
        self._rows = self._answer.rows
        self._source = rows_text(self._rows, None)
        self._names = self._source.names
        self._planned_keys = [self._key(named.name, named.expression) for named in self._answer.keys]
        self._order = sorted(range(len(self._planned_keys)), key=lambda index: self._planned_keys[index].sql)
        self._keys = [self._planned_keys[index] for index in self._order]
        self._private = any(planned.key.domain is None for planned in self._keys)
        self._bounding = self._bound()
        self._settled = self._settle() if self._answer.sets else None
        self._bounding = self._bounding if self._settled is None else self._settled.bounding
        self._weights = self._output_weights()

    def plan(self) -> PrivatePlan:
        drafted = self._drafted()
        priced = drafted.priced
        targets = tuple(self._target(index, *pair) for index, pair in enumerate(zip(drafted.drafts, priced.noises, strict=True)))
        sql = self._sql(drafted.drafts)
        leaves = self._leaves(drafted, targets)
        outputs = tuple(
            Output(each.name, each.expression.shape.type or OutputType.TEXT, convert(each.expression, leaves))
            for each in self._answer.columns
        )
        sets = self._settled
        keys = (*(planned.key for planned in self._keys), *(() if sets is None else sets.mask_key))
        order = tuple(self._order.index(index) for index in range(len(self._order)))
        return PrivatePlan(
            dataset=self._resolved.dataset.name,
            population=self._context.population,
            footprint=self._resolved.footprint,
            sql=sql,
            keys=keys,
            key_order=order if sets is None else (len(order), *order),
            source=" AND ".join([self._source.tables, *self._source.conditions]),
            bounds=Bounds(self._rows.unit.name, self._bounding.rows, self._bounding.units, self._bounding.filters),
            targets=targets,
            noises=priced.noises,
            selection=priced.selection,
            outputs=outputs,
            having=conjoined(self._answer.having, leaves),
            order=orderings(self._answer.order, leaves),
            offset=self._answer.offset,
            limit=self._answer.limit,
            price=priced.price(self._context.definition),
            families=priced.families,
            digest=plan_digest(self._resolved.dataset.name, self._context, sql, keys, targets, priced),
            warnings=warn(self._answer, self._bounding, priced, self._asked),
            words=(*explain(self._rows, self._bounding, keys, targets, priced), *(() if sets is None else (sets.words,))),
            sets=None if sets is None else sets.said(drafted.drafts),
            levels=tuple(level_of(level, leaves) for level in self._answer.levels),
        )

    def _key(self, name: str, expression: Expression) -> PlannedKey:
        sql = render(expression, self._names)
        kind = expression.shape.type or OutputType.TEXT
        domain = domain_of(expression)
        shown = None if domain is None else tuple(map(_key_value, domain))
        columns = tuple(f"{column.table}.{column.name}" for column in columns_of(expression))
        return PlannedKey(f"CAST({as_date(sql)} AS VARCHAR)" if kind is OutputType.DATE else sql, GroupKey(name, kind, shown, columns, sql))

    def _bound(self) -> Bounding:
        domains = [planned.key.domain for planned in self._keys]
        cells = prod(len(domain) for domain in domains if domain is not None)
        if cells > MOST_CELLS and not self._answer.sets:
            raise Refused(
                Code.QUERY_KEY,
                f"The public group keys make {cells} groups, more than {MOST_CELLS}, and every one is answered, empty ones too.",
                "Group by fewer keys, or by ranges such as floor(x / 10) * 10.",
            )
        options = self._options
        options.check(self._rows)
        sums = any(aggregate.kind is not Kind.UNITS for aggregate in self._answer.aggregates)
        sizes = [None if planned.key.domain is None else len(planned.key.domain) for planned in self._planned_keys]
        keys = list(zip((named.expression for named in self._answer.keys), sizes, strict=True))
        ranked = bound_rows(self._rows, options, keys, sums=sums)
        return bound_per_person(self._answer, options, ranked) or ranked

    @property
    def _options(self) -> Options:
        return Options(self._asked.rows_per_unit, self._asked.groups_per_unit)

    def _settle(self) -> Settled:
        """One table or a share for each set of keys."""
        sizes = [None if planned.key.domain is None else len(planned.key.domain) for planned in self._planned_keys]
        keys = [GroupedKey(index, self._answer.keys[index].expression, sizes[index]) for index in self._order]
        terms = Terms(self._options, self._context.definition, MOST_CELLS, self._asked.promises)
        return settle(self._answer, keys, self._bounding, terms)

    def burden(self) -> float:
        """What the weighted variance grows with, whatever the price; choosing private keys bears as one count of persons does."""
        chosen = self._burden(self._recipes())
        if not self._private:
            return chosen
        persons = Sensitivity(self._bounding.units, 1)
        return chosen + (math.cbrt(persons.l1) ** 2 if self._context.definition is Definition.PURE else persons.l2)

    def _drafted(self) -> Drafted:
        return self._priced(self._recipes())

    def _recipes(self) -> tuple[Recipe, ...]:
        """Every SUM both ways where they differ; kept is the way whose weighted variance at any price is smaller."""
        aggregates = self._answer.aggregates
        if not aggregates and not self._private:
            raise Refused(
                Code.QUERY_ROWS,
                "The question asks for no aggregate: its groups are public already.",
                "Add COUNT(*), SUM(x) or AVG(x) to the select list, or ask COUNT(DISTINCT x): how many of its values occur.",
            )
        drafter = Drafter(self._names, self._most_candidates())
        ways = [[recipe_of(aggregate, drafter, method) for method in Method] for aggregate in aggregates]
        chosen = [way[0] for way in ways]
        for index, (direct, centred) in enumerate([] if self._asked.promises else ways):
            if centred != direct:
                other = [*chosen[:index], centred, *chosen[index + 1 :]]
                chosen = other if self._alone(other) < (1 - CLEARLY) * self._alone(chosen) else chosen
        found = tuple(chosen) if self._asked.promises else complemented(chosen, drafter, self._burden)
        return in_parts(found) if self._bounding.per_person else found

    def _most_candidates(self) -> int:
        """How many values a choice may be made of, in as many groups as there are."""
        if not any(aggregate.kind in {Kind.CHOICE, Kind.BOUNDS} for aggregate in self._answer.aggregates):
            return MOST
        domains = [planned.key.domain for planned in self._keys]
        return most_candidates(None if self._private else prod(len(domain) for domain in domains if domain is not None))

    def _alone(self, recipes: Sequence[Recipe]) -> float:
        return burden_alone(self._weighed(recipes), self._bounding, self._context.definition)

    def _burden(self, recipes: Sequence[Recipe]) -> float:
        return burden(self._weighed(recipes), self._bounding, self._context.definition)

    def _weighed(self, recipes: Sequence[Recipe]) -> dict[Draft, float]:
        return weigh([recipe for recipe in recipes if not self._free(recipe.aggregate)], self._weights)

    def _priced(self, recipes: tuple[Recipe, ...]) -> Drafted:
        weighed = self._weighed(recipes)
        drafts = tuple(sorted(weighed, key=_canonical))
        if self._asked.promises:
            paid = [recipe for recipe in recipes if not self._free(recipe.aggregate)]
            selecting = self._asked.selecting() if self._private else None
            priced = price_for_error(self._asked.promised(paid), selecting, drafts, self._bounding, self._context)
        elif self._asked.price is not None:
            ordered = {draft: weighed[draft] for draft in drafts}
            priced = price_shared(self._asked.price, ordered, self._bounding, self._context, private=self._private)
        else:
            raise Refused(Code.BUDGET_INVALID, "The question offers no price.", "Give epsilon=, rho=, error= or relative_error=.")
        return Drafted(recipes, drafts, priced)

    def _free(self, aggregate: Aggregate) -> bool:
        """Choosing private keys draws the number of persons behind each: asking for it costs nothing more."""
        return self._private and aggregate == Aggregate(Kind.UNITS)

    def _output_weights(self) -> list[float]:
        """One weight an aggregate that is paid for: the sum of those of the outputs that show it, 1 where none does."""
        given = dict(self._asked.weights or {})
        names = {named.name.lower(): named for named in self._answer.columns}
        unknown = [name for name in given if name.lower() not in names]
        if unknown or not all(0 < weight < float("inf") for weight in given.values()):
            raise Refused(
                Code.QUERY_OPTION,
                "The weights name an output that is not there, or a weight is not a number above 0.",
                'Write weights by output name, such as {"mean_bmi": 2}.',
            )
        lowered = {name.lower(): weight for name, weight in given.items()}
        shown: dict[int, list[float]] = {}
        for name, named in names.items():
            for index in Leaves.aggregates_in(named.expression):
                shown.setdefault(index, []).append(lowered.get(name, 1.0))
        indices = [index for index, aggregate in enumerate(self._answer.aggregates) if not self._free(aggregate)]
        needs = self._asked.needs
        return [sum(shown.get(index, [1.0])) if needs is None else needs[index] for index in indices]

    def _target(self, index: int, draft: Draft, noise: Noise | Choice) -> Target:
        """A draft on the grid that its noise comes on, which may be finer than its own."""
        return Target(
            f"t{index}",
            draft.grid / noise.multiple if isinstance(noise, Noise) else draft.grid,
            noise.sensitivity,
            draft.words,
            counts=draft.counts,
            sql=target_sql(draft),
            additive=draft.additive and (self._settled is None or self._settled.sets.summed),
            candidates=draft.candidates or None,
        )

    def _leaves(self, drafted: Drafted, targets: Sequence[Target]) -> Leaves:
        indices = {draft: index for index, draft in enumerate(drafted.drafts)}
        free = frozenset(index for index, recipe in enumerate(drafted.recipes) if self._free(recipe.aggregate))
        order = tuple(self._order.index(index) for index in range(len(self._order)))
        return Leaves(drafted.recipes, indices, free, order, tuple(target.grid for target in targets))

    def _sql(self, drafts: Sequence[Draft]) -> str:
        rows = rows_text(self._rows, self._bounding, columns_used(self._answer.read()))
        keys = [planned.sql for planned in self._keys]
        sets = () if self._settled is None else self._settled.grouped
        grouped = Grouped(rows, render(self._rows.unit, self._names), keys, self._private, sets, None if sets else self._first_row())
        if self._bounding.per_person:
            return per_person_sql(grouped, drafts, self._bounding.rows.rows_per_unit)
        return question_sql(grouped, drafts)

    def _first_row(self) -> str | None:
        """What tells one row of each person in each group, in a table alone."""
        (first, *others) = self._rows.sources
        if others or not isinstance(first, Scan):
            return None
        return first_row(first, [named.expression for named in self._answer.keys], self._rows.conditions)


def _canonical(draft: Draft) -> tuple[bool, bool, str, str, str]:
    """An order of targets that does not depend on how the question was written."""
    sizes = f"{draft.factor} {draft.offset} {draft.grid!r} {draft.largest} {draft.goal}"
    return (draft.persons, draft.distinct, draft.value or "", draft.condition or "", sizes)


def _key_value(value: Value) -> str | int | bool | None:
    """A key as the engine returns it: dates as ISO text."""
    return value if value is None or isinstance(value, str | int) else str(value)
