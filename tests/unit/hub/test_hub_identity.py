"""Who asks: a kernel is believed only when proof, socket and token agree; a browser only by a log-in that it began itself."""

import asyncio
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from haven.errors import Code, Fault, Refused
from haven.hub.identity import HubIdentity, HubTokens
from haven.hub.oauth import Login, Sessions
from haven.ledger.people import Person
from haven.policy.roles import Principal, Role

SECRET = "the-gateways-secret"  # noqa: S105 - a test's
PREFIX = "/services/haven/"
SERVER = "access:servers!server="


class Clock:
    """A clock that stands until it is moved."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class FakeHub:
    """The hub's two answers that identity depends on."""

    tokens: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: int = 0
    broken: bool = False
    exchanged: list[dict[str, list[str]]] = field(default_factory=list)

    def answer(self, request: httpx.Request) -> httpx.Response:
        if self.broken:
            raise httpx.ConnectError("down")
        if request.url.path == "/hub/api/oauth2/token":
            self.exchanged.append(parse_qs(request.content.decode()))
            return httpx.Response(200, json={"access_token": "browser-of-carol"})
        self.asked += 1
        model = self.tokens.get(request.headers["Authorization"].removeprefix("token "))
        return httpx.Response(200, json=model) if model else httpx.Response(403, json={})


def model(name: str, *scopes: str, kind: str = "user") -> dict[str, Any]:
    return {"name": name, "kind": kind, "scopes": list(scopes)}


@dataclass
class People:
    """The books' one answer that identity depends on."""

    known: dict[str, Person]

    def person(self, name: str) -> Person | None:
        return self.known.get(name)


@dataclass
class World:
    """A hub, its books, a clock, and the identity under test."""

    hub: FakeHub
    people: People
    clock: Clock
    identity: HubIdentity

    def kernel(self, **headers: str) -> Principal:
        given = httpx.Headers({name.replace("_", "-"): text for name, text in headers.items()}, encoding="latin-1")
        return asyncio.run(self.identity.from_kernel(given))


@pytest.fixture
def world() -> World:
    roles = {"ada": Role.RESEARCHER, "grace": Role.RESEARCHER, "carol": Role.CHECKER}
    people = People({name: Person(name, role, None, None) for name, role in roles.items()})
    hub, clock = FakeHub(), Clock()
    hub.tokens = {
        "server-of-ada": model("ada", f"{SERVER}ada/", "users:activity!user=ada"),
        "server-of-grace": model("grace", f"{SERVER}grace/"),
        "made-by-ada": model("ada", "access:servers!user=ada"),
        "a-service": model("ada", f"{SERVER}ada/", kind="service"),
        "browser-of-carol": model("carol", "access:services!service=haven"),
        "without-pages": model("carol"),
    }
    api = httpx.AsyncClient(transport=httpx.MockTransport(hub.answer), base_url="http://haven")
    login = Login(api, "service-haven", "client-secret", f"{PREFIX}oauth_callback", PREFIX, Sessions(clock), clock)
    return World(hub, people, clock, HubIdentity(HubTokens(api, clock), people, login, SECRET))


def true_headers(user: str, token: str) -> dict[str, str]:
    return {"X_Haven_User": user, "X_Haven_Server": "", "X_Haven_Gateway": SECRET, "Authorization": f"Bearer {token}"}


def test_a_kernel_with_proof_socket_and_token_is_its_researcher(world: World) -> None:
    principal = world.kernel(**true_headers("ada", "server-of-ada"))
    assert (principal.name, principal.role, principal.server) == ("ada", Role.RESEARCHER, "ada/")


@pytest.mark.parametrize(
    ("user", "token"),
    [
        ("ada", "server-of-grace"),
        ("grace", "server-of-ada"),
        ("ada", "made-by-ada"),
        ("ada", "a-service"),
        ("ada", "unknown"),
        ("ada", "t\u00f6ken"),
    ],
)
def test_a_token_of_anything_but_this_very_server_is_refused(world: World, user: str, token: str) -> None:
    with pytest.raises(Refused) as refusal:
        world.kernel(**(true_headers(user, token) | {"Authorization": f"Bearer {token}"}))
    assert refusal.value.code is Code.AUTH_INVALID


def test_a_token_of_another_server_of_the_same_person_is_refused(world: World) -> None:
    with pytest.raises(Refused):
        world.kernel(**(true_headers("ada", "server-of-ada") | {"X_Haven_Server": "second"}))


@pytest.mark.parametrize("proof", ["", "wrong", SECRET + "x"])
def test_without_the_gateways_proof_nothing_is_believed_and_the_hub_is_not_asked(world: World, proof: str) -> None:
    with pytest.raises(Refused) as refusal:
        world.kernel(**(true_headers("ada", "server-of-ada") | {"X_Haven_Gateway": proof}))
    assert refusal.value.code is Code.AUTH_FORBIDDEN
    assert world.hub.asked == 0


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Basic YWRhOng=", "server-of-ada"])
def test_a_kernel_without_a_token_is_told_so(world: World, given: str) -> None:
    with pytest.raises(Refused) as refusal:
        world.kernel(**(true_headers("ada", "") | {"Authorization": given}))
    assert refusal.value.code is Code.AUTH_MISSING


