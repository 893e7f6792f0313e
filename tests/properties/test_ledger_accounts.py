"""Any sequence of reserve, post, fault, void, correct, sweep, reopening and waiting against a slow model: exact totals, never an overspend.

The model keeps a list of spends and adds it up anew for every question: it knows nothing of accounts, and finds a month by its number.
"""

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy.engine import make_url

from haven.errors import Code, Fault, Refused
from haven.ledger.accounts import Spender, researcher_of
from haven.ledger.audit import audit_verify
from haven.ledger.corrections import KIND, Correction
from haven.ledger.database import Place
from haven.ledger.entries import Reservation
from haven.ledger.ledger import Ledger
from haven.ledger.usage import days_of
from haven.policy.authorisation import Caps, PeriodCap
from haven.policy.periods import Length
from haven.policy.roles import Role
from tests.support.books import ANSWER, NOW, later, permit, plan, rho

if TYPE_CHECKING:
    from tests.support.postgres import Cluster

Amount = tuple[int, int]

PROJECTS, DATASETS, ACTORS = ("liver", "heart"), ("nafld", "labs"), ("alice", "bob")
POPULATION_CAP, DATASET_CAP = (60, 40), {"nafld": (40, 25), "labs": (35, 30)}
PROJECT_CAP = {("liver", "nafld"): (30, 20), ("heart", "nafld"): (25, 15), ("liver", "labs"): (20, 20), ("heart", "labs"): (30, 10)}
RESEARCHER_CAP = {("liver", "nafld"): (12, 9), ("liver", "labs"): (20, 20)}
PERIOD_CAP = {("liver", "nafld"): (16, 12), ("heart", "labs"): (9, 10)}
MONTH = Length(months=1)
EXAMPLES = {"sqlite": 25, "postgresql": 8}  # copying a database takes longer than copying a file


@dataclass
class Booked:
    """One spend of the model: of whom, how much, its state, and when it was asked and ended."""

    project: str
    dataset: str
    actor: str
    price: Amount
    state: str
    asked: datetime
    ended: datetime | None = None


