"""The auditor's pages: entries are found, told and proved, and a month is summed; each held to the books' own export."""

import csv
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from haven.ledger.events import Kind
from haven.ledger.notary import Appointment
from haven.ledger.proofs import ProofError, check
from haven.ledger.registry import PolicyKind
from haven.ledger.standing import State
from tests.support.release_world import AUDITOR, AUTHOR, CUSTODIAN, NOW
from tests.support.web_world import Web, ask, build, serving
from tests.support.witnessed import ORIGIN, file_in, key_in

CANARY = "SELECT COUNT(*) FROM nafld.persons WHERE town = 'Trondheim'"
MONTH = NOW.strftime("%Y-%m")


@pytest.fixture(scope="module")
def public() -> list[str]:
    return []


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory, public: list[str]) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("auditor")
    with serving(build(folder)) as running:
        ledger = running.world.ledger
        ledger.appoint(Appointment(key_in(folder), ORIGIN, file_in(folder))).examine(NOW)
        public.append(key_in(folder).public)
        for number in range(60):
            ask(running, f"{CANARY} -- {number}", 10**8, NOW + timedelta(seconds=number))
        ledger.registry.set_state(PolicyKind.PROJECT, "liver", State.SUSPENDED, "<b>asked too much</b>", CUSTODIAN.name, NOW)
        ledger.registry.set_state(PolicyKind.PROJECT, "liver", State.ACTIVE, "explained", CUSTODIAN.name, NOW)
        yield running


def entries(web: Web) -> list[dict[str, object]]:
    return list(web.world.ledger.audit_export())


def get(web: Web, path: str, status: int = 200) -> str:
    with web.client(AUDITOR) as client:
        reply = client.get(path)
    assert reply.status_code == status, reply.text
    return reply.text


def numbers(text: str) -> list[int]:
    return [int(found) for found in re.findall(r'/audit/entries/(\d+)">\1</a>', text)]


def walked(web: Web, query: str) -> list[int]:
    """The numbers of every page, from the newest to the oldest."""
    found, path = [], f"/audit/entries?{query}"
    while path:
        text = get(web, path)
        found += numbers(text)
        older = re.search(r'rel="next" href="([^"]*)"', text)
        path = older[1].replace("&amp;", "&") if older else ""
    return found


@pytest.mark.parametrize("kind", [Kind.SPEND_POSTED, Kind.STATE_CHANGED, Kind.POLICY_ADDED])
def test_the_pages_of_a_kind_hold_its_entries_and_no_other(web: Web, kind: Kind) -> None:
    expected = [entry["seq"] for entry in reversed(entries(web)) if entry["kind"] == kind.value]
    assert walked(web, f"kind={kind.value}") == expected


def test_the_pages_of_a_person_hold_what_they_did(web: Web) -> None:
    found = set(walked(web, f"actor={AUTHOR.name}"))
    assert {entry["seq"] for entry in entries(web) if entry["actor"] == AUTHOR.name} <= found


def test_the_pages_of_a_dataset_hold_both_ends_of_every_question(web: Web) -> None:
    found = set(walked(web, "dataset=nafld"))
    assert {entry["seq"] for entry in entries(web) if str(entry["kind"]).startswith("spend.")} <= found


def test_an_unknown_kind_is_refused(web: Web) -> None:
    assert "There are no entries of this kind." in get(web, "/audit/entries?kind=nothing.done", 422)


def test_a_receipt_leads_to_the_entry_that_spent_it(web: Web) -> None:
    receipt = web.world.ledger.recent(limit=1)[0].reservation.id
    entry = web.world.ledger.receipt(receipt)
    assert entry is not None
    with web.client(AUDITOR) as client:
        reply = client.get(f"/audit/entries?number={receipt}")
    assert (reply.status_code, reply.headers["location"]) == (303, f"/audit/entries/{entry.entry}")


@pytest.mark.parametrize("number", ["q-nothing", "0", "999999", "%3Cscript%3E"])
def test_a_number_of_nothing_is_not_found(web: Web, number: str) -> None:
    with web.client(AUDITOR) as client:
        client.follow_redirects = True
        assert client.get(f"/audit/entries?number={number}").status_code == 404


def test_an_entry_shows_its_digests_and_that_the_next_one_holds_them(web: Web) -> None:
    known = entries(web)[4]
    text = get(web, f"/audit/entries/{known['seq']}")
    assert str(known["digest"]) in text
    assert str(known["prev_digest"]) in text
    assert "holds this digest" in text


def test_an_entry_s_proof_is_good_under_the_haven_s_key_and_under_no_other(
    web: Web, public: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    document = json.loads(get(web, "/audit/entries/5/proof.json"))
    assert check(document, public[0])
    with pytest.raises(ProofError):
        check(document, key_in(tmp_path_factory.mktemp("other")).public)


def test_no_page_holds_the_text_of_a_question(web: Web) -> None:
    newest = entries(web)[-1]["seq"]
    shown = [get(web, f"/audit/entries/{number}") for number in (5, 6, newest)]
    shown += [get(web, path) for path in ("/audit", "/audit/entries", f"/audit/report?month={MONTH}")]
    assert not any("Trondheim" in text for text in shown)


def test_what_a_person_wrote_as_a_reason_is_escaped(web: Web) -> None:
    text = get(web, f"/audit/report?month={MONTH}")
    assert "<b>asked" not in text
    assert "&lt;b&gt;asked too much" in text


def test_a_report_sums_what_the_entries_say(web: Web) -> None:
    reserved = [entry for entry in entries(web) if entry["kind"] == "spend.reserved"]
    with web.client(AUDITOR) as client:
        rows = list(csv.DictReader(io.StringIO(client.get(f"/audit/report.csv?month={MONTH}").text)))
    assert sum(int(row["questions"]) for row in rows) == len(reserved)
    prices = [int(entry["detail"]["price"]["pico"]) for entry in reserved]  # type: ignore[index]
    assert sum(int(row["spent_pico"]) for row in rows) == sum(prices)


def test_a_report_taken_along_is_an_entry(web: Web) -> None:
    get(web, f"/audit/report.csv?month={MONTH}")
    newest = entries(web)[-1]
    assert (newest["kind"], newest["actor"]) == (Kind.BOOKS_EXPORTED.value, AUDITOR.name)


@pytest.mark.parametrize("month", ["2026-13", "yesterday", "2026-1-1"])
def test_what_is_no_month_is_refused(web: Web, month: str) -> None:
    assert "This is no month." in get(web, f"/audit/report?month={month}", 422)


def test_a_month_without_anything_says_so(web: Web) -> None:
    assert "Nothing was asked." in get(web, "/audit/report?month=1999-01")


def test_reading_the_entries_is_an_entry_once_a_day(web: Web) -> None:
    get(web, "/audit/entries")
    get(web, "/audit")
    assert sum(entry["kind"] == Kind.ENTRIES_VIEWED.value and entry["actor"] == AUDITOR.name for entry in entries(web)) == 1


def test_a_custodian_sees_the_entries_of_their_datasets_alone(web: Web) -> None:
    web.world.ledger.registry.set_state(PolicyKind.DATASET, "other", State.PAUSED, "for a test", "keeper", NOW)
    with web.client(CUSTODIAN) as client:
        mine = client.get("/audit").text
    assert "keeper" not in mine
    assert "keeper" in get(web, "/audit")
