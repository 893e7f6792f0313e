"""The network between a mediator and PostgreSQL is cut after every message of a spend, and the server itself goes away.

Held for every cut: what was told is in the books; what is in the books and was not told is at most the one spend in flight; and the same
open books answer again once the network is back, without being opened anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy.engine import make_url

from haven.errors import Code, Fault
from haven.ledger import postgres_server
from haven.ledger.audit import audit_verify
from haven.ledger.entries import Receipt, Reservation, SpendState
from haven.ledger.failures import LEDGER_FAULT
from haven.ledger.ledger import Ledger
from tests.support import postgres
from tests.support.books import ANSWER, NOW, caps, permit, plan, rho
from tests.support.cut_network import Cut, Network

ALLOWED = permit(caps(rho(10**9)))
IMPATIENT = postgres_server.Limits(timedelta(milliseconds=400), timedelta(milliseconds=400), timedelta(milliseconds=500))
STEPS = {"ended": 3, "silent": 40}  # a cut after every third message in every run; after every one in the long version


@dataclass
class World:
    """Books that are reached over a network, and the same books on a way of their own; what was told of each question."""

    network: Network
    over: Ledger
    beside: Ledger
    direct: str
    receipts: dict[str, Receipt] = field(default_factory=dict)
    asked: int = 0
    unknown: int = 0

    def ask(self, key: str) -> Reservation | Receipt | None:
        """Spend one unit under `key`; what was told last."""
        self.asked += 1
        told: Reservation | Receipt | None = None
        try:
            told = reservation = self.over.reserve(plan(rho(1), key), ALLOWED, 1, NOW, key)
            told = self.receipts[key] = self.over.post(reservation, ANSWER, "pass", NOW)
        except Fault as fault:
            assert (fault.code, str(fault)) == (Code.FAULT_LEDGER, LEDGER_FAULT)  # noqa: PT017 - whether there is one depends on the cut
            self.unknown += 1
        return told

    def settle(self, key: str, told: Reservation | Receipt | None) -> None:
        """What is in doubt is spent; then the question is sent again, as a client does. It is paid for once."""
        self.beside.sweep(NOW, timedelta(0))  # it waits for the lock, so whatever was under way is decided
        booked = [spend for spend in self.beside.recent(limit=3) if spend.reservation.plan_digest == key]
        assert len(booked) <= 1
        if told is not None:
            assert [spend.reservation.id for spend in booked] == [told.id]
        if isinstance(told, Receipt):
            assert booked[0].answered
        if booked:
            assert booked[0].state is SpendState.POSTED
            self.again(key, answered=booked[0].answered)
        else:
            assert isinstance(self.ask(key), Receipt)

    def again(self, key: str, *, answered: bool) -> None:
        """The same key again, over the same books: the recorded answer, or the constant fault; never a second price."""
        if answered:
            replay = self.over.earlier("alice", "liver", key, key, 1)
            assert replay is not None
            assert replay.answer == ANSWER
        else:
            with pytest.raises(Fault) as fault:
                self.over.earlier("alice", "liver", key, key, 1)
            assert fault.value.code is Code.FAULT_QUESTION

    def check(self) -> None:
        """Totals, and the chain."""
        booked = self.beside.history("liver")
        balance = self.beside.population_balance("nafld")
        assert (balance.spent, balance.reserved) == (rho(len(booked)), rho(0))
        told = {spend.reservation.id for spend in booked if spend.answered}
        assert {receipt.id for receipt in self.receipts.values()} <= told
        assert len(booked) - len(self.receipts) <= self.unknown
        assert audit_verify(self.direct).problems == ()


@pytest.fixture(name="world")
def _world(postgres_cluster: postgres.Cluster) -> Iterator[World]:
    direct = postgres_cluster.fresh()
    with (
        Network(postgres_cluster.socket) as network,
        Ledger.open(direct) as beside,
        Ledger.open(network.address(str(make_url(direct).database))) as over,
    ):
        yield World(network, over, beside, direct)


def _messages(world: World) -> int:
    """How many messages one spend takes, once its statements are prepared."""
    for number in range(3):
        assert isinstance(world.ask(f"warm-{number}"), Receipt)
    before = world.network.carried
    assert isinstance(world.ask("counted"), Receipt)
    return world.network.carried - before


def _cut_everywhere(world: World, how: Cut, step: int) -> None:
    messages = _messages(world)
    assert messages > 50
    for number in range(0, messages + step, step):
        assert isinstance(world.ask(f"{how.value}-before-{number}"), Receipt)  # a new connection prepares its statements
        world.network.cut_after(number, how)
        told = world.ask(f"{how.value}-{number}")
        world.network.mend()
        world.settle(f"{how.value}-{number}", told)
    assert world.unknown > 0.8 * messages / step  # the last messages of a commit may come after its caller was told
    assert isinstance(world.ask("afterwards"), Receipt)
    world.check()


def test_a_cut_after_any_message_of_a_spend_loses_nothing_and_charges_at_most_what_was_in_flight(world: World) -> None:
    _cut_everywhere(world, Cut.ENDED, STEPS["ended"])


def test_a_network_that_falls_silent_is_given_up_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "WRITING", IMPATIENT)
    world.over.close()
    with Ledger.open(world.network.address(str(make_url(world.direct).database))) as world.over:
        _cut_everywhere(world, Cut.SILENT, STEPS["silent"])


@pytest.mark.audit
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("how", list(Cut))
def test_a_cut_after_every_message_of_a_spend(world: World, how: Cut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_server, "WRITING", IMPATIENT if how is Cut.SILENT else postgres_server.WRITING)
    world.over.close()
    with Ledger.open(world.network.address(str(make_url(world.direct).database))) as world.over:
        _cut_everywhere(world, how, 1)


def test_a_cut_while_the_connection_is_made_is_a_fault_that_spends_nothing(world: World) -> None:
    for number in range(0, 40, 2):
        world.network.cut_after(0)
        assert world.ask(f"down-{number}") is None  # the connection is gone, so the next question makes one
        world.network.mend()
        world.network.cut_after(number)
        told = world.ask(f"made-{number}")
        world.network.mend()
        world.settle(f"made-{number}", told)
    world.check()


def _read_often(ledger: Ledger, receipt: Receipt) -> None:
    for _ in range(12):
        ledger.receipt(receipt.id)
        ledger.earlier("alice", "liver", "asked", "asked", 1)


def test_reading_over_a_network_that_was_away_works_once_it_is_back(world: World) -> None:
    receipt = world.ask("asked")
    assert isinstance(receipt, Receipt)
    for number in range(12):
        world.network.cut_after(number)
        with pytest.raises(Fault) as fault:
            _read_often(world.over, receipt)
        assert str(fault.value) == LEDGER_FAULT
        world.network.mend()
        assert world.over.receipt(receipt.id) == receipt
        assert world.over.earlier("alice", "liver", "asked", "asked", 1) is not None


def test_a_server_that_crashes_and_comes_back_has_every_spend_that_was_told() -> None:
    reason = postgres.why_not()
    if reason is not None:
        pytest.skip(reason)
    with postgres.cluster() as cluster:
        place = cluster.fresh()
        with Ledger.open(place) as ledger:
            told = []
            for number in range(2):
                told += [
                    ledger.post(ledger.reserve(plan(rho(1), f"d{number}-{each}"), ALLOWED, 1, NOW), ANSWER, "pass", NOW)
                    for each in range(5)
                ]
                cluster.stop("immediate")
                with pytest.raises(Fault) as fault:
                    ledger.reserve(plan(rho(1)), ALLOWED, 1, NOW)
                assert str(fault.value) == LEDGER_FAULT
                with pytest.raises(Fault):
                    ledger.population_balance("nafld")
                cluster.start()
            assert [ledger.receipt(receipt.id) for receipt in told] == told
            assert ledger.population_balance("nafld").taken == rho(len(told))
        assert audit_verify(place).problems == ()
