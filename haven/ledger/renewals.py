"""Snapshots over time: when the present one was made, whose data it holds (sealed), and withdrawals that wait for the next.

What is kept of persons is a keyed digest of their whole set, which only says whether two sets are equal. It and everything about
withdrawals but that there was one stay on the custodian's side.
"""

from datetime import date, datetime

from sqlalchemy import Connection, bindparam, func, select

from haven.ledger import standing
from haven.ledger.amounts import moment_of
from haven.ledger.events import Kind
from haven.ledger.schema import snapshots
from haven.ledger.standing import Standing, State
from haven.ledger.writer import Transaction

WITHDRAWAL = "withdrawal"
"""The kind under which a dataset stands that a withdrawal has stopped; beside its custodian's own pausing, which lifts nothing of it."""

_NEWEST = select(snapshots.c.dataset, func.max(snapshots.c.serial).label("serial")).group_by(snapshots.c.dataset).subquery()
_RENEWED = select(func.max(snapshots.c.at)).where(snapshots.c.dataset == bindparam("wanted"))
_UNITS = (
    select(snapshots.c.dataset, snapshots.c.units)
    .join(_NEWEST, (snapshots.c.dataset == _NEWEST.c.dataset) & (snapshots.c.serial == _NEWEST.c.serial))
    .where(snapshots.c.units.is_not(None))
    .order_by(snapshots.c.dataset)
)


def renewed_at(connection: Connection, dataset: str) -> datetime | None:
    """When the dataset's newest snapshot was made, None before the first."""
    at: str | None = connection.execute(_RENEWED, {"wanted": dataset}).scalar()
    return None if at is None else moment_of(at)


def same_people(connection: Connection) -> tuple[tuple[str, ...], ...]:
    """Groups of two or more datasets whose newest snapshots have an equal sealed set of persons, by name."""
    groups: dict[str, list[str]] = {}
    for row in connection.execute(_UNITS):
        groups.setdefault(row.units, []).append(row.dataset)
    return tuple(tuple(datasets) for datasets in groups.values() if len(datasets) > 1)


def note(tx: Transaction, dataset: str, due: date, actor: str, now: datetime, *, stops: bool) -> None:
    """Record that a withdrawal waits for the snapshot of `due` and, where it `stops` the dataset, that nothing is answered until then."""
    tx.append(Kind.WITHDRAWAL_NOTED.value, actor, {"dataset": dataset, "due": due.isoformat()}, now)
    if stops and standing.read(tx.connection, WITHDRAWAL, dataset).state is State.ACTIVE:
        reason = f"It answers again once its data are renewed, on {due} or soon after."
        standing.change(tx, WITHDRAWAL, dataset, Standing(State.PAUSED, reason, now), actor)


def lift(tx: Transaction, dataset: str, actor: str, now: datetime) -> None:
    """A new snapshot is without those who withdrew: what a withdrawal stopped answers again."""
    if standing.read(tx.connection, WITHDRAWAL, dataset).state is not State.ACTIVE:
        standing.change(tx, WITHDRAWAL, dataset, Standing(State.ACTIVE, "its data were renewed", now), actor)
