"""Two mediators, 64 clients each, one budget: never overspent, and every spend that was told is in the books as it was told."""

from typing import TYPE_CHECKING

import pytest

from haven.ledger.audit import audit_verify
from haven.ledger.ledger import Ledger
from tests.support.books import rho
from tests.support.mediators import DEAREST, spend_together

if TYPE_CHECKING:
    from haven.ledger.database import Place

MEDIATORS, CLIENTS = 2, 64
FATES = {"P": "posted", "F": "posted", "V": "void"}


def _spend_and_check(place: "Place", requests: int) -> None:
    heard = spend_together(place, requests, MEDIATORS, CLIENTS, requests)
    assert heard.errors == ""
    assert len(heard.reserved) + heard.refused == requests
    assert heard.refused > 0
    assert heard.ended.keys() == heard.reserved.keys()
    with Ledger.open(place) as ledger:
        booked = {spend.reservation.id: spend for spend in ledger.history("liver")}
        balance = ledger.population_balance("nafld")
    assert {number: booked[number].reservation.price.pico for number in booked} == heard.reserved
    assert {number: (spend.state.value, spend.answered) for number, spend in booked.items()} == {
        number: (FATES[word], word == "P") for number, word in heard.ended.items()
    }
    spent = sum(heard.reserved[number] for number, word in heard.ended.items() if FATES[word] == "posted")
    assert (balance.spent, balance.reserved) == (rho(spent), rho(0))
    assert requests - DEAREST * MEDIATORS * CLIENTS <= spent <= requests  # the budget is as many units as there are requests
    assert audit_verify(place).problems == ()


def test_two_mediators_never_overspend_one_budget_and_lose_no_spend(books_place: "Place") -> None:
    _spend_and_check(books_place, 5 * MEDIATORS * CLIENTS)


@pytest.mark.audit
@pytest.mark.timeout(3600)
def test_ten_thousand_requests_of_two_mediators_never_overspend(books_place: "Place") -> None:
    _spend_and_check(books_place, 79 * MEDIATORS * CLIENTS)
