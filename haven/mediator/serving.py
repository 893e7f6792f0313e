"""Answers made of earlier answers: for nothing where one is exact enough already, for the difference in price where one is nearly so.

Only answers that the asker's own project holds, of the same rows on the same snapshot; see `haven/privacy/combining.proof.md`. What is
read is noisy and was given before, so nothing here depends on data that was not paid for.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from haven.ledger.entries import Offer, OfferedColumn, Recorded, RecordedAnswer
from haven.ledger.ledger import Ledger
from haven.mediator.answers import Question
from haven.mediator.asking import Planned
from haven.privacy.budget import Price
from haven.privacy.combining import as_exact, as_shown, cheapest, combined, missing_noise, summed, weighted_means
from haven.privacy.mechanisms import Mechanism, Noise
from haven.privacy.tables import NoisyTable
from haven.query.private_plan import GroupKey, PrivatePlan, Target

COARSER, DIFFERENCE = "coarser from finer", "paid the difference"


@dataclass(frozen=True, slots=True)
class Served:
    """An earlier answer as a plan's own: its noisy table by the plan's keys and targets, with the noise it has.

    `groups` is how many of its cells each cell is the sum of, `facts` what was recorded of its plan.
    """

    receipt: str
    noisy: NoisyTable
    noises: tuple[Noise, ...]
    groups: int
    bounds: str
    facts: Mapping[str, Any]

    def as_plan(self, plan: PrivatePlan) -> PrivatePlan:
        """`plan` with this answer's noise: it costs nothing."""
        said = f"The answer is that of receipt {self.receipt}, which counts by its own bounds"
        said += f", each figure the sum of {self.groups} of it." if self.groups > 1 else "."
        price = Price(plan.price.definition, 0)
        return replace(plan, noises=self.noises, price=price, words=(*plan.words, said, "It costs nothing."))

    @property
    def made_from(self) -> dict[str, Any]:
        """What the receipt says of it."""
        return {"rule": COARSER, "receipts": [self.receipt], "bounds": self.facts.get("bounds"), "sql": self.facts.get("sql")}


@dataclass(frozen=True, slots=True)
class Difference:
    """An earlier answer of the same question at a lower price, and `plan`: the fresh draw that is missing to what was asked."""

    earlier: Served
    plan: PrivatePlan
    missing: tuple[bool, ...]

    def as_plan(self) -> PrivatePlan:
        """The plan with the noise that the combined answer has, at the price of the fresh draw."""
        pairs = zip(self.earlier.noises, self._fresh(), self.missing, strict=True)
        return replace(self.plan, noises=tuple(combined(one, fresh) if wanted else one for one, fresh, wanted in pairs))

    def combine(self, fresh: NoisyTable) -> NoisyTable:
        """The earlier draw and the fresh one, weighted by their precisions."""
        columns = []
        for index, wanted in enumerate(self.missing):
            earlier = self.earlier.noisy.columns[index]
            noises = (self.earlier.noises[index], self._fresh()[index])
            columns.append(weighted_means(earlier, fresh.columns[index], noises) if wanted else earlier)
        return NoisyTable(fresh.keys, tuple(columns))

    @property
    def made_from(self) -> dict[str, Any]:
        """What the receipt says of it."""
        return {"rule": DIFFERENCE, "receipts": [self.earlier.receipt]}

    def _fresh(self) -> tuple[Noise, ...]:
        return _plain(self.plan)


def offer_of(plan: PrivatePlan, question: Question, bounds: str | None = None) -> Offer | None:
    """What an answer of `plan` offers to other questions, if anything.

    Nothing: thresholded tables, whose missing groups are not known to be empty, and sets of keys with shares of their own, whose groups
    hold the same rows again.

    `bounds` names those that the answer counts by, where they are not the plan's own.
    """
    if plan.selection is not None or plan.bounds is None or plan.shares or plan.public_keys() is None:
        return None
    columns = tuple(
        (position, OfferedColumn(_target(target), str(noise.mechanism), noise.as_drawn_on_grid.scale))
        for position, (target, noise) in enumerate(zip(plan.targets, plan.noises, strict=True))
        if target.candidates is None and isinstance(noise, Noise)
    )
    rows = [plan.dataset, plan.population, str(plan.price.definition), plan.source, question.rows_per_unit, question.groups_per_unit]
    keys = tuple((_key(key), len(key.domain or ())) for key in plan.keys)
    return Offer(_digest(*rows), keys, bounds or _digest(*plan.bounds.filters), columns) if columns else None


