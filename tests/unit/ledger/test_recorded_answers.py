"""Replay, idempotency keys, receipts and the lists of spends."""

from collections.abc import Iterator
from datetime import date

import pytest

from haven.errors import Code, Fault, Refused
from haven.ledger.database import Place
from haven.ledger.entries import Receipt, SpendState
from haven.ledger.ledger import Ledger
from tests.support.books import ANSWER, NOW, caps, later, permit, plan, rho

ALLOWED = caps(rho(1000))


@pytest.fixture(name="ledger")
def _ledger(books_place: Place) -> Iterator[Ledger]:
    with Ledger.open(books_place) as ledger:
        yield ledger


def _ask(ledger: Ledger, digest: str = "d1", snapshot: int = 1, key: str | None = None, project: str = "liver") -> Receipt:
    reservation = ledger.reserve(
        plan(rho(1), digest), permit(ALLOWED, project=project), snapshot, NOW, key, question="SELECT count(*) FROM t"
    )
    return ledger.post(reservation, ANSWER, "pass", later(seconds=1))


def test_a_recorded_answer_comes_back_bit_for_bit_and_costs_nothing(ledger: Ledger) -> None:
    receipt = _ask(ledger)
    replay = ledger.replay("liver", "nafld", "d1", 1)
    assert replay is not None
    assert replay.answer == ANSWER
    assert (replay.receipt.id, replay.receipt.entry_digest, replay.receipt.replayed) == (receipt.id, receipt.entry_digest, True)
    assert ledger.population_balance("nafld").taken == rho(1)


@pytest.mark.parametrize(
    "other", [("heart", "nafld", "d1", 1), ("liver", "labs", "d1", 1), ("liver", "nafld", "d2", 1), ("liver", "nafld", "d1", 2)]
)
def test_another_project_dataset_plan_or_snapshot_has_no_recorded_answer(ledger: Ledger, other: tuple[str, str, str, int]) -> None:
    _ask(ledger)
    assert ledger.replay(*other) is None


def test_a_fault_is_never_replayed(ledger: Ledger) -> None:
    reservation = ledger.reserve(plan(rho(1), "d1"), permit(ALLOWED), 1, NOW)
    assert ledger.replay("liver", "nafld", "d1", 1) is None
    receipt = ledger.post_fault(reservation, NOW)
    assert ledger.replay("liver", "nafld", "d1", 1) is None
    assert ledger.recorded(receipt.id) is None


def test_the_newest_of_two_draws_is_the_one_replayed(ledger: Ledger) -> None:
    _ask(ledger)
    second = _ask(ledger)
    replay = ledger.replay("liver", "nafld", "d1", 1)
    assert replay is not None
    assert replay.receipt.id == second.id


def test_a_key_used_again_for_the_same_request_gives_the_same_receipt(ledger: Ledger) -> None:
    receipt = _ask(ledger, key="k")
    earlier = ledger.earlier("alice", "liver", "k", "d1", 1)
    assert earlier is not None
    assert (earlier.receipt, earlier.answer) == (receipt, ANSWER)


def test_a_new_key_has_nothing_earlier(ledger: Ledger) -> None:
    _ask(ledger, key="k")
    assert ledger.earlier("alice", "liver", "other", "d1", 1) is None
    assert ledger.earlier("bob", "liver", "k", "d1", 1) is None


@pytest.mark.parametrize(("digest", "snapshot"), [("d2", 1), ("d1", 2)])
def test_a_key_used_again_for_another_request_is_refused(ledger: Ledger, digest: str, snapshot: int) -> None:
    _ask(ledger, key="k")
    with pytest.raises(Refused) as refusal:
        ledger.earlier("alice", "liver", "k", digest, snapshot)
    assert refusal.value.code is Code.REQUEST_CONFLICT


def test_a_key_cannot_pay_twice(ledger: Ledger) -> None:
    _ask(ledger, key="k")
    with pytest.raises(Refused) as refusal:
        _ask(ledger, key="k")
    assert refusal.value.code is Code.REQUEST_CONFLICT
    assert ledger.population_balance("nafld").taken == rho(1)


def test_a_key_in_flight_is_told_to_ask_again_and_one_that_faulted_stays_a_fault(ledger: Ledger) -> None:
    reservation = ledger.reserve(plan(rho(1), "d1"), permit(ALLOWED), 1, NOW, "k")
    with pytest.raises(Refused, match="still being answered"):
        ledger.earlier("alice", "liver", "k", "d1", 1)
    ledger.post_fault(reservation, NOW)
    with pytest.raises(Fault) as fault:
        ledger.earlier("alice", "liver", "k", "d1", 1)
    assert fault.value.code is Code.FAULT_QUESTION


def test_a_void_frees_its_key(ledger: Ledger) -> None:
    ledger.void(ledger.reserve(plan(rho(1), "d1"), permit(ALLOWED), 1, NOW, "k"), "the engine could not be started", NOW)
    assert ledger.earlier("alice", "liver", "k", "d1", 1) is None
    _ask(ledger, key="k")


def test_a_receipt_can_be_read_again_as_it_was_given(ledger: Ledger) -> None:
    receipt = _ask(ledger)
    _ask(ledger, "d2")
    assert ledger.receipt(receipt.id) == receipt
    assert ledger.recorded(receipt.id) == ANSWER


def test_what_is_unknown_in_flight_or_void_has_no_receipt(ledger: Ledger) -> None:
    reservation = ledger.reserve(plan(rho(1)), permit(ALLOWED), 1, NOW)
    assert ledger.receipt("q-none") is None
    assert ledger.spend("q-none") is None
    assert ledger.receipt(reservation.id) is None
    ledger.void(reservation, "the engine could not be started", NOW)
    assert ledger.receipt(reservation.id) is None


def test_a_spend_shows_the_researchers_own_text(ledger: Ledger) -> None:
    spend = ledger.spend(_ask(ledger).id)
    assert spend is not None
    assert (spend.question, spend.state, spend.outcome, spend.answered) == ("SELECT count(*) FROM t", SpendState.POSTED, "pass", True)
    assert spend.ended_at == later(seconds=1)


def test_recent_spends_are_the_newest_first_and_filtered(ledger: Ledger) -> None:
    ids = [_ask(ledger, f"d{number}", project=project).id for number, project in enumerate(("liver", "heart", "liver"))]
    assert [spend.reservation.id for spend in ledger.recent()] == ids[::-1]
    assert [spend.reservation.id for spend in ledger.recent(limit=1)] == ids[2:]
    assert [spend.reservation.id for spend in ledger.recent(project="liver", dataset="nafld", actor="alice")] == [ids[2], ids[0]]
    assert [spend.reservation.id for spend in ledger.history("heart")] == [ids[1]]
    assert ledger.recent(dataset="labs") == ()


def test_the_burn_down_adds_each_day_exactly(ledger: Ledger) -> None:
    for price, day in ((3, 0), (4, 0), (5, 2)):
        reservation = ledger.reserve(plan(rho(price, 1)), permit(caps(rho(1000, 1000))), 1, later(days=day))
        ledger.post(reservation, ANSWER, "pass", later(days=day))
    ledger.reserve(plan(rho(9)), permit(caps(rho(1000, 1000))), 1, later(days=3))
    series = [(point.day, point.spent) for point in ledger.spend_series("nafld")]
    assert series == [(date(2026, 3, 1), rho(7, 2)), (date(2026, 3, 3), rho(5, 1))]
    assert ledger.spend_series("labs") == ()
