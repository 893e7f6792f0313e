"""Whatever is refused was not looked at and cost nothing; each refusal has its code, and says what to do instead."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from haven.cli.house import House
from haven.errors import Code, Refused
from haven.ledger.entries import Entry
from haven.ledger.events import Kind
from haven.ledger.registry import PolicyKind, State
from haven.mediator.answers import Question
from haven.policy.roles import Principal, Role
from tests.support.house import ANNA, CARL, CORA, KEEPER, OTTO, spent
from tests.support.watched import watched

COUNT = "SELECT COUNT(*) AS n FROM persons"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
PRICE = {"epsilon": Decimal("0.1")}

QUESTIONS: list[tuple[str, dict[str, Any], Code]] = [
    ("SELECT COUNT( FROM persons", PRICE, Code.QUERY_SYNTAX),
    ("", PRICE, Code.QUERY_SYNTAX),
    ("DELETE FROM persons", PRICE, Code.QUERY_STATEMENT),
    ("SELECT COUNT(*) FROM persons; SELECT 1", PRICE, Code.QUERY_STATEMENT),
    ("SELECT COUNT(*) AS n FROM nothing", PRICE, Code.QUERY_UNKNOWN_TABLE),
    ("SELECT COUNT(*) AS n FROM sister.members", PRICE, Code.QUERY_UNKNOWN_TABLE),
    ("SELECT SUM(height) AS h FROM persons", PRICE, Code.QUERY_UNKNOWN_COLUMN),
    ("SELECT id, COUNT(*) FROM persons GROUP BY id", PRICE, Code.QUERY_UNIT_COLUMN),
    ("SELECT age FROM persons", PRICE, Code.QUERY_ROWS),
    ("SELECT SUM(random()) AS s FROM persons", PRICE, Code.QUERY_FUNCTION),
    ("SELECT COUNT(*) FROM read_parquet('/etc/passwd')", PRICE, Code.QUERY_FUNCTION),
    (COUNT, {}, Code.BUDGET_INVALID),
    (COUNT, {"epsilon": Decimal("0.1"), "rho": Decimal("0.1")}, Code.BUDGET_INVALID),
    (COUNT, {"epsilon": Decimal(0)}, Code.BUDGET_INVALID),
    (COUNT, {"epsilon": Decimal("NaN")}, Code.BUDGET_INVALID),
    (COUNT, {"epsilon": Decimal("0.0000000000001")}, Code.BUDGET_INVALID),
    (COUNT, {"epsilon": Decimal("0.000000000001")}, Code.BUDGET_TOO_SMALL),
    (COUNT, {**PRICE, "rows_per_unit": 0}, Code.QUERY_OPTION),
    (COUNT, {**PRICE, "rows_per_unit": 2}, Code.QUERY_OPTION),
    (COUNT, {**PRICE, "weights": {"no_such_output": 2.0}}, Code.QUERY_OPTION),
]


def _last_act(house: House) -> Entry:
    """The newest entry that says more than that an attempt was refused."""
    return next(entry for entry in house.ledger.entries() if entry.kind != Kind.ATTEMPT_REFUSED)


def _refused(house: House, question: Question, who: Principal = ANNA, *, previewed: bool = True) -> Refused:
    """The refusal, after checking that it was free: no call of the engine, no entry but the refusal's, no change of any account."""
    watching, engine = watched(house)
    before = _last_act(house)
    for act in (watching.mediator.preview, watching.mediator.ask) if previewed else (watching.mediator.ask,):
        with pytest.raises(Refused) as refusal:
            act(question, who)
    assert engine.calls == []
    assert _last_act(house) == before
    assert spent(house).pico == spent(house).atto_delta == 0
    assert refusal.value.reason
    assert refusal.value.suggestion
    return refusal.value


@pytest.mark.parametrize(("sql", "options", "code"), QUESTIONS)
def test_a_question_that_cannot_be_asked_costs_nothing(normal_house: House, sql: str, options: dict[str, Any], code: Code) -> None:
    assert _refused(normal_house, Question("aging", sql, **options)).code is code


def test_a_question_dearer_than_the_budget_costs_nothing_and_says_what_is_left(normal_house: House) -> None:
    refusal = _refused(normal_house, Question("aging", COUNT, epsilon=Decimal(40)), previewed=False)
    assert refusal.code is Code.BUDGET_EXHAUSTED
    assert "aging" in refusal.reason


