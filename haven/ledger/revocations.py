"""Revoking a person, a project or a dataset for good: stopped at once by one custodian, made final by a second.

What protects participants never waits: from the proposal on no question is answered, no token is honoured and no kernel lives. What
cannot be undone needs two people: until it is confirmed the stop can be lifted again.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from haven.ledger import people, registry
from haven.ledger.proposals import Act, Proposal, Proposals
from haven.ledger.registry import PolicyKind
from haven.ledger.standing import Standing, State
from haven.ledger.writer import Transaction

REVOKED = "standing.revoked"


class Revocable(StrEnum):
    """What can be revoked."""

    USER = "user"
    PROJECT = "project"
    DATASET = "dataset"


def propose_revocation(proposals: Proposals, what: Revocable, name: str, reason: str, *, actor: str, now: datetime) -> Proposal:
    """Stop it now, and propose that it stays so for good, both in one act.

    Refused as `Proposals.propose` refuses, NOT_FOUND for an unknown name, REQUEST_CONFLICT for what is revoked already.
    """

    def stop(tx: Transaction) -> None:
        stopped = State.PAUSED if what is Revocable.DATASET else State.SUSPENDED
        _change(tx, what, name, Standing(stopped, reason, now), actor)

    subject, detail = f"{what.value}:{name}", {"kind": what.value, "name": name}
    return proposals.propose(REVOKED, subject, detail, reason, actor=actor, now=now, at_once=stop)


def _revoke(tx: Transaction, proposal: Proposal, now: datetime) -> None:
    """What a confirmed `standing.revoked` does: the state is final, and every token of a person ends."""
    what, name, second = Revocable(proposal.detail["kind"]), str(proposal.detail["name"]), proposal.decided_by or proposal.proposed_by
    _change(tx, what, name, Standing(State.REVOKED, proposal.reason, now), second)
    if what is Revocable.USER:
        people.revoke_tokens(tx, name, second, now)


def _change(tx: Transaction, what: Revocable, name: str, new: Standing, actor: str) -> None:
    if what is Revocable.USER:
        people.set_standing(tx, name, new, actor)
    else:
        registry.set_standing(tx, PolicyKind(what.value), name, new, actor)


ACTS: Mapping[str, Act] = MappingProxyType({REVOKED: _revoke})
"""What confirmed proposals about standing do."""
