"""From a template and plain values to a page. Everything is escaped; the one exception is Markdown that was rendered without HTML."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from haven.errors import Refused
from haven.policy.roles import Principal, Role
from haven.release.texts import as_html
from haven.web import csrf
from haven.web.noticing import notice_now
from haven.web.parts import parts_of

NAVIGATION: Mapping[Role, tuple[tuple[str, str], ...]] = {
    Role.RESEARCHER: (("/releases", "Releases"), ("/events", "My events")),
    Role.CHECKER: (("/queue", "Queue"), ("/releases", "All releases"), ("/events", "My events")),
    Role.CUSTODIAN: (
        ("/datasets", "Datasets"),
        ("/alerts", "Alerts"),
        ("/proposals", "Proposals"),
        ("/releases", "Releases"),
        ("/audit", "Audit"),
    ),
    Role.AUDITOR: (("/audit", "Audit"), ("/releases", "Releases")),
}
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


@dataclass(frozen=True, slots=True)
class Ago:
    """How long ago something was, in words, and exactly."""

    words: str
    exact: str


def ago(then: datetime, now: datetime) -> Ago:
    """`then` seen from `now`: "3 days ago", with the exact time in UTC."""
    seconds = max(0, int((now - then).total_seconds()))
    for size, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if seconds >= size:
            count = seconds // size
            words = f"{count} {name}{'s' if count > 1 else ''} ago"
            break
    else:
        words = "just now"
    return Ago(words, then.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC"))


def number(value: object) -> str:
    """A cell as text: digits grouped, floats to six significant digits, nothing for a missing value."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("haven.web", "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = number
    environment.filters["markdown"] = lambda text: Markup(as_html(text))  # noqa: S704 - rendered with HTML disabled
    return environment


def page(request: Request, template: str, principal: Principal | None, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401 - whatever the template shows
    """The page `template` for `principal`, with its navigation, its form token, and the bench mark where the home is one."""
    parts = parts_of(request)
    refused = values.get("refused")
    if principal is not None and isinstance(refused, Refused):
        notice_now(parts, principal, refused)  # a form that says on its own page what was refused
    name = principal.name if principal else ""
    now = parts.clock()
    context = {
        "haven_title": parts.title,
        "bench": parts.kind == "bench",
        "prefix": parts.prefix,
        "principal": principal,
        "navigation": NAVIGATION[principal.role] if principal else (),
        "here": request.url.path.removeprefix(parts.prefix),
        "csrf_field": csrf.FIELD,
        "csrf_token": csrf.token(parts.secret, csrf.nonce_of(request), name),
        "login_url": parts.identity.login_url(f"{parts.prefix}/"),
        "ago": lambda then: ago(then, now),
    }
    response = HTMLResponse(_environment().get_template(template).render(context | values), status)
    csrf.keep_nonce(request, response, f"{parts.prefix}/")
    return response
