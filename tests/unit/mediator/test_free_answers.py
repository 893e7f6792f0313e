"""What was paid for is given again for nothing, to the same project, on the same snapshot; a fresh draw and a new question are paid."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from haven.cli.house import House, open_books
from haven.cli.registration import ingest_again
from haven.errors import Code, Refused
from haven.ledger.usage import days_of
from haven.mediator.answers import Question
from tests.support.house import ANNA, BEN, ask, silent, spent
from tests.support.watched import watched

SITES = "SELECT site, COUNT(*) AS n, SUM(age) AS s FROM persons GROUP BY site"


def test_the_same_question_again_is_free_and_identical(normal_house: House) -> None:
    house, engine = watched(normal_house)
    first = ask(house, SITES, "0.1")
    paid = spent(house)
    second = ask(house, SITES, "0.1", who=BEN)
    assert len(engine.calls) == 1
    assert spent(house) == paid
    assert (second.rows, second.errors) == (first.rows, first.errors)
    assert (first.receipt["replayed"], second.receipt["replayed"]) == (False, True)
    assert second.receipt["id"] == first.receipt["id"]


def test_other_names_and_another_order_of_columns_are_the_same_question(normal_house: House) -> None:
    first = ask(normal_house, SITES, "0.1")
    paid = spent(normal_house)
    renamed = ask(normal_house, "SELECT SUM(age) AS years, site AS place, COUNT(*) AS people FROM persons GROUP BY place", "0.1")
    assert [column.name for column in renamed.columns] == ["years", "place", "people"]
    assert renamed.rows == tuple((s, site, n) for site, n, s in first.rows)
    assert renamed.errors == tuple((s, site, n) for site, n, s in first.errors)
    assert spent(normal_house) == paid
    assert renamed.receipt["replayed"]


def test_sorting_and_choosing_rows_of_a_paid_answer_is_free(normal_house: House) -> None:
    first = ask(normal_house, SITES, "0.1")
    paid = spent(normal_house)
    top = ask(normal_house, f"{SITES} ORDER BY n DESC LIMIT 2", "0.1")
    assert top.rows == tuple(sorted(first.rows, key=lambda row: -row[1])[:2])
    assert spent(normal_house) == paid


def test_a_fresh_draw_is_paid_and_differs(normal_house: House) -> None:
    first = ask(normal_house, SITES, "0.05")
    once = spent(normal_house)
    fresh = ask(normal_house, SITES, "0.05", replay=False)
    assert fresh.rows != first.rows
    assert fresh.receipt["id"] != first.receipt["id"]
    assert not fresh.receipt["replayed"]
    assert spent(normal_house) == once + once


def test_another_price_is_another_answer(normal_house: House) -> None:
    first, dearer = ask(normal_house, SITES, "0.1"), ask(normal_house, SITES, "0.2")
    assert dearer.receipt["id"] != first.receipt["id"]
    assert not dearer.receipt["replayed"]


def test_another_project_pays_for_itself(normal_house: House) -> None:
    ask(normal_house, "SELECT COUNT(*) AS n FROM clinic.persons", "0.1")
    other = ask(normal_house, "SELECT COUNT(*) AS n FROM clinic.persons", "0.1", project="both")
    assert not other.receipt["replayed"]
    assert spent(normal_house, "both").pico > 0


def test_after_a_new_snapshot_a_question_is_paid_again(normal_house: House) -> None:
    ask(normal_house, SITES, "0.1")
    with open_books(normal_house.home.home.root) as (home, ledger):
        ingest_again("clinic", home, ledger, silent)
    again = ask(normal_house, SITES, "0.1")
    assert not again.receipt["replayed"]
    assert again.receipt["snapshot"] == 2


def test_one_key_is_one_question_even_where_a_fresh_draw_was_asked_for(normal_house: House) -> None:
    first = ask(normal_house, SITES, "0.1", idempotency_key="k-1", replay=False)
    paid = spent(normal_house)
    again = ask(normal_house, SITES, "0.1", idempotency_key="k-1", replay=False)
    assert (again.rows, again.receipt["id"]) == (first.rows, first.receipt["id"])
    assert again.receipt == first.receipt
    assert spent(normal_house) == paid


def test_a_key_is_refused_for_another_question(normal_house: House) -> None:
    ask(normal_house, SITES, "0.1", idempotency_key="k-1")
    paid = spent(normal_house)
    for sql, epsilon in (("SELECT COUNT(*) AS n FROM visits", "0.1"), (SITES, "0.2")):
        with pytest.raises(Refused) as refusal:
            ask(normal_house, sql, epsilon, idempotency_key="k-1")
        assert refusal.value.code is Code.REQUEST_CONFLICT
    assert spent(normal_house) == paid


def test_two_people_may_choose_the_same_key(normal_house: House) -> None:
    ask(normal_house, SITES, "0.1", idempotency_key="k-1")
    assert ask(normal_house, "SELECT COUNT(*) AS n FROM visits", "0.1", who=BEN, idempotency_key="k-1").rows


def test_a_key_spent_by_a_preview_is_still_new(normal_house: House) -> None:
    question = Question("aging", SITES, epsilon=Decimal("0.1"), idempotency_key="k-1")
    normal_house.mediator.preview(question, ANNA)
    assert not normal_house.mediator.ask(question, ANNA).receipt["replayed"]


@pytest.mark.parametrize(
    "changed",
    [
        {"sql": f"{SITES} ORDER BY n"},
        {"rows_per_unit": 1},
        {"weights": {"n": 2.0}},
        {"replay": False},
        {"epsilon": None, "rho": Decimal("0.0001")},
        {"epsilon": None, "error": Decimal(40)},
    ],
    ids=["order", "bound", "weights", "replay", "rho", "error"],
)
def test_a_key_is_refused_for_the_same_question_asked_otherwise(normal_house: House, changed: dict[str, Any]) -> None:
    question = Question("aging", SITES, epsilon=Decimal("0.1"), idempotency_key="k-1")
    normal_house.mediator.ask(question, ANNA)
    paid = spent(normal_house)
    with pytest.raises(Refused) as refusal:
        normal_house.mediator.ask(replace(question, **changed), ANNA)
    assert (refusal.value.code, spent(normal_house)) == (Code.REQUEST_CONFLICT, paid)


def test_the_same_amount_written_otherwise_is_the_same_request(normal_house: House) -> None:
    first = ask(normal_house, SITES, "0.1", idempotency_key="k-1", replay=False)
    assert ask(normal_house, SITES, "0.100", idempotency_key="k-1", replay=False).receipt == first.receipt


def test_a_request_that_would_be_planned_otherwise_by_now_is_still_the_same_request(normal_house: House) -> None:
    """Its price may hang on earlier answers, and a later haven may name plans anew: what was given is given again, to the letter."""
    question = Question("aging", SITES, epsilon=Decimal("0.1"), idempotency_key="k-1", replay=False)
    mediator = normal_house.mediator
    first, paid = mediator.ask(question, ANNA), spent(normal_house)
    planned = mediator.plan(question, ANNA)
    moved = replace(planned, plan=replace(planned.plan, digest="0" * 64))
    with mediator.in_flight.journey(ANNA.name, None) as journey:
        again = mediator.answer(moved, ANNA, journey)
    assert (again.columns, again.rows, again.errors, again.receipt) == (first.columns, first.rows, first.errors, first.receipt)
    assert spent(normal_house) == paid


def test_a_hundred_copies_of_one_request_at_once_are_charged_once(normal_house: House) -> None:
    question = Question("aging", SITES, epsilon=Decimal("0.1"), idempotency_key="k-1", replay=False)

    def send(_: int) -> str:
        for _attempt in range(400):
            try:
                return str(normal_house.mediator.ask(question, ANNA).receipt["id"])
            except Refused as refusal:
                if refusal.code not in {Code.REQUEST_CONFLICT, Code.REQUEST_TOO_MANY}:
                    raise
                time.sleep(0.02)
        return "never answered"

    with ThreadPoolExecutor(20) as clients:
        receipts = set(clients.map(send, range(100)))
    assert len(receipts) == 1
    assert receipts != {"never answered"}
    booked = normal_house.ledger.recent(project="aging", limit=200)
    assert [str(spend.reservation.id) for spend in booked] == list(receipts)
    assert spent(normal_house) == booked[0].reservation.price


def test_days_count_questions_and_what_was_given_again(normal_house: House) -> None:
    for _ in range(3):
        ask(normal_house, SITES, "0.1")
    ask(normal_house, SITES, "0.1", who=BEN)
    normal_house.ledger.record("test.waited", "anna", {}, normal_house.mediator.clock())
    with normal_house.ledger.read() as connection:
        counted = {(one.project, one.actor): (one.questions, one.replayed) for one in days_of(connection, "clinic", date(2000, 1, 1))}
    assert counted == {("aging", "anna"): (1, 2), ("aging", "ben"): (0, 1)}
