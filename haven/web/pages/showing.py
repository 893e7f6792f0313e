"""A release as its page shows it: one item in the middle, its table with error bars, figure or text, findings and provenance beside it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from haven.disclosure import ItemForm
from haven.errors import Refused
from haven.policy.roles import Principal
from haven.release import AnswerFacts, ReleaseView
from haven.release.criteria import APPROVING, REJECTING
from haven.release.decisions import Vote
from haven.release.items import Item
from haven.web.parts import parts_of
from haven.web.problems import status_of
from haven.web.rendering import page

MOST_SHOWN_ROWS = 500


@dataclass(frozen=True, slots=True)
class ItemView:
    """The item in the middle: a table (its answer), a figure (its file's name) or a text, and what `reader` voted on it."""

    item: Item
    answer: AnswerFacts | None
    text: str
    figure: str
    flagged: frozenset[int]
    my_vote: Vote | None
    previous: str | None
    following: str | None

    @property
    def mechanisms(self) -> str:
        """The mechanisms of the answer, as readable JSON."""
        return json.dumps(self.answer.receipt.get("mechanisms", []), indent=2, ensure_ascii=False) if self.answer else ""

    @property
    def hidden_rows(self) -> int:
        """How many rows the page leaves out."""
        return max(0, len(self.answer.rows) - MOST_SHOWN_ROWS) if self.answer else 0


def show(
    request: Request,
    who: Principal,
    release: str,
    item: str | None,
    *,
    refused: Refused | None = None,
    said: Mapping[str, str] | None = None,
) -> Response:
    """The page of a release with `item` (its first by default) in the middle, and what was refused on top."""
    parts = parts_of(request)
    seen = parts.desk.view(who, release, parts.clock())
    chosen = next((one for one in seen.items if one.id == item), seen.items[0])
    values: dict[str, Any] = {
        "release": seen,
        "shown": _item_view(request, who, seen, chosen),
        "marks": {one.id: _mark(seen, one, who) for one in seen.items},
        "approving": APPROVING,
        "rejecting": REJECTING,
        "most_rows": MOST_SHOWN_ROWS,
        "refused": refused,
        "said": said or {},
    }
    return page(request, "release.html", who, status=200 if refused is None else status_of(refused.code), **values)


def _item_view(request: Request, who: Principal, seen: ReleaseView, item: Item) -> ItemView:
    parts, now = parts_of(request), parts_of(request).clock()
    names = [one.id for one in seen.items]
    at = names.index(item.id)
    name = next(iter(item.files))
    return ItemView(
        item=item,
        answer=parts.desk.answer(who, seen.id, item.id, now),
        text=parts.desk.file(who, seen.id, item.id, name, now).decode() if item.form is ItemForm.TEXT else "",
        figure=name if item.form is ItemForm.FIGURE else "",
        flagged=frozenset(row for finding in item.findings for row in finding.rows),
        my_vote=_my_vote(seen, item, who),
        previous=names[at - 1] if at else None,
        following=names[at + 1] if at + 1 < len(names) else None,
    )


def _my_vote(seen: ReleaseView, item: Item, who: Principal) -> Vote | None:
    return next((vote for vote in seen.votes if vote.item == item.id and vote.content == item.content and vote.checker == who.name), None)


def _mark(seen: ReleaseView, item: Item, who: Principal) -> str:
    """An item's state in a word, for the list on the left."""
    decided = seen.approved.get(item.id)
    if decided is not None:
        return "approved" if decided else "rejected"
    vote = _my_vote(seen, item, who)
    if vote is not None:
        return "you approve" if vote.approves else "you reject"
    return "look" if item.findings else "no findings"
