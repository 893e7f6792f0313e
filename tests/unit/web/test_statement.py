"""The participants' statement: in sums, for everybody, and without a question, a day or a researcher's name."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from haven.ledger.registry import PolicyKind
from haven.ledger.standing import State
from haven.policy.caps import total_of
from tests.support.release_world import AUTHOR, NOW
from tests.support.web_world import PROJECT, Web, ask, build, serving

PATH = "/public/statement/nafld"
QUESTION = "SELECT COUNT(*) FROM nafld.persons WHERE age = 83"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(build(tmp_path_factory.mktemp("statement"))) as running:
        yield running


def test_before_the_first_question_it_says_that_nobody_asked(web: Web) -> None:
    with web.client() as client:
        text = client.get("/public/statement/other").text
    assert "Nobody has asked anything of these data yet." in text


def test_it_counts_by_month_and_project_what_was_asked(web: Web) -> None:
    days = (NOW, NOW + timedelta(days=1), NOW + timedelta(days=62))
    for number, day in enumerate(days):
        ask(web, f"{QUESTION} -- {number}", 10**9, day)
    with web.client() as client:
        text = client.get(PATH).text
    months = re.findall(r'<th scope="row">(\d{4}-\d{2})</th><td>(.*?)</td><td class="number">(\d+)</td>', text)
    expected = {day.date().isoformat()[:7]: 0 for day in days}
    for day in days:
        expected[day.date().isoformat()[:7]] += 1
    assert months == [(month, PROJECT["title"], str(count)) for month, count in sorted(expected.items(), reverse=True)]
    assert "3 questions were answered" in text


def test_it_says_the_share_of_the_promise_that_is_used(web: Web) -> None:
    policy = web.parts.policies.dataset("nafld")
    total = total_of(policy.privacy)
    taken = web.world.ledger.population_balance("nafld", definition=total.definition).taken
    share = 100 * taken.pico / total.pico
    with web.client() as client:
        text = client.get(PATH).text
    said = re.search(r"Used: ([0-9.]+) %", text)
    assert said is not None or share < 0.1
    if said is not None:
        assert float(said[1]) == pytest.approx(share, abs=0.51)
    assert f"ε = {policy.privacy.epsilon}" in text


def test_no_question_no_day_and_no_researcher_stands_in_it(web: Web) -> None:
    with web.client() as client:
        text = client.get(PATH).text
    assert "age" not in re.sub(r"<[^>]*>|average\w*|page\w*|language", "", text)
    assert "83" not in re.sub(r"<[^>]*>", "", text)
    assert AUTHOR.name not in text
    assert NOW.date().isoformat() not in text


def test_what_projects_wrote_is_escaped(web: Web) -> None:
    with web.client() as client:
        text = client.get(PATH).text
    assert "how livers &lt;heal&gt;" in text


def test_a_dataset_that_is_not_there_is_not_found(web: Web) -> None:
    with web.client() as client:
        assert client.get("/public/statement/nothing").status_code == 404


def test_a_project_that_was_stopped_is_said_to_be(web: Web) -> None:
    registry = web.world.ledger.registry
    registry.set_state(PolicyKind.PROJECT, "liver", State.SUSPENDED, "for a test", "keeper", NOW)
    with web.client() as client:
        stopped = client.get(PATH).text
    registry.set_state(PolicyKind.PROJECT, "liver", State.ACTIVE, "done", "keeper", NOW)
    with web.client() as client:
        going_on = client.get(PATH).text
    assert "it may ask nothing now" in stopped
    assert "it may ask nothing now" not in going_on
