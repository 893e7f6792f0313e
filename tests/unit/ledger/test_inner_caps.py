"""A researcher's own part and a period's: what is refused, in which words, when a period ends; and older rows, which knew three caps."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone

import pytest

from haven.errors import Code, Refused
from haven.ledger import rows
from haven.ledger.accounts import Account, Spender, accounts_of, moved_by
from haven.ledger.audit import audit_verify
from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from haven.policy.authorisation import Caps, PeriodCap
from haven.policy.periods import Length
from tests.support.books import ANSWER, NOW, later, permit, plan, rho

MONTH = Length(months=1)


@pytest.fixture(name="path")
def _path(books_place: Place) -> Place:
    return books_place


@pytest.fixture(name="ledger")
def _ledger(path: Place) -> Iterator[Ledger]:
    with Ledger.open(path) as ledger:
        yield ledger
    assert audit_verify(path).problems == ()


def inner(researcher: int | None = None, period: int | None = None, length: Length = MONTH, whole: int = 100) -> Caps:
    month = None if period is None else PeriodCap(rho(period), length)
    return Caps(rho(whole), rho(whole), rho(whole), None if researcher is None else rho(researcher), month)


def spend(ledger: Ledger, pico: int, allowed: Caps, moment: datetime = NOW, **who: str) -> None:
    ledger.post(ledger.reserve(plan(rho(pico)), permit(allowed, **who), 1, moment), ANSWER, "pass", moment)


def test_one_researcher_does_not_take_the_part_of_another(ledger: Ledger) -> None:
    allowed = inner(researcher=10)
    spend(ledger, 10, allowed, actor="alice")
    with pytest.raises(Refused) as refusal:
        spend(ledger, 1, allowed, actor="alice")
    assert refusal.value.code is Code.BUDGET_EXHAUSTED
    assert refusal.value.reason.endswith("and alice's own part of the project liver's share of nafld has rho 0 left.")
    spend(ledger, 10, allowed, actor="bob")
    spend(ledger, 10, allowed, actor="alice", project="heart")


def test_a_period_that_is_spent_says_when_the_next_begins_and_it_does(ledger: Ledger) -> None:
    allowed = inner(period=10)
    spend(ledger, 6, allowed, datetime(2026, 11, 30, 23, 59, tzinfo=UTC))
    with pytest.raises(Refused) as refusal:
        spend(ledger, 5, allowed, datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC))
    assert refusal.value.reason.endswith("and this month's part of the project liver's share of nafld has rho 0.000000000004 left.")
    assert refusal.value.suggestion.startswith("Ask with at most rho 0.000000000004, or wait: the next period begins on 2026-12-01 (UTC)")
    spend(ledger, 10, allowed, datetime(2026, 12, 1, tzinfo=UTC))
    with pytest.raises(Refused, match="has rho 0 left") as refusal:
        spend(ledger, 1, allowed, datetime(2026, 12, 1, tzinfo=UTC))
    assert refusal.value.suggestion.startswith("The next period begins on 2027-01-01 (UTC)")


def test_a_period_is_counted_in_utc_wherever_the_clock_is(ledger: Ledger) -> None:
    allowed = inner(period=10)
    oslo = timezone(timedelta(hours=1))
    spend(ledger, 10, allowed, datetime(2026, 12, 1, 0, 30, tzinfo=oslo))
    with pytest.raises(Refused, match="this month"):
        spend(ledger, 1, allowed, datetime(2026, 11, 2, tzinfo=UTC))
    spend(ledger, 10, allowed, datetime(2026, 12, 1, 1, 0, tzinfo=oslo))


def test_a_question_that_is_asked_in_one_month_and_answered_in_the_next_is_the_first_ones(ledger: Ledger) -> None:
    allowed, before, after = inner(period=10), datetime(2026, 11, 30, 23, 59, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)
    reservation = ledger.reserve(plan(rho(10)), permit(allowed), 1, before)
    receipt = ledger.post(reservation, ANSWER, "pass", after)
    assert receipt.left == rho(0)
    assert ledger.account("period:liver/nafld/2026-11").spent == rho(10)
    spend(ledger, 10, allowed, after)


def test_another_length_of_period_counts_anew_and_the_share_still_holds(ledger: Ledger) -> None:
    spend(ledger, 10, inner(period=10, whole=15))
    spend(ledger, 5, inner(period=10, length=Length(months=3), whole=15))
    with pytest.raises(Refused, match="the project liver's share of nafld has rho 0 left"):
        spend(ledger, 1, inner(period=10, length=Length(weeks=1), whole=15))


def test_the_cap_with_the_least_left_is_named_and_what_it_has_left_can_be_asked(ledger: Ledger) -> None:
    allowed = Caps(rho(40), rho(30), rho(20), rho(15), PeriodCap(rho(18), MONTH))
    spend(ledger, 9, allowed)
    with pytest.raises(Refused, match="alice's own part") as refusal:
        spend(ledger, 32, allowed)
    assert "at most rho 0.000000000006," in refusal.value.suggestion
    spend(ledger, 6, allowed)
    with pytest.raises(Refused, match="this month's part"):
        spend(ledger, 5, allowed, actor="bob")


def test_every_cap_is_met_exactly_and_not_passed(ledger: Ledger) -> None:
    allowed = Caps(rho(10, 5), rho(10, 5), rho(10, 5), rho(10, 5), PeriodCap(rho(10, 5), MONTH))
    ledger.reserve(plan(rho(10, 5)), permit(allowed), 1, NOW)
    assert ledger.left(permit(allowed)) == rho(0)
    for one_more in (rho(1), rho(0, 1)):
        with pytest.raises(Refused):
            ledger.reserve(plan(one_more), permit(allowed), 1, NOW)
    ledger.reserve(plan(rho(0)), permit(allowed), 1, NOW)


def test_a_cap_that_is_lowered_below_what_is_spent_stops_what_it_holds_and_rewrites_nothing(ledger: Ledger) -> None:
    spend(ledger, 60, inner())
    lowered = Caps(rho(100), rho(50), rho(50))
    with pytest.raises(Refused) as refusal:
        spend(ledger, 0, lowered)
    assert refusal.value.code is Code.BUDGET_EXHAUSTED
    assert "than its policy now allows (rho 0.00000000005), so no question is answered from it." in refusal.value.reason
    assert ledger.balance("nafld", "nafld").spent == rho(60)
    spend(ledger, 40, inner())


def test_two_datasets_of_one_population_share_its_budget_and_keep_their_own_caps(ledger: Ledger) -> None:
    small = Caps(rho(100), rho(30), rho(100))
    spend(ledger, 30, small, dataset="labs")
    with pytest.raises(Refused, match="the dataset labs has rho 0 left"):
        spend(ledger, 1, small, dataset="labs", project="heart")
    spend(ledger, 70, inner(), dataset="nafld")
    with pytest.raises(Refused, match="the population nafld has rho 0 left"):
        spend(ledger, 1, Caps(rho(100), rho(99), rho(99)), dataset="omics")


def _levels(held: Sequence[Account]) -> dict[str, dict[str, str]]:
    """The caps of a spend as earlier versions wrote them: under the names of the three levels."""
    names = ("population", "dataset", "project")
    return {name: rows.price_json(account.cap) for name, account in zip(names, held, strict=True)}


def test_a_spend_that_an_earlier_version_left_in_flight_is_ended_and_audited(path: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as earlier, Ledger.open(path) as ledger:
        earlier.setattr(rows, "caps_json", _levels)
        spend(ledger, 7, inner())
        reservation = ledger.reserve(plan(rho(5)), permit(inner()), 1, NOW)
    assert audit_verify(path).problems == ()
    with Ledger.open(path) as ledger:
        assert ledger.post(reservation, ANSWER, "pass", later(seconds=1)).left == rho(88)
        assert ledger.balance("nafld", "nafld", "liver").spent == rho(12)
    assert audit_verify(path).problems == ()


def test_both_forms_of_an_entry_say_the_same_accounts() -> None:
    where = {"population": "people", "dataset": "nafld", "project": "liver"}
    held = accounts_of(Spender("people", "nafld", "liver", "alice"), Caps(rho(9, 3), rho(8, 2), rho(7, 1)), NOW)
    assert moved_by(where | {"caps": _levels(held)}) == moved_by(where | {"caps": rows.caps_json(held)})
    assert moved_by(where | {"caps": _levels(held)})[2] == ("project:liver/nafld", (7, 1))
