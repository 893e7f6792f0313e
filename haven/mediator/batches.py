"""A list of questions as few shared releases: planned together, paid together, each answered from the release that holds it.

Questions over the same rows and keys are one table. A coarser table is summed from a finer one where that makes the whole list more
exact at the same price, else it is released by itself. The price is split over the releases so that the sum of all weighted variances is
least: a release's is (Σ Δ√w)²/2ρ under zCDP, so its share is in proportion to Σ Δ√w. Everything here reads questions and policy alone.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from math import prod

from haven.errors import Code, Refused
from haven.ledger.entries import Offer
from haven.mediator.answers import Question
from haven.mediator.asking import Planned, Prepared, price_of, probe_of
from haven.mediator.serving import offer_of
from haven.privacy.budget import Price
from haven.query.aggregates import Aggregate
from haven.query.planning import burden_of
from haven.query.pricing import Asked
from haven.query.sharing import answered_from, shown, table_of

MOST_QUESTIONS = 50


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a batch, and how much its exactness counts beside the others'."""

    sql: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Batch:
    """Questions about one dataset, and one price for them all (`epsilon` or `rho`)."""

    project: str
    items: tuple[Item, ...]
    epsilon: Decimal | None = None
    rho: Decimal | None = None
    rows_per_unit: int | None = None
    groups_per_unit: int | None = None
    replay: bool = True
    idempotency_key: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the whole batch as it was sent: its questions, their weights, price and options."""
        said = [[item.sql, item.weight.hex()] for item in self.items]
        whole = replace(self.question(json.dumps(said)), epsilon=self.epsilon, rho=self.rho)
        return whole.digest

    def question(self, sql: str, key: str | None = None) -> Question:
        """One question of it."""
        return Question(
            self.project,
            sql,
            rows_per_unit=self.rows_per_unit,
            groups_per_unit=self.groups_per_unit,
            replay=self.replay,
            idempotency_key=key,
        )


@dataclass(frozen=True, slots=True)
class Member:
    """A question of a batch (its place), and of how many cells of the release each of its cells is the sum."""

    place: int
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Table:
    """One release: the table that its members are answered from, and what each of its aggregates is needed for, in weights.

    `offer` names its rows, keys and bounds; None where the table is thresholded, holds choices or answers several sets of keys: then it
    is its one member's own.
    """

    prepared: Prepared
    members: tuple[Member, ...]
    needs: Mapping[Aggregate, float]
    offer: Offer | None
    additive: bool
    price: Price | None = None

    @property
    def single(self) -> bool:
        """Whether it is asked as its one member's own question."""
        return len(self.members) == 1 and self.members[0].groups == 1

    def asked(self, price: Price | None) -> Asked:
        """How the release is asked."""
        question = self.prepared.question
        needs = tuple(self.needs[each] for each in self.prepared.resolved.answer.aggregates)
        return Asked(price, rows_per_unit=question.rows_per_unit, groups_per_unit=question.groups_per_unit, needs=needs)

    @property
    def burden(self) -> float:
        """What its weighted variance grows with, whatever the price."""
        return burden_of(self.prepared.resolved, self.prepared.terms, self.asked(None))

    def planned(self) -> Planned:
        """The release at its share of the price."""
        return self.prepared.planned(self.asked(self.price))

    def answering(self, prepared: Prepared) -> Planned:
        """A member's question as an answer of this release, with a digest and so a receipt of its own."""
        aggregates = self.prepared.resolved.answer.aggregates
        planned = replace(prepared, resolved=answered_from(prepared.resolved, aggregates)).planned(self.asked(self.price))
        own = hashlib.sha256(f"{planned.plan.digest} {prepared.question.sql}".encode()).hexdigest()
        return replace(planned, question=prepared.question, plan=replace(planned.plan, digest=own))


@dataclass(frozen=True, slots=True)
class Shared:
    """A batch as releases, each with its share of the price and its plan, and its questions as they were prepared."""

    batch: Batch
    prepared: tuple[Prepared, ...]
    tables: tuple[Table, ...]
    planned: tuple[Planned, ...]