class Books(RuleBasedStateMachine):
    """The model: every spend by its number, and the corrections."""

    fresh: ClassVar[Callable[[], Place]]
    reservations: Bundle[Reservation] = Bundle("reservations")

    def __init__(self) -> None:
        super().__init__()
        self.place = type(self).fresh()
        self.ledger = Ledger.open(self.place)
        self.now = NOW
        self.spends: dict[str, Booked] = {}
        self.corrections: list[tuple[Correction, datetime]] = []

    def _taken(self, belongs: Callable[[Booked], bool], corrects: Callable[[Spender], bool], *states: str) -> Amount:
        prices = [one.price for one in self.spends.values() if one.state in (states or ("posted", "reserved")) and belongs(one)]
        if "reserved" not in states:
            prices += [(one.price.pico, one.price.atto_delta) for one, _ in self.corrections if corrects(one.where)]
        return sum(pico for pico, _ in prices), sum(atto for _, atto in prices)

    def _levels(self, project: str, dataset: str, actor: str) -> list[tuple[Amount, Amount]]:
        """The cap of each level, and what the model says is taken from it."""
        both = (project, dataset)

        def share(one: Booked) -> bool:
            return (one.project, one.dataset) == both

        levels = [
            (POPULATION_CAP, self._taken(lambda _: True, lambda _: True)),
            (DATASET_CAP[dataset], self._taken(lambda one: one.dataset == dataset, lambda one: one.dataset == dataset)),
            (PROJECT_CAP[both], self._taken(share, lambda one: (one.project, one.dataset) == both)),
        ]
        if both in RESEARCHER_CAP:
            own = (actor, *both)
            taken = self._taken(lambda one: share(one) and one.actor == actor, lambda one: (one.actor, one.project, one.dataset) == own)
            levels.append((RESEARCHER_CAP[both], taken))
        if both in PERIOD_CAP:
            month = (self.now.year, self.now.month)
            taken = self._taken(lambda one: share(one) and (one.asked.year, one.asked.month) == month, lambda _: False)
            levels.append((PERIOD_CAP[both], taken))
        return levels

    @rule(
        target=reservations,
        project=st.sampled_from(PROJECTS),
        dataset=st.sampled_from(DATASETS),
        actor=st.sampled_from(ACTORS),
        pico=st.integers(0, 12),
        atto=st.integers(0, 6),
    )
    def reserve(self, project: str, dataset: str, actor: str, pico: int, atto: int) -> object:
        self.now += timedelta(minutes=1)
        both, price = (project, dataset), (pico, atto)
        caps = Caps(
            rho(*POPULATION_CAP),
            rho(*DATASET_CAP[dataset]),
            rho(*PROJECT_CAP[both]),
            rho(*RESEARCHER_CAP[both]) if both in RESEARCHER_CAP else None,
            PeriodCap(rho(*PERIOD_CAP[both]), MONTH) if both in PERIOD_CAP else None,
        )
        allowed = permit(caps, actor=actor, project=project, dataset=dataset, population="people")
        fits = all(taken[part] + price[part] <= cap[part] for cap, taken in self._levels(project, dataset, actor) for part in (0, 1))
        try:
            reservation = self.ledger.reserve(plan(rho(*price)), allowed, 1, self.now)
        except Refused as refusal:
            assert refusal.code is Code.BUDGET_EXHAUSTED  # noqa: PT017 - the model says below whether it may be refused at all
            assert not fits
            return multiple()
        assert fits
        self.spends[reservation.id] = Booked(project, dataset, actor, price, "reserved", self.now)
        return reservation

    def _end(self, reservation: Reservation, state: str) -> None:
        booked, now = self.spends[reservation.id], self.now
        act = {
            "answer": lambda: self.ledger.post(reservation, ANSWER, "pass", now),
            "fault": lambda: self.ledger.post_fault(reservation, now),
            "void": lambda: self.ledger.void(reservation, "the engine could not be started", now),
        }[state]
        allowed = {"answer": ("reserved",), "fault": ("reserved", "posted"), "void": ("reserved", "void")}[state]
        if booked.state not in allowed:
            with pytest.raises(Fault):
                act()
        else:
            act()
            self._ended(booked, "void" if state == "void" else "posted")

    def _ended(self, booked: Booked, state: str) -> None:
        if booked.state == "reserved":
            booked.state, booked.ended = state, self.now

    @rule(reservation=reservations, how=st.sampled_from(["answer", "fault", "void"]))
    def end(self, reservation: Reservation, how: str) -> None:
        self._end(reservation, how)

    @rule(age=st.integers(0, 10))
    def sweep(self, age: int) -> None:
        limit = timedelta(minutes=age)
        old = [one for one in self.spends.values() if one.state == "reserved" and self.now - one.asked >= limit]
        assert self.ledger.sweep(self.now, limit) == len(old)
        for booked in old:
            self._ended(booked, "posted")

    @rule(
        dataset=st.sampled_from(DATASETS),
        project=st.sampled_from(("", *PROJECTS)),
        actor=st.sampled_from(("", *ACTORS)),
        pico=st.integers(1, 5),
    )
    def correct(self, dataset: str, project: str, actor: str, pico: int) -> None:
        correction = Correction(Spender("people", dataset, project, actor if project else ""), rho(pico, 1))
        proposed = self.ledger.proposals.propose(KIND, dataset, correction.detail, "a loss by another way", actor="carol", now=self.now)
        self.ledger.proposals.confirm(proposed.id, "it was so", actor="claude", now=self.now)
        self.corrections.append((correction, self.now))

    @rule(days=st.integers(1, 20))
    def wait(self, days: int) -> None:
        self.now += timedelta(days=days)

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = Ledger.open(self.place)

    @invariant()
    def totals_are_the_models(self) -> None:
        balance = self.ledger.population_balance("people")
        assert balance.spent == rho(*self._taken(lambda _: True, lambda _: True, "posted"))
        assert balance.reserved == rho(*self._taken(lambda _: True, lambda _: True, "reserved"))
        for dataset in DATASETS:
            for project in PROJECTS:
                for actor in ACTORS:
                    levels = self._levels(project, dataset, actor)
                    where = Spender("people", dataset, project, actor)
                    found = [self.ledger.balance(dataset, "people"), self.ledger.balance(dataset, "people", project)]
                    found += [self.ledger.account(researcher_of(where))] if (project, dataset) in RESEARCHER_CAP else []
                    assert [one.taken for one in found] == [rho(*taken) for _, taken in levels[1 : 1 + len(found)]]
                    if not self.corrections:
                        assert all(taken[part] <= cap[part] for cap, taken in levels for part in (0, 1))

    @invariant()
    def days_are_the_models(self) -> None:
        expected: dict[tuple[str, str, str, str], list[int]] = {}

        def day(moment: datetime, dataset: str, project: str, actor: str) -> list[int]:
            return expected.setdefault((moment.date().isoformat(), dataset, project, actor), [0, 0, 0])

        for one in self.spends.values():
            day(one.asked, one.dataset, one.project, one.actor)[0] += 1
            if one.state == "posted" and one.ended is not None and one.price != (0, 0):
                spent = day(one.ended, one.dataset, one.project, one.actor)
                spent[1] += one.price[0]
                spent[2] += one.price[1]
        for correction, moment in self.corrections:
            spent = day(moment, correction.where.dataset, correction.where.project, correction.where.actor)
            spent[1] += correction.price.pico
            spent[2] += correction.price.atto_delta
        with self.ledger.read() as connection:
            found = {
                (use.day.isoformat(), dataset, use.project, use.actor): [use.questions, use.spent.pico, use.spent.atto_delta]
                for dataset in DATASETS
                for use in days_of(connection, dataset, NOW.date())
            }
        assert found == expected

    def teardown(self) -> None:
        self.ledger.close()
        report = audit_verify(self.place)
        assert report.problems == ()
        assert report.in_flight == sum(one.state == "reserved" for one in self.spends.values())


