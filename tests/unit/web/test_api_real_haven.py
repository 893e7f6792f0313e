"""The API over a whole real haven against its own description."""

import json
import re
from datetime import UTC, datetime

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from haven.cli.house import House
from haven.cli.serving import web_parts
from haven.release import AnswerDraft
from haven.web.api.contract import openapi
from haven.web.app import create_app
from haven.web.identity import TokenIdentity
from tests.support import house as real

OPERATIONS = [(path, method.upper()) for path, methods in json.loads(openapi().body)["paths"].items() for method in methods]
ON_ITS_WAY = "a-question"
ASKED_NOW = "another-question"
"""The first may have been called back by a test before: a question that comes under its key is refused."""
PEOPLE = (real.ANNA, real.CORA, real.KEEPER)


@pytest.fixture(scope="module")
def schema(shared_bench_house: House) -> BaseSchema:
    app = create_app(web_parts(shared_bench_house, TokenIdentity(shared_bench_house.ledger.people), ""))
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)


@pytest.fixture(scope="module")
def names(shared_bench_house: House) -> dict[str, str]:
    """Names that exist, for the parameters of paths."""
    receipt = real.ask(shared_bench_house, "SELECT COUNT(*) AS n FROM clinic.persons").receipt["id"]
    drafts = [AnswerDraft(receipt, "counts")]
    release = shared_bench_house.desk.create(real.ANNA, "aging", "Counts", "For table 1.", drafts, datetime.now(UTC))
    return {"/datasets/": "clinic", "/projects/": "aging", "/receipts/": receipt, "/releases/": release, "/queries/": ON_ITS_WAY}


@pytest.fixture(scope="module")
def tokens(shared_bench_house: House) -> list[str]:
    people = shared_bench_house.ledger.people
    return [people.issue_token(who.name, datetime.now(UTC), actor="operator") for who in PEOPLE]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_what_comes_back_is_what_the_description_says(
    schema: BaseSchema, tokens: list[str], names: dict[str, str], path: str, method: str
) -> None:
    existing = next((name for part, name in names.items() if part in path), None)

    @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(schema[path][method].as_strategy())
    def holds(case: schemathesis.Case) -> None:
        if existing is not None and case.meta is not None and case.meta.generation.mode.is_positive:
            case.path_parameters = dict.fromkeys(case.path_parameters, existing)
        for token in tokens:
            # a message that fits may still be refused: by the question's grammar, or by the desk's rules
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, excluded_checks=[positive_data_acceptance])

    holds()


@pytest.mark.parametrize("path", [path for path, method in OPERATIONS if method == "GET" and not path.endswith("/bundle")])
def test_what_exists_is_read_in_the_described_form(schema: BaseSchema, shared_bench_house: House, names: dict[str, str], path: str) -> None:
    reader = real.OTTO if path.endswith(("/audit", "/metrics")) else real.ANNA
    token = shared_bench_house.ledger.people.issue_token(reader.name, datetime.now(UTC), actor="operator")
    existing = ASKED_NOW if "/queries/" in path else next((name for part, name in names.items() if part in path), "")
    parameters = re.findall(r"{(\w+)}", path)
    case = schema[path]["GET"].Case(path_parameters=dict.fromkeys(parameters, existing))
    with shared_bench_house.mediator.in_flight.journey(reader.name, ASKED_NOW):
        response = case.call_and_validate(headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 200
    assert response.text.startswith("# HELP haven_") if path.endswith("/metrics") else response.json()


def test_an_answer_in_json_has_the_described_form(schema: BaseSchema, tokens: list[str]) -> None:
    message = {"project": "aging", "sql": "SELECT female, COUNT(*) AS n FROM clinic.persons GROUP BY female", "epsilon": "1"}
    for preview in (False, True):
        case = schema["/api/v1/queries"]["POST"].Case(body={**message, "preview": preview}, media_type="application/json")
        response = case.call_and_validate(headers={"Authorization": f"Bearer {tokens[0]}", "Accept": "application/json"})
        assert response.status_code == 200
        assert response.json()["columns"][1] == {"name": "n", "type": "integer"}
