"""The client against the real routes over a Unix socket: what a researcher sends and what they get."""

import traceback
from collections.abc import Iterator

import pandas as pd
import pytest

import haven
from haven.client.answer import explain
from haven.client.session import Haven, latest
from haven.errors import Code
from tests.support import api_service
from tests.support.release_world import RECEIPT

SQL = "SELECT test, COUNT(*) AS n FROM nafld.labs GROUP BY test"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[api_service.Service]:
    with api_service.serving(api_service.build(tmp_path_factory.mktemp("api"))) as running:
        yield running
    running.world.ledger.close()


@pytest.fixture
def h(service: api_service.Service, monkeypatch: pytest.MonkeyPatch) -> Haven:
    for name in ("HAVEN_URL", "HAVEN_TOKEN", "HAVEN_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HAVEN_SOCKET", str(service.socket))
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "anna-token")
    return haven.connect()


def test_in_a_kernel_connect_needs_nothing(h: Haven) -> None:
    assert h.projects == ["liver"]
    assert h.project == "liver"
    assert latest() is h


def test_an_answer_has_the_rows_asked_for_in_every_frame(h: Haven) -> None:
    answer = h.query(SQL, epsilon=0.1)
    assert answer.to_arrow().column_names == ["test", "n", "mean"]
    assert answer.to_pandas()["n"].tolist() == [812, 95, -3]
    assert answer.to_polars()["n"].to_list() == [812, 95, -3]
    assert len(answer) == 3


def test_error_bars_have_the_answers_shape(h: Haven) -> None:
    answer = h.query(SQL, epsilon=0.1)
    expected = pd.DataFrame({"test": [None] * 3, "n": [6.3] * 3, "mean": [1.5, None, 4.0]}, dtype="float64")
    pd.testing.assert_frame_equal(answer.errors, expected)


def test_intervals_are_the_value_plus_and_minus_the_half_width(h: Haven) -> None:
    at_95 = h.query(SQL, epsilon=0.1).intervals()
    assert at_95["n low"].tolist() == pytest.approx([805.7, 88.7, -9.3])
    assert at_95["n high"].tolist() == pytest.approx([818.3, 101.3, 3.3])
    at_99 = h.query(SQL, epsilon=0.1).intervals(0.99)
    # 2.575829 and 1.959964 are the Gaussian's 97.5 and 99.5 percentiles in any table
    assert at_99["n high"][0] == pytest.approx(812 + 6.3 * 2.575829 / 1.959964, rel=1e-6)


def test_under_other_noise_intervals_are_never_narrower_than_either_laws(h: Haven) -> None:
    answer = h.query(SQL, epsilon=0.1)
    for mechanism in answer.receipt.mechanisms:
        mechanism["mechanism"] = "discrete Laplace"  # type: ignore[index]
    widths = {level: answer.intervals(level)["n high"][0] - 812 for level in (0.5, 0.99)}
    # ln 100 / ln 20 for the Laplace law; 0.674490 is the Gaussian's upper quartile
    assert widths[0.99] == pytest.approx(6.3 * 4.605170 / 2.995732, rel=1e-6)
    assert widths[0.5] == pytest.approx(6.3 * 0.674490 / 1.959964, rel=1e-5)


@pytest.mark.parametrize("level", [0, 1, -1, 95, "0.95", True])
def test_a_level_that_is_none_is_refused(h: Haven, level: object) -> None:
    with pytest.raises(haven.Refused):
        h.query(SQL, epsilon=0.1).intervals(level)  # type: ignore[arg-type]


def test_the_receipt_says_what_was_spent_and_what_is_left(h: Haven) -> None:
    receipt = h.query(SQL, epsilon=0.1).receipt
    assert receipt.id == RECEIPT
    assert receipt.cost == {"rho": "0.001", "delta": "0"}
    assert receipt.remaining["epsilon"] == "0.9"
    assert receipt.policy_digest == "b" * 64
    assert receipt.citation == "Allen et al. <2018>"
    assert receipt.line() == "cost ε 0.1 · left ε 0.9 · Allen et al. <2018>"


def test_explain_says_what_was_done_in_words(h: Haven) -> None:
    words = h.query(SQL, epsilon=0.1).explain()
    assert "At most 6 groups a person." in words
    assert "Mind: Counts of fewer than 10" in words


def test_without_words_the_mechanisms_are_explained() -> None:
    words = explain({"mechanisms": [{"of": "rows", "mechanism": "discrete Gaussian", "scale": 3.2, "half_width_95": 6.3}]}, "free")
    assert words == "rows: discrete Gaussian of scale 3.2 (± 6.3 at 95 %)\nfree"


def test_options_and_price_arrive_at_the_mediator_unchanged(h: Haven, service: api_service.Service) -> None:
    h.query(SQL, error="12.5", rows_per_unit=2, groups_per_unit=3, weights={"n": 2}, replay=False)
    asked = service.mediator.asked[-1]
    assert (str(asked.error), asked.epsilon, asked.rho) == ("12.5", None, None)
    assert (asked.rows_per_unit, asked.groups_per_unit, asked.weights, asked.replay) == (2, 3, {"n": 2.0}, False)


def test_each_question_has_its_own_key(h: Haven, service: api_service.Service) -> None:
    h.query(SQL, epsilon=0.1)
    h.query(SQL, epsilon=0.1)
    first, second = (asked.idempotency_key for asked in service.mediator.asked[-2:])
    assert first != second


