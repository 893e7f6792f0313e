"""The HTTP contract: statuses, forms and problems, over the real routes."""

import base64
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pytest

from haven.errors import Code
from haven.web.problems import status_of
from tests.support import api_service
from tests.support.release_world import RECEIPT, png

ANNA, CLEO, CARL, AUDE, CUSTOS = ({"Authorization": f"Bearer {name}-token"} for name in ("anna", "cleo", "carl", "aude", "custos"))
QUESTION = {"project": "liver", "sql": "SELECT 1", "epsilon": "0.1"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[api_service.Service]:
    built = api_service.build(tmp_path_factory.mktemp("api"))
    yield built
    built.world.ledger.close()


@pytest.fixture
async def client(service: api_service.Service) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(service.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://haven") as opened:
        yield opened


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    problem = response.json()
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    assert (problem["status"], problem["code"]) == (status, code)
    assert {"type", "title", "detail", "suggestion"} <= set(problem)
    return problem


pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_an_answer_is_an_arrow_stream_by_default(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/queries", json=QUESTION, headers=ANNA)
    table = pa.ipc.open_stream(response.content).read_all()
    assert response.headers["content-type"] == "application/vnd.apache.arrow.stream"
    assert table.column_names == ["test", "n", "mean"]
    assert table.column("n").to_pylist() == [812, 95, -3]
    assert json.loads(table.schema.metadata[b"haven"])["id"] == RECEIPT
    assert json.loads(table.schema.metadata[b"haven.errors"]) == [[None, 6.3, 1.5], [None, 6.3, None], [None, 6.3, 4.0]]


async def test_an_answer_is_json_where_that_is_preferred(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/queries", json=QUESTION, headers={**ANNA, "Accept": "application/json"})
    body = response.json()
    assert body["columns"] == [{"name": "test", "type": "text"}, {"name": "n", "type": "integer"}, {"name": "mean", "type": "number"}]
    assert body["rows"][1] == ["<script>alert(1)</script>", 95, None]
    assert body["errors"][0] == [None, 6.3, 1.5]
    assert body["receipt"]["cost"] == {"rho": "0.001", "delta": "0"}
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("*/*", "arrow"),
        ("", "arrow"),
        ("application/*", "arrow"),
        ("application/json", "json"),
        ("application/json;q=0.1", "json"),
        ("application/json;q=0.4, application/vnd.apache.arrow.stream;q=0.5", "arrow"),
        ("application/json, */*", "json"),
        ("application/json;q=0.2, */*;q=0.8", "arrow"),
        ("application/json;q=nonsense, */*", "arrow"),
        ("text/html", "arrow"),
    ],
)
async def test_accept_decides_the_form(client: httpx.AsyncClient, accept: str, form: str) -> None:
    response = await client.post("/api/v1/queries", json=QUESTION, headers={**ANNA, "Accept": accept})
    assert form in response.headers["content-type"]


async def test_a_preview_is_json_and_says_null_for_what_is_not_finite(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/queries", json={**QUESTION, "preview": True}, headers=ANNA)
    assert response.json()["errors"] == {"n": 6.3, "mean": None, "wild": None}


async def test_options_reach_the_mediator_as_they_were_sent(client: httpx.AsyncClient, service: api_service.Service) -> None:
    options = {"rows_per_unit": 3, "groups_per_unit": 2, "weights": {"n": 2.0}, "replay": False}
    await client.post("/api/v1/queries", json={**QUESTION, "epsilon": 0.25, "options": options, "idempotency_key": "k"}, headers=ANNA)
    asked = service.mediator.asked[-1]
    assert (str(asked.epsilon), asked.rows_per_unit, asked.groups_per_unit) == ("0.25", 3, 2)
    assert (asked.weights, asked.replay, asked.idempotency_key) == ({"n": 2.0}, False, "k")


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("refuse", 422, "query.unknown_column"),
        ("exhausted", 409, "budget.exhausted"),
        ("fault", 500, "fault.question"),
        ("ledger", 503, "fault.ledger"),
        ("bug", 500, "fault.service"),
    ],
)
async def test_errors_are_problems_of_their_codes_status(client: httpx.AsyncClient, sql: str, status: int, code: str) -> None:
    response = await client.post("/api/v1/queries", json={**QUESTION, "sql": sql}, headers=ANNA)
    problem = assert_problem(response, status, code)
    assert "secret" not in response.text
    assert problem["detail"]


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-1", "0", "1e400", "1_0", "٣", " 1", "", True, None, [1], {}, -0.5, 0, "1" * 40])
async def test_a_budget_that_is_no_positive_decimal_is_refused_unrepeated(client: httpx.AsyncClient, amount: object) -> None:
    response = await client.post("/api/v1/queries", json={**QUESTION, "epsilon": amount}, headers=ANNA)
    assert_problem(response, 422, "budget.invalid")


@pytest.mark.parametrize("raw", ['{"project":"liver","sql":"x","epsilon":NaN}', '{"project":"liver","sql":"x","epsilon":1e999}'])
async def test_non_finite_json_numbers_are_refused(client: httpx.AsyncClient, raw: str) -> None:
    response = await client.post("/api/v1/queries", content=raw, headers={**ANNA, "Content-Type": "application/json"})
    assert_problem(response, 422, "budget.invalid")


@pytest.mark.parametrize("payment", [{}, {"epsilon": "1", "rho": "1"}, {"epsilon": "1", "rho": "1", "error": "1"}])
async def test_a_question_is_paid_in_exactly_one_way(client: httpx.AsyncClient, payment: dict[str, str]) -> None:
    response = await client.post("/api/v1/queries", json={"project": "liver", "sql": "SELECT 1", **payment}, headers=ANNA)
    assert_problem(response, 422, "budget.invalid")


@pytest.mark.parametrize(
    "body",
    [
        {**QUESTION, "sneaky_field": 1},
        {**QUESTION, "options": {"sneaky_field": 1}},
        {"project": "liver", "epsilon": "1"},
        {**QUESTION, "sql": 7},
        {**QUESTION, "preview": "sneaky_field"},
        {**QUESTION, "options": {"rows_per_unit": 0}},
        {**QUESTION, "options": {"rows_per_unit": True}},
        {**QUESTION, "options": {"weights": {"sneaky_field": -1}}},
        {**QUESTION, "sql": "\ud800"},
        ["sneaky_field"],
        None,
    ],
)
async def test_a_message_that_does_not_fit_is_refused_and_not_repeated(client: httpx.AsyncClient, body: object) -> None:
    response = await client.post("/api/v1/queries", content=json.dumps(body), headers={**ANNA, "Content-Type": "application/json"})
    assert_problem(response, 422, "request.invalid")
    assert "sneaky_field" not in response.text


@pytest.mark.parametrize("raw", [b"{", b'{"project": sneaky', b"\xff\xfe", b"[" * 100_000, b'{"epsilon":' + b"9" * 5000 + b"}"])
async def test_a_body_that_is_not_json_is_a_bad_request(client: httpx.AsyncClient, raw: bytes) -> None:
    response = await client.post("/api/v1/queries", content=raw, headers={**ANNA, "Content-Type": "application/json"})
    assert_problem(response, 400, "request.invalid")
    assert "sneaky" not in response.text


async def test_a_body_of_another_type_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.post("/api/v1/queries", content=json.dumps(QUESTION), headers={**ANNA, "Content-Type": "text/plain"})
    assert_problem(response, 422, "request.invalid")


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_that_is_too_large_is_refused(client: httpx.AsyncClient, chunked: bool) -> None:  # noqa: FBT001 - a parameter of the test
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b" " * 1024

    content: Any = pieces() if chunked else b" " * 300 * 1024
    response = await client.post("/api/v1/queries", content=content, headers={**ANNA, "Content-Type": "application/json"})
    assert_problem(response, 413, "request.too_large")


@pytest.mark.parametrize(
    "path", ["datasets", "datasets/nafld", "projects", "projects/liver/budget", f"receipts/{RECEIPT}", "releases", "audit"]
)
async def test_nothing_is_read_without_a_token(client: httpx.AsyncClient, path: str) -> None:
    response = await client.get(f"/api/v1/{path}")
    assert_problem(response, 401, "auth.missing")
    assert response.headers["www-authenticate"] == "Bearer"
    assert_problem(await client.get(f"/api/v1/{path}", headers={"Authorization": "Bearer wrong"}), 401, "auth.invalid")


@pytest.mark.parametrize("path", ["datasets/other", "receipts/r-0", "releases/none", "nowhere", "datasets/nafld/more"])
async def test_an_unknown_name_or_address_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    assert_problem(await client.get(f"/api/v1/{path}", headers=ANNA), 404, "not_found.unknown")


async def test_another_method_is_a_problem_that_names_the_allowed_one(client: httpx.AsyncClient) -> None:
    response = await client.get("/api/v1/queries", headers=ANNA)
    assert_problem(response, 405, "request.invalid")
    assert response.headers["allow"] == "POST"


async def test_the_audit_is_read_by_its_role_alone_in_pages(client: httpx.AsyncClient) -> None:
    assert_problem(await client.get("/api/v1/audit", headers=ANNA), 403, "auth.forbidden")
    assert (await client.get("/api/v1/audit?after=5&limit=2", headers=AUDE)).json() == [{"seq": 6}, {"seq": 7}]
    assert_problem(await client.get("/api/v1/audit?limit=100000", headers=AUDE), 422, "request.invalid")


async def test_a_release_travels_from_request_to_signed_bundle(client: httpx.AsyncClient) -> None:
    items = [{"receipt": RECEIPT, "name": "counts"}, {"name": "figure.png", "content": base64.b64encode(png()).decode()}]
    body = {"project": "liver", "title": "Counts", "context": "For table 1.", "items": items}
    made = await client.post("/api/v1/releases", json=body, headers=ANNA)
    assert (made.status_code, made.json()["status"]) == (201, "draft")
    path = f"/api/v1/releases/{made.json()['id']}"
    assert (await client.post(f"{path}/submit", json={}, headers=ANNA)).json()["status"] == "submitted"
    assert_problem(await client.get(f"{path}/bundle", headers=ANNA), 409, "release.state")
    review = {"rule": "check.safe", "reason": "Nothing to see."}
    assert_problem(await client.post(f"{path}/approve", json=review, headers=ANNA), 403, "release.role")
    seen = (await client.get(path, headers=CLEO)).json()
    vote = {"item": "i1", "content": seen["items"][0]["content"], "approves": True, **review}
    assert (await client.post(f"{path}/votes", json=vote, headers=CLEO)).status_code == 200
    assert (await client.post(f"{path}/approve", json=review, headers=CLEO)).json()["status"] == "released"
    bundle = await client.get(f"{path}/bundle", headers=ANNA)
    assert bundle.headers["content-type"] == "application/zip"
    assert bundle.content.startswith(b"PK")
    assert (await client.get("/api/v1/releases", headers=ANNA)).json()[0]["id"] == made.json()["id"]


@pytest.mark.parametrize("item", [{}, {"receipt": RECEIPT, "content": "aGk="}, {"content": "not base64 sneaky_field"}])
async def test_an_item_is_an_answer_or_a_file(client: httpx.AsyncClient, item: dict[str, str]) -> None:
    body = {"project": "liver", "title": "t", "context": "c", "items": [item]}
    response = await client.post("/api/v1/releases", json=body, headers=ANNA)
    assert_problem(response, 422, "request.invalid")
    assert "sneaky_field" not in response.text


async def test_a_returned_release_takes_other_items_and_can_be_withdrawn(client: httpx.AsyncClient) -> None:
    body = {"project": "liver", "title": "t", "context": "c", "items": [{"receipt": RECEIPT}]}
    path = f"/api/v1/releases/{(await client.post('/api/v1/releases', json=body, headers=ANNA)).json()['id']}"
    await client.post(f"{path}/submit", json={}, headers=ANNA)
    returned = await client.post(f"{path}/return", json={"comment": "Say more.", "comments": {"i1": "Which?"}}, headers=CLEO)
    assert returned.json()["status"] == "returned"
    edited = await client.post(f"{path}/items", json={"items": [{"receipt": RECEIPT, "name": "better"}]}, headers=ANNA)
    assert edited.json()["items"][0]["name"] == "better"
    assert (await client.post(f"{path}/withdraw", json={"reason": "No need."}, headers=ANNA)).json()["status"] == "withdrawn"
    assert_problem(await client.post(f"{path}/appeal", json={"reason": "Unfair."}, headers=ANNA), 409, "release.state")


async def test_a_rejection_is_appealed_decided_anew_and_a_release_revoked(client: httpx.AsyncClient) -> None:
    body = {"project": "liver", "title": "t", "context": "c", "items": [{"receipt": RECEIPT}]}
    path = f"/api/v1/releases/{(await client.post('/api/v1/releases', json=body, headers=ANNA)).json()['id']}"
    await client.post(f"{path}/submit", json={}, headers=ANNA)
    rejection = {"rule": "check.no-context", "reason": "What is this for?"}
    assert (await client.post(f"{path}/reject", json=rejection, headers=CLEO)).json()["status"] == "rejected"
    appealed = await client.post(f"{path}/appeal", json={"reason": "The context says so."}, headers=ANNA)
    assert appealed.json()["status"] == "appealed"
    review = {"rule": "check.safe", "reason": "Nothing to see."}
    assert_problem(await client.post(f"{path}/approve", json=review, headers=CLEO), 403, "release.role")
    assert (await client.post(f"{path}/approve", json=review, headers=CARL)).json()["status"] == "released"
    assert_problem(await client.post(f"{path}/revoke", json={}, headers=CUSTOS), 422, "request.invalid")
    assert (await client.post(f"{path}/revoke", json={"reason": "A mistake."}, headers=CUSTOS)).json()["status"] == "revoked"
    assert_problem(await client.get(f"{path}/bundle", headers=ANNA), 409, "release.state")


async def test_the_description_names_every_route_of_the_contract(client: httpx.AsyncClient) -> None:
    paths = (await client.get("/api/v1/openapi.json")).json()["paths"]
    actions = ("submit", "withdraw", "votes", "return", "approve", "reject", "appeal")
    contract = {"/datasets", "/datasets/{name}", "/queries", "/receipts/{id}", "/projects/{name}/budget", "/releases", "/releases/{id}"}
    contract |= {"/releases/{id}/bundle", "/audit"} | {f"/releases/{{id}}/{action}" for action in actions}
    assert {f"/api/v1{path}" for path in contract} <= set(paths)
    for path in paths.values():
        for operation in path.values():
            assert {"400", "401", "403", "404", "409", "413", "422", "429"} <= set(operation["responses"])


@pytest.mark.parametrize("code", list(Code))
async def test_every_code_has_a_status_of_an_error(code: Code) -> None:
    assert 400 <= status_of(code) < 600


def test_schema_files_name_no_path_of_this_machine(service: api_service.Service) -> None:
    assert str(Path.home()) not in json.dumps(service.app.openapi())


BATCH = {"project": "liver", "questions": [{"sql": "SELECT 1"}, {"sql": "SELECT 2", "weight": 2}], "epsilon": "0.1"}


async def test_a_batch_is_answered_in_order_and_its_consistent_forms_travel(client: httpx.AsyncClient) -> None:
    body = (await client.post("/api/v1/batches", json=BATCH, headers=ANNA)).json()
    assert [answer["receipt"]["id"] for answer in body["answers"]] == [RECEIPT, RECEIPT]
    assert body["answers"][0]["consistent"]["rows"][0] == ["chol", 812.0, 201.5]
    assert body["answers"][1]["consistent"] is None
    assert body["proposal"]["epsilon"] == "0.1"


async def test_a_proposal_says_null_for_what_is_not_finite(client: httpx.AsyncClient) -> None:
    body = (await client.post("/api/v1/batches", json={**BATCH, "preview": True}, headers=ANNA)).json()
    assert body["questions"][0]["errors"] == {"n": 6.3, "wild": None}
    assert body["releases"][0]["questions"] == [0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"questions": []}, "request.invalid"),
        ({"questions": [{"sql": "SELECT 1"}] * 51}, "request.invalid"),
        ({"questions": [{"sql": ""}]}, "request.invalid"),
        ({"questions": [{"sql": "SELECT 1", "weight": 0}]}, "request.invalid"),
        ({"questions": [{"sql": "SELECT 1", "weight": "NaN"}]}, "request.invalid"),
        ({"questions": ["SELECT 1"]}, "request.invalid"),
        ({"error": "1"}, "request.invalid"),
        ({"options": {"weights": {}}}, "request.invalid"),
        ({"idempotency_key": "k" * 191}, "request.invalid"),
        ({"rho": "0.1"}, "budget.invalid"),
        ({"epsilon": None}, "budget.invalid"),
        ({"epsilon": "-1"}, "budget.invalid"),
    ],
)
async def test_a_batch_that_does_not_fit_is_refused(client: httpx.AsyncClient, change: dict[str, Any], code: str) -> None:
    assert_problem(await client.post("/api/v1/batches", json={**BATCH, **change}, headers=ANNA), 422, code)