def shared(batch: Batch, prepared: Sequence[Prepared]) -> Shared:
    """The releases of a batch. Raises Refused for questions about several datasets, and for a price that is none or too small."""
    policy = prepared[0].policy
    if any(one.policy.dataset != policy.dataset for one in prepared):
        raise Refused(Code.REQUEST_INVALID, "The questions of a batch are about several datasets.", "Ask a batch for each dataset.")
    whole = price_of(batch, policy)
    if whole is None or (batch.epsilon is not None and batch.rho is not None):
        raise Refused(Code.BUDGET_INVALID, "A batch is paid for in exactly one way.", 'Give "epsilon" or "rho".')
    tables = _coarsened(_merged([_table(place, one, batch.items[place].weight) for place, one in enumerate(prepared)]))
    burdens = [Fraction(table.burden) for table in tables]
    shares = [int(whole.pico * burden / sum(burdens)) for burden in burdens]
    priced = tuple(replace(table, price=Price(whole.definition, share)) for table, share in zip(tables, shares, strict=True))
    return Shared(batch, tuple(prepared), priced, tuple(table.planned() for table in priced))


def _table(place: int, prepared: Prepared, weight: float) -> Table:
    plan = prepared.planned(probe_of(prepared.question, prepared.policy)).plan
    offer = offer_of(plan, prepared.question)
    if offer is not None and (len(offer.columns) < len(plan.targets) or plan.sets is not None):
        offer = None
    answer = prepared.resolved.answer
    needs = {each: weight * count for each, count in zip(answer.aggregates, shown(answer), strict=True)}
    return Table(prepared, (Member(place),), needs, offer, all(target.additive for target in plan.targets))


def _merged(tables: Sequence[Table]) -> list[Table]:
    """Tables over the same rows and keys become one."""
    merged: list[Table] = []
    for table in tables:
        same = next((index for index, other in enumerate(merged) if _alike(other, table) and _key_set(other) == _key_set(table)), None)
        if same is None:
            merged.append(table)
        else:
            merged[same] = _joined(merged[same], table, 1)
    return merged


def _coarsened(tables: list[Table]) -> list[Table]:
    """From the coarsest on, each table is summed from a finer one where the whole list becomes more exact by it."""
    left = sorted(tables, key=_cells)
    for table in list(left):
        if not table.additive or table.offer is None:
            continue
        finer = [other for other in left if other.additive and _alike(other, table) and _key_set(table) < _key_set(other)]
        ways = [(_joined(other, table, _cells(other) // max(1, _cells(table))), other) for other in finer]
        best = min(ways, key=lambda way: way[0].burden - way[1].burden, default=None)
        if best is not None and best[0].burden < best[1].burden + table.burden:
            left = [best[0] if other is best[1] else other for other in left if other is not table]
    return left


def _joined(table: Table, other: Table, groups: int) -> Table:
    """`table` with what `other` needs of it, each of whose cells is the sum of `groups` of its own."""
    resolved = table_of([table.prepared.resolved, other.prepared.resolved])
    needs = dict(table.needs)
    for aggregate, weight in other.needs.items():
        needs[aggregate] = needs.get(aggregate, 0.0) + groups * weight
    members = tuple(Member(member.place, member.groups * groups) for member in other.members)
    return replace(
        table,
        prepared=replace(table.prepared, resolved=resolved),
        members=(*table.members, *members),
        needs=needs,
        additive=table.additive and other.additive,
    )


def _alike(one: Table, other: Table) -> bool:
    """Whether both are of the same rows, written over the same relations."""
    if one.offer is None or other.offer is None:
        return False
    return one.offer.source == other.offer.source and one.prepared.resolved.answer.rows == other.prepared.resolved.answer.rows


def _key_set(table: Table) -> frozenset[tuple[str, int]]:
    return frozenset(() if table.offer is None else table.offer.keys)


def _cells(table: Table) -> int:
    return prod(size for _, size in (() if table.offer is None else table.offer.keys))
