"""What stops a person or a dataset stops the very next request, however well it was served a moment ago."""

import asyncio
from datetime import UTC, datetime

import httpx
import pytest

from haven.cli.house import House
from haven.cli.serving import web_parts
from haven.ledger.registry import PolicyKind, State
from haven.web.app import create_app
from haven.web.identity import TokenIdentity
from tests.support import house as real


class Asking:
    """One person with one token, asking one running application."""

    def __init__(self, house: House) -> None:
        self._people = house.ledger.people
        self._app = create_app(web_parts(house, TokenIdentity(self._people), ""))
        known = {info.id for info in self._people.list_tokens(real.ANNA.name)}
        self._token = self._people.issue_token(real.ANNA.name, datetime.now(UTC))
        (self.token_id,) = {info.id for info in self._people.list_tokens(real.ANNA.name)} - known

    def ask(self, epsilon: str) -> tuple[int, str | None]:
        """Status and code of a question at this price."""
        return asyncio.run(self._ask(epsilon))

    async def _ask(self, epsilon: str) -> tuple[int, str | None]:
        message = {"project": "aging", "sql": "SELECT COUNT(*) AS n FROM clinic.persons", "epsilon": epsilon}
        headers = {"Authorization": f"Bearer {self._token}", "Accept": "application/json"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self._app), base_url="http://haven") as client:
            response = await client.post("/api/v1/queries", json=message, headers=headers)
        return response.status_code, response.json().get("code")


@pytest.fixture(name="asking")
def _asking(bench_house: House) -> Asking:
    asking = Asking(bench_house)
    assert asking.ask("0.5") == asking.ask("0.5") == (200, None)
    return asking


def test_a_revoked_token_opens_nothing_from_the_next_request_on(bench_house: House, asking: Asking) -> None:
    bench_house.ledger.people.revoke_token(asking.token_id, actor="operator", now=datetime.now(UTC))
    assert asking.ask("0.5") == (401, "auth.invalid")


def test_a_suspended_person_is_stopped_from_the_next_request_on_and_let_in_again(bench_house: House, asking: Asking) -> None:
    bench_house.ledger.people.suspend_user(real.ANNA.name, "left", actor="operator", now=datetime.now(UTC))
    assert asking.ask("0.5") == (401, "auth.invalid")
    bench_house.ledger.people.resume_user(real.ANNA.name, "back", actor="operator", now=datetime.now(UTC))
    assert asking.ask("0.5") == (200, None)


def test_a_paused_dataset_answers_nothing_from_the_next_request_on_not_even_again(bench_house: House, asking: Asking) -> None:
    bench_house.ledger.registry.set_state(PolicyKind.DATASET, "clinic", State.PAUSED, "audit", "keeper", datetime.now(UTC))
    assert asking.ask("0.5") == (403, "policy.paused")
    assert asking.ask("0.25") == (403, "policy.paused")
