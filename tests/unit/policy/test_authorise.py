"""The permit to ask: given when everything agrees, refused with its own code at the first thing that does not."""

from datetime import date
from typing import Any

import pytest

from haven.errors import Code, Refused
from haven.policy.authorisation import Authorisation, Footprint
from haven.policy.authorise import GOOD_STANDING, Standing, authorise
from haven.policy.roles import Principal, Role, Tier
from tests.support.policy_files import dataset, project

TODAY = date(2027, 5, 17)
ADA = Principal("ada", Role.RESEARCHER)
FOOTPRINT = Footprint("cohort", frozenset({"persons", "codes"}), frozenset({"persons.age", "persons.id", "codes.code"}))


def ask(**changes: Any) -> Authorisation:  # noqa: ANN401 - a test changes any argument
    arguments: dict[str, Any] = {
        "footprint": FOOTPRINT,
        "principal": ADA,
        "project": project(),
        "dataset": dataset(),
        "state": GOOD_STANDING,
        "today": TODAY,
    }
    return authorise(**(arguments | changes))


def test_a_permit_is_given_when_everything_agrees() -> None:
    permit = ask(dataset=dataset(population="people", consent={"permission": "DUO:0000042", "modifiers": ["DUO:0000019"]}))
    assert (permit.actor, permit.project, permit.dataset, permit.population) == ("ada", "study", "cohort", "people")
    assert permit.footprint == FOOTPRINT
    assert permit.tier is Tier.STANDARD
    assert permit.day == TODAY
    assert permit.caps.population.covers(permit.caps.dataset)
    assert permit.caps.dataset.covers(permit.caps.project)
    assert any("GRU" in reason for reason in permit.reasons)
    assert len(permit.obligations) == 1


def test_a_permit_carries_the_digest_of_the_policy_that_allowed_it() -> None:
    assert ask().policy_digest == dataset().digest
    assert ask(dataset=dataset(title="Another")).policy_digest != dataset().digest


REFUSALS: list[tuple[dict[str, Any], Code]] = [
    *[({"principal": Principal("ada", role)}, Code.POLICY_ROLE) for role in Role if role is not Role.RESEARCHER],
    ({"principal": Principal("mallory", Role.RESEARCHER)}, Code.POLICY_NOT_MEMBER),
    ({"footprint": Footprint("other", frozenset(), frozenset())}, Code.POLICY_NOT_GRANTED),
    ({"project": project(datasets={"other": {"epsilon": 1}})}, Code.POLICY_NOT_GRANTED),
    ({"dataset": dataset(dataset="other")}, Code.POLICY_NOT_GRANTED),
    ({"project": project(ends="2027-05-16")}, Code.POLICY_EXPIRED),
    ({"project": project(starts="2027-05-18")}, Code.POLICY_EXPIRED),
    ({"project": project(ethics={"approval": "A", "expires": "2027-05-16"})}, Code.POLICY_EXPIRED),
    ({"project": project(purpose={"kind": "insurance"})}, Code.POLICY_PURPOSE),
    ({"dataset": dataset(consent__permission="DUO:0000011")}, Code.POLICY_PURPOSE),
    ({"footprint": Footprint("cohort", frozenset({"nothing"}), frozenset())}, Code.QUERY_UNKNOWN_TABLE),
    ({"footprint": Footprint("cohort", frozenset({"persons"}), frozenset({"persons.name"}))}, Code.QUERY_UNKNOWN_COLUMN),
    ({"footprint": Footprint("cohort", frozenset({"persons"}), frozenset({"visits.cost"}))}, Code.QUERY_UNKNOWN_COLUMN),
    ({"footprint": Footprint("cohort", frozenset({"codes"}), frozenset({"codes.id"}))}, Code.QUERY_UNKNOWN_COLUMN),
    ({"footprint": Footprint("cohort", frozenset({"persons"}), frozenset({"age"}))}, Code.QUERY_UNKNOWN_COLUMN),
]


@pytest.mark.parametrize(("changes", "code"), REFUSALS)
def test_what_does_not_agree_is_refused_with_its_own_code(changes: dict[str, Any], code: Code) -> None:
    with pytest.raises(Refused) as failure:
        ask(**changes)
    assert failure.value.code is code
    assert failure.value.reason.endswith(".")
    assert failure.value.suggestion.endswith(".")


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (Standing(dataset_paused="an audit is under way"), Code.POLICY_PAUSED),
        (Standing(project_suspended="its report is overdue"), Code.POLICY_SUSPENDED),
        (Standing(user_suspended="the contract ended"), Code.POLICY_SUSPENDED),
    ],
)
def test_what_is_stopped_is_refused_with_its_reason(state: Standing, code: Code) -> None:
    with pytest.raises(Refused) as failure:
        ask(state=state)
    assert failure.value.code is code
    stopped = state.dataset_paused or state.project_suspended or state.user_suspended
    assert str(stopped) in failure.value.reason


def test_a_project_runs_from_its_first_to_its_last_day() -> None:
    running = project(starts="2027-05-17", ends="2027-05-17", ethics={"approval": "A", "expires": "2027-05-17"})
    assert ask(project=running).day == TODAY


def test_a_stranger_learns_nothing_of_a_suspended_project() -> None:
    with pytest.raises(Refused) as failure:
        ask(principal=Principal("mallory", Role.RESEARCHER), state=Standing(project_suspended="its report is overdue"))
    assert failure.value.code is Code.POLICY_NOT_MEMBER
