"""The standing of a dataset, a project or a person: active, or stopped with a reason. Asked inside every reservation."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from haven.errors import Code, Refused
from haven.ledger.amounts import moment_of, stamp
from haven.ledger.events import Kind
from haven.ledger.schema import states
from haven.ledger.writer import Transaction

USER = "user"


class State(StrEnum):
    """What may be done with it: everything, or nothing for now (paused, suspended), or nothing ever again (revoked)."""

    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Standing:
    """A state, the reason given for it, and since when (None: it was never anything but active)."""

    state: State
    reason: str
    since: datetime | None


_READ = select(states).where(states.c.kind == bindparam("wanted_kind"), states.c.name == bindparam("wanted_name"))
_INSERT = insert(states)
_CHANGE = _INSERT.on_conflict_do_update(
    index_elements=[states.c.kind, states.c.name],
    set_={name: _INSERT.excluded[name] for name in ("state", "reason", "since")},
)


def read(connection: Connection, kind: str, name: str) -> Standing:
    """The present standing; active where nothing was ever said."""
    row = connection.execute(_READ, {"wanted_kind": kind, "wanted_name": name}).first()
    return Standing(State.ACTIVE, "", None) if row is None else Standing(State(row.state), row.reason, moment_of(row.since))


def change(tx: Transaction, kind: str, name: str, standing: Standing, actor: str) -> None:
    """Set the standing (its `since` is now) with its entry. Refused without a reason, and where it was revoked before."""
    if not standing.reason.strip():
        raise Refused(Code.REQUEST_INVALID, "A change of state is recorded with its reason.", "Say in a sentence why.")
    if read(tx.connection, kind, name).state is State.REVOKED:
        raise Refused(Code.REQUEST_CONFLICT, f"{name} was revoked, and a revocation is final.", "Register it anew under another name.")
    if standing.since is None:
        msg = "a change of state has its time"
        raise ValueError(msg)
    row = {"kind": kind, "name": name, "state": standing.state.value, "reason": standing.reason}
    tx.connection.execute(_CHANGE, row | {"since": stamp(standing.since)})
    tx.append(Kind.STATE_CHANGED, actor, row, standing.since)
