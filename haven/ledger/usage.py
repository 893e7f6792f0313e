"""What was asked of a dataset, read for pages: its days from the table of days, its questions a page at a time by their index.

Nothing here scans the spends: books of a million entries are read as quickly as small ones. Every function takes one read-only connection
(`Ledger.read`), so that what a page shows is of one moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import BigInteger, ColumnElement, Connection, cast, exists, func, select

from haven.ledger import accounts, reading, rows
from haven.ledger.accounts import Spender
from haven.ledger.amounts import WIDTH, loaded, moment_of, stamp
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
class Used:
    """What was asked in several days, or by several people, together. `spent` is of one definition alone: losses of others do not add."""

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


def taken(connection: Connection, where: Spender, definition: Definition) -> Price:
    """What is taken of a project's share, where one is named, else of the dataset: spent for good or held for questions in flight."""
    name = accounts.project_of(where) if where.project else accounts.dataset_of(where)
    return reading.balance(connection, name, definition).taken


LANE = 12
"""Digits of an amount that the database adds at once: as many sums of that as fit in 64 bits are more than there are rows."""


def used_by_day(connection: Connection, dataset: str, since: date, definition: Definition) -> dict[date, Used]:
    """What was asked on each day from `since` on, in the order of days."""
    found = _used(connection, dataset, since, definition, (days.c.day,))
    return {date.fromisoformat(day): used for (day,), used in sorted(found.items())}


def used_by_person(connection: Connection, dataset: str, since: date, definition: Definition) -> dict[tuple[str, str], Used]:
    """What was asked from `since` on, by project and person."""
    found = _used(connection, dataset, since, definition, (days.c.project, days.c.actor))
    return {(project, actor): used for (project, actor), used in found.items()}


def _used(
    connection: Connection, dataset: str, since: date, definition: Definition, keys: Sequence[ColumnElement[str]]
) -> dict[tuple[str, ...], Used]:
    """Sums by `keys`, made by the database: amounts are wider than its numbers, so they are added in lanes of 12 digits, exactly."""
    counts = [func.sum(days.c[name]) for name in ("questions", "refused", "replayed")]
    lanes = [func.sum(cast(func.substr(days.c.spent_pico, first, LANE), BigInteger)) for first in range(1, WIDTH, LANE)]
    statement = (
        select(days.c.definition, *keys, *counts, *lanes)
        .where(days.c.dataset == dataset, days.c.day >= since.isoformat())
        .group_by(*keys, days.c.definition)
    )
    found: dict[tuple[str, ...], Used] = {}
    for row in connection.execute(statement):
        key, sums = tuple(row[1 : 1 + len(keys)]), [int(value) for value in row[1 + len(keys) :]]
        pico = _joined(sums[3:]) if row[0] == definition.value else 0
        before = found.get(key, Used(0, 0, 0, Price(definition, 0)))
        found[key] = Used(
            questions=before.questions + sums[0],
            refused=before.refused + sums[1],
            replayed=before.replayed + sums[2],
            spent=Price(definition, before.spent.pico + pico),
        )
    return found


def _joined(lanes: Sequence[int]) -> int:
    """The number of which these are the lanes, the highest first; a lane may have carried beyond its digits."""
    total = 0
    for lane in lanes:
        total = total * 10**LANE + lane
    return total


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
    found, first = connection.execute(newest), stamp(since)
    return tuple(Asked(moment_of(at), actor, project, question) for at, actor, project, question in found if at >= first)
