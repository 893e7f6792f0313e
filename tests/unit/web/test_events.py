# ruff: noqa: S608, ANN401 - httpx's own options, and the questions of a test, with a canary in them
"""Who reads which events, through the page and the interface; and that no event holds what a researcher wrote."""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from haven.cli.house import House, open_house
from haven.cli.serving import web_parts
from haven.ledger.events import Kind
from haven.ledger.timeline import MOST_LOOKED_AT, Scope, timeline
from haven.policy.roles import Principal
from haven.web.app import create_app
from haven.web.identity import TokenIdentity
from tests.support import house as small
from tests.support.house import ANNA, BEN, CARL, CORA, KEEPER, OTTO

CANARY = "canaryzq7731"
COUNT = "SELECT COUNT(*) AS n FROM persons"


@dataclass(frozen=True)
class Client:
    """Asks the application itself."""

    app: FastAPI

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://haven") as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.request("POST", path, **options)


@pytest.fixture(name="served")
def _served(normal_house: House) -> tuple[House, Client]:
    return normal_house, Client(create_app(web_parts(normal_house, TokenIdentity(normal_house.ledger.people), "")))


def bearer(house: House, who: Principal) -> dict[str, str]:
    return {"Authorization": f"Bearer {house.ledger.people.issue_token(who.name, datetime.now(UTC), actor='operator')}"}


def every_entry(house: House) -> str:
    return json.dumps(list(house.ledger.audit_export()), default=str)


def events(client: Client, headers: dict[str, str], **query: str) -> list[dict[str, object]]:
    reply = client.get("/api/v1/events", headers=headers, params={"limit": "200", **query})
    assert reply.status_code == 200, reply.text
    found: list[dict[str, object]] = reply.json()["events"]
    return found


def test_a_researcher_reads_their_own_events_and_nobody_elses(served: tuple[House, Client]) -> None:
    house, client = served
    for who in (ANNA, BEN):
        small.ask(house, f"{COUNT} WHERE age > {18 if who is ANNA else 40}", "0.01", who=who)
    seen = events(client, bearer(house, ANNA))
    assert {one["kind"] for one in seen} >= {"spend.reserved", "spend.posted", "token.issued", "user.added"}
    for one in seen:
        assert one["actor"] == "anna" or one["detail"]["name"] == "anna"  # type: ignore[index]  # a JSON object
    assert "ben" not in json.dumps(seen)


def test_a_custodian_reads_what_concerns_their_datasets_and_an_auditor_everything(served: tuple[House, Client]) -> None:
    house, client = served
    now = datetime.now(UTC)
    small.ask(house, COUNT, "0.01")
    house.ledger.record(Kind.QUESTIONS_VIEWED, "somebody", {"dataset": "elsewhere"}, now)
    house.ledger.people.log_out("cora", now)
    kept = events(client, bearer(house, KEEPER))
    assert {one["kind"] for one in kept} >= {"spend.reserved", "spend.posted", "policy.added", "snapshot.added"}
    assert not [one for one in kept if one["actor"] in {"somebody", "cora"}]
    everything = events(client, bearer(house, OTTO))
    assert {one["actor"] for one in everything} >= {"somebody", "cora", "anna"}


def test_the_audit_of_a_custodian_is_that_of_their_datasets(served: tuple[House, Client]) -> None:
    house, client = served
    house.ledger.record(Kind.QUESTIONS_VIEWED, "somebody", {"dataset": "elsewhere"}, datetime.now(UTC))
    small.ask(house, COUNT, "0.01")
    mine = client.get("/api/v1/audit", headers=bearer(house, KEEPER), params={"limit": 1000}).json()
    every = client.get("/api/v1/audit", headers=bearer(house, OTTO), params={"limit": 1000}).json()
    assert "somebody" not in json.dumps(mine)
    assert "somebody" in json.dumps(every)
    assert [one for one in every if one in mine] == mine


@pytest.mark.parametrize("who", [ANNA, CORA, KEEPER, OTTO])
def test_everyone_has_a_page_of_events(served: tuple[House, Client], who: Principal) -> None:
    house, client = served
    reply = client.get("/events", headers=bearer(house, who))
    assert reply.status_code == 200
    assert "Events" in reply.text


def test_a_stranger_reads_no_events(served: tuple[House, Client]) -> None:
    assert served[1].get("/api/v1/events").status_code == 401


@pytest.mark.parametrize("limit", [1, 3, 50])
def test_pages_of_a_timeline_hold_every_entry_of_the_scope_once(normal_house: House, limit: int) -> None:
    ledger, now = normal_house.ledger, datetime.now(UTC)
    with ledger.transaction() as tx:
        for number in range(MOST_LOOKED_AT + 40):
            tx.append(Kind.QUESTIONS_VIEWED, "anna" if number % 200 == 0 else "robot", {"dataset": f"d{number % 7}"}, now)
    scope = Scope(actor="anna", datasets=frozenset({"d3"}))
    wanted = [one.seq for one in reversed(ledger.entries_after(0, 10**6)) if scope.sees(one, {})]
    got: list[int] = []
    before: int | None = None
    with ledger.read() as connection:
        while True:
            page = timeline(connection, scope, limit, before=before)
            got += [entry.seq for entry in page.entries]
            before = page.older
            if before is None:
                break
    assert got == wanted


