"""Who may do what: a table of role by act, total over both.

Permissions come in threes: `check_may` raises, `may` asks, `why_not` says why.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from haven.errors import Code, Refused
from haven.policy.roles import Principal, Role


class Act(StrEnum):
    """Everything a person may do in a haven; the value completes "may not …"."""

    READ_CATALOGUE = "read the catalogue"
    ASK = "ask questions of data"
    READ_BUDGET = "read a project's budget"
    READ_ALL_BUDGETS = "read every budget"
    READ_AUDIT = "read the audit"
    ADD_DATASET = "add or ingest a dataset"
    PAUSE_DATASET = "pause or resume a dataset"
    WITHDRAW_UNITS = "withdraw participants"
    ADD_PROJECT = "add a project"
    SUSPEND_PROJECT = "suspend a project or a user"
    ADD_USER = "add a user"
    REQUEST_RELEASE = "request a release"
    READ_RELEASE = "read a release request"
    REVIEW_RELEASE = "review a release"
    DECIDE_RELEASE = "decide a release"
    APPEAL_RELEASE = "appeal a decision"


class Leave(StrEnum):
    """How far a role's permission reaches."""

    ALL = "all"
    OWN_PROJECTS = "own projects"
    OTHERS_PROJECTS = "others' projects"
    NONE = "none"


def _row(researcher: Leave, custodian: Leave, checker: Leave, auditor: Leave) -> Mapping[Role, Leave]:
    return {Role.RESEARCHER: researcher, Role.CUSTODIAN: custodian, Role.CHECKER: checker, Role.AUDITOR: auditor}


PERMISSIONS: Mapping[Act, Mapping[Role, Leave]] = {
    Act.READ_CATALOGUE: _row(Leave.ALL, Leave.ALL, Leave.ALL, Leave.ALL),
    Act.ASK: _row(Leave.OWN_PROJECTS, Leave.NONE, Leave.NONE, Leave.NONE),
    Act.READ_BUDGET: _row(Leave.OWN_PROJECTS, Leave.ALL, Leave.NONE, Leave.ALL),
    Act.READ_ALL_BUDGETS: _row(Leave.NONE, Leave.ALL, Leave.NONE, Leave.ALL),
    Act.READ_AUDIT: _row(Leave.NONE, Leave.ALL, Leave.NONE, Leave.ALL),
    Act.ADD_DATASET: _row(Leave.NONE, Leave.ALL, Leave.NONE, Leave.NONE),
    Act.PAUSE_DATASET: _row(Leave.NONE, Leave.ALL, Leave.NONE, Leave.NONE),
    Act.WITHDRAW_UNITS: _row(Leave.NONE, Leave.ALL, Leave.NONE, Leave.NONE),
    Act.ADD_PROJECT: _row(Leave.NONE, Leave.ALL, Leave.NONE, Leave.NONE),
    Act.SUSPEND_PROJECT: _row(Leave.NONE, Leave.ALL, Leave.NONE, Leave.NONE),
    Act.ADD_USER: _row(Leave.NONE, Leave.ALL, Leave.NONE, Leave.NONE),
    Act.REQUEST_RELEASE: _row(Leave.OWN_PROJECTS, Leave.NONE, Leave.NONE, Leave.NONE),
    Act.READ_RELEASE: _row(Leave.OWN_PROJECTS, Leave.ALL, Leave.ALL, Leave.ALL),
    Act.REVIEW_RELEASE: _row(Leave.NONE, Leave.NONE, Leave.OTHERS_PROJECTS, Leave.NONE),
    Act.DECIDE_RELEASE: _row(Leave.NONE, Leave.NONE, Leave.OTHERS_PROJECTS, Leave.NONE),
    Act.APPEAL_RELEASE: _row(Leave.OWN_PROJECTS, Leave.NONE, Leave.NONE, Leave.NONE),
}


def why_not(principal: Principal, act: Act, members: Collection[str] | None = None) -> str | None:
    """Why `principal` may not do `act`, in a sentence; None where they may.

    `members` are the researchers of the project that the act touches (with a release's author), None where it touches no project; a
    permission that depends on the project is then refused.
    """
    match PERMISSIONS[act][principal.role]:
        case Leave.ALL:
            return None
        case Leave.OWN_PROJECTS if members is None or principal.name not in members:
            return f"You may {act.value} for your own projects only."
        case Leave.OTHERS_PROJECTS if members is None or principal.name in members:
            return f"You may not {act.value} of a project you belong to: nobody checks their own work."
        case Leave.NONE:
            return f"A {principal.role.value} may not {act.value}."
        case _:
            return None


def may(principal: Principal, act: Act, members: Collection[str] | None = None) -> bool:
    """Whether `principal` may do `act`."""
    return why_not(principal, act, members) is None


def check_may(principal: Principal, act: Act, members: Collection[str] | None = None) -> None:
    """Raises Refused(AUTH_FORBIDDEN) with the reason where `principal` may not do `act`."""
    reason = why_not(principal, act, members)
    if reason is not None:
        able = ", ".join(role.value for role, leave in PERMISSIONS[act].items() if leave is not Leave.NONE)
        raise Refused(Code.AUTH_FORBIDDEN, reason, f"Who may: {able}.")
