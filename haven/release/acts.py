"""How an act is written: the step of the table, the audit entry and the history line, in one transaction."""

from dataclasses import dataclass
from datetime import datetime

from haven.ledger.entries import Entry
from haven.ledger.writer import Transaction
from haven.release import records
from haven.release.request import Happening, Request
from haven.release.states import Event, State, step

DESK = "release-desk"


@dataclass(frozen=True, slots=True)
class Act:
    """One act on a request: who does what, when, on which item, and the words said with it."""

    event: Event
    actor: str
    now: datetime
    words: str = ""
    item: str | None = None


def write(transaction: Transaction, request: Request, act: Act, *, to: State | None = None) -> Entry:
    """Write `act`: state, audit entry, history. `to` is given where an act leaves the state as it is. The entry."""
    state = to or step(request.state, act.event).to
    detail: dict[str, str | int | None] = {
        "release": request.id,
        "project": request.project,
        "from": request.state.value,
        "to": state.value,
        "round": request.round,
    }
    if act.item is not None:
        found = request.item(act.item)
        detail |= {"item": act.item, "content": found.content if found else None}
    entry = transaction.append(f"release.{act.event.value}", act.actor, detail, act.now)
    records.change(transaction.connection, request.id, act.now, state=state.value)
    happening = Happening(act.now, act.actor, act.event.value, state, act.item, act.words)
    records.write_happening(transaction.connection, entry.seq, request.id, happening)
    return entry
