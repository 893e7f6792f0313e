"""Engines that watch or fail, in a mediator over a real house: what they see is what a real engine would be shown."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from haven.cli.house import House, now
from haven.engines.duckdb_engine import Engine
from haven.ledger.entries import Reservation
from haven.mediator.mediator import Mediator
from haven.privacy.tables import ExactTable
from haven.query.private_plan import PrivatePlan


def nothing(_plan: PrivatePlan, _reservation: Reservation) -> None:
    """Do nothing before the engine looks."""


@dataclass
class WatchedEngine:
    """A real engine that calls `before` with what it was given, and counts its calls."""

    real: Engine
    before: Callable[[PrivatePlan, Reservation], None] = nothing
    calls: list[Reservation] = field(default_factory=list)

    def execute(self, plan: PrivatePlan, reservation: Reservation) -> ExactTable:
        self.calls.append(reservation)
        self.before(plan, reservation)
        return self.real.execute(plan, reservation)

    def cancel(self, reservation: Reservation) -> None:
        self.real.cancel(reservation)

    def has_room(self, dataset: str, snapshot: int) -> bool:
        return self.real.has_room(dataset, snapshot)


def watched(house: House, before: Callable[[PrivatePlan, Reservation], None] = nothing) -> tuple[House, WatchedEngine]:
    """The house with its engine watched."""
    engine = WatchedEngine(house.engine, before)
    return replace(house, mediator=Mediator(house.ledger, house.policies, engine, now)), engine


def durable_state(books: Path, spend: str) -> tuple[str, int] | None:
    """State and price of a spend as another process would read them from the file: by a connection and SQL of the test's own."""
    with closing(sqlite3.connect(f"file:{books}?mode=ro", uri=True)) as file:
        row = file.execute("SELECT state, pico FROM spends WHERE id = ?", (spend,)).fetchone()
    return None if row is None else (row[0], int(row[1]))
