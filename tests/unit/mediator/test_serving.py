"""What earlier answers are good for: coarser from finer for nothing, a better answer for the difference, and when neither."""

import itertools
from decimal import Decimal
from typing import Any

import pytest

from haven.cli.house import House, open_books
from haven.cli.registration import ingest_again
from haven.errors import Code, Refused
from haven.ledger.audit import audit_verify
from haven.ledger.registry import PolicyKind, State
from haven.mediator.answers import Answer, Question
from tests.support.house import ANNA, BEN, KEEPER, ask, plain_sql, silent, spent
from tests.support.watched import watched

SITES = "SELECT site, COUNT(*) AS n, SUM(age) AS s FROM persons GROUP BY site"
BOTH = "SELECT site, female, COUNT(*) AS n, SUM(age) AS s FROM persons GROUP BY site, female"
TOTAL = "SELECT COUNT(*) AS n, SUM(age) AS s FROM persons"


def rho(answer: Answer) -> Decimal:
    return Decimal(answer.receipt["cost"]["rho"])


def test_a_coarser_question_is_the_sum_of_the_finer_answer_and_free(normal_house: House) -> None:
    house, engine = watched(normal_house)
    fine = ask(house, BOTH, "0.5")
    paid = spent(house)
    coarse = ask(house, SITES, "0.05", who=BEN)
    sums: dict[Any, Any] = {}
    for site, _, n, s in fine.rows:
        sums[site] = (sums.get(site, (0, 0))[0] + n, sums.get(site, (0, 0))[1] + s)
    assert {site: (n, s) for site, n, s in coarse.rows} == sums
    assert len(engine.calls) == 1
    assert spent(house) == paid
    assert rho(coarse) == 0
    assert coarse.receipt["id"] != fine.receipt["id"]
    assert coarse.receipt["made_from"]["receipts"] == [fine.receipt["id"]]
    assert not coarse.receipt["replayed"]


def test_the_error_of_a_sum_of_groups_grows_with_their_root(normal_house: House) -> None:
    fine = ask(normal_house, "SELECT site, COUNT(*) AS n FROM persons GROUP BY site", "0.5")
    total = ask(normal_house, "SELECT COUNT(*) AS n FROM persons", "0.05")
    assert total.receipt["made_from"]["receipts"] == [fine.receipt["id"]]
    width, groups = fine.errors[0][1], len(fine.rows)
    assert width is not None
    assert total.errors[0][0] == pytest.approx(width * groups**0.5, abs=1.5)


def test_a_question_that_asks_for_more_than_the_sum_offers_is_paid(normal_house: House) -> None:
    ask(normal_house, SITES, "0.1")
    total = ask(normal_house, TOTAL, "0.1")
    assert "made_from" not in total.receipt
    assert rho(total) > 0


def test_the_derived_answer_is_given_again_and_booked_once(normal_house: House) -> None:
    ask(normal_house, BOTH, "0.5")
    first = ask(normal_house, TOTAL, "0.05", idempotency_key="k")
    again, retried = ask(normal_house, TOTAL, "0.05"), ask(normal_house, TOTAL, "0.05", idempotency_key="k")
    assert again.rows == first.rows == retried.rows
    assert again.errors == first.errors
    assert (again.receipt["replayed"], retried.receipt["replayed"]) == (True, False)
    assert again.receipt["made_from"] == first.receipt["made_from"]
    assert {**again.receipt, "replayed": False} == first.receipt == retried.receipt
    assert audit_verify(normal_house.home.home.books).whole


def test_the_books_say_of_which_receipts_an_answer_was_made(normal_house: House) -> None:
    fine = ask(normal_house, BOTH, "0.5")
    ask(normal_house, TOTAL, "0.05")
    (posted, reserved) = normal_house.ledger.entries(limit=2)
    assert posted.detail["made_from"] == [fine.receipt["id"]]
    assert reserved.detail["price"]["pico"] == "0"


def test_fewer_columns_of_an_answer_are_free_at_the_same_error(normal_house: House) -> None:
    both = ask(normal_house, SITES, "0.2")
    count = ask(normal_house, "SELECT site, COUNT(*) AS people FROM persons GROUP BY site", "0.01")
    assert [row[1] for row in count.rows] == [row[1] for row in both.rows]
    assert count.errors == tuple(row[:2] for row in both.errors)
    assert rho(count) == 0


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("SELECT site, COUNT(*) AS n FROM persons WHERE age > 30 GROUP BY site", "SELECT COUNT(*) AS n FROM persons"),
        ("SELECT COUNT(*) AS n FROM persons", "SELECT site, COUNT(*) AS n FROM persons GROUP BY site"),
        ("SELECT kind, COUNT(DISTINCT id) AS n FROM visits GROUP BY kind", "SELECT COUNT(DISTINCT id) AS n FROM visits"),
        ("SELECT ward, COUNT(*) AS n FROM persons GROUP BY ward", "SELECT COUNT(*) AS n FROM persons"),
        ("SELECT site, COUNT(*) AS n FROM persons GROUP BY site", "SELECT SUM(age) AS s FROM persons"),
        ("SELECT female, COUNT(*) AS n FROM persons GROUP BY female", "SELECT site, COUNT(*) AS n FROM persons GROUP BY site"),
    ],
    ids=["another WHERE", "finer", "distinct persons", "thresholded", "another target", "another key"],
)
def test_what_does_not_add_up_is_paid(normal_house: House, first: str, second: str) -> None:
    ask(normal_house, first, "0.5")
    answer = ask(normal_house, second, "0.01")
    assert "made_from" not in answer.receipt
    assert rho(answer) > 0


