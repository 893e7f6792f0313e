"""A loss that was not booked: added by two custodians, never taken back, seen in every total, and stopping what it takes beyond its cap."""

from collections.abc import Iterator

import pytest

from haven.errors import Code, Refused
from haven.ledger.accounts import Spender
from haven.ledger.audit import audit_verify
from haven.ledger.corrections import KIND, Correction
from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from haven.policy.roles import Role
from haven.privacy.budget import Definition, Price
from tests.support.books import ANSWER, NOW, caps, later, permit, plan, rho

WHERE = Spender("nafld", "nafld", "liver", "alice")


@pytest.fixture(name="path")
def _path(books_place: Place) -> Place:
    return books_place


@pytest.fixture(name="ledger")
def _ledger(path: Place) -> Iterator[Ledger]:
    with Ledger.open(path) as ledger:
        for name in ("carol", "claude"):
            ledger.people.add_user(name, Role.CUSTODIAN, actor="setup", now=NOW)
        yield ledger
    assert audit_verify(path).problems == ()


def propose(ledger: Ledger, correction: Correction) -> str:
    return ledger.proposals.propose(
        KIND, "dataset:nafld", correction.detail, "an answer was sent by post", actor="carol", now=later(seconds=1)
    ).id


def confirm(ledger: Ledger, correction: Correction) -> None:
    ledger.proposals.confirm(propose(ledger, correction), "it was", actor="claude", now=later(seconds=2))


def test_nothing_is_added_before_another_custodian_confirms(ledger: Ledger) -> None:
    waiting = propose(ledger, Correction(WHERE, rho(30)))
    assert ledger.population_balance("nafld").spent == rho(0)
    with pytest.raises(Refused):
        ledger.proposals.confirm(waiting, "I say so myself", actor="carol", now=later(seconds=2))
    assert ledger.population_balance("nafld").spent == rho(0)


def test_a_confirmed_loss_is_spent_of_every_account_it_names_and_of_no_other(ledger: Ledger) -> None:
    confirm(ledger, Correction(WHERE, rho(30, 2)))
    confirm(ledger, Correction(Spender("nafld", "nafld"), rho(5)))
    spent = {
        name: ledger.account(name).spent
        for name in ("population:nafld", "dataset:nafld", "project:liver/nafld", "researcher:alice/liver/nafld", "project:heart/nafld")
    }
    assert list(spent.values()) == [rho(35, 2), rho(35, 2), rho(30, 2), rho(30, 2), rho(0)]
    assert [(point.day, point.spent) for point in ledger.spend_series("nafld")] == [(NOW.date(), rho(35, 2))]


def test_the_entry_says_who_proposed_and_confirmed_it_and_why(ledger: Ledger) -> None:
    confirm(ledger, Correction(WHERE, rho(30)))
    corrected, confirmed = ledger.entries(limit=2)
    assert (corrected.kind, corrected.actor, corrected.detail["reason"]) == ("budget.corrected", "claude", "an answer was sent by post")
    assert (confirmed.kind, confirmed.detail["id"]) == ("proposal.confirmed", corrected.detail["proposal"])


def test_a_loss_beyond_the_cap_is_booked_and_stops_the_dataset(ledger: Ledger) -> None:
    allowed = permit(caps(rho(100)))
    ledger.post(ledger.reserve(plan(rho(90)), allowed, 1, NOW), ANSWER, "pass", NOW)
    confirm(ledger, Correction(WHERE, rho(30)))
    assert (ledger.balance("nafld", "nafld").spent, ledger.left(allowed)) == (rho(120), rho(0))
    with pytest.raises(Refused, match="than its policy now allows") as refusal:
        ledger.reserve(plan(rho(0)), allowed, 1, later(seconds=3))
    assert refusal.value.code is Code.BUDGET_EXHAUSTED


def test_a_question_in_flight_ends_as_it_would_have(ledger: Ledger) -> None:
    reservation = ledger.reserve(plan(rho(90)), permit(caps(rho(100))), 1, NOW)
    confirm(ledger, Correction(WHERE, rho(30)))
    assert ledger.post(reservation, ANSWER, "pass", later(seconds=3)).left == rho(0)
    assert ledger.population_balance("nafld").taken == rho(120)


@pytest.mark.parametrize("wrong", [Correction(WHERE, rho(0)), Correction(Spender("nafld", "nafld", "", "alice"), rho(1))])
def test_a_loss_of_nothing_or_of_a_researcher_without_a_project_is_refused(wrong: Correction) -> None:
    with pytest.raises(Refused) as refusal:
        _ = wrong.detail
    assert refusal.value.code is Code.REQUEST_INVALID


def test_a_gain_cannot_be_written() -> None:
    with pytest.raises(ValueError, match="never negative"):
        Correction(WHERE, Price(Definition.ZCDP, -1))


def test_a_loss_of_another_definition_is_refused_and_stays_open(ledger: Ledger) -> None:
    confirm(ledger, Correction(WHERE, rho(1)))
    with pytest.raises(Refused) as refusal:
        confirm(ledger, Correction(WHERE, Price(Definition.PURE, 1)))
    assert refusal.value.code is Code.BUDGET_INVALID
    assert len(ledger.proposals.waiting()) == 1
    assert ledger.population_balance("nafld").spent == rho(1)
