"""Acts that need two people. One custodian proposes; another confirms, and only then is the act done, in the same transaction.

Guaranteed: what is confirmed is what was proposed, to the byte (the opening entry holds the detail's digest); nobody confirms their own;
a proposal is decided once; an act that is refused leaves the proposal open. Other rooms say what a kind does by `register`.
"""

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, and_, bindparam, insert, select, update

from haven.errors import Code, Refused
from haven.ledger import chain
from haven.ledger.amounts import moment_of, stamp
from haven.ledger.events import Kind
from haven.ledger.proposal_states import ENTRIES, Part, ProposalEvent, ProposalState, step
from haven.ledger.schema import proposals, states, users
from haven.ledger.store import Store
from haven.ledger.writer import Transaction
from haven.policy.roles import Role

__all__ = ["Act", "Proposal", "ProposalEvent", "ProposalState", "Proposals", "check_custodian", "open_proposal"]

LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Proposal:
    """One act that waits for a second person, or what became of it. `detail` is what the act is done with; it holds no datum."""

    id: str
    kind: str
    subject: str
    detail: Mapping[str, Any]
    reason: str
    state: ProposalState
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    decision_reason: str | None = None
    decided_entry: int | None = None


Act: TypeAlias = Callable[[Transaction, Proposal, datetime], None]
"""What a confirmed proposal does, with its own entries; `proposal.decided_by` confirmed it. What it raises undoes the confirmation."""

_ONE = select(proposals).where(proposals.c.id == bindparam("wanted"))
_SAME = select(proposals.c.id).where(
    proposals.c.state == ProposalState.OPEN.value,
    proposals.c.kind == bindparam("kind"),
    proposals.c.subject == bindparam("subject"),
    proposals.c.detail == bindparam("detail"),
)
_CUSTODIAN = (
    select(users.c.name)
    .outerjoin(states, and_(states.c.kind == "user", states.c.name == users.c.name, states.c.state != "active"))
    .where(users.c.name == bindparam("wanted"), users.c.role == Role.CUSTODIAN.value, states.c.name.is_(None))
)


class Proposals:
    """`ledger.proposals`."""

    def __init__(self, store: Store, acts: Mapping[str, Act] | None = None) -> None:
        """The proposals kept in `store`; `acts` says what each kind does once it is confirmed."""
        self._store = store
        self._acts = dict(acts or {})

    def register(self, kind: str, act: Act) -> None:
        """Say what a confirmed proposal of this kind does. ValueError where that was said before."""
        if kind in self._acts:
            msg = f"what a proposal of the kind {kind} does is said already"
            raise ValueError(msg)
        self._acts[kind] = act

    def propose(
        self,
        kind: str,
        subject: str,
        detail: Mapping[str, Any],
        reason: str,
        *,
        actor: str,
        now: datetime,
        at_once: Callable[[Transaction], None] | None = None,
    ) -> Proposal:
        """Open a proposal: it is not done until another custodian confirms it. `at_once` is done with the opening, both or neither.

        `detail` holds no float (TypeError) and no datum. Refused: AUTH_FORBIDDEN for anyone but an active custodian, REQUEST_INVALID for a
        kind that nobody does and without a reason, REQUEST_CONFLICT where the same waits already.
        """
        if kind not in self._acts:
            raise Refused(Code.REQUEST_INVALID, "This is no act that two people can decide.", f"Propose one of: {', '.join(self.kinds)}.")

        def open_it(tx: Transaction) -> Proposal:
            proposal = open_proposal(tx, kind, subject, detail, reason, actor=actor, now=now)
            if at_once is not None:
                at_once(tx)
            return proposal

        return self._store.write(open_it)

    def confirm(self, proposal_id: str, reason: str, *, actor: str, now: datetime) -> Proposal:
        """Do what was proposed, durable with the entry that says who agreed. Refused for its proposer and for one that is decided."""
        return self._store.write(lambda tx: self._decide(tx, proposal_id, ProposalEvent.CONFIRM, reason, actor, now))

    def decline(self, proposal_id: str, reason: str, *, actor: str, now: datetime) -> Proposal:
        """Say no, for good; its proposer withdraws instead."""
        return self._store.write(lambda tx: self._decide(tx, proposal_id, ProposalEvent.DECLINE, reason, actor, now))

    def withdraw(self, proposal_id: str, reason: str, *, actor: str, now: datetime) -> Proposal:
        """Take one's own proposal back."""
        return self._store.write(lambda tx: self._decide(tx, proposal_id, ProposalEvent.WITHDRAW, reason, actor, now))

    def proposal(self, proposal_id: str) -> Proposal | None:
        """One proposal."""
        with self._store.read() as connection:
            row = connection.execute(_ONE, {"wanted": proposal_id}).first()
        return None if row is None else _proposal(row)

    def waiting(self) -> tuple[Proposal, ...]:
        """What waits for a second person, the oldest first."""
        waiting = proposals.c.state == ProposalState.OPEN.value
        with self._store.read() as connection:
            rows = connection.execute(select(proposals).where(waiting).order_by(proposals.c.proposed_at, proposals.c.proposed_entry)).all()
        return tuple(_proposal(row) for row in rows)

    def decided(self, limit: int = 100) -> tuple[Proposal, ...]:
        """What was decided, the newest first."""
        over = proposals.c.state != ProposalState.OPEN.value
        with self._store.read() as connection:
            rows = connection.execute(select(proposals).where(over).order_by(proposals.c.decided_entry.desc()).limit(limit)).all()
        return tuple(_proposal(row) for row in rows)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that can be proposed."""
        return tuple(sorted(self._acts))

    def _decide(self, tx: Transaction, proposal_id: str, event: ProposalEvent, reason: str, actor: str, now: datetime) -> Proposal:
        check_custodian(tx.connection, actor)
        proposal = _waiting(tx.connection, proposal_id)
        state = step(proposal.state, event, Part.PROPOSER if actor == proposal.proposed_by else Part.SECOND)
        said = _sentence(reason)
        entry = tx.append(ENTRIES[event], actor, _told(proposal) | {"reason": said}, now)
        decided = replace(proposal, state=state, decided_by=actor, decided_at=now, decision_reason=said, decided_entry=entry.seq)
        tx.connection.execute(update(proposals).where(proposals.c.id == proposal.id), _decision(decided))
        if event is ProposalEvent.CONFIRM:
            self._act(decided.kind)(tx, decided, now)
        return decided

    def _act(self, kind: str) -> Act:
        act = self._acts.get(kind)
        if act is None:
            raise Refused(
                Code.REQUEST_INVALID, "This haven does not know how to do what was proposed.", "Open it with the haven that does."
            )
        return act


def open_proposal(
    tx: Transaction, kind: str, subject: str, detail: Mapping[str, Any], reason: str, *, actor: str, now: datetime
) -> Proposal:
    """`Proposals.propose` inside a transaction, beside what is done at once. The kind is the caller's to know."""
    check_custodian(tx.connection, actor)
    proposal = Proposal("p-" + secrets.token_hex(8), kind, subject, detail, _sentence(reason), ProposalState.OPEN, actor, now)
    text = chain.canonical(detail)
    same = tx.connection.execute(_SAME, {"kind": kind, "subject": subject, "detail": text}).scalar()
    if same is not None:
        raise Refused(Code.REQUEST_CONFLICT, f"The same waits already, as proposal {same}.", "Ask another custodian to decide it.")
    entry = tx.append(Kind.PROPOSAL_OPENED, actor, _told(proposal) | {"reason": proposal.reason}, now)
    tx.connection.execute(insert(proposals), _row(proposal, text, entry.seq))
    return proposal


