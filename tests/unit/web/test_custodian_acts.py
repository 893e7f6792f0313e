"""What a custodian does by form: shares, policies, stops, and the consent of two."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from haven.ledger.proposals import ProposalState
from haven.ledger.registry import PolicyKind, State
from haven.policy.roles import Principal
from tests.support import policy_files
from tests.support.forms import hidden, send, token
from tests.support.release_world import CUSTODIAN, NOW
from tests.support.web_world import DATASET, OTHER_CUSTODIAN, Web, ask, build, serving, write_policy

POLICY = "/datasets/nafld/policy"
SHARE = "/datasets/nafld/projects/liver"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with serving(build(tmp_path)) as running:
        yield running


def drafted(client: httpx.Client, **changes: object) -> tuple[str, httpx.Response]:
    """The dataset's policy with these changes, and what the page says of it."""
    text = policy_files.dataset_text(**{**DATASET, **changes})
    return text, send(client, POLICY, f"{POLICY}/check", text=text)


def put(client: httpx.Client, text: str, checked: httpx.Response, reason: str = "As the board decided.") -> httpx.Response:
    fields = {"text": text, "over": hidden(checked, "over"), "seen": hidden(checked, "seen"), "reason": reason}
    return client.post(f"{POLICY}/save", data={"csrf_token": token(checked), **fields})


def in_force(web: Web, kind: PolicyKind, name: str) -> str:
    stored = web.world.ledger.registry.current_policy(kind, name)
    assert stored
    return stored.text


def decide(web: Web, who: Principal, page: str, decision: str, reason: str = "I agree.") -> httpx.Response:
    with web.client(who) as client:
        return send(client, page, f"{page}/{decision}", reason=reason)


def test_another_custodian_changes_nothing(web: Web) -> None:
    with web.client(OTHER_CUSTODIAN) as client:
        for form in ("pause", "resume", "export", "policy/check", "policy/save", "projects/liver/share"):
            fields = {"reason": "Mine now.", "what": "days", "text": "x", "epsilon": "2"}
            assert send(client, "/datasets", f"/datasets/nafld/{form}", **fields).status_code == 404
        for form in ("/projects/liver/revoke", "/projects/liver/lift", "/researchers/anna/revoke", "/researchers/anna/lift"):
            assert send(client, "/datasets", form, reason="Mine now.").status_code == 404


def test_a_smaller_share_is_previewed_and_applies_at_once(web: Web) -> None:
    with web.client(CUSTODIAN) as client:
        page = client.get(f"{SHARE}?epsilon=0.5")
        assert "ε = 0.5" in page.text
        assert "This tightens" in page.text
        assert "noise on a count of 100" in page.text
        reply = client.post(
            f"{SHARE}/share", data={"csrf_token": token(page), "epsilon": "0.5", "over": hidden(page, "over"), "reason": "Less is enough."}
        )
        assert reply.headers["location"] == SHARE
        assert "now 0.5" in client.get(SHARE).text
    assert '"epsilon": 0.5' in in_force(web, PolicyKind.PROJECT, "liver")


def test_a_larger_share_waits_for_another_custodian(web: Web) -> None:
    with web.client(CUSTODIAN) as client:
        page = client.get(f"{SHARE}?epsilon=2")
        assert "nothing changes until another custodian confirms it" in page.text
        fields = {"csrf_token": token(page), "epsilon": "2", "over": hidden(page, "over"), "reason": "They ask for more."}
        number = client.post(f"{SHARE}/share", data=fields).headers["location"]
        assert "now 1)" in client.get(SHARE).text
        assert "You proposed it: another custodian confirms or declines it." in client.get(number).text
        assert "Your proposal to loosen the policy of liver waits" in client.get("/alerts").text
        assert "Nothing needs you." in client.get("/alerts").text
    own = decide(web, CUSTODIAN, number, "confirm")
    assert own.status_code == 403
    with web.client(CUSTODIAN) as client:
        assert "now 1)" in client.get(SHARE).text
    with web.client(OTHER_CUSTODIAN) as client:
        assert "datasets.nafld.epsilon: 1 → 2" in client.get(number).text
    assert decide(web, OTHER_CUSTODIAN, number, "confirm").status_code == 303
    with web.client(CUSTODIAN) as client:
        assert "now 2)" in client.get(SHARE).text
        assert "It was confirmed by keeper" in client.get(number).text


@pytest.mark.parametrize("epsilon", ["no", "-1", "0", "1e400", "NaN", "9999999999", "'><b>", "5"])
def test_a_share_that_cannot_be_is_refused_in_words(web: Web, epsilon: str) -> None:
    with web.client(CUSTODIAN) as client:
        page = client.get(SHARE, params={"epsilon": epsilon})
        assert page.status_code in {403, 422}
        assert "That was not done" in page.text
        assert "<b>" not in page.text


