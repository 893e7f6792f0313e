"""Days are summed beside every act, and made of the spends that were there before there were any."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from tests.support.books import ANSWER, NOW, caps, later, permit, plan, rho

TODAY = NOW.date()
Line = tuple[str, str, str, int, int, int]


def lines(ledger: Ledger, dataset: str = "nafld") -> list[Line]:
    return [
        (use.day.isoformat(), use.project, use.actor, use.questions, use.spent.pico, use.spent.atto_delta)
        for use in ledger.days(dataset, TODAY - timedelta(days=400))
    ]


def test_a_question_counts_when_it_is_asked_and_its_price_when_it_is_spent(books_place: Place) -> None:
    with Ledger.open(books_place) as ledger:
        allowed = permit(caps(rho(100, 9)))
        late = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
        first, second = (ledger.reserve(plan(rho(10, 2)), allowed, 1, late) for _ in range(2))
        ledger.post(first, ANSWER, "pass", late)
        ledger.post(second, ANSWER, "pass", late + timedelta(minutes=2))
        ledger.void(ledger.reserve(plan(rho(5)), allowed, 1, late), "the engine could not be started", late)
        assert lines(ledger) == [("2026-03-01", "liver", "alice", 3, 10, 2), ("2026-03-02", "liver", "alice", 0, 10, 2)]
        assert ledger.spent_since(TODAY, rho(0).definition, "nafld") == rho(20, 4)
        assert ledger.spent_since(TODAY + timedelta(days=1), rho(0).definition, "nafld", "liver") == rho(10, 2)
        assert ledger.spent_since(TODAY, rho(0).definition, "nafld", "heart") == rho(0)


def test_amounts_beyond_64_bits_add_up_exactly(books_place: Place) -> None:
    with Ledger.open(books_place) as ledger:
        huge = 10**45 + 1
        for minute in range(3):
            moment = later(minutes=minute)
            ledger.post(ledger.reserve(plan(rho(huge)), permit(caps(rho(10**46))), 1, moment), ANSWER, "pass", moment)
        assert lines(ledger) == [(TODAY.isoformat(), "liver", "alice", 3, 3 * huge, 0)]


def _earlier_books(path: Path) -> None:
    """Empty books of the version before there were days."""
    engine = create_engine(f"sqlite:///{path}")
    config = Config()
    config.set_main_option("script_location", "haven.ledger:migrations")
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0003")
    engine.dispose()


def _add(path: Path, *spends: tuple[str, str, str, int, int, str, str]) -> None:
    text = (
        "INSERT INTO spends (id, state, actor, project, dataset, population, snapshot, plan_digest, policy_digest, definition, pico, atto, "
    )
    text += "caps, question, reserved_at, reserve_entry, ended_at, outcome) "
    text += "VALUES (?, ?, ?, 'liver', ?, 'people', 1, 'p', 'd', 'zcdp', ?, ?, '{}', '', ?, 1, ?, '')"
    with closing(sqlite3.connect(path)) as books:
        for number, (state, actor, dataset, pico, atto, asked, ended) in enumerate(spends):
            books.execute(text, (f"q-{number}", state, actor, dataset, f"{pico:060d}", f"{atto:060d}", asked, ended))
        books.commit()


def test_days_are_made_of_the_spends_of_earlier_books(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    _earlier_books(path)
    one, two = "2026-03-01T23:59:00.000000+00:00", "2026-03-02T00:01:00.000000+00:00"
    _add(
        path,
        ("posted", "alice", "nafld", 10**30, 3, one, one),
        ("posted", "alice", "nafld", 7, 0, one, two),
        ("void", "alice", "nafld", 100, 0, one, one),
        ("posted", "bob", "nafld", 5, 1, two, two),
        ("posted", "bob", "labs", 2, 0, two, two),
    )
    with Ledger.open(path) as ledger:
        assert lines(ledger) == [
            ("2026-03-01", "liver", "alice", 3, 10**30, 3),
            ("2026-03-02", "liver", "alice", 0, 7, 0),
            ("2026-03-02", "liver", "bob", 1, 5, 1),
        ]
        assert [point.spent for point in ledger.spend_series("nafld")] == [rho(10**30, 3), rho(12, 1)]
        assert lines(ledger, "labs") == [("2026-03-02", "liver", "bob", 1, 2, 0)]
