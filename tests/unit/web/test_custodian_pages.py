"""What a custodian reads: what needs them, what is left, who asked what, each question in words; and what they take along."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from haven.ledger.registry import NewSnapshot, PolicyKind
from tests.support import policy_files
from tests.support.forms import send
from tests.support.release_world import AUTHOR, CUSTODIAN, NOW
from tests.support.web_world import DATASET, OTHER, OTHER_CUSTODIAN, PROJECT, Web, ask, build, serving, write_policy

SHARE = "/datasets/nafld/projects/liver"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with serving(build(tmp_path)) as running:
        yield running


def test_the_answer_stands_first_and_nothing_needs_anybody(web: Web) -> None:
    with web.client(CUSTODIAN) as client:
        assert '<p class="lead">Nothing needs you.</p>' in client.get("/datasets").text
        assert "Nothing needs you." in client.get("/alerts").text


def test_what_needs_somebody_is_said_before_anything_else(web: Web) -> None:
    for one in range(20):
        question = f"SELECT COUNT(*) FROM persons WHERE age = {one}"  # noqa: S608 - words in the books, which nobody runs
        ask(web, question, 1000, NOW + timedelta(days=3, seconds=-one))
    with web.client(CUSTODIAN) as client:
        page = client.get("/datasets").text
        assert "1 thing needs you." in page
        assert "anna asked 20 questions within an hour that differ only in their conditions or literals." in page
        assert 'href="/datasets/nafld/questions?researcher=anna"' in page


def test_a_share_spent_beyond_a_mark_is_worth_a_look(web: Web) -> None:
    cap = 10**12 // 10  # more than half of what epsilon 1 is in rho
    with web.client(CUSTODIAN) as client:
        left = web.world.ledger
        assert left.balance("nafld", "nafld", "liver").taken.pico == 0
        ask(web, "a dear question", 11 * cap // 100, NOW)
        assert "50 % or more of the share of liver is spent." in client.get("/alerts").text


def test_who_asked_what_is_summed_by_day_project_researcher_and_purpose(web: Web) -> None:
    for day in range(3):
        ask(web, f"a question of day {day}", 10**9, NOW + timedelta(days=day))
    ask(web, "one of colin's", 10**9, NOW + timedelta(days=2), actor="colin")
    with web.client(CUSTODIAN) as client:
        page = client.get("/datasets/nafld").text
        assert "In the last 30 days 4 questions were asked." in page
        assert re.search(r'<th scope="row">2026-03-03</th><td class="number">2</td>', page)
        assert re.search(r'<a href="/researchers/anna">anna</a></th><td class="number">3</td>', page)
        assert re.search(r'<a href="/datasets/nafld/projects/liver">Liver fibrosis</a></th><td class="number">4</td>', page)
        assert "health research" in page
        assert "In the last 7 days 4 questions were asked." in client.get("/datasets/nafld?days=7").text
        assert "In the last 30 days" in client.get("/datasets/nafld?days=-1").text
        assert b"<svg" in client.get("/datasets/nafld/questions-per-day.svg?days=7").content


def test_questions_are_turned_page_by_page_each_once(web: Web) -> None:
    for one in range(60):
        ask(web, f"question {one:02}", 1000, NOW + timedelta(minutes=one), actor="anna" if one % 2 else "colin")
    with web.client(CUSTODIAN) as client:
        seen, path, pages = [], "/datasets/nafld/questions", 0
        while path:
            page = client.get(path).text
            seen += re.findall(r"question (\d\d)</code>", page)
            older = re.search(r'rel="next" href="([^"]+)"', page)
            path, pages = older[1].replace("&amp;", "&") if older else "", pages + 1
        assert seen == [f"{one:02}" for one in reversed(range(60))]
        assert pages == 3
        mine = client.get("/datasets/nafld/questions?researcher=anna").text
        assert mine.count('<code class="question">') == 25
        assert "colin</td>" not in mine
        assert "No such question was asked." in client.get("/datasets/nafld/questions?project=none").text


def test_a_question_is_told_in_the_words_of_its_plan(web: Web) -> None:
    plan = {"targets": [{"of": "number of rows"}, {"of": "sum of age - 50"}], "keys": [{"name": "region"}], "source": '"persons" AND <x>'}
    facts = {"plan": plan, "words": ["One unit counts once."], "findings": [{"words": "A small count."}], "warnings": ["It is <rough>."]}
    ask(web, "SELECT 1", 10**9, NOW, document=facts)
    receipt = web.world.ledger.recent(limit=1)[0].reservation.id
    said = "umber of rows and sum of age - 50, by region; of &#34;persons&#34; AND &lt;x&gt;"
    with web.client(CUSTODIAN) as client:
        assert said in client.get("/datasets/nafld").text
        page = client.get(f"/datasets/nafld/questions/{receipt}").text
        for shown in (said, "One unit counts once.", "A small count.", "It is &lt;rough&gt;."):
            assert shown in page


def test_reading_what_people_asked_is_an_event_once_a_day(web: Web) -> None:
    with web.client(CUSTODIAN) as client:
        for path in ("/datasets/nafld", "/datasets/nafld/questions", "/datasets/nafld"):
            client.get(path)
    assert [(one.actor, one.detail["dataset"]) for one in web.world.ledger.entries(kind="questions.viewed")] == [("custos", "nafld")]


def test_a_question_has_a_page_and_another_datasets_has_none(web: Web) -> None:
    ask(web, "SELECT COUNT(*) FROM persons WHERE name = '<script>'", 10**9, NOW)
    receipt = web.world.ledger.recent(limit=1)[0].reservation.id
    with web.client(CUSTODIAN) as client:
        page = client.get(f"/datasets/nafld/questions/{receipt}").text
        for shown in ("&lt;script&gt;", receipt, "policy-digest", "rho = 0.001", "of the budget"):
            assert shown in page
        assert client.get("/datasets/nafld/questions/q-none").status_code == 404
    with web.client(OTHER_CUSTODIAN) as client:
        assert client.get(f"/datasets/other/questions/{receipt}").status_code == 404
        assert client.get(f"/datasets/nafld/questions/{receipt}").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["", "/questions", "/questions/q-1", "/policy", "/projects/liver", "/burn-down.svg", "/questions-per-day.svg"],
)
def test_another_custodian_finds_nothing(web: Web, path: str) -> None:
    with web.client(OTHER_CUSTODIAN) as client:
        assert client.get(f"/datasets/nafld{path}").status_code == 404
        assert client.get("/projects/liver").status_code == 404
        assert client.get("/researchers/anna").status_code == 404


def test_an_export_is_an_event_and_no_cell_is_a_formula(web: Web) -> None:
    hostile = ["=cmd|' /C calc'!A0", " +1", "-1", "@SUM(1)", "\t=1", 'a "quoted", one\nof two lines']
    for question in hostile:
        ask(web, question, 10**9, NOW)
    with web.client(CUSTODIAN) as client:
        reply = send(client, "/datasets/nafld", "/datasets/nafld/export", what="questions")
        assert reply.headers["content-disposition"] == 'attachment; filename="nafld-questions.csv"'
        rows = list(csv.DictReader(io.StringIO(reply.text)))
        assert [row["question"] for row in reversed(rows)] == [f"'{one}" for one in hostile[:5]] + hostile[5:]
        assert {row["price"] for row in rows} == {"0.001"}
        days = send(client, "/datasets/nafld", "/datasets/nafld/export", what="days").text
        assert [row["questions"] for row in csv.DictReader(io.StringIO(days))] == ["6"]
        assert send(client, "/datasets/nafld", "/datasets/nafld/export", what="answers").status_code == 422
    events = web.world.ledger.entries(kind="dataset.exported")
    assert [(one.actor, one.detail["what"]) for one in events] == [("custos", "days"), ("custos", "questions")]


def test_what_a_project_could_still_ask_shrinks_as_it_spends(web: Web) -> None:
    def counts() -> int:
        with web.client(CUSTODIAN) as client:
            found = re.search(
                r'a count of persons</th><td>± 20</td><td class="number">[^<]+</td><td class="number">(\d+)', client.get(SHARE).text
            )
        assert found
        return int(found[1])

    before = counts()
    ask(web, "a dear question", 10**10, NOW)
    assert 0 < counts() < before


@pytest.mark.parametrize("path", ["/researchers/nobody", "/researchers/sam", "/projects/none", "/proposals/p-none", "/datasets/%3Cb%3E"])
def test_what_is_not_there_is_not_found_and_names_nothing(web: Web, path: str) -> None:
    with web.client(CUSTODIAN) as client:
        page = client.get(path)
    assert page.status_code == 404
    assert "<b>" not in page.text


def test_hostile_titles_and_reasons_are_only_words(web: Web) -> None:
    text = policy_files.project_text(**{**PROJECT, "title": "<img src=x onerror=alert(1)>"})
    write_policy(web.world, PolicyKind.PROJECT, text)
    ask(web, "q", 1000, NOW)
    with web.client(CUSTODIAN) as client:
        send(client, "/projects/liver", "/projects/liver/revoke", reason="<b>why</b>")
        for path in ("/datasets", "/alerts", "/datasets/nafld", SHARE, "/projects/liver", "/researchers/anna", "/proposals"):
            page = client.get(path).text
            assert "<img src=x" not in page
            assert "<b>why" not in page


def test_a_researcher_who_was_proposed_to_be_stopped_is_named_to_custodians_alone(web: Web) -> None:
    with web.client(AUTHOR) as client:
        assert client.get("/proposals").status_code == 403


def test_the_same_people_under_two_budgets_need_their_custodian(web: Web) -> None:
    registry = web.world.ledger.registry
    for name in ("nafld", "other"):
        registry.renew(name, NewSnapshot(1, b"salt", "fingerprint", units="the same sealed digest"), "operator", NOW)
    sentence = "nafld and other hold exactly the same people, who are promised a budget in each."
    with web.client(CUSTODIAN) as client:
        assert sentence in client.get("/datasets").text
    write_policy(web.world, PolicyKind.DATASET, policy_files.dataset_text(**{**DATASET, "population": "livers"}))
    write_policy(web.world, PolicyKind.DATASET, policy_files.dataset_text(**{**OTHER, "population": "livers"}))
    with web.client(CUSTODIAN) as client:
        assert "exactly the same people" not in client.get("/datasets").text
