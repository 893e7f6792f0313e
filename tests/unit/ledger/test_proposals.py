"""Acts that need two people: who may, when, what is done, and that it is done with its entries or not at all."""

import itertools
import json
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haven.errors import Code, Refused
from haven.ledger.audit import audit_verify
from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from haven.ledger.proposal_states import ENTRIES, TABLE, Part, ProposalEvent, ProposalState, step
from haven.ledger.proposals import Proposal
from haven.ledger.registry import Following, NewSnapshot, PolicyKind, State, loosening_detail
from haven.ledger.revocations import Revocable, propose_revocation
from haven.ledger.writer import Transaction
from haven.policy.roles import Role
from tests.support.books import NOW, later

PEOPLE = (
    ("carol", Role.CUSTODIAN),
    ("claude", Role.CUSTODIAN),
    ("ada", Role.RESEARCHER),
    ("check", Role.CHECKER),
    ("aud", Role.AUDITOR),
)


@pytest.fixture(name="ledger")
def _ledger(books_place: Place) -> Iterator[Ledger]:
    with Ledger.open(books_place) as ledger:
        for name, role in PEOPLE:
            ledger.people.add_user(name, role, actor="setup", now=NOW)
        ledger.proposals.register("door.opened", _open_door)
        yield ledger
    assert audit_verify(books_place).problems == ()


def _open_door(tx: Transaction, proposal: Proposal, now: datetime) -> None:
    if proposal.detail.get("stuck"):
        raise Refused(Code.REQUEST_CONFLICT, "The door is stuck.")
    tx.append("door.opened", proposal.decided_by or "", {"door": proposal.subject}, now)


def propose(ledger: Ledger, actor: str = "carol", **detail: object) -> Proposal:
    return ledger.proposals.propose("door.opened", "front", detail, "It is warm.", actor=actor, now=NOW)


def kinds(ledger: Ledger) -> list[str]:
    return [entry["kind"] for entry in ledger.audit_export() if entry["kind"] != "user.added"]


@pytest.mark.parametrize(("state", "event", "part"), list(itertools.product(ProposalState, ProposalEvent, Part)))
def test_every_pair_of_the_table_leads_somewhere_or_is_refused(state: ProposalState, event: ProposalEvent, part: Part) -> None:
    assert set(TABLE) == set(ProposalState)
    assert set(ENTRIES) == set(ProposalEvent)
    allowed = {
        (ProposalState.OPEN, ProposalEvent.CONFIRM, Part.SECOND): ProposalState.CONFIRMED,
        (ProposalState.OPEN, ProposalEvent.DECLINE, Part.SECOND): ProposalState.DECLINED,
        (ProposalState.OPEN, ProposalEvent.WITHDRAW, Part.PROPOSER): ProposalState.WITHDRAWN,
    }
    if (state, event, part) in allowed:
        assert step(state, event, part) is allowed[state, event, part]
        return
    with pytest.raises(Refused) as refusal:
        step(state, event, part)
    assert refusal.value.code is (Code.AUTH_FORBIDDEN if state is ProposalState.OPEN else Code.REQUEST_CONFLICT)


def test_confirming_does_the_act_in_the_same_transaction(ledger: Ledger) -> None:
    opened = propose(ledger)
    decided = ledger.proposals.confirm(opened.id, "So it is.", actor="claude", now=later(hours=1))
    assert kinds(ledger) == ["proposal.opened", "proposal.confirmed", "door.opened"]
    assert (decided.state, decided.decided_by, decided.decided_at, decided.decision_reason) == (
        ProposalState.CONFIRMED,
        "claude",
        later(hours=1),
        "So it is.",
    )
    assert ledger.proposals.proposal(opened.id) == decided
    assert ledger.proposals.waiting() == ()
    assert ledger.proposals.decided() == (decided,)