def check_custodian(connection: Connection, name: str) -> None:
    """Refused (AUTH_FORBIDDEN) unless `name` has the account of a custodian that is not stopped."""
    if connection.execute(_CUSTODIAN, {"wanted": name}).first() is None:
        raise Refused(
            Code.AUTH_FORBIDDEN,
            "Only a custodian with an account that is not stopped proposes or decides this.",
            "Name a custodian of this haven; `haven user list` shows them.",
        )


def _told(proposal: Proposal) -> dict[str, Any]:
    """What the chain says of a proposal: its detail by its digest alone, since a policy's text is longer than an entry should be."""
    digest = hashlib.sha256(chain.canonical(proposal.detail).encode("utf-8")).hexdigest()
    return {"id": proposal.id, "kind": proposal.kind, "subject": proposal.subject, "detail_sha256": digest}


def _waiting(connection: Connection, proposal_id: str) -> Proposal:
    row = connection.execute(_ONE, {"wanted": proposal_id}).first()
    if row is None:
        raise Refused(Code.NOT_FOUND, "There is no proposal of this number.", "See `haven proposal list` for those that wait.")
    return _proposal(row)


def _sentence(reason: str) -> str:
    said = " ".join(reason.split())
    if not said or len(said) > LONGEST_REASON or not said.isprintable():
        raise Refused(
            Code.REQUEST_INVALID, "An act of two people is recorded with its reason.", "Say in a sentence (up to 500 characters) why."
        )
    return said


def _row(proposal: Proposal, detail: str, entry: int) -> dict[str, Any]:
    return {
        "id": proposal.id,
        "kind": proposal.kind,
        "subject": proposal.subject,
        "detail": detail,
        "reason": proposal.reason,
        "state": proposal.state.value,
        "proposed_by": proposal.proposed_by,
        "proposed_at": stamp(proposal.proposed_at),
        "proposed_entry": entry,
    }


def _decision(proposal: Proposal) -> dict[str, Any]:
    return {
        "state": proposal.state.value,
        "decided_by": proposal.decided_by,
        "decided_at": None if proposal.decided_at is None else stamp(proposal.decided_at),
        "decision_reason": proposal.decision_reason,
        "decided_entry": proposal.decided_entry,
    }


def _proposal(row: Row[Any]) -> Proposal:
    return Proposal(
        row.id,
        row.kind,
        row.subject,
        json.loads(row.detail),
        row.reason,
        ProposalState(row.state),
        row.proposed_by,
        moment_of(row.proposed_at),
        row.decided_by,
        None if row.decided_at is None else moment_of(row.decided_at),
        row.decision_reason,
        row.decided_entry,
    )