@pytest.mark.parametrize("options", [{"size_hint": 0}, {"size_hint": 1.5}, {"size_hint": True}, {"size_hint": 2**31}, {"size_hint": "9"}])
async def test_a_size_that_is_no_whole_number_is_refused(client: httpx.AsyncClient, options: dict[str, Any]) -> None:
    asked = {"project": "liver", "sql": "SELECT 1", "relative_error": "0.05", "options": options}
    assert_problem(await client.post("/api/v1/queries", json=asked, headers=ANNA), 422, "request.invalid")


async def test_a_relative_error_is_a_way_to_pay_like_the_others(client: httpx.AsyncClient, service: api_service.Service) -> None:
    asked = {"project": "liver", "sql": "SELECT 1", "relative_error": 0.05, "options": {"size_hint": 1000}}
    await client.post("/api/v1/queries", json=asked, headers=ANNA)
    assert (str(service.mediator.asked[-1].relative_error), service.mediator.asked[-1].size_hint) == ("0.05", 1000)
    assert_problem(await client.post("/api/v1/queries", json={**asked, "epsilon": "1"}, headers=ANNA), 422, "budget.invalid")
    assert_problem(await client.post("/api/v1/queries", json={**asked, "relative_error": "NaN"}, headers=ANNA), 422, "budget.invalid")


