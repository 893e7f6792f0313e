"""Every page × every role: who sees it, who is sent to the log-in, who is told who may; and what every response carries."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from haven.ledger.notary import Appointment
from haven.ledger.revocations import REVOKED
from haven.policy.roles import Principal
from haven.web.pages import ROUTERS
from haven.web.security import CONTENT_SECURITY_POLICY
from tests.support.release_world import AUDITOR, AUTHOR, CHECKER, CUSTODIAN, NOW, STRANGER
from tests.support.web_world import Web, ask, build, serving
from tests.support.witnessed import ORIGIN, file_in, key_in

ROLES = {"researcher": AUTHOR, "checker": CHECKER, "custodian": CUSTODIAN, "auditor": AUDITOR}
EVERYBODY = set(ROLES)
GETS = {
    "/queue": {"checker"},
    "/releases": EVERYBODY,
    "/releases/{release}": EVERYBODY,
    "/releases/{release}/items/{item}/{name}": EVERYBODY,
    "/releases/{release}/bundle.zip": EVERYBODY,
    "/datasets": {"custodian"},
    "/datasets/{name}": {"custodian"},
    "/datasets/{name}/burn-down.svg": {"custodian"},
    "/datasets/{name}/questions-per-day.svg": {"custodian"},
    "/datasets/{name}/questions": {"custodian"},
    "/datasets/{name}/questions/{receipt}": {"custodian"},
    "/datasets/{name}/projects/{project}": {"custodian"},
    "/datasets/{name}/policy": {"custodian"},
    "/projects/{name}": {"custodian"},
    "/researchers/{name}": {"custodian"},
    "/alerts": {"custodian"},
    "/proposals": {"custodian"},
    "/proposals/{number}": {"custodian"},
    "/audit": {"auditor", "custodian"},
    "/audit/entries": {"auditor"},
    "/audit/entries/{seq}": {"auditor"},
    "/audit/entries/{seq}/proof.json": {"auditor"},
    "/audit/report": {"auditor"},
    "/audit/report.csv": {"auditor"},
    "/events": EVERYBODY,
}
POSTS = {
    "/releases/{release}/vote": {"checker"},
    "/releases/{release}/return": {"checker"},
    "/releases/{release}/approve": {"checker"},
    "/releases/{release}/reject": {"checker"},
    "/releases/{release}/submit": {"researcher"},
    "/releases/{release}/withdraw": {"researcher"},
    "/releases/{release}/appeal": {"researcher"},
    "/releases/{release}/revoke": {"custodian"},
    "/datasets/{name}/pause": {"custodian"},
    "/datasets/{name}/resume": {"custodian"},
    "/datasets/{name}/export": {"custodian"},
    "/datasets/{name}/projects/{project}/share": {"custodian"},
    "/datasets/{name}/policy/check": {"custodian"},
    "/datasets/{name}/policy/save": {"custodian"},
    "/projects/{name}/revoke": {"custodian"},
    "/projects/{name}/lift": {"custodian"},
    "/researchers/{name}/revoke": {"custodian"},
    "/researchers/{name}/lift": {"custodian"},
    "/proposals/{number}/confirm": {"custodian"},
    "/proposals/{number}/decline": {"custodian"},
    "/proposals/{number}/withdraw": {"custodian"},
}
OPEN = {"/", "/healthz", "/public/register", "/public/register.json", "/public/statement/{dataset}"}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("web")
    with serving(build(folder)) as running:
        running.world.ledger.appoint(Appointment(key_in(folder), ORIGIN, file_in(folder))).examine(NOW)
        for day in range(3):
            ask(running, f"a question of day {day}", 10**9, NOW + timedelta(days=day))
        yield running


@pytest.fixture(scope="module")
def released(web: Web) -> str:
    release = web.world.submitted()
    web.world.desk.approve(CHECKER, release, "check.safe", "Looked.", web.world.clock())
    return release


@pytest.fixture(scope="module")
def filled(web: Web, released: str) -> Callable[[str], str]:
    """Fills a path of the tables with what is there."""
    receipt = web.world.ledger.recent(limit=1)[0].reservation.id
    detail = {"kind": "user", "name": AUTHOR.name}
    number = web.world.ledger.proposals.propose(REVOKED, "user:nobody", detail, "For this test.", actor=CUSTODIAN.name, now=NOW).id
    values = {"release": released, "item": "i2", "project": "liver", "receipt": receipt, "number": number, "seq": "1"}
    names = {"/{item}/{name}": "/{item}/figure.png", "/datasets/{name}": "/datasets/nafld", "/projects/{name}": "/projects/liver"}
    names["/researchers/{name}"] = f"/researchers/{AUTHOR.name}"

    def fill(path: str) -> str:
        for there, name in names.items():
            path = path.replace(there, name)
        return path.format(**values)

    return fill


def test_every_page_of_the_application_is_in_these_tables() -> None:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    pages = {(method, route.path) for route in routes for method in route.methods}
    assert pages == {("GET", path) for path in {*GETS, *OPEN}} | {("POST", path) for path in POSTS}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", GETS)
def test_a_page_opens_for_its_roles_and_says_to_others_whose_it_is(web: Web, filled: Callable[[str], str], path: str, role: str) -> None:
    with web.client(ROLES[role]) as client:
        reply = client.get(filled(path))
    if role in GETS[path]:
        assert reply.status_code == 200, reply.text
    else:
        assert reply.status_code == 403
        assert "This page is for " in reply.text


@pytest.mark.parametrize("path", GETS)
def test_nobody_is_sent_to_the_log_in(web: Web, filled: Callable[[str], str], path: str) -> None:
    with web.client() as client:
        reply = client.get(filled(path))
    assert reply.status_code == 303
    assert reply.headers["location"].startswith("/log-in?next=%2F")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", POSTS)
def test_a_form_without_its_token_is_refused_to_everyone(web: Web, filled: Callable[[str], str], path: str, role: str) -> None:
    with web.client(ROLES[role]) as client:
        client.get("/releases")
        for token in ({}, {"csrf_token": "0" * 64}):
            reply = client.post(filled(path), data={"reason": "x", **token})
            assert reply.status_code == 403
            assert ("This form is too old" in reply.text) == (role in POSTS[path])


@pytest.mark.parametrize("path", POSTS)
def test_a_form_of_nobody_leads_to_the_log_in(web: Web, filled: Callable[[str], str], path: str) -> None:
    with web.client() as client:
        assert client.post(filled(path), data={"reason": "x"}).headers["location"] == "/log-in?next=%2F"


OTHERS = ("/log-in", "/static/haven.css", "/nothing", "/queue", "/api/v1/datasets", "/api/v1/nothing")


@pytest.mark.parametrize("path", [*sorted(OPEN), *OTHERS])
def test_every_response_carries_the_security_headers(web: Web, path: str) -> None:
    with web.client() as client:
        reply = client.get(path)
    assert reply.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert "unsafe" not in CONTENT_SECURITY_POLICY
    assert "data:" not in CONTENT_SECURITY_POLICY
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"
    assert reply.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("principal", [None, *ROLES.values()], ids=lambda one: one.name if one else "nobody")
def test_no_page_holds_inline_script_or_style(web: Web, filled: Callable[[str], str], principal: Principal | None) -> None:
    with web.client(principal) as client:
        for path in (
            *(filled(path) for path in GETS if not path.endswith((".zip", ".svg", "/{item}/{name}"))),
            "/public/register",
            "/log-in",
        ):
            text = client.get(path).text
            assert "style=" not in text
            assert "<style" not in text
            assert "onclick" not in text
            assert text.count("<script") == text.count("<script src=")


@pytest.mark.parametrize(
    ("principal", "first"),
    [(None, "/public/register"), (AUTHOR, "/releases"), (CHECKER, "/queue"), (CUSTODIAN, "/datasets"), (AUDITOR, "/audit")],
)
def test_the_front_door_leads_to_everyones_own_page(web: Web, principal: Principal | None, first: str) -> None:
    with web.client(principal) as client:
        assert client.get("/").headers["location"] == first


def test_a_stranger_finds_no_release_and_no_dataset(web: Web, released: str) -> None:
    with web.client(STRANGER) as client:
        for path in (f"/releases/{released}", f"/releases/{released}/bundle.zip", "/releases/rel-0"):
            assert client.get(path).status_code == 404
        assert released not in client.get("/releases").text
    with web.client(CUSTODIAN) as client:
        assert client.get("/datasets/other").status_code == 404


def test_an_unknown_page_is_a_page_and_an_unknown_interface_a_problem(web: Web) -> None:
    with web.client() as client:
        page, problem = client.get("/nothing"), client.get("/api/v1/nothing")
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert (problem.status_code, problem.headers["content-type"]) == (404, "application/problem+json")


def test_a_wrong_method_and_wrong_parameter_are_pages(web: Web) -> None:
    with web.client(AUDITOR) as client:
        assert client.post("/audit").status_code == 405
        assert client.get("/audit?check=perhaps").status_code == 422


def test_the_public_register_names_no_person_and_escapes_what_people_wrote(web: Web, released: str) -> None:
    with web.client() as client:
        page, document = client.get("/public/register").text, client.get("/public/register.json").json()
    assert "We study how livers &lt;heal&gt;." in page
    assert released in [one["release"] for one in document["releases"]]
    for person in ("anna", "cleo", "custos"):
        assert person not in page
        assert person not in str(document)


def test_the_custodians_page_says_what_public_tables_hold(web: Web) -> None:
    """There is no snapshot yet, so nothing is known of them but their declaration."""
    with web.client(CUSTODIAN) as client:
        page = client.get("/datasets/nafld").text
    assert "<h2>Public tables</h2>" in page
    assert "codes: ingest again, and it can be joined" in page
    assert '<td>code</td><td>category</td><td class="number">not known before the next ingest</td>' in page


def test_health_is_public(web: Web) -> None:
    with web.client() as client:
        assert client.get("/healthz").json() == {"status": "ok"}


def test_a_cookie_does_not_open_the_interface_but_with_our_pages_token(web: Web) -> None:
    with web.client(CUSTODIAN) as client:
        assert client.get("/api/v1/datasets").status_code == 401
        token = client.get("/datasets/nafld").text.split('name="csrf_token" value="')[1][:64]
        assert client.get("/api/v1/datasets", headers={"X-Haven-CSRF": "0" * 64}).status_code == 401
        assert client.get("/api/v1/datasets", headers={"X-Haven-CSRF": token}).status_code == 200


def test_a_bearer_token_opens_the_interface_and_a_wrong_one_nothing(web: Web) -> None:
    token = web.world.ledger.people.issue_token(AUTHOR.name, NOW)
    with web.client() as client:
        assert client.get("/api/v1/datasets", headers={"Authorization": f"Bearer {token}"}).status_code == 200
        assert client.get("/api/v1/datasets", headers={"Authorization": "Bearer wrong"}).status_code == 401
        assert client.get("/releases", headers={"Authorization": "Bearer wrong"}).status_code == 401


def test_pages_work_under_a_hubs_prefix(tmp_path: Path) -> None:
    with serving(build(tmp_path, prefix="/services/haven")) as running:
        with running.client(CHECKER) as client:
            page = client.get("/services/haven/queue")
            assert page.status_code == 200
            assert 'href="/services/haven/static/haven.css"' in page.text
            assert client.get("/services/haven/static/haven.css").status_code == 200
            assert client.get("/services/haven/").headers["location"] == "/services/haven/queue"
        with running.client() as client:
            assert client.get("/services/haven/queue").headers["location"] == "/services/haven/log-in?next=%2Fservices%2Fhaven%2Fqueue"
            assert client.get("/services/haven/api/v1/datasets").status_code == 401
