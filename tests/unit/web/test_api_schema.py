"""The API against its own description: whatever is sent, what comes back is what the OpenAPI says."""

import json
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from haven.web.api.contract import openapi
from tests.support import api_service

OPERATIONS = [(path, method.upper()) for path, methods in json.loads(openapi().body)["paths"].items() for method in methods]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    service = api_service.build(tmp_path_factory.mktemp("api"))
    yield schemathesis.openapi.from_asgi("/api/v1/openapi.json", service.app)
    service.world.ledger.close()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_what_comes_back_is_what_the_description_says(schema: BaseSchema, path: str, method: str) -> None:
    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(schema[path][method].as_strategy())
    def holds(case: schemathesis.Case) -> None:
        # a message that fits may still be refused: by the question's grammar, or by the desk's rules
        case.call_and_validate(headers={"Authorization": "Bearer anna-token"}, excluded_checks=[positive_data_acceptance])

    holds()
