"""The consent of two as a table: in which state of a proposal, what may happen, by whom, and where it leads.

The table is the whole truth: a pair that is not in it is refused, and nobody confirms what they proposed themselves.
"""

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from haven.errors import Code, Refused
from haven.ledger.events import Kind


class ProposalState(StrEnum):
    """Where a proposal stands. `open` ends once, in one of the others."""

    OPEN = "open"
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class ProposalEvent(StrEnum):
    """What may happen to a proposal."""

    CONFIRM = "confirm"
    DECLINE = "decline"
    WITHDRAW = "withdraw"


class Part(StrEnum):
    """The part a custodian plays towards one proposal."""

    PROPOSER = "the custodian who proposed it"
    SECOND = "another custodian"


@dataclass(frozen=True, slots=True)
class ProposalStep:
    """Where an event leads, and whose it is."""

    to: ProposalState
    who: Part


TABLE: MappingProxyType[ProposalState, MappingProxyType[ProposalEvent, ProposalStep]] = MappingProxyType(
    {
        ProposalState.OPEN: MappingProxyType(
            {
                ProposalEvent.CONFIRM: ProposalStep(ProposalState.CONFIRMED, Part.SECOND),
                ProposalEvent.DECLINE: ProposalStep(ProposalState.DECLINED, Part.SECOND),
                ProposalEvent.WITHDRAW: ProposalStep(ProposalState.WITHDRAWN, Part.PROPOSER),
            }
        ),
        ProposalState.CONFIRMED: MappingProxyType({}),
        ProposalState.DECLINED: MappingProxyType({}),
        ProposalState.WITHDRAWN: MappingProxyType({}),
    }
)

ENTRIES: MappingProxyType[ProposalEvent, Kind] = MappingProxyType(
    {
        ProposalEvent.CONFIRM: Kind.PROPOSAL_CONFIRMED,
        ProposalEvent.DECLINE: Kind.PROPOSAL_DECLINED,
        ProposalEvent.WITHDRAW: Kind.PROPOSAL_WITHDRAWN,
    }
)
"""The kind of the entry that records each event."""


def step(state: ProposalState, event: ProposalEvent, part: Part) -> ProposalState:
    """Where the event leads. Refused for a pair that is not in the table (REQUEST_CONFLICT) and for another's part (AUTH_FORBIDDEN)."""
    found = TABLE[state].get(event)
    if found is None:
        raise Refused(
            Code.REQUEST_CONFLICT,
            f"This proposal is {state.value}: it was decided once, and that stands.",
            "Propose it anew where it is still wanted.",
        )
    if found.who is not part:
        raise Refused(
            Code.AUTH_FORBIDDEN,
            f"To {event.value} a proposal is for {found.who.value}: two people stand behind such an act.",
            "Ask another custodian to look at it." if part is Part.PROPOSER else "Decline it, with your reason.",
        )
    return found.to