def test_an_act_that_is_refused_leaves_the_proposal_open_and_no_entry(ledger: Ledger) -> None:
    opened = propose(ledger, stuck=True)
    with pytest.raises(Refused, match="stuck"):
        ledger.proposals.confirm(opened.id, "Open it.", actor="claude", now=NOW)
    assert ledger.proposals.waiting() == (opened,)
    assert kinds(ledger) == ["proposal.opened"]


def test_nobody_confirms_or_declines_their_own(ledger: Ledger) -> None:
    opened = propose(ledger)
    for decide in (ledger.proposals.confirm, ledger.proposals.decline):
        with pytest.raises(Refused) as refusal:
            decide(opened.id, "I agree with myself.", actor="carol", now=NOW)
        assert refusal.value.code is Code.AUTH_FORBIDDEN
    assert ledger.proposals.waiting() == (opened,)


def test_only_its_proposer_withdraws_it(ledger: Ledger) -> None:
    opened = propose(ledger)
    with pytest.raises(Refused) as refusal:
        ledger.proposals.withdraw(opened.id, "Not mine.", actor="claude", now=NOW)
    assert refusal.value.code is Code.AUTH_FORBIDDEN
    assert ledger.proposals.withdraw(opened.id, "A mistake.", actor="carol", now=NOW).state is ProposalState.WITHDRAWN
    assert kinds(ledger) == ["proposal.opened", "proposal.withdrawn"]


@pytest.mark.parametrize("first", ["confirm", "decline"])
@pytest.mark.parametrize("then", ["confirm", "decline", "withdraw"])
def test_what_is_decided_stays_decided(ledger: Ledger, first: str, then: str) -> None:
    opened = propose(ledger)
    getattr(ledger.proposals, first)(opened.id, "So be it.", actor="claude", now=NOW)
    before = kinds(ledger)
    with pytest.raises(Refused) as refusal:
        getattr(ledger.proposals, then)(opened.id, "Or not.", actor="carol" if then == "withdraw" else "claude", now=NOW)
    assert refusal.value.code is Code.REQUEST_CONFLICT
    assert kinds(ledger) == before


@pytest.mark.parametrize("name", ["ada", "check", "aud", "nobody", "operator", "haven"])
def test_only_custodians_propose_and_decide(ledger: Ledger, name: str) -> None:
    opened = propose(ledger)
    acts: tuple[Callable[[], object], ...] = (
        lambda: propose(ledger, name, other=1),
        lambda: ledger.proposals.confirm(opened.id, "Yes.", actor=name, now=NOW),
        lambda: ledger.proposals.decline(opened.id, "No.", actor=name, now=NOW),
        lambda: ledger.proposals.withdraw(opened.id, "No.", actor=name, now=NOW),
    )
    for act in acts:
        with pytest.raises(Refused) as refusal:
            act()
        assert refusal.value.code is Code.AUTH_FORBIDDEN
    assert kinds(ledger) == ["proposal.opened"]


def test_a_stopped_custodian_is_none(ledger: Ledger) -> None:
    opened = propose(ledger)
    ledger.people.suspend_user("claude", "on leave", actor="operator", now=NOW)
    with pytest.raises(Refused) as refusal:
        ledger.proposals.confirm(opened.id, "Yes.", actor="claude", now=NOW)
    assert refusal.value.code is Code.AUTH_FORBIDDEN


def test_the_same_act_waits_once(ledger: Ledger) -> None:
    first = propose(ledger, a=1)
    with pytest.raises(Refused, match=first.id):
        propose(ledger, "claude", a=1)
    propose(ledger, a=2)
    ledger.proposals.withdraw(first.id, "Later.", actor="carol", now=NOW)
    propose(ledger, a=1)


def test_an_unknown_kind_cannot_be_proposed_and_no_kind_is_said_twice(ledger: Ledger) -> None:
    with pytest.raises(Refused) as refusal:
        ledger.proposals.propose("house.sold", "all", {}, "Money.", actor="carol", now=NOW)
    assert refusal.value.code is Code.REQUEST_INVALID
    with pytest.raises(ValueError, match=r"door\.opened"):
        ledger.proposals.register("door.opened", _open_door)


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\x00b"])
def test_both_say_why(ledger: Ledger, reason: str) -> None:
    with pytest.raises(Refused) as refusal:
        ledger.proposals.propose("door.opened", "front", {}, reason, actor="carol", now=NOW)
    assert refusal.value.code is Code.REQUEST_INVALID
    opened = propose(ledger)
    with pytest.raises(Refused):
        ledger.proposals.confirm(opened.id, reason, actor="claude", now=NOW)