def test_a_question_is_refused_and_free_while_too_many_wait(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normal_house.engine, "has_room", lambda *_: False)
    assert _refused(normal_house, Question("aging", COUNT, **PRICE), previewed=False).code is Code.REQUEST_TOO_MANY


@pytest.mark.parametrize(
    ("project", "who", "code"),
    [
        ("no-such-project", ANNA, Code.POLICY_UNKNOWN_PROJECT),
        ("aging", CARL, Code.POLICY_NOT_MEMBER),
        ("aging", KEEPER, Code.POLICY_ROLE),
        ("aging", CORA, Code.POLICY_ROLE),
        ("aging", OTTO, Code.POLICY_ROLE),
        ("aging", Principal("anna", Role.CUSTODIAN), Code.POLICY_ROLE),
        ("ended", ANNA, Code.POLICY_EXPIRED),
        ("origins", ANNA, Code.POLICY_PURPOSE),
    ],
)
def test_a_person_or_project_that_may_not_ask_pays_nothing(normal_house: House, project: str, who: Principal, code: Code) -> None:
    assert _refused(normal_house, Question(project, COUNT, **PRICE), who).code is code


@pytest.mark.parametrize(
    ("kind", "name", "state", "code"),
    [
        (PolicyKind.DATASET, "clinic", State.PAUSED, Code.POLICY_PAUSED),
        (PolicyKind.PROJECT, "aging", State.SUSPENDED, Code.POLICY_SUSPENDED),
        (PolicyKind.PROJECT, "aging", State.REVOKED, Code.POLICY_SUSPENDED),
    ],
)
def test_what_is_stopped_answers_nothing_from_the_next_question_on(
    normal_house: House, kind: PolicyKind, name: str, state: State, code: Code
) -> None:
    normal_house.ledger.registry.set_state(kind, name, state, "a breach is looked into", KEEPER.name, NOW)
    refusal = _refused_after_stop(normal_house)
    assert refusal.code is code
    assert "a breach is looked into" in refusal.reason


def test_a_suspended_person_asks_nothing(normal_house: House) -> None:
    normal_house.ledger.people.suspend_user(ANNA.name, "shared a password", actor=KEEPER.name, now=NOW)
    assert _refused_after_stop(normal_house).code is Code.POLICY_SUSPENDED


def _refused_after_stop(house: House) -> Refused:
    return _refused(house, Question("aging", COUNT, **PRICE))


def test_what_was_stopped_answers_again_once_resumed(normal_house: House) -> None:
    registry = normal_house.ledger.registry
    registry.set_state(PolicyKind.DATASET, "clinic", State.PAUSED, "a recount", KEEPER.name, NOW)
    registry.set_state(PolicyKind.DATASET, "clinic", State.ACTIVE, "counted", KEEPER.name, NOW)
    assert normal_house.mediator.ask(Question("aging", COUNT, **PRICE), ANNA).rows


def test_a_recorded_answer_is_not_given_while_the_dataset_is_paused(normal_house: House) -> None:
    question = Question("aging", COUNT, **PRICE)
    normal_house.mediator.ask(question, ANNA)
    normal_house.ledger.registry.set_state(PolicyKind.DATASET, "clinic", State.PAUSED, "a recount", KEEPER.name, NOW)
    with pytest.raises(Refused) as refusal:
        normal_house.mediator.ask(question, ANNA)
    assert refusal.value.code is Code.POLICY_PAUSED


def test_a_pause_between_planning_and_reserving_is_obeyed(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    reserve = normal_house.ledger.reserve

    def paused_meanwhile(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401 - passed on
        normal_house.ledger.registry.set_state(PolicyKind.DATASET, "clinic", State.PAUSED, "a recount", KEEPER.name, NOW)
        return reserve(*arguments, **options)

    monkeypatch.setattr(normal_house.ledger, "reserve", paused_meanwhile)
    house, engine = watched(normal_house)
    with pytest.raises(Refused) as refusal:
        house.mediator.ask(Question("aging", COUNT, **PRICE), ANNA)
    assert refusal.value.code is Code.POLICY_PAUSED
    assert engine.calls == []
    assert spent(house).pico == 0