def test_a_suspended_researcher_is_refused_at_once(world: World) -> None:
    world.kernel(**true_headers("ada", "server-of-ada"))
    world.people.known["ada"] = Person("ada", Role.RESEARCHER, None, "sanction")
    with pytest.raises(Refused) as refusal:
        world.kernel(**true_headers("ada", "server-of-ada"))
    assert refusal.value.code is Code.AUTH_FORBIDDEN


def test_the_hubs_word_is_believed_for_five_seconds_and_no_longer(world: World) -> None:
    for _ in range(3):
        world.kernel(**true_headers("ada", "server-of-ada"))
    assert world.hub.asked == 1
    del world.hub.tokens["server-of-ada"]  # the sandbox has stopped
    world.clock.now += 4.9
    world.kernel(**true_headers("ada", "server-of-ada"))
    world.clock.now += 0.2
    with pytest.raises(Refused):
        world.kernel(**true_headers("ada", "server-of-ada"))


def test_while_the_hub_is_silent_nobody_is_let_in_or_turned_away_for_good(world: World) -> None:
    world.hub.broken = True
    with pytest.raises(Fault):
        world.kernel(**true_headers("ada", "server-of-ada"))
    world.hub.broken = False
    assert world.kernel(**true_headers("ada", "server-of-ada")).name == "ada"


def test_what_is_remembered_of_tokens_is_bounded(world: World) -> None:
    async def many() -> None:
        for number in range(5_000):
            await world.identity.tokens.owner(f"guess-{number}")

    asyncio.run(many())
    assert len(world.identity.tokens._known) <= 4_096


def browser(world: World) -> httpx.AsyncClient:
    async def page(request: Request) -> Response:
        try:
            principal = await world.identity.of_request(request)
        except Refused as refusal:
            return JSONResponse({"code": refusal.code}, 403)
        return JSONResponse({"name": principal.name if principal else None})

    app = Starlette(routes=[Mount(PREFIX.rstrip("/"), routes=[Route("/", page), *world.identity.routes()])])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://haven")


async def log_in(client: httpx.AsyncClient, world: World, target: str = PREFIX) -> httpx.Response:
    begun = await client.get(world.identity.login_url(target))
    asked = parse_qs(urlsplit(begun.headers["location"]).query)
    return await client.get(f"{PREFIX}oauth_callback", params={"code": "c0de", "state": asked["state"][0]})


def test_a_browser_logs_in_and_out(world: World) -> None:
    async def journey() -> None:
        async with browser(world) as client:
            assert (await client.get(PREFIX)).json() == {"name": None}
            finished = await log_in(client, world)
            assert finished.headers["location"] == PREFIX
            assert "HttpOnly" in finished.headers["set-cookie"]
            assert "browser-of-carol" not in str(finished.headers)
            assert (await client.get(PREFIX)).json() == {"name": "carol"}
            await client.post(f"{PREFIX}log-out")
            assert (await client.get(PREFIX)).json() == {"name": None}

    asyncio.run(journey())
    assert world.hub.exchanged[0]["code_verifier"][0]
    assert world.hub.exchanged[0]["client_secret"] == ["client-secret"]


def test_a_log_in_is_finished_once_by_its_own_browser_and_in_time(world: World) -> None:
    async def journey() -> None:
        async with browser(world) as client, browser(world) as stranger:
            begun = await client.get(world.identity.login_url(PREFIX))
            state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
            callback = f"{PREFIX}oauth_callback?code=c0de&state={state}"
            assert (await stranger.get(callback)).status_code == 400
            assert (await client.get(callback)).status_code == 303
            assert (await client.get(callback)).status_code == 400
            begun = await client.get(world.identity.login_url(PREFIX))
            state = parse_qs(urlsplit(begun.headers["location"]).query)["state"][0]
            world.clock.now += 601
            assert (await client.get(f"{PREFIX}oauth_callback?code=c0de&state={state}")).status_code == 400

    asyncio.run(journey())


@pytest.mark.parametrize(
    ("target", "reached"),
    [
        (f"{PREFIX}releases/r1?tab=2", f"{PREFIX}releases/r1?tab=2"),
        ("https://example.org/", PREFIX),
        ("//example.org", PREFIX),
        (f"{PREFIX}/example.org", PREFIX),
        (f"{PREFIX}../../hub/logout", PREFIX),
        (f"{PREFIX}\\example.org", PREFIX),
        (f"{PREFIX}a\r\nSet-Cookie: b", PREFIX),
        ("/hub/logout", PREFIX),
    ],
)
def test_a_log_in_leads_to_a_page_of_the_service(world: World, target: str, reached: str) -> None:
    assert world.identity.login.own_page(target) == reached


def test_a_browsers_token_needs_the_permission_for_these_pages(world: World) -> None:
    assert asyncio.run(world.identity.from_browser("without-pages")) is None


def test_a_session_runs_out(world: World) -> None:
    session = world.identity.login.sessions.begin("token")
    assert world.identity.login.sessions.token(session) == "token"
    world.clock.now += 12 * 3600
    assert world.identity.login.sessions.token(session) is None


def test_a_browser_that_writes_the_gateways_headers_is_refused(world: World) -> None:
    async def journey() -> None:
        async with browser(world) as client:
            await log_in(client, world)
            for header in ("X-Haven-User", "X-Haven-Server", "X-Haven-Gateway"):
                assert (await client.get(PREFIX, headers={header: "ada"})).json() == {"code": "auth.forbidden"}

    asyncio.run(journey())
