"""What operators watch: numbers of routes and books, for those who may, and never a name of a person or a text."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from haven.ledger.vitals import vitals_of
from haven.policy.roles import Principal
from tests.support.release_world import AUDITOR, AUTHOR, CHECKER, CUSTODIAN, NOW
from tests.support.web_world import Web, ask, build, serving

PATH = "/api/v1/metrics"
CANARY = "SELECT 'zebrafish' FROM persons"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    with serving(build(tmp_path_factory.mktemp("metrics"))) as running:
        ask(running, CANARY, 10**9, NOW)
        yield running


def token(web: Web, who: Principal) -> dict[str, str]:
    return {"Authorization": f"Bearer {web.world.ledger.people.issue_token(who.name, web.parts.clock(), actor='operator')}"}


def scraped(web: Web) -> dict[tuple[str, ...], float]:
    with web.client() as client:
        reply = client.get(PATH, headers=token(web, AUDITOR))
    assert reply.headers["content-type"].startswith("text/plain")
    samples = (sample for family in text_string_to_metric_families(reply.text) for sample in family.samples)
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


@pytest.mark.parametrize(("who", "status"), [(AUDITOR, 200), (CUSTODIAN, 200), (AUTHOR, 403), (CHECKER, 403)])
def test_only_those_who_read_the_audit_read_the_metrics(web: Web, who: Principal, status: int) -> None:
    with web.client() as client:
        assert client.get(PATH, headers=token(web, who)).status_code == status
        assert client.get(PATH).status_code == 401


def test_the_books_gauges_are_what_the_books_say(web: Web) -> None:
    found, entries = scraped(web), vitals_of(web.world.ledger).entries
    assert found["haven_books_entries",] == entries == web.world.ledger.entries(limit=1)[0].seq
    assert found["haven_books_spends_in_flight",] == 0
    assert found["haven_books_current",] == 1
    assert 0 < found["haven_budget_left_ratio", "nafld"] < 1
    assert found["haven_dataset_stopped", "nafld"] == 0


def test_a_request_is_counted_under_its_route_s_template_and_never_its_path(web: Web) -> None:
    before = scraped(web).get(("haven_requests_total", "GET", "/datasets/{name}", "404"), 0)
    with web.client(CUSTODIAN) as client:
        client.get("/datasets/zebrafish")
        client.get("/zebrafish/of/nobody")
        client.request("ZEBRAFISH", "/zebrafish")
    found = scraped(web)
    assert found["haven_requests_total", "GET", "/datasets/{name}", "404"] == before + 1
    assert found["haven_requests_total", "GET", "/api/v1/metrics", "200"] >= 1
    assert found["haven_requests_total", "elsewhere", "elsewhere", "404"] >= 2
    assert "zebrafish" not in str(found).lower()


def test_no_metric_names_a_person(web: Web) -> None:
    said = str(scraped(web))
    assert not any(f"'{who.name}'" in said for who in (AUTHOR, CUSTODIAN, AUDITOR, CHECKER))


def test_health_is_503_once_the_books_cannot_be_read(tmp_path_factory: pytest.TempPathFactory) -> None:
    built = build(tmp_path_factory.mktemp("unwell"))
    with serving(built) as running, running.client() as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        running.world.ledger.close()
        running.parts.books.rename(running.parts.books.with_name("moved"))
        running.parts.books.mkdir()
        reply = client.get("/healthz")
    assert (reply.status_code, reply.json()) == (503, {"status": "fault.ledger"})
