"""The gateway's allow list, asked with what a sandbox might send."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven.hub.gateway import Allowance, came_through_gateway
from haven.hub.routes import Upstream, find_route

ALLOWED = [
    ("GET", "/hub/api", Upstream.HUB),
    ("GET", "/hub/api/", Upstream.HUB),
    ("GET", "/hub/api/user", Upstream.HUB),
    ("POST", "/hub/api/oauth2/token", Upstream.HUB),
    ("POST", "/hub/api/users/ada/activity", Upstream.HUB),
    ("GET", "/healthz", Upstream.SERVICE),
    ("GET", "/api/v1/openapi.json", Upstream.SERVICE),
    ("GET", "/api/v1/datasets", Upstream.SERVICE),
    ("GET", "/api/v1/datasets/nafld", Upstream.SERVICE),
    ("POST", "/api/v1/queries", Upstream.SERVICE),
    ("GET", "/api/v1/queries/0f3a", Upstream.SERVICE),
    ("DELETE", "/api/v1/queries/0f3a", Upstream.SERVICE),
    ("POST", "/api/v1/batches", Upstream.SERVICE),
    ("GET", "/api/v1/receipts/r-1", Upstream.SERVICE),
    ("GET", "/api/v1/projects", Upstream.SERVICE),
    ("GET", "/api/v1/projects/liver-fibrosis/budget", Upstream.SERVICE),
    ("GET", "/api/v1/releases?state=open", Upstream.SERVICE),
    ("POST", "/api/v1/releases", Upstream.SERVICE),
    ("GET", "/api/v1/releases/r1/bundle", Upstream.SERVICE),
    ("POST", "/api/v1/releases/r1/withdraw", Upstream.SERVICE),
]
REFUSED = [
    ("GET", "/"),
    ("GET", "/hub/api/users"),
    ("GET", "/hub/api/user?access_token=x"),
    ("POST", "/hub/api/users/grace/activity"),
    ("POST", "/hub/api/users/ada/server"),
    ("POST", "/hub/api/users/ad%61/activity"),
    ("POST", "/hub/api/users/ada/activity/"),
    ("GET", "/hub/api/../api/users"),
    ("GET", "//hub/api"),
    ("GET", "/hub//api"),
    ("GET", "/hub/api/user#x"),
    ("get", "/hub/api"),
    ("CONNECT", "haven:80"),
    ("GET", "http://haven/hub/api"),
    ("GET", "/api/v1/audit"),
    ("GET", "/api/v1/datasets/.."),
    ("GET", "/api/v1/datasets/%2e%2e"),
    ("GET", "/api/v1/datasets/a/b"),
    ("GET", "/api/v1/datasets/\u0661"),
    ("GET", "/api/v1/datasets/a\n"),
    ("POST", "/api/v1/releases/r1/approve"),
    ("POST", "/api/v1/releases/r1/votes"),
    ("POST", "/api/v1/releases/r1/reject"),
    ("GET", "/api/v1/releases/r1/submit"),
    ("POST", "/api/v1/queries/0f3a"),
    ("DELETE", "/api/v1/queries/a%2fb"),
    ("DELETE", "/api/v1/queries"),
    ("GET", "/services/haven/"),
    ("GET", "/api/v1/datasets?" + "x" * 3000),
    ("GET", "/api/v1/datasets?a=\x00"),
]


@pytest.mark.parametrize(("method", "target", "upstream"), ALLOWED)
def test_the_contracts_routes_are_open(method: str, target: str, upstream: Upstream) -> None:
    route = find_route(method, target, "ada")
    assert route is not None
    assert route.upstream is upstream


@pytest.mark.parametrize(("method", "target"), REFUSED)
def test_everything_else_is_closed(method: str, target: str) -> None:
    assert find_route(method, target, "ada") is None


def test_only_what_takes_a_body_may_send_one() -> None:
    for method, target, _ in ALLOWED:
        route = find_route(method, target, "ada")
        assert route is not None
        assert (route.body_bytes > 0) == (method == "POST")


@given(st.text(alphabet=string.printable + "é%\u2044", max_size=60))
def test_no_text_but_the_contracts_prefixes_leads_anywhere(path: str) -> None:
    if find_route("GET", path, "ada") is not None:
        assert path.startswith(("/hub/api", "/api/v1/", "/healthz"))
        plain = path.split("?", maxsplit=1)[0]
        assert "//" not in plain
        assert ".." not in plain.split("/")


@given(st.text(min_size=1, max_size=20), st.text(min_size=1, max_size=20))
def test_nobody_reports_activity_for_another(user: str, other: str) -> None:
    if user != other:
        assert find_route("POST", f"/hub/api/users/{other}/activity", user) is None or other.isascii()
        assert find_route("POST", "/hub/api/users/grace/activity", user) is None or user == "grace"


def test_an_allowance_gives_a_burst_and_then_a_rate() -> None:
    now = 0.0
    allowance = Allowance(clock=lambda: now)
    assert sum(allowance.take() for _ in range(500)) == 160
    now = 0.5
    assert sum(allowance.take() for _ in range(500)) == 20
    now = 1_000.0
    assert sum(allowance.take() for _ in range(500)) == 160
    now = 999.0  # a clock that steps back gives nothing
    assert not allowance.take()


def test_only_the_secret_proves_the_gateway() -> None:
    assert came_through_gateway("secret", "secret")
    assert not came_through_gateway("Secret", "secret")
    assert not came_through_gateway("", "secret")
    assert not came_through_gateway(None, "secret")
    assert not came_through_gateway("sécret", "secret")
