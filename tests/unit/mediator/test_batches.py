"""A list of questions as shared releases: the same answers for less noise, one price, receipts for all, and sums that agree."""

import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from haven.cli.house import House
from haven.errors import Code, Refused
from haven.ledger.audit import audit_verify
from haven.mediator.answers import Question
from haven.mediator.batches import Batch, Item
from tests.support.house import ANNA, BEN, CARL, plain_sql, spent
from tests.support.watched import watched

SITES = "SELECT site, COUNT(*) AS n FROM persons GROUP BY site"
TOTAL = "SELECT COUNT(*) AS n FROM persons"
SUMS = "SELECT site, SUM(age) AS s, COUNT(*) AS n FROM persons GROUP BY site"
WARDS = "SELECT ward, COUNT(*) AS n FROM persons GROUP BY ward"
OLD = "SELECT COUNT(*) AS n FROM persons WHERE age > 60"
BAND = "SELECT age // 5 AS band, COUNT(*) AS n FROM persons GROUP BY band"


def batch(*sqls: str, epsilon: str = "0.2", **options: Any) -> Batch:  # noqa: ANN401 - the batch's own
    return replace(Batch("aging", tuple(Item(sql) for sql in sqls), epsilon=Decimal(epsilon)), **options)


def test_questions_over_the_same_rows_and_keys_are_one_release(normal_house: House) -> None:
    house, engine = watched(normal_house)
    asked = house.mediator.ask_batch(batch(SITES, SUMS, "SELECT AVG(age) AS a, site FROM persons GROUP BY 2"), ANNA)
    sites, sums, means = asked.answers
    assert len(engine.calls) == 1
    assert [row[1] for row in sites.rows] == [row[2] for row in sums.rows]
    table: list[Any] = [row for row in sums.rows if row[0] is not None]
    held = {site: mean for mean, site in means.rows}
    assert [held[site] for site, _, _ in table] == pytest.approx([min(100, max(0, s / n)) for _, s, n in table])
    assert {answer.receipt["made_from"]["receipts"][0] for answer in asked.answers} == {engine.calls[0].id}
    assert all(answer.receipt["cost"]["rho"] == "0" for answer in asked.answers)
    assert len({answer.receipt["id"] for answer in asked.answers}) == 3
    assert audit_verify(house.home.home.books).whole


def test_a_batch_costs_what_was_offered_and_not_more(normal_house: House) -> None:
    asked = batch(SITES, OLD, WARDS, SUMS)
    price = normal_house.mediator.preview(Question("aging", TOTAL, epsilon=Decimal("0.2")), ANNA).cost["rho"]
    proposal = normal_house.mediator.propose(asked, ANNA)
    given = normal_house.mediator.ask_batch(asked, ANNA)
    assert Decimal(price) * Decimal("0.999") <= Decimal(proposal.cost["rho"]) <= Decimal(price)
    assert spent(normal_house).pico == int(Decimal(proposal.cost["rho"]) * 10**12)
    assert given.proposal == proposal
    assert sum(Decimal(release["cost"]["rho"]) for release in proposal.releases) == Decimal(proposal.cost["rho"])


def test_the_proposal_says_the_errors_that_the_answers_have(normal_house: House) -> None:
    asked = batch(SITES, SUMS, BAND, TOTAL, OLD)
    proposal = normal_house.mediator.propose(asked, ANNA)
    for question, answer in zip(proposal.questions, normal_house.mediator.ask_batch(asked, ANNA).answers, strict=True):
        assert [column["name"] for column in question["columns"]] == [column.name for column in answer.columns]
        for told, width in zip(question["errors"].values(), answer.errors[0], strict=True):
            assert told is None or width == told


def test_a_proposal_looks_at_nothing_and_spends_nothing(normal_house: House) -> None:
    house, engine = watched(normal_house)
    before = house.ledger.entries(limit=1)
    house.mediator.propose(batch(SITES, WARDS, TOTAL), ANNA)
    assert engine.calls == []
    assert house.ledger.entries(limit=1) == before


def test_a_total_is_summed_from_few_parts_and_released_beside_many(normal_house: House) -> None:
    few = normal_house.mediator.propose(batch("SELECT female, COUNT(*) AS n FROM persons GROUP BY female", TOTAL), ANNA)
    many = normal_house.mediator.propose(batch(BAND, TOTAL), ANNA)
    assert [question["groups"] for question in few.questions] == [1, 2]
    assert len(few.releases) == 1
    assert [question["groups"] for question in many.questions] == [1, 1]
    assert len(many.releases) == 2


def test_the_split_is_the_best_there_is(normal_house: House) -> None:
    """Beside every other split of the same price over the releases, tried one by one: the sum of variances is least at the proposal's."""
    asked = batch(OLD, "SELECT kind, COUNT(*) AS n FROM visits GROUP BY kind", "SELECT COUNT(*) AS n FROM scans")
    proposal = normal_house.mediator.propose(asked, ANNA)
    shares = [float(release["cost"]["rho"]) for release in proposal.releases]
    widths = [question["errors"]["n"] for question in proposal.questions]
    # a variance is a constant over its share of rho
    factors: list[float] = [width**2 * share for width, share in zip(widths, shares, strict=True)]

    def total(split: list[float]) -> float:
        return sum(factor / share for factor, share in zip(factors, split, strict=True))

    best = total(shares)
    whole = sum(shares)
    tried = [(i / 40, j / 40) for i in range(1, 39) for j in range(1, 40 - i)]
    assert best <= min(total([a * whole, b * whole, (1 - a - b) * whole]) for a, b in tried) * 1.02