def test_a_detail_holds_no_float(ledger: Ledger) -> None:
    with pytest.raises(TypeError):
        propose(ledger, rate=0.5)
    assert kinds(ledger) == []


@settings(max_examples=25)
@given(detail=st.dictionaries(st.text(), st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists)))
def test_what_is_confirmed_is_what_was_proposed_and_the_chain_proves_it(
    tmp_path_factory: pytest.TempPathFactory, detail: dict[str, object]
) -> None:
    try:
        json.dumps(detail, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return
    path = tmp_path_factory.mktemp("books") / "books.sqlite"
    seen: list[Proposal] = []
    with Ledger.open(path) as ledger:
        for name in ("carol", "claude"):
            ledger.people.add_user(name, Role.CUSTODIAN, actor="setup", now=NOW)
        ledger.proposals.register("door.opened", lambda _tx, proposal, _now: seen.append(proposal))
        opened = ledger.proposals.propose("door.opened", "front", detail, "It is warm.", actor="carol", now=NOW)
        ledger.proposals.confirm(opened.id, "Yes.", actor="claude", now=NOW)
        told = {entry.kind: entry.detail["detail_sha256"] for entry in ledger.entries() if entry.kind.startswith("proposal.")}
    assert seen[0].detail == detail
    assert len(set(told.values())) == 1


def test_two_who_decide_at_once_decide_it_once(ledger: Ledger) -> None:
    ledger.people.add_user("cleo", Role.CUSTODIAN, actor="setup", now=NOW)
    opened = propose(ledger)
    ledger.proposals.confirm(opened.id, "Yes.", actor="claude", now=NOW)
    with pytest.raises(Refused):
        ledger.proposals.confirm(opened.id, "Yes.", actor="cleo", now=NOW)
    assert kinds(ledger).count("door.opened") == 1


# policies that loosen


def policy(ledger: Ledger, text: str, **over: str | None) -> None:
    ledger.registry.add_policy(PolicyKind.PROJECT, "liver", text, f"digest of {text}", "carol", NOW, **over)


def loosen(ledger: Ledger, before: str, after: str, *, reads_again: bool = False, kind: PolicyKind = PolicyKind.PROJECT) -> Proposal:
    detail = loosening_detail(kind, "liver", before=f"digest of {before}", digest=f"digest of {after}", text=after, reads_again=reads_again)
    return ledger.proposals.propose("policy.loosened", f"{kind}:liver", detail, "More is needed.", actor="carol", now=NOW)


def test_a_loosened_policy_applies_when_it_is_confirmed_and_names_its_proposal(ledger: Ledger) -> None:
    policy(ledger, "one")
    opened = loosen(ledger, "one", "two")
    current = ledger.registry.current_policy(PolicyKind.PROJECT, "liver")
    assert current is not None
    assert current.text == "one"
    version = ledger.registry.registry_version()
    ledger.proposals.confirm(opened.id, "Yes.", actor="claude", now=later(hours=1))
    current = ledger.registry.current_policy(PolicyKind.PROJECT, "liver")
    assert current is not None
    assert (current.text, current.actor, current.at, current.version) == ("two", "carol", later(hours=1), 2)
    assert ledger.registry.registry_version() == version + 1
    (entry,) = ledger.entries(kind="policy.added", limit=1)
    assert entry.detail["proposal"] == opened.id


def test_a_loosening_of_a_version_that_applies_no_more_is_refused(ledger: Ledger) -> None:
    policy(ledger, "one")
    opened = loosen(ledger, "one", "two")
    policy(ledger, "tighter")
    with pytest.raises(Refused) as refusal:
        ledger.proposals.confirm(opened.id, "Yes.", actor="claude", now=NOW)
    assert refusal.value.code is Code.REQUEST_CONFLICT
    assert ledger.proposals.waiting() == (opened,)


def test_a_version_follows_the_one_that_it_was_compared_with(ledger: Ledger) -> None:
    policy(ledger, "one", over=None)
    policy(ledger, "two", over="digest of one")
    for over in (None, "digest of one"):
        with pytest.raises(Refused) as refusal:
            policy(ledger, "three", over=over)
        assert refusal.value.code is Code.REQUEST_CONFLICT


def test_a_version_that_is_read_anew_needs_its_own_consent_once(ledger: Ledger) -> None:
    registry = ledger.registry

    def register(text: str, serial: int, following: Following) -> None:
        registry.add_dataset("liver", text, f"digest of {text}", NewSnapshot(serial, b"salt", "f"), "carol", NOW, following=following)

    register("one", 1, Following(None))
    with pytest.raises(Refused) as refusal:
        register("two", 2, Following("digest of one", loosens=True))
    assert refusal.value.code is Code.POLICY_SECOND
    opened = loosen(ledger, "one", "two", reads_again=True, kind=PolicyKind.DATASET)
    with pytest.raises(Refused):
        register("two", 2, Following("digest of one", loosens=True))
    ledger.proposals.confirm(opened.id, "Yes.", actor="claude", now=NOW)
    assert registry.consent(PolicyKind.DATASET, "liver", "digest of two") == opened.id
    register("two", 2, Following("digest of one", loosens=True))
    assert registry.consent(PolicyKind.DATASET, "liver", "digest of two") is None
    register("one", 3, Following("digest of two"))
    with pytest.raises(Refused, match="no second custodian"):
        register("two", 4, Following("digest of one", loosens=True))
    assert [version.text for version in registry.versions(PolicyKind.DATASET, "liver")] == ["one", "two", "one"]


# revocations


def test_a_revocation_stops_at_once_and_is_final_when_confirmed(ledger: Ledger) -> None:
    token = ledger.people.issue_token("ada", NOW)
    opened = propose_revocation(ledger.proposals, Revocable.USER, "ada", "misuse", actor="carol", now=NOW)
    assert ledger.people.principal_of_token(token, NOW) is None
    assert kinds(ledger)[-2:] == ["proposal.opened", "state.changed"]
    ledger.proposals.confirm(opened.id, "I saw it too.", actor="claude", now=NOW)
    assert kinds(ledger)[-3:] == ["proposal.confirmed", "state.changed", "token.revoked"]
    with pytest.raises(Refused) as refusal:
        ledger.people.resume_user("ada", "changed my mind", actor="carol", now=NOW)
    assert refusal.value.code is Code.REQUEST_CONFLICT
    assert ledger.people.principal_of_token(token, NOW) is None


def test_a_declined_revocation_can_be_lifted(ledger: Ledger) -> None:
    policy(ledger, "one")
    opened = propose_revocation(ledger.proposals, Revocable.PROJECT, "liver", "misuse", actor="carol", now=NOW)
    assert ledger.registry.state(PolicyKind.PROJECT, "liver").state is State.SUSPENDED
    ledger.proposals.decline(opened.id, "It was a mistake.", actor="claude", now=NOW)
    ledger.registry.set_state(PolicyKind.PROJECT, "liver", State.ACTIVE, "a mistake", "carol", NOW)
    assert ledger.registry.state(PolicyKind.PROJECT, "liver").state is State.ACTIVE


@pytest.mark.parametrize("what", list(Revocable))
def test_what_is_not_there_cannot_be_revoked_and_nothing_is_left_open(ledger: Ledger, what: Revocable) -> None:
    with pytest.raises(Refused) as refusal:
        propose_revocation(ledger.proposals, what, "nowhere", "misuse", actor="carol", now=NOW)
    assert refusal.value.code is Code.NOT_FOUND
    assert ledger.proposals.waiting() == ()