def test_a_policy_is_checked_line_by_line_and_nothing_is_saved(web: Web) -> None:
    before = in_force(web, PolicyKind.DATASET, "nafld")
    with web.client(CUSTODIAN) as client:
        text = before.replace('"title"', '"titel"').replace('"Liver disease & controls"', '"<script>alert(1)</script>"')
        page = send(client, POLICY, f"{POLICY}/check", text=text)
        line = 1 + text[: text.index("titel")].count("\n")
        assert f'data-line="{line}">Line {line}</a>' in page.text
        assert "Did you mean `title`?" in page.text
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert" in page.text
        assert "This is what applies now: version 1" in client.get(POLICY).text
        assert "of another dataset" in drafted(client, dataset="other")[1].text
    assert in_force(web, PolicyKind.DATASET, "nafld") == before


def test_a_tighter_policy_applies_at_once_with_its_difference_in_words(web: Web) -> None:
    with web.client(CUSTODIAN) as client:
        text, checked = drafted(client, privacy__epsilon=2)
        assert "privacy.epsilon: 4 → 2" in checked.text
        assert "Save this version" in checked.text
        assert put(client, text, checked, reason=" ").status_code == 422
        assert put(client, text, checked).headers["location"] == POLICY
        assert "This is what applies now: version 2, put in force by custos" in client.get(POLICY).text
        assert "ε = 2" in client.get("/datasets/nafld").text
    assert in_force(web, PolicyKind.DATASET, "nafld") == text


def test_a_looser_policy_needs_another_custodian(web: Web) -> None:
    before = in_force(web, PolicyKind.DATASET, "nafld")
    with web.client(CUSTODIAN) as client:
        text, checked = drafted(client, privacy__epsilon=8)
        assert "Propose this version" in checked.text
        number = put(client, text, checked).headers["location"]
        assert in_force(web, PolicyKind.DATASET, "nafld") == before
    assert decide(web, OTHER_CUSTODIAN, number, "decline", "Too much.").status_code == 303
    assert in_force(web, PolicyKind.DATASET, "nafld") == before
    assert decide(web, OTHER_CUSTODIAN, number, "confirm").status_code == 409
    with web.client(CUSTODIAN) as client:
        number = put(client, *drafted(client, privacy__epsilon=8)).headers["location"]
    assert decide(web, CUSTODIAN, number, "withdraw").status_code == 303
    found = web.world.ledger.proposals.proposal(number.rpartition("/")[2])
    assert found
    assert found.state is ProposalState.WITHDRAWN


def test_only_what_was_seen_is_saved(web: Web) -> None:
    with web.client(CUSTODIAN) as client:
        text, checked = drafted(client, privacy__epsilon=2)
        other = policy_files.dataset_text(**{**DATASET, "privacy__epsilon": 3})
        refused = put(client, other, checked)
        assert refused.status_code == 409
        assert "privacy.epsilon: 4 → 3" in refused.text
        write_policy(web.world, PolicyKind.DATASET, other)
        stale = put(client, text, checked)
        assert stale.status_code == 409
        assert "Another version of this policy came into force while you wrote." in stale.text
        assert "privacy.epsilon: 3 → 2" in stale.text


def test_what_changes_the_rows_is_registered_beside_its_sources(web: Web) -> None:
    with web.client(CUSTODIAN) as client:
        _, checked = drafted(client, tables__visits__rows_per_unit=3)
        assert "haven dataset add nafld.yaml" in checked.text
        assert "/policy/save" not in checked.text
        text, checked = drafted(client, tables__visits__rows_per_unit=9)
        assert "Propose this version" in checked.text
        number = put(client, text, checked).headers["location"]
    assert decide(web, OTHER_CUSTODIAN, number, "confirm").status_code == 303
    assert in_force(web, PolicyKind.DATASET, "nafld") != text


@pytest.mark.parametrize(("place", "kind", "name"), [("/researchers/anna", "user", "anna"), ("/projects/liver", "project", "liver")])
def test_a_stop_holds_at_once_can_be_lifted_and_becomes_final_with_another_custodian(web: Web, place: str, kind: str, name: str) -> None:
    def state() -> State:
        with web.client(CUSTODIAN) as client:
            page = client.get(place).text
        return State.REVOKED if "for good:" in page else State.ACTIVE if "may take part." in page else State.SUSPENDED

    ask(web, "before", 1000, NOW)
    with web.client(CUSTODIAN) as client:
        assert "within 60 seconds" in client.get(place).text.replace("\n", " ")
        assert send(client, place, f"{place}/revoke", reason="").status_code == 422
        assert state() is State.ACTIVE
        assert send(client, place, f"{place}/revoke", reason="A breach.").headers["location"] == place
        assert state() is State.SUSPENDED
        with pytest.raises(Exception, match="suspended"):
            ask(web, "after", 1000, NOW)
        assert send(client, place, f"{place}/lift", reason="It was none.").headers["location"] == place
        assert state() is State.ACTIVE
        ask(web, "again", 1000, NOW)
        assert "proposed to make the stop final" in client.get(place).text
    (waiting,) = web.world.ledger.proposals.waiting()
    assert waiting.subject == f"{kind}:{name}"
    assert decide(web, OTHER_CUSTODIAN, f"/proposals/{waiting.id}", "confirm").status_code == 303
    assert state() is State.REVOKED
    with web.client(CUSTODIAN) as client:
        assert send(client, "/datasets", f"{place}/lift", reason="No.").status_code == 409
        assert "<button>Stop" not in client.get(place).text
