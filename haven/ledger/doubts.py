"""Doubts: why books may not be the present ones, in the words that people are shown. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from haven.errors import Code, Refused


class Cause(StrEnum):
    """What gave rise to a doubt."""

    BEHIND = "behind"
    FORKED = "forked"
    KEY = "key"
    LOST = "lost"
    UNREACHABLE = "unreachable"
    RELEASED = "released"
    DAMAGED = "damaged"


_WORDS = {
    Cause.BEHIND: "The books hold {entries} entries, and their witness has seen {witnessed}: they are older than what was answered.",
    Cause.FORKED: "The books are not a continuation of what their witness has seen.",
    Cause.KEY: "The checkpoints of these books were signed by another key than the one that is there now.",
    Cause.LOST: "The witness of these books is not where it was, or has forgotten them.",
    Cause.UNREACHABLE: "The witness of these books cannot be asked. Answers begin again by themselves as soon as it can.",
    Cause.RELEASED: "The books are not those from which the last release was signed.",
    Cause.DAMAGED: "The books do not agree with a checkpoint that they keep themselves.",
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why nothing is answered. `witnessed` is how many entries others know of, None where that is not known.

    `origin` is the newest under which anyone knows these books.
    """

    cause: Cause
    entries: int
    witnessed: int | None
    origin: str

    @property
    def passing(self) -> bool:
        """True where it may end without a decision."""
        return self.cause is Cause.UNREACHABLE

    def sentence(self) -> str:
        """Why nothing is answered, for custodians and auditors: numbers of entries alone."""
        return _WORDS[self.cause].format(entries=self.entries, witnessed=self.witnessed)


def refusal() -> Refused:
    """What every question and release is told while there is a doubt: the same whatever the doubt."""
    return Refused(
        Code.BOOKS_BEHIND,
        "This haven's books may not be the present ones, so nothing is answered and nothing leaves.",
        "Ask again once its custodians have decided; nothing was spent.",
    )
