"""An entry of the books as a page tells it."""

from dataclasses import dataclass
from datetime import datetime

from haven.ledger.entries import Entry
from haven.ledger.events import in_words


@dataclass(frozen=True, slots=True)
class EventLine:
    """One event: its number, when, its kind, and its sentence."""

    seq: int
    at: datetime
    kind: str
    words: str


def told(entry: Entry) -> EventLine:
    """The line of an entry."""
    return EventLine(entry.seq, entry.at, entry.kind, in_words(entry))
