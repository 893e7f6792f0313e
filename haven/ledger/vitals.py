"""How the books are, in numbers that say nothing of anybody's data: for health checks, metrics and the auditor's first line."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from haven.ledger.amounts import moment_of
from haven.ledger.entries import SpendState
from haven.ledger.ledger import Ledger
from haven.ledger.schema import checkpoints, entries, proposals, spends


@dataclass(frozen=True, slots=True)
class Vitals:
    """Entries in the chain, spends in flight, proposals that wait, and the newest checkpoint (0 and None before the first)."""

    entries: int
    in_flight: int
    waiting: int
    checkpoint_size: int
    checkpoint_at: datetime | None


def vitals_of(ledger: Ledger) -> Vitals:
    """The books as of one moment. Fault (FAULT_LEDGER) where they cannot be read."""
    with ledger.read() as connection:
        newest = connection.execute(select(checkpoints.c.size, checkpoints.c.at).order_by(checkpoints.c.size.desc()).limit(1)).first()
        return Vitals(
            entries=_number(connection, select(func.max(entries.c.seq))),
            in_flight=_number(connection, select(func.count()).where(spends.c.state == SpendState.RESERVED.value)),
            waiting=_number(connection, select(func.count()).where(proposals.c.state == "open")),
            checkpoint_size=newest.size if newest else 0,
            checkpoint_at=moment_of(newest.at) if newest else None,
        )


def _number(connection: Connection, statement: Select[Any]) -> int:
    return connection.execute(statement).scalar() or 0
