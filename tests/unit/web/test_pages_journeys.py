"""Journeys through the pages without scripts: logging in and out, a review, an appeal, pausing a dataset, an audit."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from haven.ledger.registry import PolicyKind, State
from haven.policy.roles import Tier
from haven.release import verify_bundle
from haven.release.verify import VerifyReport
from haven.web.identity import local_path
from haven.web.login import LASTS, Sessions
from haven.web.parts import HomeKind
from tests.support.release_world import AUDITOR, AUTHOR, CHECKER, CUSTODIAN, NOW, SECOND, answer
from tests.support.web_world import PASSWORD, Web, ask, build, give_password, serving


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with serving(build(tmp_path)) as running:
        yield running


def token(page: httpx.Response) -> str:
    found = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', page.text)
    assert found, page.text
    return found[1]


def send(client: httpx.Client, page: str, form: str, **fields: str) -> httpx.Response:
    """Open `page`, then send the form at `form` with its token."""
    return client.post(form, data={"csrf_token": token(client.get(page)), **fields})


def bundle_of(client: httpx.Client, release: str, folder: Path) -> VerifyReport:
    path = folder / "downloaded.zip"
    path.write_bytes(client.get(f"/releases/{release}/bundle.zip").content)
    return verify_bundle(path)


def test_logging_in_opens_the_page_that_was_wanted_and_logging_out_closes_it(web: Web) -> None:
    give_password(web)
    with web.client() as client:
        wanted = client.get("/queue").headers["location"]
        elsewhere = send(client, wanted, "/log-in", name=CHECKER.name, password=PASSWORD, next="//evil.example/")
        assert elsewhere.headers["location"] == "/"
        reply = send(client, wanted, "/log-in", name=CHECKER.name, password=PASSWORD, next="/queue")
        assert reply.headers["location"] == "/queue"
        cookie = reply.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert "cleo (checker)" in client.get("/queue").text
        session = client.cookies["haven_session"]
        assert send(client, "/queue", "/log-out").status_code == 303
        client.cookies.set("haven_session", session)
        assert client.get("/queue").status_code == 303


@pytest.mark.parametrize(("name", "password"), [("cleo", "wrong"), ("nobody", PASSWORD), ("", ""), ("anna", PASSWORD)])
def test_a_wrong_name_or_password_is_told_alike(web: Web, name: str, password: str) -> None:
    give_password(web)
    with web.client() as client:
        reply = send(client, "/log-in", "/log-in", name=name, password=password)
    assert reply.status_code == 401
    assert "Name and password do not go together" in reply.text
    assert password == "" or password not in reply.text


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "/a\r\nb", ""])
def test_logging_in_never_leads_to_another_site(target: str) -> None:
    assert local_path(target) == "/"


def test_logging_in_needs_the_forms_own_token(web: Web) -> None:
    with web.client() as client:
        assert client.post("/log-in", data={"name": CHECKER.name, "password": PASSWORD}).status_code == 403


def test_a_suspended_person_is_out_at_once(web: Web) -> None:
    with web.client(CHECKER) as client:
        assert client.get("/queue").status_code == 200
        web.world.ledger.people.suspend_user(CHECKER.name, "left", actor="operator", now=NOW)
        assert client.get("/queue").status_code == 303


def test_a_session_ends_after_its_time() -> None:
    sessions = Sessions()
    number = sessions.begin("cleo", NOW)
    assert sessions.name(number, NOW + LASTS - timedelta(seconds=1)) == "cleo"
    assert sessions.name(number, NOW + LASTS) is None
    sessions.begin("carl", NOW + LASTS)
    assert number not in sessions._known


def test_a_token_of_one_persons_page_is_no_good_for_another_person_or_browser(web: Web) -> None:
    release = web.world.submitted()
    with web.client(CHECKER) as mine, web.client(SECOND) as theirs:
        stolen = token(mine.get(f"/releases/{release}"))
        theirs.get(f"/releases/{release}")
        form = f"/releases/{release}/return"
        assert theirs.post(form, data={"csrf_token": stolen, "reason": "x"}).status_code == 403
        theirs.cookies.set("haven_nonce", mine.cookies["haven_nonce"])
        assert theirs.post(form, data={"csrf_token": stolen, "reason": "x"}).status_code == 403


def test_a_large_form_and_one_of_another_type_are_refused(web: Web) -> None:
    release = web.world.submitted()
    with web.client(CHECKER) as client:
        own = token(client.get(f"/releases/{release}"))
        form = f"/releases/{release}/return"
        assert client.post(form, data={"csrf_token": own, "reason": "x" * 100_001}).status_code == 413
        assert client.post(form, json={"csrf_token": own, "reason": "x"}).status_code == 422
        assert client.post(form, data={"csrf_token": own}, files={"reason": b"x"}).status_code == 422
        assert client.post(form, content=iter([b"csrf_token=" + own.encode()])).status_code == 413


def test_a_checker_reviews_item_by_item_and_the_bundle_leaves(web: Web, tmp_path: Path) -> None:
    release = web.world.submitted()
    page = f"/releases/{release}"
    with web.client(CHECKER) as client:
        queue = client.get("/queue").text
        assert "1 release waits for you" in queue
        first = client.get(page).text
        for shown in (
            "812",
            "± 12.5",
            "SELECT test, COUNT(*) AS n FROM labs GROUP BY test",
            "rho = 0.0125",
            "No rule found anything",
            "=cmd|x",
        ):
            assert shown in first
        content = re.search(r'name="content" value="([0-9a-f]{64})"', first)
        assert content
        reply = send(
            client, page, f"{page}/vote", item="i1", content=content[1], following="i2", approves="yes", rule="check.safe", reason="Fine."
        )
        assert reply.headers["location"] == f"{page}?item=i2"
        figure = client.get(f"{page}?item=i2").text
        assert f"{page}/items/i2/figure.png" in figure
        assert client.get(f"{page}/items/i2/figure.png").content.startswith(b"\x89PNG")
        assert "you approve" in figure
        assert "<em>surprise</em>" in client.get(f"{page}?item=i3").text
        assert client.get(f"{page}/items/i3/notes.md").status_code == 404
        assert send(client, page, f"{page}/approve", rule="check.safe", reason="All fine.").status_code == 303
    with web.client(AUTHOR) as client:
        assert "Download the signed bundle" in client.get(page).text
        assert bundle_of(client, release, tmp_path).whole


def test_what_the_desk_refuses_is_said_on_the_page_with_what_was_written(web: Web) -> None:
    release = web.world.submitted()
    page = f"/releases/{release}"
    with web.client(CHECKER) as client:
        reply = send(client, page, f"{page}/vote", item="i1", content="0" * 64, approves="yes", rule="check.safe", reason="My long reason.")
        assert reply.status_code == 409
        assert "This item has changed since you looked at it." in reply.text
        assert "My long reason.</textarea>" in reply.text
        assert send(client, page, f"{page}/reject", rule="check.safe", reason="x").status_code == 422
        assert (
            send(client, page, f"{page}/vote", item="i9", content="0" * 64, approves="no", rule="check.purpose", reason="x").status_code
            == 404
        )


def test_a_return_an_appeal_a_withdrawal_and_a_revocation_by_form(web: Web) -> None:
    desk, clock = web.world.desk, web.world.clock
    first, second, third = web.world.submitted(), web.world.submitted(), web.world.submitted()
    with web.client(CHECKER) as client:
        send(client, f"/releases/{first}", f"/releases/{first}/return", reason="Say more.")
        send(client, f"/releases/{second}", f"/releases/{second}/reject", rule="check.purpose", reason="Outside.")
        send(client, f"/releases/{third}", f"/releases/{third}/approve", rule="check.safe", reason="Fine.")
    with web.client(AUTHOR) as client:
        assert "Say more." in client.get(f"/releases/{first}").text
        send(client, f"/releases/{first}", f"/releases/{first}/submit")
        assert desk.view(AUTHOR, first, clock()).state.value == "submitted"
        send(client, f"/releases/{first}", f"/releases/{first}/withdraw", reason="")
        assert send(client, f"/releases/{second}", f"/releases/{second}/appeal", reason="").status_code == 422
        send(client, f"/releases/{second}", f"/releases/{second}/appeal", reason="It is inside.")
    with web.client(CUSTODIAN) as client:
        send(client, f"/releases/{third}", f"/releases/{third}/revoke", reason="A person withdrew.")
    states = [desk.view(AUTHOR, one, clock()).state.value for one in (first, second, third)]
    assert states == ["withdrawn", "appealed", "revoked"]


def test_blinded_votes_do_not_show_on_the_other_checkers_page(web: Web) -> None:
    web.world.facts.risk = Tier.HIGH
    release = web.world.submitted()
    web.world.desk.approve(CHECKER, release, "check.safe", "A very particular reason.", web.world.clock())
    with web.client(SECOND) as client:
        assert "A very particular reason." not in client.get(f"/releases/{release}").text
    with web.client(CHECKER) as client:
        page = client.get(f"/releases/{release}").text
        assert "Your review is complete." in page
        assert "your review is complete" in client.get("/queue").text
    web.world.desk.reject(SECOND, release, "check.purpose", "Another reason.", web.world.clock())
    with web.client(SECOND) as client:
        page = client.get(f"/releases/{release}").text
        assert "A very particular reason." in page
        assert "the checkers disagree" in page


def test_a_custodian_sees_what_is_left_pauses_and_resumes(web: Web) -> None:
    ask(web, "SELECT COUNT(*) FROM persons WHERE name = '<b>'", 10**9, NOW)
    with web.client(CUSTODIAN) as client:
        overview = client.get("/datasets").text
        assert "Liver disease &amp; controls" in overview
        assert "more counts at ± 20" in overview
        page = client.get("/datasets/nafld").text
        for shown in ("&lt;b&gt;", "ε = 4", "Liver fibrosis", "anna", "of the budget", "It answers questions; "):
            assert shown in page
        picture = client.get("/datasets/nafld/burn-down.svg?scheme=dark")
        assert picture.headers["content-type"] == "image/svg+xml"
        assert b"<svg" in picture.content
        assert send(client, "/datasets/nafld", "/datasets/nafld/pause", reason="  ").status_code == 422
        send(client, "/datasets/nafld", "/datasets/nafld/pause", reason="A breach is looked into.")
        assert web.world.ledger.registry.state(PolicyKind.DATASET, "nafld").state is State.PAUSED
        assert "It is paused and answers no question: A breach is looked into." in client.get("/datasets/nafld").text
        assert "nafld is stopped and answers no question: A breach is looked into." in client.get("/datasets").text
        send(client, "/datasets/nafld", "/datasets/nafld/resume", reason="It was none.")
        assert web.world.ledger.registry.state(PolicyKind.DATASET, "nafld").state is State.ACTIVE
        assert send(client, "/datasets/nafld", "/datasets/other/pause", reason="Not mine.").status_code == 404
    assert web.world.ledger.registry.state(PolicyKind.DATASET, "other").state is State.ACTIVE


def test_an_auditor_checks_every_entry(web: Web) -> None:
    web.world.submitted()
    with web.client(AUDITOR) as client:
        assert "They have not been checked just now." in client.get("/audit").text
        assert "The books are whole" in client.get("/audit?check=true").text


def test_a_bench_home_is_marked_on_every_page(tmp_path: Path) -> None:
    with serving(build(tmp_path, kind=HomeKind.BENCH)) as running, running.client() as client:
        for path in ("/public/register", "/log-in", "/nothing"):
            assert "Bench home." in client.get(path).text


def test_an_unforeseen_error_ends_in_one_constant_page_or_problem(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        msg = "secret cell 42"
        raise ZeroDivisionError(msg)

    monkeypatch.setattr(type(web.world.desk), "queue", broken)
    monkeypatch.setattr(type(web.parts.enquiries), "datasets", broken)
    issued = web.world.ledger.people.issue_token(AUTHOR.name, NOW)
    with web.client(CHECKER) as client:
        page, problem = client.get("/queue"), client.get("/api/v1/datasets", headers={"Authorization": f"Bearer {issued}"})
    assert (page.status_code, problem.status_code) == (500, 500)
    assert "secret" not in page.text + problem.text
    assert "script-src 'self'" in page.headers["content-security-policy"]


def test_a_long_table_shows_its_first_rows_and_says_so(web: Web) -> None:
    facts = answer()
    web.world.facts.answers[facts.receipt["id"]] = type(facts)(
        facts.project, facts.dataset, facts.columns, (("chol", 1),) * 700, ((None, 2.5),) * 700, facts.receipt
    )
    release = web.world.submitted()
    with web.client(CHECKER) as client:
        page = client.get(f"/releases/{release}").text
    assert "200 more rows are not shown here" in page
