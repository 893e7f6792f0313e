"""The release workflow as a table: in which state, what may happen, by whom, and where it leads.

The table is the whole truth: acts look their step up here, the manual's diagram is drawn from it, and a pair that is not in it is refused.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from haven.errors import Code, Refused


class State(StrEnum):
    """Where a release request stands."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    IN_REVIEW = "in-review"
    RETURNED = "returned"
    DECIDED = "decided"
    REJECTED = "rejected"
    APPEALED = "appealed"
    SIGNED = "signed"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    EXPIRED = "expired"


class Event(StrEnum):
    """What may happen to a release request."""

    EDIT = "edit"
    SUBMIT = "submit"
    WITHDRAW = "withdraw"
    VOTE = "vote"
    RETURN = "return"
    APPROVE = "approve"
    REJECT = "reject"
    APPEAL = "appeal"
    SIGN = "sign"
    EXPORT = "export"
    REVOKE = "revoke"
    EXPIRE = "expire"


class Who(StrEnum):
    """The part someone plays towards one request. `desk` is haven itself, by stated rules."""

    AUTHOR = "author"
    CHECKER = "independent checker"
    CUSTODIAN = "custodian"
    DESK = "release desk"


@dataclass(frozen=True, slots=True)
class Step:
    """Where an event leads, and whose it is."""

    to: State
    who: frozenset[Who]


def _step(to: State, *who: Who) -> Step:
    return Step(to, frozenset(who))


_EDITABLE = {
    Event.EDIT: _step(State.DRAFT, Who.AUTHOR),
    Event.SUBMIT: _step(State.SUBMITTED, Who.AUTHOR),
    Event.WITHDRAW: _step(State.WITHDRAWN, Who.AUTHOR),
    Event.EXPIRE: _step(State.EXPIRED, Who.DESK),
}
_UNDER_REVIEW = {
    Event.VOTE: _step(State.IN_REVIEW, Who.CHECKER),
    Event.RETURN: _step(State.RETURNED, Who.CHECKER),
    Event.APPROVE: _step(State.DECIDED, Who.CHECKER),
    Event.REJECT: _step(State.REJECTED, Who.CHECKER),
    Event.WITHDRAW: _step(State.WITHDRAWN, Who.AUTHOR),
}

TABLE: MappingProxyType[State, dict[Event, Step]] = MappingProxyType(
    {
        State.DRAFT: _EDITABLE,
        State.SUBMITTED: {**_UNDER_REVIEW, Event.APPROVE: _step(State.DECIDED, Who.CHECKER, Who.DESK)},
        State.IN_REVIEW: _UNDER_REVIEW,
        State.RETURNED: {**_EDITABLE, Event.EDIT: _step(State.RETURNED, Who.AUTHOR)},
        State.REJECTED: {Event.APPEAL: _step(State.APPEALED, Who.AUTHOR)},
        State.APPEALED: {
            Event.VOTE: _step(State.APPEALED, Who.CHECKER),
            Event.APPROVE: _step(State.DECIDED, Who.CHECKER),
            Event.REJECT: _step(State.REJECTED, Who.CHECKER),
            Event.WITHDRAW: _step(State.WITHDRAWN, Who.AUTHOR),
        },
        State.DECIDED: {Event.SIGN: _step(State.SIGNED, Who.DESK)},
        State.SIGNED: {Event.EXPORT: _step(State.RELEASED, Who.DESK)},
        State.RELEASED: {Event.REVOKE: _step(State.REVOKED, Who.CUSTODIAN)},
        State.WITHDRAWN: {},
        State.REVOKED: {},
        State.EXPIRED: {},
    }
)

OPEN = frozenset({State.SUBMITTED, State.IN_REVIEW, State.APPEALED})
"""States in which checkers have something to decide."""

SETTLED = frozenset({State.DECIDED, State.REJECTED, State.SIGNED, State.RELEASED, State.REVOKED})
"""States in which a review is complete, so that its votes may be read."""

NEXT: MappingProxyType[State, str] = MappingProxyType(
    {
        State.DRAFT: "The author submits it.",
        State.SUBMITTED: "A checker looks at it.",
        State.IN_REVIEW: "The checkers decide.",
        State.RETURNED: "The author answers the checker's comments and submits it again.",
        State.DECIDED: "The release desk signs it.",
        State.REJECTED: "Nothing, unless the author appeals (once).",
        State.APPEALED: "A checker who has not voted decides the appeal.",
        State.SIGNED: "The release desk hands it out.",
        State.RELEASED: "Nothing: the bundle can be downloaded.",
        State.WITHDRAWN: "Nothing: its author took it back.",
        State.REVOKED: "Nothing: it was revoked and must no longer be used.",
        State.EXPIRED: "Nothing: nobody acted on it in time.",
    }
)
"""Who must act next, in a sentence."""


def step(state: State, event: Event) -> Step:
    """The step of the table. Raises Refused `release.state` for a pair that is not in it."""
    found = TABLE[state].get(event)
    if found is None:
        allowed = ", ".join(sorted(event.value for event in TABLE[state])) or "nothing more"
        raise Refused(Code.RELEASE_STATE, f"A release that is {state.value} takes no {event.value}.", f"It takes: {allowed}.")
    return found


def mermaid() -> str:
    """The workflow as a Mermaid state diagram, for the manual."""
    lines = ["stateDiagram-v2", f"    [*] --> {_label(State.DRAFT)}"]
    for state, steps in TABLE.items():
        for event, found in steps.items():
            who = " or ".join(sorted(part.value for part in found.who))
            lines.append(f"    {_label(state)} --> {_label(found.to)}: {event.value} ({who})")
    lines += [f"    {_label(state)} --> [*]" for state, steps in TABLE.items() if not steps]
    return "\n".join(lines) + "\n"


def _label(state: State) -> str:
    return state.value.replace("-", "_").upper()