def free(ledger: Ledger, planned: Planned) -> Served | None:
    """The most exact earlier answer that is no less exact than what is asked; None where there is none."""
    best: tuple[float, _Match] | None = None
    for match in _matches(ledger, planned):
        plan = planned.plan
        if all(map(as_exact, match.noises, _plain(plan))) and (match.groups == 1 or all(target.additive for target in plan.targets)):
            worst = max(one.scale / asked.as_drawn_on_grid.scale for one, asked in zip(match.noises, _plain(plan), strict=True))
            best = (worst, match) if best is None or worst < best[0] else best
    return None if best is None else best[1].served(ledger, planned.plan)


def of_receipt(ledger: Ledger, planned: Planned, receipt: str) -> Served | None:
    """The answer under `receipt` as the plan's own, however exact it is; None where it does not hold what the plan needs."""
    match = next((match for match in _matches(ledger, planned) if match.recorded.id == receipt), None)
    return None if match is None else match.served(ledger, planned.plan)


def difference(ledger: Ledger, planned: Planned) -> Difference | None:
    """The earlier answer to which least is missing, where paying the difference is cheaper than the question anew."""
    found = [made for match in _matches(ledger, planned) if match.same and (made := _missing(match, planned.plan)) is not None]
    if not found:
        return None
    match, plan, missing = min(found, key=lambda each: each[1].price.pico)
    served = match.served(ledger, planned.plan)
    return None if served is None else Difference(served, plan, missing)


@dataclass(frozen=True, slots=True)
class _Match:
    """A recorded answer that holds every target of a plan, at these positions, over a table that is as fine or finer."""

    recorded: Recorded
    positions: tuple[int, ...]
    places: tuple[int, ...]
    groups: int
    noises: tuple[Noise, ...]
    same: bool

    def served(self, ledger: Ledger, plan: PrivatePlan) -> Served | None:
        """The recorded answer by the plan's keys and targets; None where the record does not say what its offer says."""
        answer = ledger.recorded(self.recorded.id)
        if answer is None or answer.document.get("offer") != offer_json(self.recorded.offer):
            return None
        multiples = [noise.multiple if self.groups > 1 else 1 for noise in self.noises]
        noisy = _regrouped(answer.noisy, plan, self.positions, self.places, multiples)
        if noisy is None:
            return None
        return Served(self.recorded.id, noisy, self.noises, self.groups, self.recorded.offer.bounds, answer.document.get("plan") or {})


def _matches(ledger: Ledger, planned: Planned) -> Iterator[_Match]:
    plan, question = planned.plan, planned.question
    wanted = offer_of(plan, question)
    if wanted is None or len(wanted.columns) != len(plan.targets):
        return
    targets = [column.target for _, column in wanted.columns]
    for recorded in ledger.offers(question.project, plan.dataset, planned.snapshot, wanted.source, targets[0]):
        offer = recorded.offer
        held = {column.target: (position, column) for position, column in offer.columns}
        names = [name for name, _ in offer.keys]
        if not all(target in held for target in targets) or not all(key in offer.keys for key in wanted.keys):
            continue
        groups = 1
        for name, size in offer.keys:
            groups *= 1 if (name, size) in wanted.keys else size
        noises = tuple(_noise(held[target][1], asked, groups) for target, asked in zip(targets, _plain(plan), strict=True))
        yield _Match(
            recorded,
            tuple(held[target][0] for target in targets),
            tuple(names.index(name) for name, _ in wanted.keys),
            groups,
            noises,
            same=offer.keys == wanted.keys and offer.bounds == wanted.bounds,
        )


def _noise(column: OfferedColumn, asked: Noise, groups: int) -> Noise:
    return summed(replace(asked, mechanism=Mechanism(column.mechanism), scale=column.scale, finer=1), groups)


