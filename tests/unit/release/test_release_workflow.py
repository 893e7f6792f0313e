"""The workflow as a table: total, reachable, drawn; lanes and decisions against plain statements of what they must do."""

from datetime import UTC, datetime
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven.disclosure import ItemForm
from haven.errors import Code, Refused
from haven.policy.roles import Principal, Role, Tier
from haven.release.criteria import APPROVING, CRITERIA, REJECTING
from haven.release.decisions import Phase, Vote, decide, pseudonyms, visible
from haven.release.items import Item
from haven.release.lanes import Lane, lane_of
from haven.release.states import NEXT, OPEN, SETTLED, TABLE, Event, State, Who, mermaid, step

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FINAL = {State.WITHDRAWN, State.REVOKED, State.EXPIRED}


def test_every_state_has_its_row_and_says_who_acts_next() -> None:
    assert set(TABLE) == set(State)
    assert set(NEXT) == set(State)


def test_every_event_and_part_is_used() -> None:
    assert {event for row in TABLE.values() for event in row} == set(Event)
    assert {who for row in TABLE.values() for one in row.values() for who in one.who} == set(Who)


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_pair_is_a_step_or_a_refusal(state: State, event: Event) -> None:
    if event in TABLE[state]:
        assert step(state, event).to in State
    else:
        with pytest.raises(Refused) as error:
            step(state, event)
        assert error.value.code is Code.RELEASE_STATE


def test_every_state_is_reached_and_only_final_ones_have_no_way_on() -> None:
    reached, frontier = {State.DRAFT}, [State.DRAFT]
    while frontier:
        for one in TABLE[frontier.pop()].values():
            if one.to not in reached:
                reached.add(one.to)
                frontier.append(one.to)
    assert reached == set(State)
    assert {state for state, row in TABLE.items() if not row} == FINAL


def test_nothing_is_signed_before_a_decision_nor_handed_out_unsigned() -> None:
    into = {state: {source for source, row in TABLE.items() for one in row.values() if one.to is state} for state in State}
    assert into[State.RELEASED] == {State.SIGNED}
    assert into[State.SIGNED] == {State.DECIDED}
    assert into[State.DECIDED] == {State.SUBMITTED, State.IN_REVIEW, State.APPEALED}


def test_the_author_never_decides_and_the_desk_only_what_was_submitted() -> None:
    for state, row in TABLE.items():
        for event in (Event.VOTE, Event.APPROVE, Event.REJECT, Event.RETURN, Event.SIGN, Event.EXPORT, Event.REVOKE):
            assert event not in row or Who.AUTHOR not in row[event].who
        assert Event.APPROVE not in row or Who.DESK not in row[Event.APPROVE].who or state is State.SUBMITTED
    assert frozenset({State.SUBMITTED, State.IN_REVIEW, State.APPEALED}) == OPEN
    assert not OPEN & SETTLED


def test_the_diagram_draws_every_step_once() -> None:
    lines = mermaid().splitlines()
    assert lines[0] == "stateDiagram-v2"
    assert sum(": " in line for line in lines) == sum(len(row) for row in TABLE.values())
    assert sum(line.endswith("--> [*]") for line in lines) == len(FINAL)


def test_the_manual_shows_the_diagram_as_it_is() -> None:
    manual = (Path(__file__).parents[3] / "docs" / "releases.md").read_text()
    assert f"```mermaid\n{mermaid()}```" in manual


@pytest.mark.parametrize(("tier", "only", "findings"), list(product(Tier, (True, False), (True, False))))
def test_lanes_follow_their_sentence(tier: Tier, only: bool, findings: bool) -> None:  # noqa: FBT001 - the cases of a table
    lane = lane_of(tier, only_answers=only, has_findings=findings).lane
    if tier is Tier.HIGH:
        assert lane is Lane.TWO_CHECKERS
    elif tier is Tier.DE_MINIMIS and only and not findings:
        assert lane is Lane.AUTOMATIC
    else:
        assert lane is Lane.ONE_CHECKER


def test_criteria_are_for_approving_or_rejecting_never_both() -> None:
    assert not set(APPROVING) & set(REJECTING)
    assert set(CRITERIA) == set(APPROVING) | set(REJECTING)


def item(number: int) -> Item:
    return Item(f"i{number}", ItemForm.TEXT, "t", "", None, None, None, {}, (), f"content-{number}")


def vote(number: int, checker: str, *, approves: bool, content: str = "") -> Vote:
    return Vote(f"i{number}", checker, content or f"content-{number}", approves, "check.safe", "r", 1, NOW)


BALLOTS = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from("abc"), st.booleans(), st.booleans()), max_size=12, unique_by=lambda b: b[:2]
)


@given(BALLOTS, st.sets(st.sampled_from("abc")), st.integers(1, 2), st.booleans())
def test_an_item_leaves_only_when_every_completed_checker_approved_these_very_bytes(
    ballots: list[tuple[int, str, bool, bool]],
    completed: set[str],
    needed: int,
    last: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    items = [item(number) for number in range(3)]
    votes = [vote(n, who, approves=yes, content="" if fresh else "old bytes") for n, who, yes, fresh in ballots]
    decision = decide(items, votes, sorted(completed), needed, last=last)
    said = {n: [yes for m, who, yes, fresh in ballots if m == n and fresh and who in completed] for n in range(3)}
    disputed = any(len(set(voices)) == 2 for voices in said.values())
    if len(completed) < needed or (disputed and not last):
        assert decision is None
    else:
        assert decision is not None
        assert decision.approved == {f"i{n}": bool(said[n]) and all(said[n]) for n in range(3)}
        assert decision.anything_leaves == any(decision.approved.values())


@given(st.sampled_from(Phase), st.sampled_from("abcd"))
def test_votes_are_seen_by_their_checker_by_all_once_complete_and_by_the_seated_while_consolidating(phase: Phase, viewer: str) -> None:
    votes = [vote(0, who, approves=True) for who in "abc"]
    seen = {one.checker for one in visible(votes, viewer, phase, frozenset("ab"))}
    if phase is Phase.COMPLETE or (phase is Phase.CONSOLIDATING and viewer in "ab"):
        assert seen == set("abc")
    else:
        assert seen == {viewer} & set("abc")


def test_pseudonyms_follow_the_order_of_first_votes() -> None:
    votes = [vote(1, "zoe", approves=True), vote(0, "amy", approves=False)]
    assert pseudonyms(votes) == {"amy": "checker 1", "zoe": "checker 2"}
    assert Principal("zoe", Role.CHECKER).name not in pseudonyms(votes).values()