def test_a_preview_costs_nothing_and_says_the_price(h: Haven) -> None:
    preview = h.preview(SQL, epsilon=0.1)
    assert (preview.cost["rho"], preview.epsilon, preview.share_of_budget) == ("0.001", "0.1", 0.041)
    assert preview.errors == {"n": 6.3, "mean": None, "wild": None}
    assert "would cost ε 0.1 · 4.1% of the budget · left now ε 0.9" in repr(preview)


def test_the_budget_is_read_dataset_by_dataset(h: Haven) -> None:
    line = h.budget["nafld"]
    assert (line.total["epsilon"], line.spent["rho"], line.left["epsilon"]) == ("1", "0.005", "0.85")
    assert line.share_left == pytest.approx(0.75)
    with pytest.raises(haven.Refused) as refused:
        _ = h.budget["other"]
    assert "nafld" in refused.value.suggestion


def test_an_ibis_table_has_the_declared_schema_and_its_questions_become_sql(h: Haven, service: api_service.Service) -> None:
    import ibis  # noqa: PLC0415 - slow to import

    persons = h.table("nafld.persons")
    assert dict(persons.schema().items()) == {
        "id": ibis.dtype("string"),
        "age": ibis.dtype("int64"),
        "male": ibis.dtype("boolean"),
        "bmi": ibis.dtype("float64"),
        "site": ibis.dtype("string"),
        "seen": ibis.dtype("date"),
    }
    assert h.table("persons").equals(persons)
    h.query(persons.filter(persons.age > 50).group_by("male").agg(n=lambda t: t.count()), epsilon=0.1)
    asked = " ".join(service.mediator.asked[-1].sql.split())
    assert 'FROM "nafld"."persons"' in asked
    assert '"age" > 50' in asked
    assert "COUNT(*)" in asked


@pytest.mark.parametrize("name", ["nafld.nothing", "nothing.persons", "nothing", "", ".", "a.b.c"])
def test_an_unknown_table_is_refused(h: Haven, name: str) -> None:
    with pytest.raises(haven.Refused):
        h.table(name)


@pytest.mark.parametrize("question", [7, None, b"SELECT 1", ["SELECT 1"]])
def test_what_is_neither_sql_nor_ibis_is_refused(h: Haven, question: object) -> None:
    with pytest.raises(haven.Refused):
        h.query(question, epsilon=0.1)  # type: ignore[arg-type]


@pytest.mark.parametrize("payment", [{}, {"epsilon": 1, "rho": 1}, {"epsilon": True}, {"epsilon": [1]}])
def test_a_question_is_paid_in_exactly_one_way(h: Haven, payment: dict[str, object]) -> None:
    with pytest.raises(haven.Refused) as refused:
        h.query(SQL, **payment)  # type: ignore[arg-type]
    assert refused.value.code is Code.BUDGET_INVALID


@pytest.mark.parametrize("amount", ["NaN", float("nan"), float("inf"), -1, 0, "ten"])
def test_a_price_that_is_no_positive_number_is_refused(h: Haven, amount: float | str) -> None:
    with pytest.raises(haven.Refused) as refused:
        h.query(SQL, epsilon=amount)
    assert refused.value.code is Code.BUDGET_INVALID


def test_a_refusal_carries_code_reason_and_what_to_write(h: Haven) -> None:
    with pytest.raises(haven.Refused) as refused:
        h.query("refuse", epsilon=0.1)
    error = refused.value
    assert (error.code, error.reason, error.suggestion) == ("query.unknown_column", "There is no such column.", "Write bmi.")


@pytest.mark.parametrize(("sql", "code"), [("fault", "fault.question"), ("bug", "fault.service"), ("ledger", "fault.ledger")])
def test_a_fault_is_one_sentence_without_other_tracebacks(h: Haven, sql: str, code: str) -> None:
    with pytest.raises(haven.Fault) as fault:
        h.query(sql, epsilon=0.1)
    assert fault.value.code == code
    shown = "".join(traceback.format_exception(fault.value))
    assert "secret" not in shown
    assert "another exception" not in shown


def test_options_that_are_not_json_are_refused(h: Haven) -> None:
    for weights in ({"n": object()}, {"n": float("nan")}):
        with pytest.raises(haven.Refused):
            h.query(SQL, epsilon=0.1, weights=weights)  # type: ignore[dict-item]


def test_with_several_projects_one_must_be_named(service: api_service.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAVEN_SOCKET", str(service.socket))
    with pytest.raises(haven.Refused) as refused:
        haven.connect(token="nobody-token").query(SQL, epsilon=1)  # noqa: S106 - a test's token
    assert "one, two" in refused.value.suggestion
    assert haven.connect(token="nobody-token", project="two").project == "two"  # noqa: S106 - a test's token


def test_someone_without_a_project_is_told_so(service: api_service.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAVEN_SOCKET", str(service.socket))
    with pytest.raises(haven.Refused) as refused:
        _ = haven.connect(token="aude-token").budget  # noqa: S106 - a test's token
    assert refused.value.code is Code.POLICY_UNKNOWN_PROJECT


def test_a_wrong_token_is_refused(service: api_service.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HAVEN_SOCKET", str(service.socket))
    with pytest.raises(haven.Refused) as refused:
        _ = haven.connect(token="stolen").datasets  # noqa: S106 - a test's token
    assert refused.value.code is Code.AUTH_INVALID


@pytest.mark.parametrize("project", ["../releases", "a/b", "", "lïver", "a b"])
def test_a_projects_name_never_becomes_another_address(h: Haven, project: str) -> None:
    connected = Haven(h._connection, project)
    with pytest.raises(haven.Refused):
        _ = connected.budget
