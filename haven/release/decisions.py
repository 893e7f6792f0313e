"""What votes amount to: whose votes count, who may see them, when a review is complete, and what leaves. Pure.

An item leaves only when every checker the lane asks for approved exactly these bytes. Checkers vote blind; where two complete and
disagree, they see each other's votes and complete once more; what they then still disagree on stays inside.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from haven.release.items import Item


@dataclass(frozen=True, slots=True)
class Vote:
    """A checker's judgement of one item's bytes, with its rule (a criterion's id) and reason."""

    item: str
    checker: str
    content: str
    approves: bool
    rule: str
    reason: str
    round: int
    cast_at: datetime


class Phase(StrEnum):
    """How far a review is: each for themselves; consolidating a disagreement with open votes; complete."""

    INDEPENDENT = "independent"
    CONSOLIDATING = "consolidating"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class Decision:
    """Which items leave, by item id. Complete: every item has its answer."""

    approved: Mapping[str, bool]

    @property
    def anything_leaves(self) -> bool:
        """True when at least one item leaves."""
        return any(self.approved.values())


def counting(votes: Iterable[Vote], items: Iterable[Item], voters: Iterable[str]) -> list[Vote]:
    """The votes that count: on the present bytes of a present item, by one of `voters`."""
    contents = {item.id: item.content for item in items}
    who = set(voters)
    return [vote for vote in votes if contents.get(vote.item) == vote.content and vote.checker in who]


def unvoted(items: Iterable[Item], votes: Iterable[Vote], checker: str) -> list[Item]:
    """The items on whose present bytes `checker` has not voted."""
    voted = {(vote.item, vote.content) for vote in votes if vote.checker == checker}
    return [item for item in items if (item.id, item.content) not in voted]


def decide(items: Sequence[Item], votes: Sequence[Vote], completed: Sequence[str], needed: int, *, last: bool) -> Decision | None:
    """The decision, None while it is open: too few checkers have completed, or they disagree and it is not their last round.

    `completed` are the checkers who completed this round. Unanimity decides; in the last round a disagreement keeps the item inside.
    """
    if len(completed) < needed:
        return None
    said = {item.id: {vote.approves for vote in counting(votes, [item], completed)} for item in items}
    if not last and any(len(voices) > 1 for voices in said.values()):
        return None
    return Decision({item: voices == {True} for item, voices in said.items()})


def visible(votes: Iterable[Vote], viewer: str, phase: Phase, seats: frozenset[str]) -> list[Vote]:
    """The votes `viewer` may see: their own always, all of them once complete, and while consolidating where they hold a seat."""
    everything = phase is Phase.COMPLETE or (phase is Phase.CONSOLIDATING and viewer in seats)
    return [vote for vote in votes if everything or vote.checker == viewer]


def pseudonyms(votes: Iterable[Vote]) -> dict[str, str]:
    """A name for each voter that says nothing of who they are: `checker 1`, … in the order of their first votes."""
    names: dict[str, str] = {}
    for vote in sorted(votes, key=lambda vote: (vote.cast_at, vote.checker)):
        names.setdefault(vote.checker, f"checker {len(names) + 1}")
    return names
