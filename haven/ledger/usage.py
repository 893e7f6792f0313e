"""What was asked of a dataset, read for pages: its days from the table of days, its questions a page at a time by their index.

Nothing here scans the spends: books of a million entries are read as quickly as small ones. Every function takes one read-only connection
(`Ledger.read`), so that what a page shows is of one moment.
"""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, exists, select

from haven.ledger import rows
from haven.ledger.amounts import loaded, moment_of, stamp
from haven.ledger.entries import Spend
from haven.ledger.schema import answers, days, spends
from haven.privacy.budget import Definition, Price


@dataclass(frozen=True, slots=True)
class DayUse:
    """What one person asked of one dataset for one project on one day (UTC): how many questions, and what they spent."""

    day: date
    project: str
    actor: str
    questions: int
    refused: int
    replayed: int
    spent: Price


@dataclass(frozen=True, slots=True)
class Asked:
    """One recent question, as far as alerts need it."""

    at: datetime
    actor: str
    project: str
    question: str


@dataclass(frozen=True, slots=True)
class Which:
    """Which questions of a dataset: those of a project, of a person, or all; only numbers below `before` (None: from the newest on)."""

    dataset: str
    project: str | None = None
    actor: str | None = None
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Numbered:
    """A question and the number of the entry that reserved its price: by it one turns the page."""

    entry: int
    spend: Spend


def days_of(connection: Connection, dataset: str, since: date) -> tuple[DayUse, ...]:
    """What was asked on each day from `since` on, in the order of days."""
    statement = (
        select(
            days.c.day,
            days.c.project,
            days.c.actor,
            days.c.questions,
            days.c.refused,
            days.c.replayed,
            days.c.definition,
            days.c.spent_pico,
            days.c.spent_atto,
        )
        .where(days.c.dataset == dataset, days.c.day >= since.isoformat())
        .order_by(days.c.day)
    )
    return tuple(
        DayUse(date.fromisoformat(day), project, actor, asked, refused, replayed, Price(Definition(unit), loaded(pico), loaded(atto)))
        for day, project, actor, asked, refused, replayed, unit, pico, atto in connection.execute(statement)
    )


def questions(connection: Connection, which: Which, limit: int) -> tuple[Numbered, ...]:
    """The newest questions first, at most `limit`."""
    where = [] if which.before is None else [spends.c.reserve_entry < which.before]
    if which.project is None and which.actor is None:
        where.append(spends.c.dataset == which.dataset)
    else:
        # a condition that no index serves, so that the narrow index of the project or the person is walked, newest first
        where.append(spends.c.dataset.concat("") == which.dataset)
    if which.actor is not None:
        where.append(spends.c.actor == which.actor)
        where.extend([] if which.project is None else [spends.c.project.concat("") == which.project])
    elif which.project is not None:
        where.append(spends.c.project == which.project)
    answered = exists().where(answers.c.id == spends.c.id).label("answered")
    statement = select(spends, answered).where(*where).order_by(spends.c.reserve_entry.desc()).limit(limit)
    return tuple(Numbered(row.reserve_entry, rows.spend_of(row)) for row in connection.execute(statement))


def asked_since(connection: Connection, dataset: str, since: datetime, limit: int) -> tuple[Asked, ...]:
    """The newest questions (at most `limit`) that were asked at `since` or later, the newest first."""
    newest = (
        select(spends.c.reserved_at, spends.c.actor, spends.c.project, spends.c.question)
        .where(spends.c.dataset == dataset)
        .order_by(spends.c.reserve_entry.desc())
        .limit(limit)
    )
    found = connection.execute(newest)
    return tuple(Asked(moment_of(at), actor, project, question) for at, actor, project, question in found if at >= stamp(since))
