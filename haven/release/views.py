"""What each reader sees of a request: blinded votes, pseudonymous checkers, who acts next, what the reader may do."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from haven.disclosure import Finding
from haven.policy.roles import Principal, Role
from haven.release.decisions import Phase, Vote, pseudonyms, visible
from haven.release.facts import ProjectFacts
from haven.release.items import Item
from haven.release.permissions import acts
from haven.release.request import Happening, Request
from haven.release.states import NEXT, Event, State

_KNOWS_NAMES = frozenset({Role.CUSTODIAN, Role.AUDITOR})
_REVIEW = frozenset({Event.VOTE, Event.APPROVE, Event.REJECT})
_AFTER_REVIEW = frozenset({*_REVIEW, Event.RETURN})


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A request as one reader may see it. `votes` and `history` are blinded and carry pseudonyms; `may` is what the reader may do now."""

    id: str
    project: str
    author: str
    title: str
    context: str
    state: State
    next: str
    tier: str | None
    lane: str | None
    lane_reason: str
    phase: Phase
    created_at: datetime
    changed_at: datetime
    items: tuple[Item, ...]
    approved: Mapping[str, bool | None]
    votes: tuple[Vote, ...]
    history: tuple[Happening, ...]
    may: tuple[Event, ...]
    appealed: bool
    review_complete: bool
    has_bundle: bool

    def document(self) -> dict[str, Any]:
        """The view as plain JSON."""
        return {
            "id": self.id,
            "project": self.project,
            "author": self.author,
            "title": self.title,
            "context": self.context,
            "status": self.state.value,
            "next": self.next,
            "tier": self.tier,
            "lane": self.lane,
            "lane_reason": self.lane_reason,
            "phase": self.phase.value,
            "created_at": self.created_at.isoformat(),
            "changed_at": self.changed_at.isoformat(),
            "items": [self._item(item) for item in self.items],
            "votes": [_vote(vote) for vote in self.votes],
            "history": [_happening(one) for one in self.history],
            "may": [event.value for event in self.may],
            "appealed": self.appealed,
            "bundle": self.has_bundle,
        }

    def _item(self, item: Item) -> dict[str, Any]:
        return {
            "id": item.id,
            "form": item.form.value,
            "name": item.name,
            "note": item.note,
            "receipt": item.receipt,
            "dataset": item.dataset,
            "content": item.content,
            "files": sorted(item.files),
            "findings": [_finding(one) for one in item.findings],
            "approved": self.approved.get(item.id),
        }


def view(request: Request, history: list[Happening], reader: Principal, project: ProjectFacts | None) -> ReleaseView:
    """What `reader` sees of `request`."""
    names = {} if reader.role in _KNOWS_NAMES else pseudonyms(request.votes)
    seen = visible(request.votes, reader.name, request.phase, request.seats)
    done = reader.name in request.completed.get(request.round, ())
    return ReleaseView(
        id=request.id,
        project=request.project,
        author=request.author,
        title=request.title,
        context=request.context,
        state=request.state,
        next=NEXT[request.state],
        tier=request.tier.value if request.tier else None,
        lane=request.lane.value if request.lane else None,
        lane_reason=request.lane_reason,
        phase=request.phase,
        created_at=request.created_at,
        changed_at=request.changed_at,
        items=request.items,
        approved=request.approved,
        votes=tuple(replace(vote, checker=_name(vote.checker, names, reader)) for vote in seen),
        history=tuple(_shown(one, names, reader) for one in history if _may_read(one, request, reader)),
        may=tuple(event for event in acts(reader, request, project) if not (done and event in _AFTER_REVIEW)),
        appealed=request.appealed_round is not None,
        review_complete=done,
        has_bundle=request.bundle is not None and request.state is not State.REVOKED,
    )


def _may_read(one: Happening, request: Request, reader: Principal) -> bool:
    """What a checker said in a review that is not complete is theirs alone; everything else may be read."""
    return request.phase is Phase.COMPLETE or one.event not in _REVIEW or one.actor == reader.name


def _shown(one: Happening, names: Mapping[str, str], reader: Principal) -> Happening:
    if one.actor not in names and one.event == Event.RETURN and reader.role not in _KNOWS_NAMES and one.actor != reader.name:
        return replace(one, actor="a checker")
    return replace(one, actor=_name(one.actor, names, reader))


def _name(actor: str, names: Mapping[str, str], reader: Principal) -> str:
    return actor if actor == reader.name else names.get(actor, actor)


def _finding(one: Finding) -> dict[str, Any]:
    return {"rule": one.rule, "outcome": one.outcome.value, "words": one.words, "rows": list(one.rows)}


def _vote(vote: Vote) -> dict[str, Any]:
    return {
        "item": vote.item,
        "checker": vote.checker,
        "content": vote.content,
        "approves": vote.approves,
        "rule": vote.rule,
        "reason": vote.reason,
        "cast_at": vote.cast_at.isoformat(),
    }


def _happening(one: Happening) -> dict[str, Any]:
    return {
        "at": one.at.isoformat(),
        "actor": one.actor,
        "event": one.event,
        "status": one.state.value,
        "item": one.item,
        "words": one.words,
    }
