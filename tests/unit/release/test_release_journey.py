"""A request's whole way over the desk, on real books: lanes, roles, votes, appeal, bundle."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from haven.disclosure import Finding, Outcome
from haven.errors import Code, Fault, Refused
from haven.policy.roles import Principal, Role, Tier
from haven.release import AnswerDraft, FileDraft, Judgement, verify_bundle
from tests.support.release_world import (
    AUDITOR,
    AUTHOR,
    CHECKER,
    COLLEAGUE,
    CUSTODIAN,
    EVERYONE,
    FOURTH,
    MEMBER_CHECKER,
    RECEIPT,
    SECOND,
    STRANGER,
    THIRD,
    World,
    answer,
    build,
    png,
)

GOOD = Judgement(approves=True, rule="check.safe", reason="Nothing identifying.")
BAD = Judgement(approves=False, rule="check.identifying", reason="One person stands out.")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path)
    yield made
    made.ledger.close()


def status(world: World, release: str, principal: Principal = AUTHOR) -> str:
    return world.desk.view(principal, release, world.clock()).state.value


def approve(world: World, release: str, checker: Principal = CHECKER) -> bool:
    return world.desk.approve(checker, release, "check.safe", "Looked at everything.", world.clock())


def reject(world: World, release: str, checker: Principal = CHECKER) -> bool:
    return world.desk.reject(checker, release, "check.no-context", "What is this?", world.clock())


def content_of(world: World, release: str, item: str) -> str:
    return next(one.content for one in world.desk.view(CHECKER, release, world.clock()).items if one.id == item)


def vote(world: World, release: str, item: str, judgement: Judgement, checker: Principal = CHECKER) -> None:
    world.desk.vote(checker, release, item, content_of(world, release, item), judgement, world.clock())


def refused(code: Code) -> "pytest.RaisesExc[Refused]":
    return pytest.RaisesExc(Refused, check=lambda error: error.code is code)


def test_a_standard_request_leaves_after_one_checker_approves(world: World) -> None:
    release = world.submitted()
    assert status(world, release) == "submitted"
    assert approve(world, release)
    assert status(world, release) == "released"
    bundle = world.home / "bundle.zip"
    bundle.write_bytes(world.desk.bundle(AUTHOR, release, world.clock()))
    report = verify_bundle(bundle, world.desk.public_key)
    assert report.whole, report.problems
    assert report.authentic
    assert report.release == release


def test_the_bundle_names_the_ledgers_own_decision_entry(world: World) -> None:
    release = world.submitted()
    approve(world, release)
    path = world.home / "bundle.zip"
    path.write_bytes(world.desk.bundle(AUTHOR, release, world.clock()))
    report = verify_bundle(path)
    (entry,) = world.ledger.entries(kind="release.approve")
    assert (report.ledger_entry, report.ledger_digest) == (entry.seq, entry.digest)


def test_de_minimis_answers_leave_by_rule(world: World) -> None:
    world.facts.risk = Tier.DE_MINIMIS
    release = world.submitted([AnswerDraft(RECEIPT)])
    assert status(world, release) == "released"


@pytest.mark.parametrize("drafts", [[FileDraft("f.png", png())], [AnswerDraft(RECEIPT), FileDraft("t.md", b"plain words\n")]])
def test_de_minimis_with_anything_but_answers_waits_for_a_checker(world: World, drafts: list[AnswerDraft | FileDraft]) -> None:
    world.facts.risk = Tier.DE_MINIMIS
    assert status(world, world.submitted(drafts)) == "submitted"


def test_de_minimis_with_a_finding_waits_for_a_checker(world: World) -> None:
    world.facts.risk = Tier.DE_MINIMIS
    world.facts.answers[RECEIPT] = answer(findings=(Finding("dp.low-count", Outcome.REVIEW, "small", (1,)),))
    assert status(world, world.submitted([AnswerDraft(RECEIPT)])) == "submitted"


def test_what_a_crash_left_half_done_is_concluded(world: World) -> None:
    world.facts.risk = Tier.DE_MINIMIS
    release = world.desk.create(AUTHOR, "liver", "T", "C", [AnswerDraft(RECEIPT)], world.clock())
    world.desk.asking.submit(AUTHOR, release, world.clock())
    assert world.desk.conclude_all(world.clock()) == 1
    assert status(world, release) == "released"
    assert world.desk.conclude_all(world.clock()) == 0


def test_a_decided_request_is_signed_once_after_a_crash(world: World) -> None:
    release = world.submitted()
    world.desk.reviewing.approve(CHECKER, release, "check.safe", "Fine.", world.clock())
    assert status(world, release) == "decided"
    world.desk.conclude_all(world.clock())
    first = world.desk.bundle(AUTHOR, release, world.clock())
    world.desk.leaving.conclude(release, world.clock())
    assert world.desk.bundle(AUTHOR, release, world.clock()) == first
    assert len(world.ledger.entries(kind="release.sign")) == 1


def test_high_takes_two_checkers_who_do_not_see_each_others_votes(world: World) -> None:
    world.facts.risk = Tier.HIGH
    release = world.submitted()
    vote(world, release, "i1", GOOD)
    assert not approve(world, release)
    seen = world.desk.view(SECOND, release, world.clock())
    assert seen.votes == ()
    assert all(one.event not in {"vote", "approve"} for one in seen.history)
    assert world.desk.view(AUTHOR, release, world.clock()).votes == ()
    assert len(world.desk.view(CHECKER, release, world.clock()).votes) == 3
    assert approve(world, release, SECOND)
    assert status(world, release) == "released"
    assert {one.checker for one in world.desk.view(AUTHOR, release, world.clock()).votes} == {"checker 1", "checker 2"}
    assert {one.checker for one in world.desk.view(AUDITOR, release, world.clock()).votes} == {"cleo", "carl"}


def test_one_checker_cannot_fill_both_seats(world: World) -> None:
    world.facts.risk = Tier.HIGH
    release = world.submitted()
    approve(world, release)
    with refused(Code.RELEASE_STATE):
        approve(world, release)


def test_a_third_checker_finds_no_seat(world: World) -> None:
    world.facts.risk = Tier.HIGH
    release = world.submitted()
    vote(world, release, "i1", GOOD)
    vote(world, release, "i1", GOOD, SECOND)
    with refused(Code.RELEASE_ROLE):
        vote(world, release, "i1", GOOD, THIRD)


def test_checkers_who_disagree_see_each_other_and_decide_once_more(world: World) -> None:
    world.facts.risk = Tier.HIGH
    release = world.submitted()
    approve(world, release)
    vote(world, release, "i2", BAD, SECOND)
    assert not approve(world, release, SECOND)
    assert {one.checker for one in world.desk.view(CHECKER, release, world.clock()).votes} == {"cleo", "checker 2"}
    assert world.desk.view(THIRD, release, world.clock()).votes == ()
    vote(world, release, "i2", BAD)
    assert not approve(world, release)
    assert approve(world, release, SECOND)
    assert world.desk.view(AUTHOR, release, world.clock()).approved == {"i1": True, "i2": False, "i3": True}


def test_what_stays_disputed_stays_inside(world: World) -> None:
    world.facts.risk = Tier.HIGH
    release = world.submitted([AnswerDraft(RECEIPT)])
    for _ in range(2):
        approve(world, release)
        reject(world, release, SECOND)
    assert status(world, release) == "rejected"


def test_only_approved_items_leave(world: World) -> None:
    release = world.submitted()
    vote(world, release, "i2", BAD)
    assert approve(world, release)
    bundle = world.desk.bundle(AUTHOR, release, world.clock())
    assert b"results/i1-counts-by-test.csv" in bundle
    assert b"results/i2-" not in bundle


@pytest.mark.parametrize("principal", [AUTHOR, COLLEAGUE, MEMBER_CHECKER, CUSTODIAN, AUDITOR])
def test_nobody_but_an_independent_checker_decides(world: World, principal: Principal) -> None:
    release = world.submitted()
    for act in (approve, reject):
        with refused(Code.RELEASE_ROLE):
            act(world, release, principal)
    with refused(Code.RELEASE_ROLE):
        world.desk.give_back(principal, release, "No.", world.clock())
    assert status(world, release) == "submitted"


def test_an_author_who_is_a_checker_elsewhere_cannot_approve_their_own(world: World) -> None:
    release = world.submitted()
    with refused(Code.RELEASE_ROLE):
        approve(world, release, Principal(AUTHOR.name, Role.CHECKER))


def test_a_strangers_release_looks_like_none(world: World) -> None:
    release = world.submitted()
    for act in (
        lambda: status(world, release, STRANGER),
        lambda: status(world, "rel-0", AUTHOR),
        lambda: approve(world, release, STRANGER),
    ):
        with refused(Code.NOT_FOUND):
            act()


def test_a_draft_is_seen_by_its_project_alone(world: World) -> None:
    release = world.desk.create(AUTHOR, "liver", "T", "C", world.drafts(), world.clock())
    seers = {one.name for one in EVERYONE if release in [view.id for view in world.desk.releases_of(one, world.clock())]}
    assert seers == {"anna", "colin", "mira"}


def test_votes_are_lost_when_the_bytes_change_and_kept_when_they_do_not(world: World) -> None:
    release = world.submitted()
    for item in ("i1", "i2", "i3"):
        vote(world, release, item, GOOD)
    world.desk.give_back(CHECKER, release, "Please mend the figure.", world.clock(), {"i2": "The axis is missing."})
    assert status(world, release) == "returned"
    drafts = world.drafts()
    drafts[1] = FileDraft("figure.png", png((200, 0, 0)))
    world.desk.edit(AUTHOR, release, drafts, world.clock())
    world.desk.submit(AUTHOR, release, world.clock())
    request_votes = [
        one for one in world.desk.view(CHECKER, release, world.clock()).votes if one.content == content_of(world, release, one.item)
    ]
    assert [one.item for one in request_votes] == ["i1", "i3"]


def test_a_vote_on_bytes_that_changed_is_refused(world: World) -> None:
    release = world.submitted()
    with refused(Code.REQUEST_CONFLICT):
        world.desk.vote(CHECKER, release, "i1", "0" * 64, GOOD, world.clock())


def test_a_vote_needs_a_criterion_for_its_judgement_and_a_reason(world: World) -> None:
    release = world.submitted()
    for judgement in (
        Judgement(approves=True, rule="check.identifying", reason="x"),
        Judgement(approves=False, rule="check.safe", reason="x"),
        Judgement(approves=True, rule="check.safe", reason="  "),
    ):
        with refused(Code.REQUEST_INVALID):
            vote(world, release, "i1", judgement)


def test_a_vote_on_an_unknown_item_is_refused(world: World) -> None:
    release = world.submitted()
    with refused(Code.NOT_FOUND):
        world.desk.vote(CHECKER, release, "i9", "0" * 64, GOOD, world.clock())
    with refused(Code.NOT_FOUND):
        world.desk.give_back(CHECKER, release, "See items.", world.clock(), {"i9": "?"})
    assert status(world, release) == "submitted"


def test_an_author_withdraws_before_the_decision_and_not_after(world: World) -> None:
    first, second = world.submitted(), world.submitted()
    world.desk.withdraw(AUTHOR, first, world.clock(), "A mistake.")
    assert status(world, first) == "withdrawn"
    approve(world, second)
    with refused(Code.RELEASE_STATE):
        world.desk.withdraw(AUTHOR, second, world.clock())
    with refused(Code.RELEASE_STATE):
        world.desk.edit(AUTHOR, second, world.drafts(), world.clock())


def test_a_colleague_may_look_and_not_act(world: World) -> None:
    release = world.submitted()
    assert world.desk.view(COLLEAGUE, release, world.clock()).may == ()
    with refused(Code.RELEASE_ROLE):
        world.desk.withdraw(COLLEAGUE, release, world.clock())


def test_an_appeal_goes_once_to_a_checker_who_has_not_voted(world: World) -> None:
    release = world.submitted()
    assert reject(world, release)
    assert status(world, release) == "rejected"
    with refused(Code.RELEASE_STATE):
        world.desk.bundle(AUTHOR, release, world.clock())
    world.desk.appeal(AUTHOR, release, "The context was there.", world.clock())
    with refused(Code.RELEASE_ROLE):
        approve(world, release)
    assert world.desk.view(SECOND, release, world.clock()).votes == ()
    assert reject(world, release, SECOND)
    with refused(Code.RELEASE_STATE):
        world.desk.appeal(AUTHOR, release, "Once more.", world.clock())


def test_an_appeal_may_succeed(world: World) -> None:
    world.facts.risk = Tier.HIGH
    release = world.submitted()
    reject(world, release)
    reject(world, release, SECOND)
    world.desk.appeal(AUTHOR, release, "It is in the protocol.", world.clock())
    assert not approve(world, release, THIRD)
    assert status(world, release) == "appealed"
    assert approve(world, release, FOURTH)
    assert status(world, release) == "released"


def test_a_custodian_revokes_and_the_bundle_is_gone_but_registered(world: World) -> None:
    release = world.submitted()
    approve(world, release)
    with refused(Code.RELEASE_ROLE):
        world.desk.revoke(CHECKER, release, "Mistake.", world.clock())
    with refused(Code.RELEASE_ROLE):
        world.desk.revoke(Principal("another", Role.CUSTODIAN), release, "Not mine.", world.clock())
    world.desk.revoke(CUSTODIAN, release, "A person withdrew.", world.clock())
    with refused(Code.RELEASE_STATE):
        world.desk.bundle(AUTHOR, release, world.clock())
    assert [(one.id, one.state.value) for one in world.desk.register()] == [(release, "revoked")]


def test_a_receipt_of_another_project_or_none_is_refused(world: World) -> None:
    world.facts.answers["q-other"] = answer("q-other", project="heart")
    for receipt in ("q-other", "q-none"):
        with refused(Code.RELEASE_RECEIPT):
            world.submitted([AnswerDraft(receipt)])


def test_a_withheld_answer_a_gone_dataset_and_a_giant_are_refused(world: World) -> None:
    world.facts.answers[RECEIPT] = answer(findings=(Finding("form.width", Outcome.WITHHOLD, "w"),))
    with refused(Code.RELEASE_ITEM):
        world.submitted()
    world.facts.answers[RECEIPT] = answer()
    kept, world.facts.datasets = world.facts.datasets, {}
    with refused(Code.RELEASE_RECEIPT):
        world.submitted()
    world.facts.datasets = kept
    with refused(Code.RELEASE_ITEM):
        world.submitted([FileDraft("a.md", b"word\n")] * 51)


def test_only_a_projects_researchers_open_a_release_and_only_while_it_is_open(world: World) -> None:
    for principal in (STRANGER, MEMBER_CHECKER, CUSTODIAN):
        with refused(Code.POLICY_NOT_MEMBER):
            world.desk.create(principal, "liver", "T", "C", world.drafts(), world.clock())
    with refused(Code.POLICY_NOT_MEMBER):
        world.desk.create(AUTHOR, "nowhere", "T", "C", world.drafts(), world.clock())
    release = world.desk.create(AUTHOR, "liver", "T", "C", world.drafts(), world.clock())
    world.close_project("it was suspended")
    with refused(Code.POLICY_SUSPENDED):
        world.desk.submit(AUTHOR, release, world.clock())


@pytest.mark.parametrize(("title", "context"), [("", "C"), ("T", "   "), ("T" * 201, "C"), ("T\x07", "C"), ("T\u202e", "C")])
def test_title_and_context_are_words(world: World, title: str, context: str) -> None:
    with refused(Code.REQUEST_INVALID):
        world.desk.create(AUTHOR, "liver", title, context, world.drafts(), world.clock())


def test_every_act_has_an_audit_entry_and_the_chain_holds(world: World) -> None:
    release = world.submitted()
    vote(world, release, "i1", GOOD)
    approve(world, release)
    kinds = [one["kind"] for one in world.ledger.audit_export()]
    assert kinds == [
        "release.edit",
        "release.submit",
        "release.vote",
        "release.approve",
        "release.sign",
        "release.bundle",
        "release.export",
    ]


def test_the_queue_shows_what_waits_and_first_what_is_mine_to_do(world: World) -> None:
    taken, free, done = world.submitted(), world.submitted(), world.submitted()
    vote(world, taken, "i1", GOOD, SECOND)
    approve(world, done)
    assert [one.id for one in world.desk.queue(CHECKER, world.clock())] == [free, taken]


def test_files_and_answers_are_shown_to_those_who_may_see(world: World) -> None:
    release = world.submitted()
    assert world.desk.file(CHECKER, release, "i3", "notes.md", world.clock()) == b"# Notes\n\nNo *surprise*.\n"
    assert world.desk.answer(CHECKER, release, "i1", world.clock()) == answer()
    assert world.desk.answer(CHECKER, release, "i2", world.clock()) is None
    for item, name in (("i3", "other.md"), ("i9", "notes.md")):
        with refused(Code.NOT_FOUND):
            world.desk.file(CHECKER, release, item, name, world.clock())


def test_a_view_as_a_document_is_plain_json(world: World) -> None:
    world.facts.answers[RECEIPT] = answer(findings=(Finding("dp.low-count", Outcome.REVIEW, "small", (1,)),))
    release = world.submitted()
    world.desk.give_back(CHECKER, release, "Say more.", world.clock())
    document = json.loads(json.dumps(world.desk.view(AUTHOR, release, world.clock()).document()))
    assert document["status"] == "returned"
    assert document["history"][-1]["actor"] == "a checker"
    assert document["items"][0]["findings"][0]["rule"] == "dp.low-count"


def test_provenance_that_went_missing_keeps_a_release_unsigned(world: World) -> None:
    release = world.submitted()
    world.facts.answers.clear()
    with pytest.raises(Fault):
        approve(world, release)
    assert status(world, release) == "decided"
    world.facts.answers[RECEIPT] = answer()
    world.desk.conclude_all(world.clock())
    assert status(world, release) == "released"


def test_what_nobody_touches_expires_and_what_is_under_review_does_not(world: World) -> None:
    draft = world.desk.create(AUTHOR, "liver", "T", "C", world.drafts(), world.clock())
    waiting = world.submitted()
    assert world.desk.expire(world.clock()) == 0
    assert world.desk.expire(world.clock() + timedelta(days=181)) == 1
    assert (status(world, draft), status(world, waiting)) == ("expired", "submitted")


def test_two_checkers_at_once_fill_one_seat_once(world: World) -> None:
    release = world.submitted()
    now = world.clock()

    def try_to_approve(checker: Principal) -> str:
        try:
            world.desk.reviewing.approve(checker, release, "check.safe", "Mine.", now)
        except Refused as error:
            return error.code.value
        return "done"

    with ThreadPoolExecutor(3) as pool:
        outcomes = sorted(pool.map(try_to_approve, (CHECKER, SECOND, THIRD)))
    assert outcomes[0] == "done"
    assert set(outcomes[1:]) == {"release.state"}


def test_only_the_automatic_lane_is_approved_by_rule(world: World) -> None:
    release = world.submitted()
    with refused(Code.RELEASE_ROLE):
        world.desk.reviewing.approve_by_rule(release, world.clock())
