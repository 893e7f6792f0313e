"""The order of stations: reserved before anything is looked at, posted before anything is told, and previews that look at nothing."""

from dataclasses import replace
from decimal import Decimal

import pytest

from haven.cli.house import House
from haven.errors import Code, Fault
from haven.ledger.entries import Reservation
from haven.mediator.answers import Question
from haven.query.private_plan import PrivatePlan
from tests.support.house import ANNA, ask, spent
from tests.support.watched import durable_state, watched

COUNT = "SELECT COUNT(*) AS n FROM persons"


def test_the_price_is_durably_reserved_when_the_engine_looks(normal_house: House) -> None:
    seen = []

    def look(plan: PrivatePlan, reservation: Reservation) -> None:
        seen.append((durable_state(normal_house.home.home.books, reservation.id), plan.price.pico, reservation.plan_digest == plan.digest))

    house, _ = watched(normal_house, look)
    answer = ask(house, COUNT, "0.1")
    ((state, price, same_plan),) = seen
    assert state == ("reserved", price)
    assert same_plan
    assert durable_state(house.home.home.books, answer.receipt["id"]) == ("posted", price)


def test_the_engine_refuses_a_reservation_for_another_plan(normal_house: House) -> None:
    taken = []
    house, _ = watched(normal_house, lambda _, reservation: taken.append(reservation))
    ask(house, COUNT, "0.1")
    planned = house.mediator.plan(Question("aging", "SELECT SUM(age) AS s FROM persons", epsilon=Decimal("0.1")), ANNA)
    with pytest.raises(Fault) as fault:
        normal_house.engine.execute(planned.plan, taken[0])
    assert fault.value.code is Code.FAULT_QUESTION


def test_the_engine_is_given_generated_sql_and_never_the_researchers_text(normal_house: House) -> None:
    given = []
    house, _ = watched(normal_house, lambda plan, _: given.append(plan.sql))
    ask(house, "SELECT COUNT(*) AS my_secret_alias FROM persons -- a remark", "0.1")
    assert "my_secret_alias" not in given[0]
    assert "remark" not in given[0]


def test_a_preview_looks_at_nothing_and_spends_nothing(normal_house: House) -> None:
    house, engine = watched(normal_house)
    before = house.ledger.entries(limit=1)
    for sql in (COUNT, "SELECT ward, COUNT(*) AS n FROM persons GROUP BY ward", "SELECT kind, SUM(cost) AS s FROM visits GROUP BY kind"):
        house.mediator.preview(Question("aging", sql, epsilon=Decimal("0.1")), ANNA)
    assert engine.calls == []
    assert spent(house).pico == 0
    assert house.ledger.entries(limit=1) == before


@pytest.mark.parametrize(
    "sql",
    [
        COUNT,
        "SELECT site, AVG(weight) AS w, COUNT(*) AS n FROM persons GROUP BY site",
        "SELECT ward, COUNT(*) AS n FROM persons GROUP BY ward",
    ],
)
def test_a_preview_says_the_price_and_errors_that_the_answer_then_has(normal_house: House, sql: str) -> None:
    question = Question("aging", sql, epsilon=Decimal("0.2"))
    preview = normal_house.mediator.preview(question, ANNA)
    answer = normal_house.mediator.ask(question, ANNA)
    assert preview.cost == answer.receipt["cost"]
    assert preview.epsilon == answer.receipt["epsilon"]
    assert list(preview.mechanisms) == answer.receipt["mechanisms"]
    assert preview.columns == answer.columns
    assert [column.name for column in preview.columns] == list(preview.errors)
    for row in answer.errors:
        for told, width in zip(row, preview.errors.values(), strict=True):
            assert width is None or told == width


def test_a_preview_says_what_is_left_and_whether_the_answer_would_be_free(normal_house: House) -> None:
    question = Question("aging", COUNT, epsilon=Decimal("0.2"))
    first = normal_house.mediator.preview(question, ANNA)
    assert not first.free
    assert first.share_of_budget == pytest.approx(float(first.cost["rho"]) / float(first.left["rho"]))
    answer = normal_house.mediator.ask(question, ANNA)
    second = normal_house.mediator.preview(question, ANNA)
    assert second.free
    assert second.left == answer.receipt["remaining"]
    assert not normal_house.mediator.preview(replace(question, replay=False), ANNA).free
