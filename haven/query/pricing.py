"""Noise for drafted targets: a price shared by weight, or the smallest price that keeps every count and sum within an error."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from haven.errors import Code, Refused
from haven.privacy.accounting import selection_delta
from haven.privacy.allocation import Demand, allocate
from haven.privacy.budget import Definition, Price
from haven.privacy.choices import Choice, plan_choice
from haven.privacy.mechanisms import Noise, Sensitivity, plan_noise, plan_noise_for_error
from haven.privacy.selection import Selection, plan_selection
from haven.query.bounding import Bounding
from haven.query.partitions import Partition
from haven.query.private_plan import OutputType
from haven.query.sizes import NOTHING_KNOWN, Sizes, absolute, relative, unknown_count
from haven.query.targets import Draft, Recipe


@dataclass(frozen=True, slots=True)
class PlanContext:
    """The policy facts a plan needs: whose budget it draws on, and what its people are promised. `delta` is None under pure DP."""

    population: str
    definition: Definition
    delta: Decimal | None


@dataclass(frozen=True, slots=True)
class Asked:
    """How the asker pays, and options, which only lower or weigh.

    By `price` (without δ), by `error` (the wished 95 % half-width), or by `relative_error` (the same as a fraction of the answer, as large
    as `sizes` knows it). `needs` weighs the question's aggregates, one by one, in place of the weights of its outputs.
    """

    price: Price | None = None
    error: Decimal | None = None
    relative_error: Decimal | None = None
    sizes: Sizes = NOTHING_KNOWN
    needs: tuple[float, ...] | None = None
    rows_per_unit: int | None = None
    groups_per_unit: int | None = None
    weights: Mapping[str, float] | None = None

    @property
    def promises(self) -> bool:
        """Whether an error is promised, rather than a price named."""
        return self.error is not None or self.relative_error is not None

    def promised(self, recipes: Sequence[Recipe]) -> list[tuple[Recipe, float]]:
        """The half-width of each recipe's sum that is promised; see `haven.query.sizes`."""
        if self.relative_error is not None:
            return relative(self.relative_error, recipes, self.sizes)
        return [] if self.error is None else absolute(self.error, recipes, self.sizes)

    def selecting(self) -> float | None:
        """The half-width of the numbers of persons by which private keys are chosen, where an error is promised."""
        if self.relative_error is None:
            return None if self.error is None else float(self.error)
        if self.sizes.rows is None:
            raise unknown_count()
        return float(self.relative_error) * self.sizes.rows


@dataclass(frozen=True, slots=True)
class Priced:
    """Planned noise, one a draft in the order given, and the selection of private keys where there are any."""

    noises: tuple[Noise | Choice, ...]
    selection: Selection | None
    families: tuple[tuple[int, ...], ...]

    def price(self, definition: Definition) -> Price:
        """What it costs in all: the sum over the families of what the dearest member costs (see exclusive_targets.proof.md)."""
        total = Price(definition, 0)
        for family in self.families:
            total += max((self.noises[index].price for index in family), key=_pico)
        return total if self.selection is None else total + self.selection.price


def _pico(price: Price) -> int:
    return price.pico


def sensitivity_of(draft: Draft, bounding: Bounding) -> Sensitivity:
    """How far one unit moves the vector of a draft's groups, in grid units."""
    return Sensitivity(bounding.units if draft.persons else bounding.rows, draft.largest)


def _paid(draft: Draft, sensitivity: Sensitivity, share: Price) -> Noise | Choice:
    """What a share pays for: noise on a count or sum, or a choice among candidates."""
    if draft.goal is None:
        return plan_noise(sensitivity, share)
    return plan_choice(draft.goal, len(draft.candidates), sensitivity, share)


def weigh(recipes: Sequence[Recipe], weights: Sequence[float]) -> dict[Draft, float]:
    """Every distinct draft with its weight: the sum over the aggregates that need it."""
    weighed: dict[Draft, float] = {}
    for recipe, weight in zip(recipes, weights, strict=True):
        for draft, demand in recipe.demands():
            weighed[draft] = weighed.get(draft, 0.0) + weight * demand
    return weighed