def test_a_refused_attempt_is_an_event_without_what_was_asked(served: tuple[House, Client]) -> None:
    house, client = served
    headers = bearer(house, ANNA)
    for _ in range(3):
        reply = client.post(
            "/api/v1/queries", json={"project": "aging", "sql": f"SELECT {CANARY} FROM persons", "epsilon": "0.1"}, headers=headers
        )
        assert reply.status_code == 422
    (entry,) = house.ledger.entries(kind=Kind.ATTEMPT_REFUSED)
    assert (entry.actor, dict(entry.detail)) == ("anna", {"project": "aging", "dataset": "clinic", "code": "query.unknown_column"})
    house.ledger.record(Kind.BOOKS_EXPORTED, "test", {}, datetime.now(UTC))
    with house.ledger.read() as connection:
        assert connection.exec_driver_sql("SELECT sum(refused) FROM days WHERE actor = 'anna'").scalar() == 3


BODIES = (
    {"project": "aging", "sql": f"SELECT COUNT(*) AS n FROM persons WHERE ward = '{CANARY}'", "epsilon": "0.01"},
    {"project": "aging", "sql": f"SELECT COUNT(*) AS n FROM persons WHERE ward = '{CANARY}'", "epsilon": "0.01", "preview": True},
    {"project": "aging", "sql": f"SELECT COUNT(*) AS {CANARY} FROM persons", "epsilon": "0.01", "idempotency_key": CANARY},
    {"project": "aging", "sql": f"SELECT COUNT(*) AS {CANARY} FROM visits", "epsilon": "0.01", "idempotency_key": CANARY},
    {"project": "aging", "sql": f"SELECT '{CANARY}", "epsilon": "0.01"},
    {"project": "aging", "sql": f"SELECT {CANARY}(age) FROM persons", "epsilon": "0.01"},
    {"project": "aging", "sql": f"DROP TABLE {CANARY}", "epsilon": "0.01"},
    {"project": "aging", "sql": f"SELECT COUNT(*) FROM {CANARY}", "epsilon": "0.01"},
    {"project": "aging", "sql": f"SELECT COUNT(*) AS n FROM persons WHERE ward = '{CANARY}'", "epsilon": "1000"},
    {"project": "aging", "sql": f"SELECT COUNT(*) AS n FROM persons WHERE ward = '{CANARY}2'", "epsilon": CANARY},
    {"project": CANARY, "sql": COUNT, "epsilon": "0.01"},
    {"project": "aging", "sql": COUNT, "epsilon": "0.01", CANARY: CANARY},
    CANARY,
)
PLACES = (
    ("GET", f"/api/v1/datasets/{CANARY}"),
    ("GET", f"/api/v1/receipts/{CANARY}"),
    ("GET", f"/api/v1/projects/{CANARY}/budget"),
    ("GET", f"/api/v1/releases/{CANARY}"),
    ("GET", f"/api/v1/queries/{CANARY}"),
    ("DELETE", f"/api/v1/queries/{CANARY}"),
    ("GET", f"/api/v1/events?kind={CANARY}"),
    ("GET", f"/releases/{CANARY}?item={CANARY}"),
    ("GET", f"/datasets/{CANARY}"),
    ("GET", f"/{CANARY}"),
)


def test_no_event_holds_what_anyone_wrote_whichever_way_it_came(served: tuple[House, Client]) -> None:
    house, client = served
    for who in (ANNA, CARL, CORA, KEEPER, OTTO):
        headers = bearer(house, who)
        for body in BODIES:
            client.post("/api/v1/queries", json=body, headers=headers)
            client.post("/api/v1/batches", json={"project": "aging", "questions": [body], "epsilon": "0.01"}, headers=headers)
        for method, path in PLACES:
            client.request(method, path, headers=headers | {"X-Canary": CANARY, "User-Agent": CANARY})
        release = {"project": "aging", "title": CANARY, "context": CANARY, "items": [{"receipt": CANARY, "name": CANARY}]}
        client.post("/api/v1/releases", json=release, headers=headers)
    client.get("/api/v1/events", headers={"Authorization": f"Bearer haven_{CANARY}"})
    house.ledger.people.verify_password(CANARY, CANARY, datetime.now(UTC))
    house.ledger.people.verify_password("anna", CANARY, datetime.now(UTC))
    house.ledger.record(Kind.BOOKS_EXPORTED, "test", {}, datetime.now(UTC))
    told = every_entry(house)
    assert CANARY not in told
    assert '"spend.posted"' in told
    assert '"attempt.refused"' in told
    assert '"user.login_failed"' in told


def test_no_event_holds_a_datum(normal_home: object) -> None:
    """Names of persons and wards of the data reach no entry, ingest and withdrawals included."""
    with open_house(normal_home) as house:  # type: ignore[arg-type]  # a path
        small.ask(house, "SELECT ward, COUNT(*) AS n FROM persons GROUP BY ward", "0.5")
        told = every_entry(house)
    for datum in ("person-0", "attic", "ward 1", "north"):
        assert datum not in told
