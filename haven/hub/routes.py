"""What a sandbox may ask of the hub and of the mediator: an allow list, pure. Everything that is not here is refused.

A path is compared as it was sent, byte for byte: no percent-encoding, no dot segments, no doubled slashes, so that gateway and upstream
cannot read it differently. Votes, decisions and the audit are not here: nobody who may start a sandbox may do these.
"""

import re
from dataclasses import dataclass
from enum import Enum
from urllib.parse import quote

_PLAIN_PATH = re.compile(r"/[A-Za-z0-9._/-]*", re.ASCII)
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
_KILOBYTE = 1 << 10
_LONGEST_TARGET = 2048


class Upstream(Enum):
    """Who answers."""

    HUB = "hub"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Route:
    """One thing a sandbox may ask: whom, and how many bytes it may send."""

    upstream: Upstream
    method: str
    path: str
    body_bytes: int = 0


_HUB_BODY = 64 * _KILOBYTE
_TABLE = (
    Route(Upstream.HUB, "GET", r"/hub/api/?"),
    Route(Upstream.HUB, "GET", r"/hub/api/user"),
    Route(Upstream.HUB, "POST", r"/hub/api/oauth2/token", _HUB_BODY),
    Route(Upstream.SERVICE, "GET", r"/healthz"),
    Route(Upstream.SERVICE, "GET", r"/api/v1/openapi\.json"),
    Route(Upstream.SERVICE, "GET", rf"/api/v1/datasets(/{_NAME})?"),
    Route(Upstream.SERVICE, "POST", r"/api/v1/queries", 512 * _KILOBYTE),
    Route(Upstream.SERVICE, "GET", rf"/api/v1/queries/{_NAME}"),
    Route(Upstream.SERVICE, "DELETE", rf"/api/v1/queries/{_NAME}"),
    Route(Upstream.SERVICE, "POST", r"/api/v1/batches", 512 * _KILOBYTE),
    Route(Upstream.SERVICE, "GET", rf"/api/v1/receipts/{_NAME}"),
    Route(Upstream.SERVICE, "GET", r"/api/v1/projects"),
    Route(Upstream.SERVICE, "GET", rf"/api/v1/projects/{_NAME}(/budget)?"),
    Route(Upstream.SERVICE, "GET", r"/api/v1/releases"),
    Route(Upstream.SERVICE, "POST", r"/api/v1/releases", 32 * _KILOBYTE * _KILOBYTE),
    Route(Upstream.SERVICE, "GET", rf"/api/v1/releases/{_NAME}(/bundle)?"),
    Route(Upstream.SERVICE, "POST", rf"/api/v1/releases/{_NAME}/(submit|withdraw|appeal)", 64 * _KILOBYTE),
)
_COMPILED = tuple((route, re.compile(route.path, re.ASCII)) for route in _TABLE)


def find_route(method: str, target: str, user: str) -> Route | None:
    """The route that `user`'s sandbox may take to `target` (path and query as sent), None where it may not."""
    path, _, query = target.partition("?")
    if len(target) > _LONGEST_TARGET or not query.isprintable() or "#" in target:
        return None
    if (method, path) == ("POST", f"/hub/api/users/{quote(user, safe='@~')}/activity"):
        return Route(Upstream.HUB, method, path, _HUB_BODY)
    if not _PLAIN_PATH.fullmatch(path) or "//" in path or {".", ".."} & set(path.split("/")):
        return None
    for route, pattern in _COMPILED:
        if route.method == method and pattern.fullmatch(path):
            return None if query and route.upstream is Upstream.HUB else route
    return None
