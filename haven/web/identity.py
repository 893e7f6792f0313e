"""Who is asking: the one shape of every identity provider, and the two that need no hub: API tokens, and several providers in a row.

haven's own log-in form is in `haven.web.login`; a hub's log-in is the hub room's.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from starlette.requests import Request
from starlette.routing import BaseRoute

from haven.errors import Code, Refused
from haven.ledger.people import People
from haven.policy.roles import Principal


class IdentityProvider(Protocol):
    """How a haven knows people."""

    async def of_request(self, request: Request) -> Principal | None:
        """Who asks, None where nobody has said who they are. Raises Refused `auth.*` for credentials that are wrong."""

    def login_url(self, next_path: str, /) -> str:
        """Where to send a browser that must log in; it comes back to `next_path`."""

    def routes(self) -> list[BaseRoute]:
        """Pages of its own (log-in, log-out), relative to the prefix."""


def utc_now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


def local_path(path: str) -> str:
    """`path` if it leads to a page of this site, else `/`: where a browser may be sent after logging in."""
    local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isascii() and path.isprintable()
    return path if local else "/"


@dataclass(frozen=True, slots=True)
class TokenIdentity:
    """`Authorization: Bearer TOKEN` with a token that the books know."""

    people: People
    clock: Callable[[], datetime] = utc_now

    async def of_request(self, request: Request) -> Principal | None:
        """The token's owner, None without such a header. Raises Refused `auth.invalid` for a token that opens nothing."""
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            return None
        # asked of the books every time, so that a revoked token opens nothing from then on; and asked here, since one indexed row that
        # no writer holds up is read in a tenth of the time that another thread takes to begin
        principal = self.people.principal_of_token(token.strip(), self.clock())
        if principal is None:
            raise Refused(Code.AUTH_INVALID, "This token is unknown, expired or revoked.", "Ask your operator for a new one.")
        return principal

    def login_url(self, next_path: str, /) -> str:
        """No page of its own: the page itself, which says that a token is needed."""
        return local_path(next_path)

    def routes(self) -> list[BaseRoute]:
        """No pages."""
        return []


@dataclass(frozen=True, slots=True)
class ChainIdentity:
    """Several providers, asked in order: the first that knows who asks decides. Browsers log in at the last."""

    providers: tuple[IdentityProvider, ...]

    async def of_request(self, request: Request) -> Principal | None:
        """Who the first provider with an answer says it is."""
        for provider in self.providers:
            principal = await provider.of_request(request)
            if principal is not None:
                return principal
        return None

    def login_url(self, next_path: str, /) -> str:
        """The last provider's."""
        return self.providers[-1].login_url(next_path)

    def routes(self) -> list[BaseRoute]:
        """Everyone's pages."""
        return [route for provider in self.providers for route in provider.routes()]
