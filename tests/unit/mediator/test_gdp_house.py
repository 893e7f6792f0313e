"""A haven whose people are promised `gdp`: questions the whole way, what earlier answers are good for, receipts, budgets, books."""

import json
import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from haven.cli.house import House, open_house
from haven.client.budget import BudgetLine
from haven.errors import Code, Refused
from haven.ledger.audit import audit_verify
from haven.mediator.answers import Answer, Question
from haven.privacy.budget import Definition
from tests.support import house as houses
from tests.support.house import ANNA, ask, plain_sql

BOTH = "SELECT site, female, COUNT(*) AS n, SUM(age) AS s FROM persons GROUP BY site, female"
SITES = "SELECT site, COUNT(*) AS n, SUM(age) AS s FROM persons GROUP BY site"


def _opened(root: Path, terms: houses.Terms, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    promise = houses._promise

    def gaussian(asked: houses.Terms) -> houses.Row:
        plain = promise(asked)
        return plain | {"privacy": {name: value for name, value in plain["privacy"].items() if name != "definition"}}  # the default

    monkeypatch.setattr(houses, "_promise", gaussian)
    with open_house(houses.build(root, terms)) as opened:
        yield opened


@pytest.fixture
def gdp_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    yield from _opened(tmp_path / "home", houses.NORMAL, monkeypatch)


@pytest.fixture
def huge_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    yield from _opened(tmp_path / "home", houses.BENCH, monkeypatch)


def mu2(answer: Answer) -> Decimal:
    return Decimal(answer.receipt["cost"]["mu2"])


def spent(house: House) -> int:
    return house.ledger.balance("clinic", "clinic", "aging", definition=Definition.GDP).taken.pico


def test_an_answer_is_paid_in_mu2_and_its_receipt_says_so(gdp_house: House) -> None:
    answer = ask(gdp_house, SITES, "0.5")
    assert mu2(answer) * 10**12 == spent(gdp_house) > 0
    assert "rho" not in answer.receipt["cost"]
    assert Decimal("0.49") < Decimal(answer.receipt["epsilon"]) <= Decimal("0.5")
    mechanisms = answer.receipt["mechanisms"]
    assert {each["mechanism"] for each in mechanisms} == {"discrete Gaussian"}
    assert all(isinstance(cell, int) for row in answer.rows for cell in row[1:])
    json.dumps(answer.receipt)
    assert audit_verify(gdp_house.home.home.books).whole


def test_a_coarser_question_is_the_sum_of_what_was_shown_and_free(gdp_house: House) -> None:
    fine = ask(gdp_house, BOTH, "0.5")
    coarse = ask(gdp_house, SITES, "0.05")
    sums: dict[object, list[int]] = {}
    for site, _, *figures in fine.rows:
        held = sums.setdefault(site, [0, 0])
        sums[site] = [one + int(str(other)) for one, other in zip(held, figures, strict=True)]
    assert {site: figures for site, *figures in coarse.rows} == sums
    assert mu2(coarse) == 0
    assert coarse.receipt["made_from"]["receipts"] == [fine.receipt["id"]]


def test_better_accuracy_costs_the_difference(gdp_house: House) -> None:
    first = ask(gdp_house, SITES, "0.1")
    asked = gdp_house.mediator.preview(Question("aging", SITES, epsilon=Decimal("0.2"), replay=False), ANNA)
    better = ask(gdp_house, SITES, "0.2")
    assert mu2(better) == pytest.approx(Decimal(asked.cost["mu2"]) - mu2(first), rel=Decimal("0.02"))
    wished = tuple(asked.errors.values())
    for row in better.errors:
        assert all(width is None or width <= (most or 0) for width, most in zip(row, wished, strict=True))
    again = ask(gdp_house, SITES, "0.2")
    assert again.rows == better.rows


def test_questions_fill_the_budget_and_no_more(gdp_house: House) -> None:
    line = _line(gdp_house)
    whole = int(Decimal(line.total["mu2"]) * 10**12)
    with pytest.raises(Refused) as caught:
        _ask_for_ever(gdp_house)
    assert caught.value.code is Code.BUDGET_EXHAUSTED
    assert "mu2" in caught.value.reason
    assert 0 < spent(gdp_house) <= whole
    assert _line(gdp_house).share_left < 0.5
    assert audit_verify(gdp_house.home.home.books).whole


def _ask_for_ever(house: House) -> None:
    while True:
        ask(house, "SELECT COUNT(*) AS n FROM persons", "0.4", replay=False)


def _line(house: House) -> BudgetLine:
    return BudgetLine.of(next(line for line in house.enquiries.budget("aging", ANNA)["datasets"] if line["dataset"] == "clinic"))


def test_rho_is_refused_with_what_to_write(gdp_house: House) -> None:
    with pytest.raises(Refused) as caught:
        gdp_house.mediator.ask(Question("aging", SITES, rho=Decimal("0.01")), ANNA)
    assert caught.value.code is Code.BUDGET_INVALID
    assert "error=" in caught.value.suggestion
    assert spent(gdp_house) == 0


def test_a_promised_error_holds_for_what_is_shown(gdp_house: House) -> None:
    answer = gdp_house.mediator.ask(Question("aging", "SELECT COUNT(*) AS n FROM persons", error=Decimal("25.7")), ANNA)
    assert answer.errors == ((25.0,),)


def test_private_keys_and_choices_are_answered_and_paid(gdp_house: House) -> None:
    wards = ask(gdp_house, "SELECT ward, COUNT(*) AS n, COUNT(DISTINCT id) AS people FROM persons GROUP BY ward", "0.9")
    assert int(Decimal(wards.receipt["cost"]["delta"]) * 10**18) > 0
    assert all(isinstance(cell, int) for row in wards.rows for cell in row[1:])
    middle = ask(gdp_house, "SELECT MEDIAN(age) AS m FROM persons", "0.3")
    assert 0 < mu2(middle) < mu2(wards)
    assert audit_verify(gdp_house.home.home.books).whole


def test_at_a_huge_budget_every_answer_is_plain_sqls(huge_house: House) -> None:
    with plain_sql() as plain:
        for sql in (
            "SELECT female, COUNT(*) AS n, SUM(age) AS s FROM persons GROUP BY female",
            "SELECT kind, COUNT(DISTINCT id) AS n FROM visits GROUP BY kind",
            "SELECT female, AVG(weight) AS w, COUNT(weight) AS n FROM persons GROUP BY female",
        ):
            expected = {row[0]: row[1:] for row in plain.execute(sql).fetchall()}
            for key, *cells in ask(huge_house, sql).rows:
                assert all(math.isclose(float(str(cell)), exact, rel_tol=1e-4) for cell, exact in zip(cells, expected[key], strict=True))
                assert all(cell == exact for cell, exact in zip(cells, expected[key], strict=True) if isinstance(exact, int))
