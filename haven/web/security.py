"""What every response carries and no request gets past: security headers, a boundary for the unforeseen, no cookies for the API."""

import logging
from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from haven.web import csrf
from haven.web.parts import WebParts

log = logging.getLogger(__name__)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
API = "/api/"


class SecurityHeaders:
    """Adds the headers to every response; what may be stored by a browser says so itself, everything else is `no-store`."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap `app`."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                headers.update(HEADERS)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Boundary:
    """Whatever nobody foresaw ends here in one constant response; the log names its type, never its words."""

    def __init__(self, app: ASGIApp, respond: Callable[[Request], ASGIApp]) -> None:
        """Wrap `app`; `respond` makes the response of an unforeseen error."""
        self._app = app
        self._respond = respond

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        started = False

        async def noting_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, noting_send)
        except Exception as error:  # noqa: BLE001 - the boundary: no library's words reach a reader
            log.error("a request ended in an unforeseen %s", type(error).__name__)  # noqa: TRY400 - a traceback may hold a datum
            if scope["type"] == "http" and not started:
                await self._respond(Request(scope))(scope, receive, send)


class NoCookiesForTheApi:
    """Cookies do not authenticate the JSON interface: they are taken off, unless the request carries a token of this haven's own pages."""

    def __init__(self, app: ASGIApp, parts: WebParts) -> None:
        """Wrap `app`, whose pages sign their tokens with `parts.secret`."""
        self._app = app
        self._parts = parts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] == "http" and scope["path"].removeprefix(self._parts.prefix).startswith(API):
            request = Request(scope)
            if request.headers.get("cookie") and not await self._from_our_page(request):
                scope = {**scope, "headers": [(name, value) for name, value in scope["headers"] if name.lower() != b"cookie"]}
        await self._app(scope, receive, send)

    async def _from_our_page(self, request: Request) -> bool:
        given = request.headers.get(csrf.HEADER, "")
        if not given or "authorization" in request.headers:
            return False
        principal = await self._parts.identity.of_request(request)
        return principal is not None and csrf.matches(request, self._parts.secret, principal.name, given)


class UnderPrefix:
    """Serves the same pages at the root and under `prefix`: a hub sends the whole path, a gateway only what follows the prefix."""

    def __init__(self, app: ASGIApp, prefix: str) -> None:
        """Wrap `app`; `prefix` is "" or a path without a slash at its end."""
        self._app = app
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] == "http" and self._prefix and scope["path"].startswith(f"{self._prefix}/"):
            scope = {**scope, "root_path": self._prefix}
        await self._app(scope, receive, send)
