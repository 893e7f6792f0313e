"""A release request as it stands: one frozen value, read whole from the books."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from haven.policy.roles import Tier
from haven.release.decisions import Phase, Vote
from haven.release.items import Item
from haven.release.lanes import Lane
from haven.release.states import SETTLED, State


@dataclass(frozen=True, slots=True)
class DecisionEntry:
    """The ledger's entry of a decision: its number and digest."""

    entry: int
    digest: str


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a request's history: when, who, what, the state it led to, the item it is about, and the words said."""

    at: datetime
    actor: str
    event: str
    state: State
    item: str | None
    words: str


@dataclass(frozen=True, slots=True)
class Request:
    """A release request. `approved` is what was decided of each item (None: nothing yet); `completed` names the checkers of a round."""

    id: str
    project: str
    author: str
    title: str
    context: str
    state: State
    lane: Lane | None
    lane_reason: str
    tier: Tier | None
    round: int
    stage_round: int
    consolidating: bool
    appealed_round: int | None
    created_at: datetime
    changed_at: datetime
    decision: DecisionEntry | None
    bundle: str | None
    items: tuple[Item, ...]
    approved: Mapping[str, bool | None]
    votes: tuple[Vote, ...]
    completed: Mapping[int, tuple[str, ...]]

    @property
    def phase(self) -> Phase:
        """How far its review is."""
        if self.state in SETTLED:
            return Phase.COMPLETE
        return Phase.CONSOLIDATING if self.consolidating else Phase.INDEPENDENT

    @property
    def seats(self) -> frozenset[str]:
        """The checkers who took a seat in this stage, by a vote or a completed review."""
        voted = {vote.checker for vote in self.votes if vote.round >= self.stage_round}
        return frozenset(voted.union(*(names for number, names in self.completed.items() if number >= self.stage_round)))

    @property
    def earlier_checkers(self) -> frozenset[str]:
        """The checkers who voted before the appeal; empty where there was none."""
        if self.appealed_round is None:
            return frozenset()
        before = {vote.checker for vote in self.votes if vote.round < self.appealed_round}
        return frozenset(before.union(*(names for number, names in self.completed.items() if number < self.appealed_round)))

    def item(self, item: str) -> Item | None:
        """The item named `item`, None where there is none."""
        return next((one for one in self.items if one.id == item), None)