def test_a_fresh_draw_another_project_and_other_bounds_are_paid(normal_house: House) -> None:
    kinds = "SELECT kind, COUNT(*) AS n FROM clinic.visits GROUP BY kind"
    total = "SELECT COUNT(*) AS n FROM clinic.visits"
    ask(normal_house, kinds, "0.5")
    for options in ({"replay": False}, {"project": "both"}, {"rows_per_unit": 2}):
        assert rho(ask(normal_house, total, "0.02", **options)) > 0
    assert rho(ask(normal_house, total, "0.021")) == 0


def test_the_derived_answer_counts_by_the_finer_tables_bounds_and_says_so(normal_house: House) -> None:
    kinds = ask(normal_house, "SELECT kind, COUNT(*) AS n FROM visits GROUP BY kind", "0.5")
    total = ask(normal_house, "SELECT COUNT(*) AS n FROM visits", "0.02")
    assert total.receipt["made_from"]["bounds"] == kinds.receipt["plan"]["bounds"]
    assert total.receipt["made_from"]["sql"] == kinds.receipt["plan"]["sql"]
    assert any("counts by its own bounds" in said for said in total.receipt["words"])


def test_after_a_new_snapshot_nothing_earlier_serves(normal_house: House) -> None:
    ask(normal_house, BOTH, "0.5")
    with open_books(normal_house.home.home.root) as (home, ledger):
        ingest_again("clinic", home, ledger, silent)
    assert rho(ask(normal_house, TOTAL, "0.02")) > 0


def test_a_stopped_dataset_serves_nothing(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(normal_house, BOTH, "0.5")
    post = normal_house.ledger.post_free

    def paused_meanwhile(*arguments: object, **options: object) -> object:
        now = normal_house.mediator.clock()
        normal_house.ledger.registry.set_state(PolicyKind.DATASET, "clinic", State.PAUSED, "a recount", KEEPER.name, now)
        return post(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(normal_house.ledger, "post_free", paused_meanwhile)
    with pytest.raises(Refused) as refusal:
        ask(normal_house, TOTAL, "0.02")
    assert refusal.value.code is Code.POLICY_PAUSED


def test_better_accuracy_costs_the_difference(normal_house: House) -> None:
    first = ask(normal_house, SITES, "0.1")
    before = spent(normal_house).pico
    question = Question("aging", SITES, epsilon=Decimal("0.2"), replay=False)
    asked = normal_house.mediator.preview(question, ANNA)
    better = ask(normal_house, SITES, "0.2")
    difference = Decimal(asked.cost["rho"]) - rho(first)
    assert rho(better) == pytest.approx(difference, rel=Decimal("0.02"))
    assert spent(normal_house).pico - before == int(rho(better) * 10**12)
    assert better.receipt["made_from"] == {"rule": "paid the difference", "receipts": [first.receipt["id"]]}
    for row in better.errors:
        for width, wanted in zip(row, asked.errors.values(), strict=True):
            assert width is None or (wanted is not None and width <= wanted)


def test_the_combined_answer_is_recorded_and_given_again(normal_house: House) -> None:
    ask(normal_house, SITES, "0.1")
    better = ask(normal_house, SITES, "0.2")
    paid = spent(normal_house)
    again = ask(normal_house, SITES, "0.2", who=BEN)
    assert (again.rows, again.errors) == (better.rows, better.errors)
    assert again.receipt["made_from"] == better.receipt["made_from"]
    assert spent(normal_house) == paid
    assert audit_verify(normal_house.home.home.books).whole


def test_steps_to_an_accuracy_cost_about_what_one_step_does(normal_house: House) -> None:
    steps = ["0.05", "0.1", "0.15", "0.2"]
    for step in steps:
        ask(normal_house, SITES, step)
    stepwise = spent(normal_house).pico
    at_once = int(
        Decimal(normal_house.mediator.preview(Question("aging", SITES, epsilon=Decimal("0.2"), replay=False), ANNA).cost["rho"]) * 10**12
    )
    assert at_once <= stepwise <= at_once * 1.03


def test_a_preview_says_what_earlier_answers_leave_to_pay(normal_house: House) -> None:
    ask(normal_house, BOTH, "0.3")
    free = normal_house.mediator.preview(Question("aging", TOTAL, epsilon=Decimal("0.02")), ANNA)
    assert free.free
    assert free.cost["rho"] == "0"
    dearer = Question("aging", BOTH, epsilon=Decimal("0.4"))
    told = normal_house.mediator.preview(dearer, ANNA)
    answer = normal_house.mediator.ask(dearer, ANNA)
    assert told.cost == answer.receipt["cost"]
    assert told.made_from == answer.receipt["made_from"]
    assert told.errors["n"] == answer.errors[0][2]


def test_every_coarsening_of_a_table_is_what_plain_sql_says(bench_house: House) -> None:
    """Without noise: the derived tables against DuckDB's own GROUP BY over the source rows."""
    keys = ("site", "female", "age // 25 AS band")
    ask(bench_house, _by(keys))
    with plain_sql() as plain:
        for size in range(3):
            for chosen in itertools.combinations(keys, size):
                sql = _by(chosen)
                answer = ask(bench_house, sql, "1")
                assert answer.receipt["made_from"]
                expected = set(plain.execute(sql).fetchall())
                assert {row for row in answer.rows if row[-3]} == expected


def _by(keys: tuple[str, ...]) -> str:
    items = ", ".join([*keys, "COUNT(*) AS n", "SUM(age) AS s", "COUNT(weight) AS w"])
    return f"SELECT {items} FROM persons GROUP BY ALL"  # noqa: S608 - the test's own names