def _missing(match: _Match, plan: PrivatePlan) -> tuple[_Match, PrivatePlan, tuple[bool, ...]] | None:
    fresh: list[Noise] = []
    for earlier, asked in zip(match.noises, _plain(plan), strict=True):
        noise = missing_noise(earlier, asked)
        if noise is None and not as_exact(earlier, asked):
            return None
        fresh.append(noise or cheapest(asked))
    price = _priced(plan, fresh)
    missing = tuple(not as_exact(earlier, asked) for earlier, asked in zip(match.noises, _plain(plan), strict=True))
    said = f"It is combined with the answer of receipt {match.recorded.id} by their precisions; what is paid is the difference."
    if price.pico >= plan.price.pico:
        return None
    return match, replace(plan, noises=tuple(fresh), price=price, words=(*plan.words, said)), missing


def _priced(plan: PrivatePlan, noises: Sequence[Noise]) -> Price:
    """What draws cost together: of targets that exclude each other, as the plan says, the dearest is paid for all."""
    families = plan.families or tuple((index,) for index in range(len(noises)))
    return Price(plan.price.definition, sum(max(noises[index].price.pico for index in family) for family in families))


def _regrouped(
    noisy: NoisyTable, plan: PrivatePlan, positions: Sequence[int], places: Sequence[int], multiples: Sequence[int]
) -> NoisyTable | None:
    """The columns at `positions` by the plan's keys: sums of cells as they were shown."""
    keys = plan.public_keys() or ()
    if len(places) == len(plan.keys) and noisy.keys == keys:
        return NoisyTable(keys, tuple(noisy.columns[position] for position in positions))
    rows = {key: index for index, key in enumerate(keys)}
    cells = [as_shown(noisy.columns[position], multiple) for position, multiple in zip(positions, multiples, strict=True)]
    sums = [[0] * len(keys) for _ in positions]
    for index, key in enumerate(noisy.keys):
        row = rows.get(tuple(key[place] for place in places))
        if row is None:
            return None
        for column, shown in zip(sums, cells, strict=True):
            column[row] += shown[index]
    return NoisyTable(keys, tuple(map(tuple, sums)))


def _plain(plan: PrivatePlan) -> tuple[Noise, ...]:
    return tuple(noise for noise in plan.noises if isinstance(noise, Noise))


def _target(target: Target) -> str:
    return _digest(target.sql, target.grid.hex())


def _key(key: GroupKey) -> str:
    return _digest(key.sql, str(key.type), *([] if key.domain is None else key.domain))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()[:32]


def offer_json(offer: Offer | None) -> dict[str, Any] | None:
    """An offer as it is recorded with its answer."""
    if offer is None:
        return None
    columns = [[position, column.target, column.mechanism, column.scale.hex()] for position, column in offer.columns]
    return {"source": offer.source, "keys": [list(key) for key in offer.keys], "bounds": offer.bounds, "columns": columns}


def made(plan: PrivatePlan, offer: Offer | None, made_from: dict[str, Any] | None) -> dict[str, Any]:
    """What is recorded of how an answer was made: what it offers to others and, where it was made of others, of which and its noise."""
    offered = {"offer": offer_json(offer)}
    return offered if made_from is None else {**offered, "made_from": made_from, "noises": _noises_json(plan)}


def _noises_json(plan: PrivatePlan) -> list[dict[str, Any]]:
    """The noise that an answer made of others has."""
    return [{"mechanism": str(n.mechanism), "scale": n.scale.hex(), "pico": str(n.price.pico)} for n in _plain(plan)]


def as_recorded(plan: PrivatePlan, answer: RecordedAnswer) -> PrivatePlan:
    """`plan` with the noise that its recorded answer has: its own, unless the answer was made of others."""
    noises = answer.document.get("noises")
    if noises is None:
        return plan
    definition = plan.price.definition
    return replace(
        plan,
        noises=tuple(
            Noise(Mechanism(one["mechanism"]), float.fromhex(one["scale"]), asked.sensitivity, Price(definition, int(one["pico"])))
            for one, asked in zip(noises, _plain(plan), strict=True)
        ),
    )