def families_of(weighed: Mapping[Draft, float], bounding: Bounding) -> tuple[tuple[int, ...], ...]:
    """The positions of drafts in families whose members are of rows that exclude each other, the heaviest first; most stand alone."""
    drafts = list(weighed)
    loads = [sensitivity_of(draft, bounding).l2 * math.sqrt(weight) for draft, weight in weighed.items()]
    sharing = [index for index, draft in enumerate(drafts) if draft.where is not None and not draft.persons and draft.goal is None]
    sharing.sort(key=lambda index: -loads[index])
    found = Partition().families([drafts[index].where for index in sharing]) if len(sharing) > 1 else [(i,) for i in range(len(sharing))]
    alone = [(index,) for index in range(len(drafts)) if index not in set(sharing)]
    return tuple(sorted([*alone, *(tuple(sorted(sharing[member] for member in family)) for family in found)]))


def _demand(family: Sequence[int], weighed: Sequence[tuple[Draft, float]], bounding: Bounding, definition: Definition) -> Demand:
    """One demand for a family: as that of its first member, with a weight that stands for the others' variances too."""
    sensitivities = [(sensitivity_of(weighed[index][0], bounding), weighed[index][1]) for index in family]
    first = sensitivities[0][0]
    ratios = [each.l1 / first.l1 if definition is Definition.PURE else each.l2 / first.l2 for each, _ in sensitivities]
    return Demand(first, math.fsum(weight * ratio**2 for (_, weight), ratio in zip(sensitivities, ratios, strict=True)))


def _demands(weighed: Mapping[Draft, float], bounding: Bounding, definition: Definition) -> list[tuple[tuple[int, ...], Demand]]:
    listed = list(weighed.items())
    return [(family, _demand(family, listed, bounding, definition)) for family in families_of(weighed, bounding)]


def burden_alone(weighed: Mapping[Draft, float], bounding: Bounding, definition: Definition) -> float:
    """The same as `burden`, had every draft a share of its own: enough to compare two ways of asking one sum."""
    return _load([Demand(sensitivity_of(draft, bounding), weight) for draft, weight in weighed.items()], definition)


def burden(weighed: Mapping[Draft, float], bounding: Bounding, definition: Definition) -> float:
    """What the weighted variance grows with at any price, once it is shared best: Σ Δ₂√w under gdp and zcdp, Σ (wΔ₁²)^⅓ under pure."""
    return _load([demand for _, demand in _demands(weighed, bounding, definition)], definition)


def _load(demands: Sequence[Demand], definition: Definition) -> float:
    if definition is Definition.PURE:
        return math.fsum(math.cbrt(each.weight) * math.cbrt(each.sensitivity.l1) ** 2 for each in demands)
    return math.fsum(each.sensitivity.l2 * math.sqrt(each.weight) for each in demands)


def price_shared(total: Price, weighed: Mapping[Draft, float], bounding: Bounding, context: PlanContext, *, private: bool) -> Priced:
    """`total` shared over drafts so that the weighted variance is least; choosing private keys takes the share of one count of persons.

    A family of drafts over rows that exclude each other takes one share, and each of its members spends it whole.
    """
    families = _demands(weighed, bounding, total.definition)
    demands = [demand for _, demand in families]
    if private:
        demands.append(Demand(Sensitivity(bounding.units, 1), 1.0))
    shares = allocate(total, demands)
    share_of = {index: share for (family, _), share in zip(families, shares, strict=False) for index in family}
    noises = tuple(_paid(draft, sensitivity_of(draft, bounding), share_of[index]) for index, draft in enumerate(weighed))
    return Priced(noises, _selection(shares[-1], bounding, context) if private else None, tuple(family for family, _ in families))


