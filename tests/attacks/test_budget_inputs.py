"""Prices that are none: through HTTP and through Python each is a coded refusal, and nothing is spent."""

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

import haven
from haven.cli.house import House, open_books
from haven.errors import Code, Refused
from haven.mediator.answers import Question
from tests.support import served
from tests.support.house import ANNA, spent

COUNT = "SELECT COUNT(*) AS n FROM persons"
WAYS = ("epsilon", "rho", "error")
REFUSED = {Code.BUDGET_INVALID, Code.BUDGET_TOO_SMALL, Code.BUDGET_EXHAUSTED, Code.BUDGET_ERROR_UNREACHABLE}

# as JSON text, so that what no JSON library writes can be sent too
TEXTS = [
    *("NaN", "Infinity", "-Infinity", '"NaN"', '"nan"', '"sNaN"', '"inf"', '"-inf"', '"Infinity"'),
    *("-1", "-0.1", "-1e-300", '"-1"', "0", "-0", "0.0", '"0"', '"-0.0"', '"0e5"', "0e-300"),
    *("true", "false", "[]", "[0.1]", "{}", '{"value": 0.1}', '""', '" "', '"0.1 "', '" 0.1"', '"0,1"', '"1/2"', '"0x1"', '"1_0"', '"+1"'),
    *('"\\u0661"', '"\\uff11"', '"0.1\\u0000"', '"0.1; DROP TABLE spends"', '"1e"', '"e1"', '"."', '"--1"'),
    *(
        "1e308",
        "1e309",
        "1e400",
        '"1e99"',
        '"1e999999999"',
        '"1e-999999999"',
        '"9e999999999999999999"',
        "1" + "0" * 30,
        '"' + "9" * 400 + '"',
    ),
    *('"0.' + "0" * 25 + '1"', '"0.0000000000001"', '"0.1000000000001"', "0.1234567890123456", '"0.' + "1" * 5000 + '"'),
]
PRICES = [Decimal(text) for text in ("NaN", "sNaN", "-NaN", "Infinity", "-Infinity", "0", "-0", "-1", "0E+9", "-1E-30")]
ERRORS = [Decimal(text) for text in ("1E-400000", "0.0000000000001", "0.1234567890123", "1E+400000", "1E+30", "1" * 5000)]
"""Nothing that can be paid as epsilon or rho, yet each a half-width that one may wish for."""


@pytest.fixture(scope="module")
def service(normal_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[served.Served, Path]]:
    from tests.support.house import copy_home  # noqa: PLC0415 - beside its use

    home = copy_home(normal_template, tmp_path_factory.mktemp("attacked") / "home")
    with served.serving(home) as running:
        yield running, home


def _spends(home: Path) -> int:
    with open_books(home) as (_, ledger):
        assert ledger.balance("clinic", "clinic", "aging").taken.pico == 0
        return len(ledger.history("aging"))


@pytest.mark.parametrize("way", WAYS)
def test_over_http_each_is_a_coded_refusal_and_nothing_is_spent(service: tuple[served.Served, Path], way: str) -> None:
    running, home = service
    with running.client() as client:
        for text in TEXTS:
            body = f'{{"project": "aging", "sql": {json.dumps(COUNT)}, "{way}": {text}}}'
            if way == "error" and text in {'"0.0000000000001"', '"0.1000000000001"', "0.1234567890123456", '"1e99"'}:
                continue  # a wished error may have any number of decimals
            reply = client.post("/api/v1/queries", content=body, headers={"Content-Type": "application/json"})
            assert 400 <= reply.status_code < 500, (text, reply.status_code)
            assert reply.headers["content-type"] == "application/problem+json"
            problem = reply.json()
            assert problem["code"] in {code.value for code in (*REFUSED, Code.REQUEST_INVALID)}, (text, problem)
            assert problem["detail"]
            assert problem["suggestion"]
            assert len(reply.content) < 2000
    assert _spends(home) == 0


def test_over_http_a_price_is_given_once(service: tuple[served.Served, Path]) -> None:
    running, home = service
    bodies = [{}, {"epsilon": None}, {"epsilon": 0.1, "rho": 0.1}, {"epsilon": 0.1, "error": 5}, {"epsilon": 0.1, "epsilom": 0.1}]
    with running.client() as client:
        for body in bodies:
            reply = client.post("/api/v1/queries", json=served.question(COUNT, **body))
            assert reply.status_code in {400, 422}
            assert reply.json()["code"] in {Code.BUDGET_INVALID.value, Code.REQUEST_INVALID.value}
    assert _spends(home) == 0


def test_a_body_of_many_digits_is_refused_at_once(service: tuple[served.Served, Path]) -> None:
    running, _ = service
    with running.client() as client:
        for digits in ("9" * 1_000_000, '"' + "9" * 1_000_000 + '"'):
            body = f'{{"project": "aging", "sql": "{COUNT}", "epsilon": {digits}}}'
            reply = client.post("/api/v1/queries", content=body, headers={"Content-Type": "application/json"}, timeout=httpx.Timeout(10))
            assert 400 <= reply.status_code < 500
            assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("amount", [float("nan"), float("inf"), -1, 0, True, None, "", "one", "1e999", [1], 1j, "0.1\n"])
def test_from_python_each_is_refused_before_or_at_the_service(service: tuple[served.Served, Path], way: str, amount: object) -> None:
    running, home = service
    connection = haven.connect(url=running.url, token=running.token, project="aging")
    for act in (connection.query, connection.preview):
        with pytest.raises(haven.Refused) as refusal:
            act(COUNT, **{way: amount})
        assert refusal.value.code in REFUSED
    assert _spends(home) == 0


@pytest.mark.parametrize(("way", "amount"), [(way, amount) for way in WAYS for amount in PRICES + (ERRORS if way != "error" else [])])
def test_in_the_mediator_itself_each_is_refused_and_nothing_is_spent(normal_house: House, way: str, amount: Decimal) -> None:
    question = Question("aging", COUNT, **{way: amount})
    for act in (normal_house.mediator.ask, normal_house.mediator.preview):
        with pytest.raises(Refused) as refusal:
            act(question, ANNA)
        assert refusal.value.code in REFUSED
    assert spent(normal_house).pico == 0
    assert normal_house.ledger.history("aging") == ()


@pytest.mark.parametrize("amount", ERRORS, ids=lambda amount: str(amount)[:12])
def test_a_wished_error_of_any_size_has_a_price_or_a_refusal_and_never_an_accident(normal_house: House, amount: Decimal) -> None:
    try:
        preview = normal_house.mediator.preview(Question("aging", COUNT, error=amount), ANNA)
    except Refused as refusal:
        code, widths = refusal.code, []
    else:
        code, widths = None, list(preview.errors.values())
    assert code in {None, *REFUSED}
    assert all(width is not None and width <= amount for width in widths)