async def test_where_a_question_stands_and_calling_it_back(client: httpx.AsyncClient, service: api_service.Service) -> None:
    with service.mediator.in_flight.journey("anna", "k-1"):
        assert (await client.get("/api/v1/queries/k-1", headers=ANNA)).json() == {"station": "waiting"}
        assert (await client.delete("/api/v1/queries/k-1", headers=ANNA)).json() == {"cancelled": "free"}
    assert_problem(await client.get("/api/v1/queries/k-1", headers=ANNA), 404, "not_found.unknown")
    assert (await client.delete("/api/v1/queries/k-2", headers=ANNA)).json() == {"cancelled": "nothing"}


async def test_another_researcher_neither_sees_nor_ends_a_question(client: httpx.AsyncClient, service: api_service.Service) -> None:
    nobody = {"Authorization": "Bearer nobody-token"}
    with service.mediator.in_flight.journey("anna", "k-3") as journey:
        assert_problem(await client.get("/api/v1/queries/k-3", headers=nobody), 404, "not_found.unknown")
        assert (await client.delete("/api/v1/queries/k-3", headers=nobody)).json() == {"cancelled": "nothing"}
        journey.check()


@pytest.mark.parametrize("who", [CLEO, CARL, AUDE, CUSTOS])
async def test_those_who_may_not_ask_reach_no_question_and_no_batch(client: httpx.AsyncClient, who: dict[str, str]) -> None:
    assert_problem(await client.get("/api/v1/queries/k", headers=who), 403, "auth.forbidden")
    assert_problem(await client.delete("/api/v1/queries/k", headers=who), 403, "auth.forbidden")
    assert_problem(await client.post("/api/v1/batches", json=BATCH, headers=who), 403, "auth.forbidden")
    assert_problem(await client.post("/api/v1/batches", json={**BATCH, "preview": True}, headers=who), 403, "auth.forbidden")


async def test_nobody_without_a_token_reaches_a_question_or_a_batch(client: httpx.AsyncClient) -> None:
    for method, path in (("GET", "queries/k"), ("DELETE", "queries/k"), ("POST", "batches")):
        response = await client.request(method, f"/api/v1/{path}", json=BATCH if method == "POST" else None)
        assert_problem(response, 401, "auth.missing")
