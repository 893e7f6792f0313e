"""Any sequence of reserve, post, fault, void, sweep and reopening against a model in plain integers: exact totals, never an overspend."""

import shutil
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from haven.errors import Code, Fault, Refused
from haven.ledger.audit import audit_verify
from haven.ledger.entries import Reservation
from haven.ledger.ledger import Ledger
from haven.policy.authorisation import Caps
from tests.support.books import ANSWER, later, permit, plan, rho

PROJECTS, DATASETS = ("liver", "heart"), ("nafld", "labs")
POPULATION_CAP, DATASET_CAP = (60, 40), {"nafld": (40, 25), "labs": (35, 30)}
PROJECT_CAP = {("liver", "nafld"): (30, 20), ("heart", "nafld"): (25, 15), ("liver", "labs"): (20, 20), ("heart", "labs"): (30, 10)}


class Books(RuleBasedStateMachine):
    """The model: every live reservation by id with its price and state; totals are summed from them each time."""

    template: ClassVar[Path]
    reservations: Bundle[Reservation] = Bundle("reservations")

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(shutil.copy(self.template, Path(self.folder.name) / "books.sqlite"))
        self.ledger = Ledger.open(self.path)
        self.minute = 0
        self.spends: dict[str, tuple[tuple[str, str], tuple[int, int], str, int]] = {}

    def _taken(
        self, dataset: str | None = None, project: str | None = None, states: tuple[str, ...] = ("posted", "reserved")
    ) -> tuple[int, int]:
        found = [
            price
            for (in_project, in_dataset), price, state, _ in self.spends.values()
            if state in states and dataset in (None, in_dataset) and project in (None, in_project)
        ]
        return sum(pico for pico, _ in found), sum(atto for _, atto in found)

    def _fits(self, project: str, dataset: str, price: tuple[int, int]) -> bool:
        levels = (
            (POPULATION_CAP, self._taken()),
            (DATASET_CAP[dataset], self._taken(dataset)),
            (PROJECT_CAP[project, dataset], self._taken(dataset, project)),
        )
        return all(taken[part] + price[part] <= cap[part] for cap, taken in levels for part in (0, 1))

    def _move(self, spend_id: str, state: str) -> None:
        where, price, _, minute = self.spends[spend_id]
        self.spends[spend_id] = (where, price, state, minute)

    @rule(
        target=reservations,
        project=st.sampled_from(PROJECTS),
        dataset=st.sampled_from(DATASETS),
        pico=st.integers(0, 12),
        atto=st.integers(0, 6),
    )
    def reserve(self, project: str, dataset: str, pico: int, atto: int) -> object:
        self.minute += 1
        caps = Caps(rho(*POPULATION_CAP), rho(*DATASET_CAP[dataset]), rho(*PROJECT_CAP[project, dataset]))
        allowed = permit(caps, project=project, dataset=dataset, population="people")
        fits = self._fits(project, dataset, (pico, atto))
        try:
            reservation = self.ledger.reserve(plan(rho(pico, atto)), allowed, 1, later(minutes=self.minute))
        except Refused as refusal:
            assert refusal.code is Code.BUDGET_EXHAUSTED  # noqa: PT017 - the model says below whether it may be refused at all
            assert not fits
            return multiple()
        assert fits
        self.spends[reservation.id] = ((project, dataset), (pico, atto), "reserved", self.minute)
        return reservation

    def _end(self, reservation: Reservation, state: str) -> None:
        was = self.spends[reservation.id][2]
        now = later(minutes=self.minute)
        act = {
            "answer": lambda: self.ledger.post(reservation, ANSWER, "pass", now),
            "fault": lambda: self.ledger.post_fault(reservation, now),
            "void": lambda: self.ledger.void(reservation, "the engine could not be started", now),
        }[state]
        allowed = {"answer": ("reserved",), "fault": ("reserved", "posted"), "void": ("reserved", "void")}[state]
        if was not in allowed:
            with pytest.raises(Fault):
                act()
        else:
            act()
            self._move(reservation.id, "void" if state == "void" else "posted")

    @rule(reservation=reservations, how=st.sampled_from(["answer", "fault", "void"]))
    def end(self, reservation: Reservation, how: str) -> None:
        self._end(reservation, how)

    @rule(age=st.integers(0, 10))
    def sweep(self, age: int) -> None:
        old = [key for key, (_, _, state, minute) in self.spends.items() if state == "reserved" and self.minute - minute >= age]
        assert self.ledger.sweep(later(minutes=self.minute), timedelta(minutes=age)) == len(old)
        for spend_id in old:
            self._move(spend_id, "posted")

    @rule()
    def reopen(self) -> None:
        self.ledger.close()
        self.ledger = Ledger.open(self.path)

    @invariant()
    def totals_are_the_models(self) -> None:
        balance = self.ledger.population_balance("people")
        assert (balance.spent, balance.reserved) == (rho(*self._taken(states=("posted",))), rho(*self._taken(states=("reserved",))))
        assert rho(*POPULATION_CAP).covers(balance.taken)
        for dataset in DATASETS:
            taken = self.ledger.balance(dataset, "people").taken
            assert taken == rho(*self._taken(dataset))
            assert rho(*DATASET_CAP[dataset]).covers(taken)
            for project in PROJECTS:
                taken = self.ledger.balance(dataset, "people", project).taken
                assert taken == rho(*self._taken(dataset, project))
                assert rho(*PROJECT_CAP[project, dataset]).covers(taken)

    def teardown(self) -> None:
        self.ledger.close()
        report = audit_verify(self.path)
        assert report.problems == ()
        assert report.in_flight == sum(state == "reserved" for _, _, state, _ in self.spends.values())
        self.folder.cleanup()


def test_no_sequence_overspends_and_every_total_is_exact(tmp_path: Path) -> None:
    Books.template = tmp_path / "books.sqlite"
    Ledger.open(Books.template).close()
    run_state_machine_as_test(
        Books,
        settings=settings(max_examples=25, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)),
    )
