"""Who may do what, and why not."""

import itertools

import pytest

from haven.errors import Code, Refused
from haven.policy.permissions import PERMISSIONS, Act, Leave, check_may, may, why_not
from haven.policy.roles import Principal, Role

MEMBERS = ("ada", "carl")


def test_the_table_is_total_over_roles_and_acts() -> None:
    assert set(PERMISSIONS) == set(Act)
    assert all(set(row) == set(Role) for row in PERMISSIONS.values())


def test_everyone_may_read_the_catalogue() -> None:
    assert all(may(Principal("x", role), Act.READ_CATALOGUE) for role in Role)


@pytest.mark.parametrize(("act", "role"), list(itertools.product(Act, Role)))
def test_raising_asking_and_explaining_agree(act: Act, role: Role) -> None:
    for name, members in itertools.product(("ada", "zoe"), (None, MEMBERS)):
        principal = Principal(name, role)
        reason = why_not(principal, act, members)
        assert may(principal, act, members) is (reason is None)
        if reason is None:
            check_may(principal, act, members)
        else:
            with pytest.raises(Refused) as failure:
                check_may(principal, act, members)
            assert failure.value.code is Code.AUTH_FORBIDDEN
            assert failure.value.reason == reason
            assert "Who may: " in failure.value.suggestion


def test_only_a_researcher_asks_and_for_own_projects_only() -> None:
    assert may(Principal("ada", Role.RESEARCHER), Act.ASK, MEMBERS)
    assert not may(Principal("zoe", Role.RESEARCHER), Act.ASK, MEMBERS)
    assert not may(Principal("ada", Role.RESEARCHER), Act.ASK)
    assert not any(may(Principal("ada", role), Act.ASK, MEMBERS) for role in Role if role is not Role.RESEARCHER)


@pytest.mark.parametrize("act", [Act.REVIEW_RELEASE, Act.DECIDE_RELEASE])
def test_a_checker_never_reviews_a_project_they_belong_to(act: Act) -> None:
    assert may(Principal("zoe", Role.CHECKER), act, MEMBERS)
    assert not may(Principal("carl", Role.CHECKER), act, MEMBERS)
    assert not may(Principal("zoe", Role.CHECKER), act)
    assert not any(may(Principal("zoe", role), act, MEMBERS) for role in Role if role is not Role.CHECKER)


def test_an_auditor_changes_nothing() -> None:
    changing = {act for act in Act if not act.name.startswith("READ_")}
    assert all(PERMISSIONS[act][Role.AUDITOR] is Leave.NONE for act in changing)
