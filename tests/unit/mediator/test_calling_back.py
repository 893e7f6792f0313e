"""A question called back: free before anything is looked at, spent after; where it stands says no more than its slots do."""

import threading
import time
from collections.abc import Callable
from decimal import Decimal

import pytest

from haven.cli.house import House
from haven.engines.time_grid import TimeGrid
from haven.errors import Code, Fault, HavenError, Refused
from haven.ledger.entries import Reservation, SpendState
from haven.mediator.answers import Question
from haven.mediator.in_flight import MOST_REMEMBERED, Calling, InFlight, Journey, Station
from haven.query.private_plan import PrivatePlan
from tests.support.house import ANNA, BEN, CORA, KEEPER, OTTO, ask, spent
from tests.support.watched import watched

COUNT = "SELECT COUNT(*) AS n FROM persons"
SLOW = "SELECT COUNT(*) AS n FROM persons WHERE age > 50"


def asking(house: House, sql: str = SLOW, key: str = "k") -> tuple[threading.Thread, list[object]]:
    """The question on a thread of its own, and what comes of it."""
    came: list[object] = []

    def run() -> None:
        try:
            came.append(ask(house, sql, "0.1", idempotency_key=key))
        except HavenError as error:
            came.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, came


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_called_back_before_it_is_looked_at_a_question_is_void_and_free(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house, engine = watched(normal_house)
    reserve = house.ledger.reserve

    def called_back_meanwhile(*arguments: object, **options: object) -> Reservation:
        reservation = reserve(*arguments, **options)  # type: ignore[arg-type]
        assert house.mediator.call_back("k", ANNA) is Calling.FREE
        return reservation

    monkeypatch.setattr(house.ledger, "reserve", called_back_meanwhile)
    with pytest.raises(Refused) as refusal:
        ask(house, COUNT, "0.1", idempotency_key="k")
    assert refusal.value.code is Code.REQUEST_CANCELLED
    assert engine.calls == []
    assert spent(house).pico == 0
    (spend,) = house.ledger.recent(project="aging")
    assert (spend.state, spend.outcome) == (SpendState.VOID, "cancelled by its asker")


def test_called_back_while_it_runs_a_question_is_spent_and_its_worker_killed(normal_house: House) -> None:
    standing = threading.Event()

    def look(_plan: PrivatePlan, reservation: Reservation) -> None:
        standing.set()
        # called back here, before the worker is asked: the engine must find it out by itself
        until(lambda: reservation.id in house.engine._cancelled)

    house, engine = watched(normal_house, look)
    thread, came = asking(house)
    standing.wait()
    assert house.mediator.call_back("k", ANNA) is Calling.SPENT
    thread.join()
    (fault,) = came
    assert isinstance(fault, Fault)
    assert fault.code is Code.FAULT_QUESTION
    assert spent(house) == engine.calls[0].price
    assert ask(normal_house, COUNT, "0.1").rows


def test_a_worker_in_the_middle_of_a_question_is_ended_and_replaced(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The generated SQL is replaced by one that takes minutes: only a kill ends it in time."""
    engine = normal_house.engine
    execute = type(engine).execute

    def slowly(self: object, plan: PrivatePlan, reservation: Reservation) -> object:
        object.__setattr__(
            plan, "sql", "SELECT count(*) AS t0 FROM range(100000000) AS a, range(100000000) AS b WHERE a.range + b.range = 7"
        )
        return execute(self, plan, reservation)  # type: ignore[arg-type]

    monkeypatch.setattr(type(engine), "execute", slowly)
    thread, came = asking(normal_house)
    until(lambda: bool(engine._asked))
    assert normal_house.mediator.call_back("k", ANNA) is Calling.SPENT
    thread.join(timeout=30)
    assert not thread.is_alive()
    assert isinstance(came[0], Fault)
    monkeypatch.undo()
    assert ask(normal_house, COUNT, "0.1").rows


def test_another_person_calls_nothing_of_yours_back(normal_house: House) -> None:
    running, go_on = threading.Event(), threading.Event()

    def look(_plan: PrivatePlan, _reservation: Reservation) -> None:
        running.set()
        go_on.wait()

    house, _ = watched(normal_house, look)
    thread, came = asking(house)
    running.wait()
    assert house.mediator.call_back("k", BEN) is Calling.NOTHING
    with pytest.raises(Refused) as refusal:
        house.mediator.station("k", BEN)
    assert refusal.value.code is Code.NOT_FOUND
    assert house.mediator.station("k", ANNA) is Station.RUNNING
    go_on.set()
    thread.join()
    assert not isinstance(came[0], HavenError)


@pytest.mark.parametrize("who", [KEEPER, CORA, OTTO])
def test_those_who_may_not_ask_have_nothing_on_the_way(normal_house: House, who: object) -> None:
    for act in (normal_house.mediator.station, normal_house.mediator.call_back):
        with pytest.raises(Refused) as refusal:
            act("k", who)  # type: ignore[arg-type]
        assert refusal.value.code is Code.AUTH_FORBIDDEN


def test_a_question_called_back_before_it_came_is_refused_and_free(normal_house: House) -> None:
    house, engine = watched(normal_house)
    assert house.mediator.call_back("k", ANNA) is Calling.NOTHING
    with pytest.raises(Refused) as refusal:
        ask(house, COUNT, "0.1", idempotency_key="k")
    assert refusal.value.code is Code.REQUEST_CANCELLED
    assert engine.calls == []
    assert spent(house).pico == 0
    assert ask(house, COUNT, "0.1", idempotency_key="other").rows


def test_keys_called_back_too_early_are_not_remembered_for_ever() -> None:
    flying = InFlight()
    for number in range(MOST_REMEMBERED + 1):
        flying.call_back("anna", str(number))
    with flying.journey("anna", "0") as journey:
        assert journey.station() is Station.WAITING
    with pytest.raises(Refused), flying.journey("anna", str(MOST_REMEMBERED)):
        pass


def test_a_station_is_told_only_when_a_slot_has_passed() -> None:
    """Noising begins 30 ms after the question ran, in a grid of 20 ms slots: it is told from 40 ms on, when an answer could have left."""
    moment = [100.0]
    journey = Journey(lambda: moment[0])
    assert journey.station() is Station.WAITING
    assert journey.begin(TimeGrid(20), lambda: None)
    assert journey.station() is Station.RUNNING
    moment[0] = 100.030
    journey.reach(Station.NOISING)
    for at, told in ((100.031, Station.RUNNING), (100.0399, Station.RUNNING), (100.0401, Station.NOISING)):
        moment[0] = at
        assert journey.station() is told


def test_a_replayed_answer_needs_no_key_and_no_journey_is_left_behind(normal_house: House) -> None:
    question = Question("aging", COUNT, epsilon=Decimal("0.1"), idempotency_key="k")
    normal_house.mediator.ask(question, ANNA)
    with pytest.raises(Refused):
        normal_house.mediator.station("k", ANNA)
    assert normal_house.mediator.ask(question, ANNA).rows
