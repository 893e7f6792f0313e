"""haven's own log-in: name and password on a form, then a session in a cookie that no script reads and no other site sends.

A session is a random number that the server alone can resolve, so logging out, or a restart, ends it for good; the account itself is asked
again at every request, so a suspended person is out at once.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from haven.ledger.people import People
from haven.policy.roles import Principal
from haven.web import csrf
from haven.web.guards import read_form
from haven.web.identity import local_path, utc_now
from haven.web.parts import parts_of
from haven.web.rendering import page

COOKIE = "haven_session"
LASTS = timedelta(hours=8)
SEE_OTHER = 303


@dataclass(slots=True)
class Sessions:
    """Who is logged in under which number, and until when."""

    _known: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def begin(self, name: str, now: datetime) -> str:
        """A new session's number."""
        number = secrets.token_urlsafe(32)
        with self._lock:
            self._known = {key: one for key, one in self._known.items() if one[1] > now}
            self._known[number] = (name, now + LASTS)
        return number

    def name(self, number: str, now: datetime) -> str | None:
        """Whose session it is, None for one that is unknown or over."""
        found = self._known.get(number)
        return found[0] if found is not None and found[1] > now else None

    def end(self, number: str) -> None:
        """End a session."""
        with self._lock:
            self._known.pop(number, None)


@dataclass(frozen=True, slots=True)
class LocalLogin:
    """Identity by haven's own passwords: for a haven without a hub."""

    people: People
    prefix: str = ""
    clock: Callable[[], datetime] = utc_now
    sessions: Sessions = field(default_factory=Sessions)

    async def of_request(self, request: Request) -> Principal | None:
        """Whose session the browser holds, if the account is still there and not suspended."""
        name = self.sessions.name(request.cookies.get(COOKIE, ""), self.clock())
        if name is None:
            return None
        person = await run_in_threadpool(self.people.person, name)
        return Principal(person.name, person.role) if person is not None and person.suspended is None else None

    def login_url(self, next_path: str, /) -> str:
        """The log-in form, which comes back to `next_path`."""
        return f"{self.prefix}/log-in?{urlencode({'next': local_path(next_path)})}"

    def routes(self) -> list[BaseRoute]:
        """The form, its answer, and the way out."""
        return [
            Route("/log-in", self._form, methods=["GET"]),
            Route("/log-in", self._log_in, methods=["POST"]),
            Route("/log-out", self._log_out, methods=["POST"]),
        ]

    async def _form(self, request: Request) -> Response:
        return _login_page(request, request.query_params.get("next", "/"))

    async def _log_in(self, request: Request) -> Response:
        fields = await read_form(request)
        csrf.check(request, parts_of(request).secret, "", fields.get(csrf.FIELD, ""))
        name, password, now = fields.get("name", "").strip(), fields.get("password", ""), self.clock()
        principal = await run_in_threadpool(self.people.verify_password, name, password, now) if name and password else None
        if principal is None:
            return _login_page(request, fields.get("next", "/"), name=name, failed=True)
        response = RedirectResponse(local_path(fields.get("next", "/")), SEE_OTHER)
        session = self.sessions.begin(principal.name, now)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, session, path=f"{self.prefix}/", httponly=True, samesite="strict", secure=secure)
        return response

    async def _log_out(self, request: Request) -> Response:
        fields = await read_form(request)
        principal = await self.of_request(request)
        csrf.check(request, parts_of(request).secret, principal.name if principal else "", fields.get(csrf.FIELD, ""))
        self.sessions.end(request.cookies.get(COOKIE, ""))
        if principal is not None:
            await run_in_threadpool(self.people.log_out, principal.name, self.clock())
        response = RedirectResponse(f"{self.prefix}/public/register", SEE_OTHER)
        response.delete_cookie(COOKIE, path=f"{self.prefix}/")
        return response


def _login_page(request: Request, next_path: str, *, name: str = "", failed: bool = False) -> Response:
    return page(request, "login.html", None, status=401 if failed else 200, next_path=local_path(next_path), name=name, failed=failed)