def price_for_error(
    promised: Sequence[tuple[Recipe, float]],
    selecting: float | None,
    drafts: Sequence[Draft],
    bounding: Bounding,
    context: PlanContext,
) -> Priced:
    """The smallest price that keeps each promise: a recipe, and the 95 % half-width that the weighted sum of its parts may have.

    An aggregate of several targets shares its variance among them as |coefficient|·Δ, where the sum of their losses is least. Targets
    that nothing is promised of cost what the dearest of the others costs. `selecting` is the half-width of the numbers of persons by
    which private keys are chosen, None where all are public. Raises Refused(QUERY_OPTION) where there is nothing to promise.
    """
    wished = _half_widths([(recipe, _before_rounding(recipe, error)) for recipe, error in promised], bounding)
    persons = Sensitivity(bounding.units, 1)
    chosen = None if selecting is None else plan_noise_for_error(context.definition, persons, selecting).price
    if not wished and chosen is None:
        raise Refused(
            Code.QUERY_OPTION,
            "An error can be promised for counts and sums, and for a mean whose number of rows is known; this question has neither.",
            "Ask with epsilon=, add COUNT(*) to the question, or name the rows a group has: options size_hint=1000.",
        )
    noises = {d: plan_noise_for_error(context.definition, sensitivity_of(d, bounding), width) for d, width in wished.items()}
    prices = [noise.price for noise in noises.values()] + ([] if chosen is None else [chosen])
    dearest = max(prices, key=_pico)
    families = families_of(dict.fromkeys(drafts, 1.0), bounding)
    costs = {index: cost for family in families for index, cost in _costs(family, drafts, noises, dearest).items()}
    planned = tuple(_finer(noises.get(draft), _paid(draft, sensitivity_of(draft, bounding), costs[i])) for i, draft in enumerate(drafts))
    return Priced(planned, None if chosen is None else _selection(chosen, bounding, context), families)


def _costs(family: Sequence[int], drafts: Sequence[Draft], noises: Mapping[Draft, Noise], otherwise: Price) -> dict[int, Price]:
    """What each member of a family may spend: the most that a promise to one of them needs."""
    promised = [noises[drafts[index]].price for index in family if drafts[index] in noises]
    return dict.fromkeys(family, max(promised, key=_pico) if promised else otherwise)


def _finer(promised: Noise | None, paid: Noise | Choice) -> Noise | Choice:
    """The noise that keeps a promise, or what the price of its family pays for where that is less noise."""
    return promised if promised is not None and isinstance(paid, Noise) and promised.scale <= paid.scale else paid


def _before_rounding(recipe: Recipe, error: float) -> float:
    """The half-width that noise may have where its result is rounded to a whole number, and that may be `error` off.

    A whole number that is off by less than h + 1/2 is rounded to one that is off by h at most.
    """
    whole = recipe.aggregate.shape.type is OutputType.INTEGER and math.isfinite(error)
    return math.nextafter(math.floor(error) + 0.5, 0.0) if whole else error


def _half_widths(promised: Sequence[tuple[Recipe, float]], bounding: Bounding) -> dict[Draft, float]:
    """The half-width each draft may have, in its own grid units: the least that any aggregate leaves it."""
    wished: dict[Draft, float] = {}
    for recipe, error in promised:
        loads = [abs(part.coefficient) * part.draft.grid * sensitivity_of(part.draft, bounding).l2 for part in recipe.parts]
        for part, load in zip(recipe.parts, loads, strict=True):
            width = error * math.sqrt(load / math.fsum(loads)) / (abs(part.coefficient) * part.draft.grid)
            wished[part.draft] = min(width, wished.get(part.draft, math.inf))
    return wished


def _selection(share: Price, bounding: Bounding, context: PlanContext) -> Selection:
    if context.delta is None:
        raise Refused(
            Code.QUERY_KEY,
            "A group key is not public, and under pure differential privacy only public keys can be answered.",
            "Group by a column with declared keys, a condition, or a bounded integer.",
        )
    return plan_selection(bounding.units.groups_per_unit, Price(share.definition, share.pico, selection_delta(context.delta)))
