"""From the moment data may have been touched, every failure is the same sentence, and the price is spent."""

import sqlite3
from datetime import timedelta
from typing import Any, NoReturn

import pytest

from haven.cli.house import House, now
from haven.disclosure import Finding, Outcome, Verdict
from haven.engines.child import WorkerLostError
from haven.errors import QUESTION_FAULT, Code, Fault, Refused
from haven.ledger.audit import audit_verify
from haven.ledger.ledger import Ledger
from haven.mediator import checking, mediator
from tests.support.house import ask, spent
from tests.support.watched import watched

COUNT = "SELECT COUNT(*) AS n FROM persons"
FAILURES = [
    RuntimeError("row 17 held 42"),
    WorkerLostError(),
    MemoryError(),
    Refused(Code.QUERY_TYPE, "bad value 42", "none"),
    sqlite3.OperationalError("disk I/O error"),
]


def _raise(error: BaseException) -> NoReturn:
    raise error


def _fault(house: House, **options: Any) -> Fault:  # noqa: ANN401 - a question's own
    with pytest.raises(Fault) as fault:
        ask(house, COUNT, "0.1", **options)
    assert (fault.value.code, str(fault.value)) == (Code.FAULT_QUESTION, QUESTION_FAULT)
    assert fault.value.__cause__ is None
    assert fault.value.__context__ is None or fault.value.__suppress_context__
    return fault.value


def _price(house: House) -> int:
    """What the question costs, by asking it in peace."""
    before = spent(house).pico
    ask(house, COUNT, "0.1", replay=False)
    return spent(house).pico - before


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_whatever_goes_wrong_in_the_engine_is_one_sentence_and_spent(normal_house: House, error: Exception) -> None:
    house, _ = watched(normal_house, lambda *_: _raise(error))
    _fault(house)
    taken = spent(normal_house).pico
    assert taken == _price(normal_house)
    assert audit_verify(normal_house.home.home.books).whole


@pytest.mark.parametrize("station", ["add_noise", "check", "record"])
def test_whatever_goes_wrong_after_it_is_the_same_sentence_and_spent(
    normal_house: House, monkeypatch: pytest.MonkeyPatch, station: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(mediator, station, lambda *_: _raise(ValueError("42 persons")))
        _fault(normal_house)
    taken = spent(normal_house).pico
    assert taken == _price(normal_house)


def test_a_withheld_table_is_the_same_sentence_and_spent(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = Verdict((Finding("a rule", Outcome.WITHHOLD, "too few"),))
    monkeypatch.setattr(checking.disclosure, "check", lambda *_: verdict)
    _fault(normal_house)
    assert spent(normal_house).pico > 0


def test_books_that_fail_at_the_posting_answer_nothing_and_keep_the_price(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "post", lambda *_: _raise(Fault(Code.FAULT_LEDGER, "The books cannot be written.")))
        _fault(normal_house)
    balance = normal_house.ledger.balance("clinic", "clinic", "aging")
    assert balance.reserved.pico == 0
    assert balance.spent.pico == _price(normal_house)


def test_books_that_cannot_even_book_the_fault_hold_the_price_until_it_is_swept(
    normal_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        for act in ("post", "post_fault"):
            patch.setattr(Ledger, act, lambda *_: _raise(Fault(Code.FAULT_LEDGER, "The books cannot be written.")))
        _fault(normal_house)
    held = normal_house.ledger.balance("clinic", "clinic", "aging")
    assert (held.spent.pico, held.reserved.pico > 0) == (0, True)
    assert normal_house.ledger.sweep(now(), timedelta(0)) == 1
    swept = normal_house.ledger.balance("clinic", "clinic", "aging")
    assert (swept.spent, swept.reserved.pico) == (held.reserved, 0)
    assert audit_verify(normal_house.home.home.books).whole


def test_books_that_fail_at_the_reservation_let_nobody_look(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house, engine = watched(normal_house)
    monkeypatch.setattr(Ledger, "reserve", lambda *_, **__: _raise(Fault(Code.FAULT_LEDGER, "The books cannot be written.")))
    with pytest.raises(Fault) as fault:
        ask(house, COUNT, "0.1")
    assert fault.value.code is Code.FAULT_LEDGER
    assert engine.calls == []
    assert spent(house).pico == 0


def test_a_question_that_ended_in_a_fault_does_so_again_under_its_key_and_is_not_paid_twice(normal_house: House) -> None:
    house, engine = watched(normal_house, lambda *_: _raise(RuntimeError("lost")))
    _fault(house, idempotency_key="k-1")
    paid = spent(house)
    _fault(house, idempotency_key="k-1")
    assert spent(house) == paid
    assert len(engine.calls) == 1


def test_a_fault_is_not_replayed_to_whoever_asks_anew(normal_house: House) -> None:
    house, _ = watched(normal_house, lambda *_: _raise(RuntimeError("lost")))
    _fault(house)
    assert ask(normal_house, COUNT, "0.1").rows


def test_no_log_line_of_a_fault_holds_what_the_failure_said(normal_house: House, caplog: pytest.LogCaptureFixture) -> None:
    house, _ = watched(normal_house, lambda *_: _raise(RuntimeError("row 17 held 42")))
    _fault(house)
    assert "42" not in caplog.text
    assert "RuntimeError" in caplog.text
