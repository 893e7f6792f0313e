"""Logging in to haven's pages through the hub: the OAuth 2 authorisation code flow with PKCE (RFC 6749 section 4.1, RFC 7636).

Guaranteed: the hub's token never reaches the browser, which holds a random session id; a log-in can only be finished by the browser that
began it, once, within ten minutes; nobody is sent to a page outside haven's own. Sessions live in this process: after a restart a browser
logs in anew, without a question, as long as the hub still knows it.
"""

import base64
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

import httpx
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

_LOGIN_SECONDS = 600.0
_SESSION_SECONDS = 12 * 3600.0
_AT_MOST = 10_000
_NOT_FINISHED = "This log-in could not be finished. Open the page again to start anew."


@dataclass(slots=True)
class _Pending:
    """A log-in that has begun: where it leads, the PKCE secret, and until when it may be finished."""

    target: str
    verifier: str
    until: float


@dataclass(slots=True)
class Sessions:
    """Who is logged in: session ids and the hub's tokens behind them. The oldest go when there are too many. `clock` gives seconds."""

    clock: Callable[[], float] = time.monotonic
    _open: OrderedDict[str, tuple[float, str]] = field(default_factory=OrderedDict, init=False)

    def begin(self, token: str) -> str:
        """A new session for the holder of `token`; its id."""
        session = secrets.token_urlsafe(32)
        self._open[session] = (self.clock() + _SESSION_SECONDS, token)
        while len(self._open) > _AT_MOST:
            self._open.popitem(last=False)
        return session

    def token(self, session: str) -> str | None:
        """The token behind a session, None where there is none or it has run out."""
        until, token = self._open.get(session, (0.0, None))
        return token if self.clock() < until else None

    def end(self, session: str) -> str | None:
        """End a session; the token that was behind it."""
        return self._open.pop(session, (0.0, None))[1]


@dataclass(slots=True)
class Login:
    """The flow for one service. `api` speaks to the hub; `prefix` is the service's path, with a slash at both ends."""

    api: httpx.AsyncClient
    client_id: str
    client_secret: str
    callback: str
    prefix: str
    sessions: Sessions
    clock: Callable[[], float] = time.monotonic
    _pending: OrderedDict[str, _Pending] = field(default_factory=OrderedDict, init=False)

    session_cookie = "haven-session"
    state_cookie = "haven-login"

    @property
    def scope(self) -> str:
        """The permission that the hub gives to those who may open these pages."""
        return f"access:services!service={self.client_id.removeprefix('service-')}"

    def start_url(self, target: str) -> str:
        """The page that begins a log-in and ends at `target`."""
        return f"{self.prefix}log-in?next={quote(target, safe='/')}"

    def own_page(self, target: str) -> str:
        """`target` where it is a page of this service, else the first page: no log-in leads elsewhere."""
        plain = target.startswith(self.prefix) and target.isprintable() and not {"\\", "#"} & set(target) and "//" not in target
        return target if plain and ".." not in target else self.prefix

    def routes(self, forget: Callable[[str], None]) -> list[BaseRoute]:
        """The pages of the flow. `forget` is told the token of a session that ends."""

        async def log_out(request: Request) -> Response:
            token = self.sessions.end(request.cookies.get(self.session_cookie, ""))
            if token is not None:
                forget(token)
            response = RedirectResponse("/hub/logout", status_code=303)
            response.delete_cookie(self.session_cookie, path=self.prefix)
            return response

        return [
            Route("/log-in", self._start, methods=["GET"]),
            Route("/oauth_callback", self._finish, methods=["GET"]),
            Route("/log-out", log_out, methods=["GET", "POST"]),
        ]

    async def _start(self, request: Request) -> Response:
        """Remember where this leads and send the browser to the hub."""
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        self._pending[state] = _Pending(self.own_page(request.query_params.get("next", "")), verifier, self.clock() + _LOGIN_SECONDS)
        while len(self._pending) > _AT_MOST:
            self._pending.popitem(last=False)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": self.client_id,
            "redirect_uri": self.callback,
            "response_type": "code",
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        response = RedirectResponse(f"/hub/api/oauth2/authorize?{urlencode(asked)}", status_code=303)
        self._set_cookie(request, response, self.state_cookie, state, int(_LOGIN_SECONDS))
        return response

    async def _finish(self, request: Request) -> Response:
        """Exchange the hub's code for a token and begin a session; a log-in that this browser did not begin ends here."""
        state = request.query_params.get("state", "")
        begun_here = hmac.compare_digest(request.cookies.get(self.state_cookie, "").encode(), state.encode())
        pending = self._pending.pop(state, None) if begun_here else None
        if pending is None or self.clock() > pending.until:
            return PlainTextResponse(_NOT_FINISHED, status_code=400)
        token = await self._token(request.query_params.get("code", ""), pending.verifier)
        if token is None:
            return PlainTextResponse(_NOT_FINISHED, status_code=400)
        response = RedirectResponse(pending.target, status_code=303)
        response.delete_cookie(self.state_cookie, path=self.prefix)
        self._set_cookie(request, response, self.session_cookie, self.sessions.begin(token), int(_SESSION_SECONDS))
        return response

    async def _token(self, code: str, verifier: str) -> str | None:
        """The hub's token for a code, None where it gives none."""
        form = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.callback,
            "code_verifier": verifier,
        }
        try:
            reply = await self.api.post("/hub/api/oauth2/token", data=form)
        except httpx.HTTPError:
            return None
        token = reply.json().get("access_token") if reply.status_code == httpx.codes.OK else None
        return token if isinstance(token, str) else None

    def _set_cookie(self, request: Request, response: Response, name: str, value: str, seconds: int) -> None:
        """A cookie that only these pages get, that no script reads, and that no other site's form sends."""
        secure = request.headers.get("x-forwarded-proto", request.url.scheme).split(",")[0].strip() == "https"
        response.set_cookie(name, value, max_age=seconds, path=self.prefix, secure=secure, httponly=True, samesite="lax")
