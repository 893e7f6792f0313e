"""Requests and problems over the wire."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from haven.errors import Code, Fault, Refused
from haven.wire.problems import Problem, problem_from_json
from haven.wire.queries import QueryRequest
from haven.wire.releases import ReleaseItem


@given(st.decimals(min_value="0.000000000001", max_value=1000, allow_nan=False, allow_infinity=False, places=12))
def test_a_decimal_string_arrives_with_every_digit(amount: Decimal) -> None:
    assert QueryRequest(project="p", sql="s", epsilon=format(amount, "f")).epsilon == amount


@given(st.floats(1e-9, 1e9))
def test_a_float_arrives_as_its_shortest_decimal(amount: float) -> None:
    assert QueryRequest(project="p", sql="s", rho=amount).rho == Decimal(repr(amount))


@given(st.text() | st.floats() | st.integers() | st.booleans() | st.lists(st.integers()))
def test_whatever_is_sent_as_a_budget_is_a_positive_finite_decimal_or_refused(amount: object) -> None:
    try:
        message = QueryRequest.model_validate({"project": "p", "sql": "s", "epsilon": amount})
    except ValidationError:
        return
    assert message.epsilon is not None
    assert message.epsilon > 0
    assert message.epsilon.is_finite()
    assert abs(message.epsilon.adjusted()) <= 200


@pytest.mark.parametrize("extra", ["epsilons", "user", "price"])
def test_an_unknown_field_is_refused(extra: str) -> None:
    with pytest.raises(ValidationError):
        QueryRequest.model_validate({"project": "p", "sql": "s", "epsilon": "1", extra: 1})


@given(st.binary(max_size=100))
def test_a_files_bytes_arrive_unchanged(content: bytes) -> None:
    import base64  # noqa: PLC0415 - the oracle

    assert ReleaseItem(name="x", content=base64.b64encode(content).decode()).content == content


@given(st.sampled_from(Code), st.sampled_from([401, 403, 409, 422, 500, 503]), st.text(), st.text())
def test_a_problem_becomes_the_error_it_was(code: Code, status: int, detail: str, suggestion: str) -> None:
    problem = problem_from_json(Problem(status, "t", code, detail, suggestion).to_json())
    assert problem is not None
    error = problem.to_error()
    assert isinstance(error, Fault if status >= 500 else Refused)
    assert (error.code, error.reason, error.suggestion) == (code, detail, suggestion)


def test_a_code_from_a_newer_service_is_still_a_refusal() -> None:
    error = Problem(422, "t", "query.new_kind", "No.", "Write another.").to_error()
    assert isinstance(error, Refused)
    assert error.code is Code.REQUEST_INVALID
    assert error.reason == "No."


@pytest.mark.parametrize(
    "body", [None, [], "x", {}, {"status": 200, "code": "a", "detail": "b"}, {"status": 400, "code": 1, "detail": "b"}]
)
def test_what_is_no_problem_is_none(body: object) -> None:
    assert problem_from_json(body) is None