def test_weights_make_their_questions_more_exact(normal_house: House) -> None:
    even = normal_house.mediator.propose(batch(OLD, SITES), ANNA)
    heavy = Batch("aging", (Item(OLD, 9.0), Item(SITES)), epsilon=Decimal("0.2"))
    weighed = normal_house.mediator.propose(heavy, ANNA)
    assert weighed.questions[0]["errors"]["n"] < even.questions[0]["errors"]["n"]
    assert weighed.questions[1]["errors"]["n"] > even.questions[1]["errors"]["n"]


def test_a_batch_is_more_exact_than_its_questions_asked_one_by_one(normal_house: House) -> None:
    questions = (SITES, SUMS, TOTAL, "SELECT site, female, COUNT(*) AS n FROM persons GROUP BY site, female")
    together = normal_house.mediator.propose(batch(*questions, epsilon="0.4"), ANNA)
    share = Decimal(together.cost["rho"]) / len(questions)
    for sql, question in zip(questions, together.questions, strict=True):
        alone = normal_house.mediator.preview(Question("aging", sql, rho=share.quantize(Decimal("1e-12"))), ANNA)
        assert question["errors"]["n"] <= (alone.errors["n"] or math.inf) * 1.02


def test_without_noise_every_answer_is_what_plain_sql_says(bench_house: House) -> None:
    questions = (SITES, SUMS, TOTAL, BAND, OLD, "SELECT female, COUNT(weight) AS w, SUM(age) AS s FROM persons GROUP BY female")
    asked = Batch("aging", tuple(map(Item, questions)), epsilon=Decimal(1_000_000))
    with plain_sql() as plain:
        for sql, answer in zip(questions, bench_house.mediator.ask_batch(asked, ANNA).answers, strict=True):
            assert {row for row in answer.rows if row[-1]} == set(plain.execute(sql).fetchall())


def test_thresholded_questions_are_releases_of_their_own(normal_house: House) -> None:
    proposal = normal_house.mediator.propose(batch(WARDS, SITES, WARDS.replace("COUNT(*)", "COUNT(weight)")), ANNA)
    assert len(proposal.releases) == 3


def test_the_same_batch_again_is_free(normal_house: House) -> None:
    first = normal_house.mediator.ask_batch(batch(SITES, SUMS, OLD), ANNA)
    paid = spent(normal_house)
    again = normal_house.mediator.ask_batch(batch(SITES, SUMS, OLD), BEN)
    assert [answer.rows for answer in again.answers] == [answer.rows for answer in first.answers]
    assert spent(normal_house) == paid
    assert all(release["free"] for release in again.proposal.releases)


def test_a_batch_sent_twice_under_its_key_is_asked_once(normal_house: House) -> None:
    once = batch(SITES, OLD, replay=False, idempotency_key="b")
    first = normal_house.mediator.ask_batch(once, ANNA)
    paid = spent(normal_house)
    assert [answer.rows for answer in normal_house.mediator.ask_batch(once, ANNA).answers] == [answer.rows for answer in first.answers]
    assert spent(normal_house) == paid


def test_a_batch_beyond_the_budget_asks_nothing(normal_house: House) -> None:
    house, engine = watched(normal_house)
    with pytest.raises(Refused) as refusal:
        house.mediator.ask_batch(batch(SITES, OLD, epsilon="30"), ANNA)
    assert refusal.value.code is Code.BUDGET_EXHAUSTED
    assert engine.calls == []
    assert spent(house).pico == 0


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (Batch("aging", (), epsilon=Decimal(1)), Code.REQUEST_INVALID),
        (Batch("aging", (Item(TOTAL),) * 51, epsilon=Decimal(1)), Code.REQUEST_INVALID),
        (Batch("aging", (Item(TOTAL),)), Code.BUDGET_INVALID),
        (Batch("aging", (Item(TOTAL),), epsilon=Decimal(1), rho=Decimal(1)), Code.BUDGET_INVALID),
        (Batch("aging", (Item(TOTAL), Item("SELECT id FROM persons")), epsilon=Decimal(1)), Code.QUERY_ROWS),
        (
            Batch("both", (Item("SELECT COUNT(*) AS n FROM clinic.persons"), Item("SELECT COUNT(*) AS n FROM sister.members")), Decimal(1)),
            Code.REQUEST_INVALID,
        ),
    ],
)
def test_a_batch_that_cannot_be_asked_costs_nothing(normal_house: House, asked: Batch, code: Code) -> None:
    for act in (normal_house.mediator.propose, normal_house.mediator.ask_batch):
        with pytest.raises(Refused) as refusal:
            act(asked, ANNA)
        assert refusal.value.code is code
    assert spent(normal_house).pico == 0


def test_a_stranger_asks_no_batch(normal_house: House) -> None:
    with pytest.raises(Refused) as refusal:
        normal_house.mediator.ask_batch(batch(TOTAL), CARL)
    assert refusal.value.code is Code.POLICY_NOT_MEMBER


def test_totals_and_parts_that_were_both_released_are_made_to_agree(normal_house: House) -> None:
    asked = normal_house.mediator.ask_batch(batch(BAND, TOTAL), ANNA)
    parts, total = asked.consistent
    assert parts is not None
    assert total is not None
    numbers: Any = [row[1] for row in parts.rows]
    released: Any = [row[1] for row in asked.answers[0].rows]
    assert sum(numbers) == pytest.approx(total.rows[0][0])
    assert sum(released) != asked.answers[1].rows[0][0]
    for moved, answer in zip(asked.consistent, asked.answers, strict=True):
        assert moved is not None
        assert (moved.errors[0][-1] or 0) <= (answer.errors[0][-1] or 0)


def test_nothing_is_made_to_agree_where_nothing_was_released_twice(normal_house: House) -> None:
    assert normal_house.mediator.ask_batch(batch(SITES, OLD), ANNA).consistent == (None, None)
