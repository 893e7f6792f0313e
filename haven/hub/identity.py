"""Who is asking the mediator or opening a page: a kernel behind the gateway, or a person with a browser who logged in at the hub.

Guaranteed: a kernel is believed only when three things agree: the gateway's proof, the socket the request came in on, and the hub's word
that the token belongs to that very server; a token pasted to a colleague opens nothing. A browser is believed only by a session that a
log-in at the hub began. What the hub says of a token is believed for at most five seconds; what the books say of the person, never longer
than this request. Headers that only the gateway may write, without its proof, are refused outright.
"""

import hashlib
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import httpx
from starlette.requests import Request
from starlette.routing import BaseRoute

from haven.errors import Code, Fault, Refused
from haven.hub.gateway import PROOF_HEADER, SERVER_HEADER, USER_HEADER, came_through_gateway
from haven.hub.oauth import Login, Sessions
from haven.ledger.people import Person
from haven.policy.roles import Principal

_BELIEVED_SECONDS = 5.0
_REMEMBERED = 4096
_SERVICE_DOWN = "haven cannot check who is asking just now. Try again in a moment."


class Accounts(Protocol):
    """The part of the books that identity needs."""

    def person(self, name: str) -> Person | None:
        """The account of this name."""


@dataclass(slots=True)
class HubTokens:
    """What the hub says of a token: its owner and scopes, asked at most once in five seconds. `clock` gives seconds."""

    api: httpx.AsyncClient
    clock: Callable[[], float] = time.monotonic
    _known: OrderedDict[bytes, tuple[float, dict[str, Any] | None]] = field(default_factory=OrderedDict, init=False)

    async def owner(self, token: str) -> dict[str, Any] | None:
        """The hub's model of the token's owner, None for a token it does not know. Fault while the hub cannot be asked."""
        key = hashlib.sha256(token.encode()).digest()
        known = self._known.get(key)
        if known is not None and self.clock() < known[0]:
            return known[1]
        asked = self.clock()
        model = await self._ask(token)
        self._known[key] = (asked + _BELIEVED_SECONDS, model)
        self._known.move_to_end(key)
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return model

    def forget(self, token: str) -> None:
        """Ask again next time."""
        self._known.pop(hashlib.sha256(token.encode()).digest(), None)

    async def _ask(self, token: str) -> dict[str, Any] | None:
        """Ask the hub itself."""
        if not (token.isascii() and token.isprintable()):
            return None
        try:
            reply = await self.api.get("/hub/api/user", headers={"Authorization": f"token {token}"})
        except httpx.HTTPError as failure:
            raise Fault(Code.FAULT_SERVICE, _SERVICE_DOWN) from failure
        if reply.status_code == httpx.codes.OK:
            model: dict[str, Any] = reply.json()
            return model if model.get("kind") == "user" else None
        if reply.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            return None
        raise Fault(Code.FAULT_SERVICE, _SERVICE_DOWN)


@dataclass(frozen=True, slots=True)
class HubIdentity:
    """haven's pages and API ask it about every request. Build it with `from_environment` in a service that the hub started."""

    tokens: HubTokens
    accounts: Accounts
    login: Login
    gateway_secret: str

    @classmethod
    def from_environment(cls, accounts: Accounts, environment: Mapping[str, str] | None = None) -> "HubIdentity":
        """Identity for the service that reads `environment` (its own by default), as the hub set it."""
        given = os.environ if environment is None else environment
        socket = unquote(urlsplit(given["JUPYTERHUB_API_URL"]).netloc)
        api = httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(uds=socket), base_url="http://haven", timeout=10)
        login = Login(
            api=api,
            client_id=given["JUPYTERHUB_CLIENT_ID"],
            client_secret=given["JUPYTERHUB_API_TOKEN"],
            callback=given["JUPYTERHUB_OAUTH_CALLBACK_URL"],
            prefix=given["JUPYTERHUB_SERVICE_PREFIX"],
            sessions=Sessions(),
        )
        return cls(HubTokens(api), accounts, login, Path(given["HAVEN_GATEWAY_KEY_FILE"]).read_text())

    async def of_request(self, request: Request) -> Principal | None:
        """Who asks, None where nobody has logged in. Refused AUTH_INVALID or AUTH_FORBIDDEN for a kernel that is not who it must be."""
        if any(header in request.headers for header in (USER_HEADER, SERVER_HEADER, PROOF_HEADER)):
            return await self.from_kernel(request.headers)
        token = self.login.sessions.token(request.cookies.get(self.login.session_cookie, ""))
        return None if token is None else await self.from_browser(token)

    async def from_kernel(self, headers: Mapping[str, str]) -> Principal:
        """The researcher in whose sandbox this kernel runs."""
        user, server = headers.get(USER_HEADER, ""), headers.get(SERVER_HEADER, "")
        if not user or not came_through_gateway(headers.get(PROOF_HEADER), self.gateway_secret):
            raise Refused(Code.AUTH_FORBIDDEN, "Only the gateway may say which sandbox is asking.")
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        if scheme.lower() not in {"bearer", "token"} or not token.strip():
            raise Refused(Code.AUTH_MISSING, "This request carries no token.", "Send the one in JUPYTERHUB_API_TOKEN.")
        model = await self.tokens.owner(token.strip())
        if model is None or model["name"] != user or f"access:servers!server={user}/{server}" not in model["scopes"]:
            raise Refused(Code.AUTH_INVALID, "This token does not belong to this sandbox.", "Use the token in JUPYTERHUB_API_TOKEN.")
        if (principal := self._principal(user, f"{user}/{server}")) is None:
            raise Refused(Code.AUTH_FORBIDDEN, "This account cannot ask now.", "Ask your data custodian.")
        return principal

    async def from_browser(self, token: str) -> Principal | None:
        """The person whose log-in gave `token`, None once the hub or the books no longer know them."""
        model = await self.tokens.owner(token)
        if model is None or not {"access:services", self.login.scope} & set(model["scopes"]):
            return None
        return self._principal(model["name"], None)

    def login_url(self, next: str) -> str:  # noqa: A002 - the name that pages use for where to return to
        """Where to send a browser that must log in; it comes back to `next`, a path of these pages."""
        return self.login.start_url(next)

    def routes(self) -> list[BaseRoute]:
        """The three pages of logging in and out, relative to the service's prefix."""
        return self.login.routes(forget=self.tokens.forget)

    def _principal(self, name: str, server: str | None) -> Principal | None:
        """The person as the books know them now, None where the account is gone or suspended."""
        person = self.accounts.person(name)
        if person is None or person.suspended is not None:
            return None
        return Principal(name=person.name, role=person.role, server=server)
