"""Reading and writing release requests in the books: rows to values and back, no rules."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from haven.disclosure import ItemForm
from haven.errors import Code, Refused
from haven.policy.roles import Tier
from haven.release import schema
from haven.release.decisions import Vote
from haven.release.items import Item, findings_from_json, findings_to_json
from haven.release.lanes import Lane
from haven.release.request import DecisionEntry, Happening, Request
from haven.release.states import State


def load(connection: Connection, release: str) -> Request:
    """The request as it stands. Raises Refused `not_found` for an unknown id."""
    row = connection.execute(select(schema.releases).where(schema.releases.c.id == release)).one_or_none()
    if row is None:
        raise not_found()
    return _request(connection, row)


def not_found() -> Refused:
    """The same words for a release that does not exist and one that may not be seen."""
    return Refused(Code.NOT_FOUND, "There is no such release, or it is not yours to see.", "List your releases to find its id.")


def load_all(connection: Connection, *, state: Iterable[State] | None = None) -> list[Request]:
    """All requests, newest first; those in `state` only, where it is given."""
    query = select(schema.releases).order_by(schema.releases.c.created_at.desc(), schema.releases.c.id)
    if state is not None:
        query = query.where(schema.releases.c.state.in_([one.value for one in state]))
    return [_request(connection, row) for row in connection.execute(query).all()]


def happenings(connection: Connection, release: str) -> list[Happening]:
    """A request's history, oldest first."""
    table = schema.history
    rows = connection.execute(select(table).where(table.c.release == release).order_by(table.c.entry)).all()
    return [Happening(datetime.fromisoformat(r.at), r.actor, r.event, State(r.state), r.item, r.words) for r in rows]


def _request(connection: Connection, row: Row[Any]) -> Request:
    rows = connection.execute(select(schema.items).where(schema.items.c.release == row.id).order_by(schema.items.c.position)).all()
    completed: dict[int, tuple[str, ...]] = {}
    done = schema.completions
    for one in connection.execute(select(done).where(done.c.release == row.id).order_by(done.c.completed_at, done.c.checker)):
        completed[one.round] = (*completed.get(one.round, ()), one.checker)
    return Request(
        id=row.id,
        project=row.project,
        author=row.author,
        title=row.title,
        context=row.context,
        state=State(row.state),
        lane=Lane(row.lane) if row.lane else None,
        lane_reason=row.lane_reason or "",
        tier=Tier(row.tier) if row.tier else None,
        round=row.round,
        stage_round=row.stage_round,
        consolidating=bool(row.consolidating),
        appealed_round=row.appealed_round,
        created_at=datetime.fromisoformat(row.created_at),
        changed_at=datetime.fromisoformat(row.changed_at),
        decision=DecisionEntry(row.decision_entry, row.decision_digest) if row.decision_entry is not None else None,
        bundle=row.bundle,
        items=tuple(_item(one) for one in rows),
        approved={one.id: None if one.approved is None else bool(one.approved) for one in rows},
        votes=_votes(connection, row.id),
        completed=completed,
    )


def _item(row: Row[Any]) -> Item:
    return Item(
        row.id,
        ItemForm(row.form),
        row.name,
        row.note,
        row.receipt,
        row.dataset,
        row.policy_digest,
        json.loads(row.files),
        findings_from_json(row.findings),
        row.content,
    )


def _votes(connection: Connection, release: str) -> tuple[Vote, ...]:
    table = schema.votes
    rows = connection.execute(select(table).where(table.c.release == release).order_by(table.c.cast_at, table.c.checker, table.c.item))
    return tuple(
        Vote(r.item, r.checker, r.content, bool(r.approves), r.rule, r.reason, r.round, datetime.fromisoformat(r.cast_at)) for r in rows
    )


def insert_request(connection: Connection, request: Request) -> None:
    """Write a new request and its items."""
    connection.execute(
        insert(schema.releases).values(
            id=request.id,
            project=request.project,
            author=request.author,
            title=request.title,
            context=request.context,
            state=request.state.value,
            round=request.round,
            stage_round=request.stage_round,
            consolidating=int(request.consolidating),
            created_at=request.created_at.isoformat(),
            changed_at=request.changed_at.isoformat(),
        )
    )
    insert_items(connection, request.id, request.items)


def replace_items(connection: Connection, release: str, items: Iterable[Item]) -> None:
    """Put `items` in the place of a request's items."""
    connection.execute(delete(schema.items).where(schema.items.c.release == release))
    insert_items(connection, release, items)


def insert_items(connection: Connection, release: str, items: Iterable[Item]) -> None:
    """Write a request's items, in order."""
    rows = [
        {
            "release": release,
            "id": item.id,
            "position": position,
            "form": item.form.value,
            "name": item.name,
            "note": item.note,
            "receipt": item.receipt,
            "dataset": item.dataset,
            "policy_digest": item.policy_digest,
            "files": json.dumps(dict(item.files), sort_keys=True),
            "findings": findings_to_json(item.findings),
            "content": item.content,
        }
        for position, item in enumerate(items)
    ]
    connection.execute(insert(schema.items), rows)


def change(connection: Connection, release: str, now: datetime, **values: object) -> None:
    """Change columns of a request."""
    values["changed_at"] = now.isoformat()
    connection.execute(update(schema.releases).where(schema.releases.c.id == release).values(**values))


def write_vote(connection: Connection, release: str, vote: Vote) -> None:
    """Write a vote in the place of the same checker's earlier one on the same bytes."""
    table = schema.votes
    same = (table.c.release == release, table.c.item == vote.item, table.c.checker == vote.checker, table.c.content == vote.content)
    connection.execute(delete(table).where(*same))
    connection.execute(
        insert(table).values(
            release=release,
            item=vote.item,
            checker=vote.checker,
            content=vote.content,
            approves=int(vote.approves),
            rule=vote.rule,
            reason=vote.reason,
            round=vote.round,
            cast_at=vote.cast_at.isoformat(),
        )
    )


def write_completion(connection: Connection, release: str, checker: str, number: int, now: datetime) -> None:
    """Write that `checker` completed round `number`."""
    connection.execute(insert(schema.completions).values(release=release, checker=checker, round=number, completed_at=now.isoformat()))


def write_outcome(connection: Connection, release: str, item: str, *, approved: bool) -> None:
    """Write what was decided of an item."""
    table = schema.items
    connection.execute(update(table).where(table.c.release == release, table.c.id == item).values(approved=int(approved)))


def write_happening(connection: Connection, entry: int, release: str, happening: Happening) -> None:
    """Write a line of a request's history beside its audit entry."""
    connection.execute(
        insert(schema.history).values(
            entry=entry,
            release=release,
            at=happening.at.isoformat(),
            actor=happening.actor,
            event=happening.event,
            state=happening.state.value,
            item=happening.item,
            words=happening.words,
        )
    )