def _with_custodians(place: Place) -> Place:
    with Ledger.open(place) as ledger:
        for name in ("carol", "claude"):
            ledger.people.add_user(name, Role.CUSTODIAN, actor="setup", now=NOW)
    return place


def _copies(folder: Path) -> Iterator[Path]:
    template = _with_custodians(folder / "books.sqlite")
    for number in itertools.count():
        yield Path(shutil.copy(template, folder / f"{number}.sqlite"))


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_no_sequence_overspends_and_every_total_is_exact(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    if store == "sqlite":
        Books.fresh = _copies(tmp_path).__next__
    else:
        cluster: Cluster = request.getfixturevalue("postgres_cluster")
        template = make_url(str(_with_custodians(cluster.fresh()))).database
        Books.fresh = partial(cluster.fresh, str(template))
    run_state_machine_as_test(
        Books,
        settings=settings(max_examples=EXAMPLES[store], stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)),
    )


@given(
    caps=st.lists(st.integers(0, 30), min_size=5, max_size=5),
    asked=st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["post", "void", "hold"])), max_size=12),
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_in_whatever_order_is_taken_exactly_while_it_fits_the_least_cap(
    tmp_path: Path, caps: list[int], asked: list[tuple[int, str]]
) -> None:
    """One asker, so every account holds the same: the least cap decides alone, and is met to the unit where the prices allow it."""
    population, dataset, project, researcher, month = (rho(cap) for cap in caps)
    allowed = permit(Caps(population, dataset, project, researcher, PeriodCap(month, MONTH)))
    taken = 0
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder, Ledger.open(Path(folder) / "books.sqlite") as ledger:
        for minute, (price, end) in enumerate(asked):
            try:
                reservation = ledger.reserve(plan(rho(price)), allowed, 1, later(minutes=minute))
            except Refused:
                assert taken + price > min(caps)
                continue
            assert taken + price <= min(caps)
            if end == "void":
                ledger.void(reservation, "the engine could not be started", later(minutes=minute))
            else:
                taken += price
            if end == "post":
                ledger.post(reservation, ANSWER, "pass", later(minutes=minute))
            assert ledger.left(allowed) == rho(min(caps) - taken)
