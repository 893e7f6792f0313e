"""Reserve, post, void, sweep: what each does to the three accounts, and what it refuses."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from haven.errors import Code, Fault, Refused
from haven.ledger.audit import audit_verify
from haven.ledger.database import Place
from haven.ledger.entries import RecordedAnswer, Reservation, SpendState
from haven.ledger.ledger import Ledger
from haven.ledger.registry import PolicyKind, State
from haven.policy.authorisation import Caps
from haven.policy.roles import Role
from haven.privacy.budget import Definition, Price
from haven.privacy.tables import NoisyTable
from tests.support.books import ANSWER, NOW, caps, later, permit, plan, rho


@pytest.fixture(name="path")
def _path(books_place: Place) -> Place:
    return books_place


@pytest.fixture(name="ledger")
def _ledger(path: Place) -> Iterator[Ledger]:
    with Ledger.open(path) as ledger:
        yield ledger
    assert audit_verify(path).problems == ()


def _take(ledger: Ledger, pico: int, allowed: Caps, **who: str) -> Reservation:
    return ledger.reserve(plan(rho(pico)), permit(allowed, **who), 1, NOW)


def test_a_reservation_takes_its_price_from_all_three_accounts(ledger: Ledger) -> None:
    _take(ledger, 30, caps(rho(100)))
    balances = (ledger.population_balance("nafld"), ledger.balance("nafld", "nafld"), ledger.balance("nafld", "nafld", "liver"))
    assert [(balance.spent.pico, balance.reserved.pico) for balance in balances] == [(0, 30)] * 3


def test_a_posted_price_is_spent_and_no_longer_reserved(ledger: Ledger) -> None:
    receipt = ledger.post(_take(ledger, 30, caps(rho(100))), ANSWER, "pass", later(seconds=1))
    balance = ledger.balance("nafld", "nafld", "liver")
    assert (balance.spent, balance.reserved, balance.taken, receipt.left) == (rho(30), rho(0), rho(30), rho(70))


def test_a_void_gives_the_whole_price_back(ledger: Ledger) -> None:
    reservation = _take(ledger, 100, caps(rho(100)))
    ledger.void(reservation, "the engine could not be started", NOW)
    ledger.void(reservation, "the engine could not be started", NOW)
    assert ledger.balance("nafld", "nafld").taken == rho(0)
    _take(ledger, 100, caps(rho(100)))


@pytest.mark.parametrize(
    ("allowed", "holder"),
    [
        (Caps(rho(9), rho(9), rho(9)), "the project liver's share of nafld has rho 0.000000000009 left"),
        (Caps(rho(9), rho(9), rho(99)), "the dataset nafld has rho 0.000000000009 left"),
        (Caps(rho(9), rho(99), rho(99)), "the population nafld has rho 0.000000000009 left"),
    ],
)
def test_a_price_over_any_cap_is_refused_naming_the_narrowest(ledger: Ledger, allowed: Caps, holder: str) -> None:
    with pytest.raises(Refused) as refusal:
        _take(ledger, 10, allowed)
    assert refusal.value.code is Code.BUDGET_EXHAUSTED
    assert refusal.value.reason == f"This question costs rho 0.00000000001, and {holder}."
    assert refusal.value.suggestion.startswith("Ask with at most rho 0.000000000009,")
    assert ledger.population_balance("nafld").taken == rho(0)


def test_a_price_that_fits_exactly_is_taken(ledger: Ledger) -> None:
    _take(ledger, 10, caps(rho(10)))
    assert ledger.left(permit(caps(rho(10)))) == rho(0)


def test_projects_share_the_dataset_and_datasets_share_the_population(ledger: Ledger) -> None:
    allowed = Caps(rho(100), rho(60), rho(50))
    _take(ledger, 50, allowed, project="liver")
    with pytest.raises(Refused, match="the dataset nafld has"):
        _take(ledger, 20, allowed, project="heart")
    _take(ledger, 45, allowed, project="heart", dataset="labs")
    with pytest.raises(Refused, match="the population nafld has"):
        _take(ledger, 10, allowed, project="heart", dataset="nafld")


def test_delta_is_a_budget_of_its_own(ledger: Ledger) -> None:
    allowed = permit(caps(rho(100, 10)))
    ledger.reserve(plan(rho(1, 9)), allowed, 1, NOW)
    with pytest.raises(Refused) as refusal:
        ledger.reserve(plan(rho(1, 2)), allowed, 1, NOW)
    assert "and delta 0.000000000000000001 left" in refusal.value.reason
    assert ledger.left(allowed) == rho(99, 1)


def test_a_price_that_only_waits_for_questions_in_flight_is_told_to_wait(ledger: Ledger) -> None:
    first = _take(ledger, 60, caps(rho(100)))
    with pytest.raises(Refused, match="in flight") as refusal:
        _take(ledger, 60, caps(rho(100)))
    assert "wait a moment" in refusal.value.suggestion
    ledger.void(first, "the engine could not be started", NOW)
    _take(ledger, 60, caps(rho(100)))


def test_where_nothing_is_left_no_smaller_budget_is_suggested(ledger: Ledger) -> None:
    ledger.post(_take(ledger, 10, caps(rho(10))), ANSWER, "pass", NOW)
    with pytest.raises(Refused) as refusal:
        _take(ledger, 1, caps(rho(10)))
    assert refusal.value.reason.endswith("has rho 0 left.")
    assert refusal.value.suggestion.startswith("Ask your data custodian for a larger share")


def test_amounts_beyond_64_bits_are_exact(ledger: Ledger) -> None:
    huge = 10**45 + 1
    for _ in range(3):
        ledger.post(_take(ledger, huge, caps(rho(10**46))), ANSWER, "pass", NOW)
    assert ledger.population_balance("nafld").spent.pico == 3 * huge


def test_an_amount_beyond_60_digits_is_an_error_and_changes_nothing(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="60 digits"):
        _take(ledger, 10**60, caps(rho(10**61)))
    assert ledger.population_balance("nafld").taken == rho(0)


def test_a_price_in_another_definition_than_its_caps_is_refused(ledger: Ledger) -> None:
    with pytest.raises(Refused) as refusal:
        ledger.reserve(plan(Price(Definition.PURE, 1)), permit(caps(rho(10))), 1, NOW)
    assert refusal.value.code is Code.BUDGET_INVALID


def test_an_account_keeps_the_definition_it_began_with(ledger: Ledger) -> None:
    _take(ledger, 1, caps(rho(10)))
    pure = Price(Definition.PURE, 1)
    with pytest.raises(Refused) as refusal:
        ledger.reserve(plan(pure), permit(caps(Price(Definition.PURE, 10))), 1, NOW)
    assert refusal.value.code is Code.BUDGET_INVALID


def test_an_untouched_account_is_zero_in_the_definition_asked_for(ledger: Ledger) -> None:
    assert ledger.balance("nafld", "nafld", definition=Definition.PURE).taken == Price(Definition.PURE, 0)


def test_a_spend_ends_once(ledger: Ledger) -> None:
    posted = _take(ledger, 1, caps(rho(10)))
    ledger.post(posted, ANSWER, "pass", NOW)
    for again in (lambda: ledger.post(posted, ANSWER, "pass", NOW), lambda: ledger.void(posted, "late", NOW)):
        with pytest.raises(Fault) as fault:
            again()
        assert fault.value.code is Code.FAULT_QUESTION
    assert ledger.population_balance("nafld").taken == rho(1)


def test_a_void_spend_can_neither_be_posted_nor_faulted(ledger: Ledger) -> None:
    reservation = _take(ledger, 1, caps(rho(10)))
    ledger.void(reservation, "the engine could not be started", NOW)
    with pytest.raises(Fault):
        ledger.post(reservation, ANSWER, "pass", NOW)
    with pytest.raises(Fault):
        ledger.post_fault(reservation, NOW)
    assert ledger.recorded(reservation.id) is None


def test_posting_a_fault_twice_gives_the_first_receipt(ledger: Ledger) -> None:
    reservation = _take(ledger, 4, caps(rho(10)))
    first = ledger.post_fault(reservation, NOW)
    assert ledger.post_fault(reservation, later(seconds=5)) == first
    assert ledger.population_balance("nafld").spent == rho(4)


def test_a_reservation_these_books_never_made_is_no_permit(ledger: Ledger, tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "other.sqlite") as other:
        foreign = _take(other, 1, caps(rho(10)))
    with pytest.raises(Fault):
        ledger.post(foreign, ANSWER, "pass", NOW)


def test_the_sweep_posts_what_is_old_and_leaves_what_is_young(ledger: Ledger) -> None:
    old = ledger.reserve(plan(rho(1)), permit(caps(rho(10))), 1, NOW)
    young = ledger.reserve(plan(rho(2)), permit(caps(rho(10))), 1, later(seconds=50))
    assert ledger.sweep(later(seconds=60), timedelta(seconds=30)) == 1
    spends = {spend.reservation.id: spend for spend in ledger.recent()}
    assert (spends[old.id].state, spends[old.id].outcome) == (SpendState.POSTED, "swept")
    assert spends[young.id].state is SpendState.RESERVED
    assert (ledger.population_balance("nafld").spent, ledger.population_balance("nafld").reserved) == (rho(1), rho(2))
    assert ledger.entries(kind="spend.posted")[0].actor == "haven"


@pytest.mark.parametrize("clock", [NOW - timedelta(days=365), NOW, NOW + timedelta(days=365)])
def test_the_sweep_at_start_posts_everything_whatever_the_clock_says(ledger: Ledger, clock: datetime) -> None:
    _take(ledger, 1, caps(rho(10)))
    assert ledger.sweep(clock, timedelta(0)) == 1
    assert ledger.sweep(clock, timedelta(0)) == 0


def test_an_answer_that_comes_after_the_sweep_is_not_given(ledger: Ledger) -> None:
    reservation = _take(ledger, 1, caps(rho(10)))
    ledger.sweep(NOW, timedelta(0))
    with pytest.raises(Fault) as fault:
        ledger.post(reservation, ANSWER, "pass", NOW)
    assert fault.value.code is Code.FAULT_QUESTION
    assert ledger.replay("liver", "nafld", "plan-digest", 1) is None


def test_an_answer_that_json_cannot_hold_is_an_error_and_posts_nothing(ledger: Ledger) -> None:
    reservation = _take(ledger, 1, caps(rho(10)))
    with pytest.raises(ValueError, match="JSON"):
        ledger.post(reservation, RecordedAnswer(NoisyTable(((),), ((1,),)), {"x": float("nan")}), "pass", NOW)
    assert ledger.recent()[0].state is SpendState.RESERVED


@pytest.mark.parametrize(
    ("kind", "name", "state", "code"),
    [
        (PolicyKind.DATASET, "nafld", State.PAUSED, Code.POLICY_PAUSED),
        (PolicyKind.DATASET, "nafld", State.REVOKED, Code.POLICY_PAUSED),
        (PolicyKind.PROJECT, "liver", State.SUSPENDED, Code.POLICY_SUSPENDED),
    ],
)
def test_what_is_stopped_at_the_instant_of_reserving_is_refused(
    ledger: Ledger, kind: PolicyKind, name: str, state: State, code: Code
) -> None:
    ledger.registry.add_policy(kind, name, "text", "digest", "custodian", NOW)
    ledger.registry.set_state(kind, name, state, "an incident", "custodian", NOW)
    with pytest.raises(Refused) as refusal:
        _take(ledger, 1, caps(rho(10)))
    assert refusal.value.code is code
    _take(ledger, 1, caps(rho(10)), project="heart", dataset="labs")


def test_a_resumed_dataset_is_answered_again(ledger: Ledger) -> None:
    ledger.registry.add_policy(PolicyKind.DATASET, "nafld", "text", "digest", "custodian", NOW)
    ledger.registry.set_state(PolicyKind.DATASET, "nafld", State.PAUSED, "an incident", "custodian", NOW)
    ledger.registry.set_state(PolicyKind.DATASET, "nafld", State.ACTIVE, "resolved", "custodian", NOW)
    _take(ledger, 1, caps(rho(10)))


def test_a_suspended_person_cannot_reserve(ledger: Ledger) -> None:
    ledger.people.add_user("alice", Role.RESEARCHER, actor="custodian", now=NOW)
    ledger.people.suspend_user("alice", "misuse", actor="custodian", now=NOW)
    with pytest.raises(Refused) as refusal:
        _take(ledger, 1, caps(rho(10)))
    assert refusal.value.code is Code.POLICY_SUSPENDED


def test_a_time_without_a_zone_is_an_error(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="zone"):
        ledger.reserve(plan(rho(1)), permit(caps(rho(10))), 1, NOW.replace(tzinfo=None))


def test_a_question_planned_on_an_earlier_snapshot_is_refused_and_takes_nothing(path: Place) -> None:
    with Ledger.open(path) as ledger:
        for serial in (1, 2):
            ledger.registry.add_snapshot("nafld", serial, b"salt", "fingerprint", "custodian", NOW)
        with pytest.raises(Refused) as refused:
            ledger.reserve(plan(rho(10)), permit(caps(rho(100))), 1, NOW)
        assert refused.value.code == Code.REQUEST_CONFLICT
        assert ledger.balance("nafld", "nafld").taken == rho(0)
        assert ledger.reserve(plan(rho(10)), permit(caps(rho(100))), 2, NOW).snapshot == 2
