"""Books that earlier versions left, with questions in flight, brought forward: nothing they say changes, and spending goes on.

`released/NNNN.sql` is what SQLite's own dump says of books that the released version with schema NNNN wrote: 0002 is version 0.1.0, 0003 is
0.2.0. Schema 0001 is 0002 before the desk's tables.
"""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from haven.errors import Fault
from haven.ledger import schema
from haven.ledger.audit import audit_verify
from haven.ledger.entries import SpendState
from haven.ledger.ledger import Ledger
from haven.ledger.opening import look, present_revision
from tests.support.books import ANSWER, NOW, caps, later, permit, plan, rho

RELEASED = Path(__file__).parent / "released"
DESK = ("release_history", "release_completions", "release_votes", "release_items", "releases")
SPENT, HELD = 130, 70  # of the population, by what the earlier versions did


@pytest.fixture(name="old", params=["0001", "0002", "0003"])
def _old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "books.sqlite"
    source = RELEASED / f"{max(request.param, '0002')}.sql"
    with closing(sqlite3.connect(path)) as books:
        books.executescript(source.read_text(encoding="utf-8"))
        if request.param == "0001":
            for table in DESK:
                books.execute(f"DROP TABLE {table}")
            books.execute("UPDATE alembic_version SET version_num = '0001'")
            books.commit()
    return path


def _rows(path: Path, statement: str) -> list[tuple[object, ...]]:
    with look(path) as connection:
        return [tuple(row) for row in connection.execute(text(statement))]


def test_what_the_entries_and_the_spends_said_is_what_they_say(old: Path) -> None:
    said = [
        "SELECT seq, kind, actor, at, body, prev_digest, digest FROM entries ORDER BY seq",
        "SELECT id, state, pico, atto, caps, question, idempotency_key, reserve_entry, end_entry, outcome FROM spends ORDER BY id",
        "SELECT * FROM answers",
        "SELECT account, spent_pico, spent_atto, reserved_pico, reserved_atto FROM accounts ORDER BY account",
        "SELECT kind, name, version, text, digest FROM policies ORDER BY kind, name, version",
    ]
    before = [_rows(old, statement) for statement in said]
    Ledger.open(old).close()
    assert [_rows(old, statement) for statement in said] == before
    assert _rows(old, "SELECT version_num FROM alembic_version") == [(present_revision(),)]


def test_the_books_are_whole_and_of_the_schema_that_the_code_declares(old: Path) -> None:
    Ledger.open(old).close()
    report = audit_verify(old)
    assert (report.problems, report.posted, report.voided, report.in_flight) == ((), 2, 1, 2)
    with look(old) as connection:
        context = MigrationContext.configure(connection)
        differences = compare_metadata(context, schema.metadata)
    assert [each for each in differences if "release" not in str(each)] == []


def test_what_refuses_a_statement_is_the_same_as_in_new_books(old: Path, tmp_path: Path) -> None:
    triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    Ledger.open(old).close()
    Ledger.open(tmp_path / "new.sqlite").close()
    assert _rows(old, triggers) == _rows(tmp_path / "new.sqlite", triggers)


def test_totals_answers_and_keys_of_before_are_honoured(old: Path) -> None:
    with Ledger.open(old) as ledger:
        balance = ledger.population_balance("nafld")
        assert (balance.spent, balance.reserved) == (rho(SPENT, 2), rho(HELD, 2))
        replay = ledger.replay("liver", "nafld", "answered", 1)
        assert replay is not None
        assert replay.answer == ANSWER
        earlier = ledger.earlier("alice", "liver", "key-1", "answered", 1)
        assert earlier is not None
        assert earlier.receipt.id == replay.receipt.id


def test_what_was_in_flight_is_spent_by_the_sweep_and_spending_goes_on(old: Path) -> None:
    with Ledger.open(old) as ledger:
        flying = [spend.reservation for spend in ledger.recent() if spend.state is SpendState.RESERVED]
        assert ledger.sweep(later(days=3), timedelta(0)) == len(flying) == 2
        assert ledger.population_balance("nafld").spent == rho(SPENT + HELD, 4)
        with pytest.raises(Fault):
            ledger.post(flying[0], ANSWER, "pass", later(days=3))
        allowed = permit(caps(rho(SPENT + HELD + 5, 10)))
        ledger.post(ledger.reserve(plan(rho(5)), allowed, 1, later(days=3)), ANSWER, "pass", later(days=3))
        assert ledger.left(allowed) == rho(0, 6)
    assert audit_verify(old).problems == ()


def test_an_answer_that_was_under_way_at_the_change_can_still_be_posted(old: Path) -> None:
    with Ledger.open(old) as ledger:
        flying = next(spend.reservation for spend in ledger.recent() if spend.state is SpendState.RESERVED)
        receipt = ledger.post(flying, ANSWER, "pass", later(days=2, minutes=1))
        assert ledger.recorded(receipt.id) == ANSWER
        assert ledger.population_balance("nafld").spent == rho(SPENT, 2) + flying.price


def test_days_are_what_the_spends_come_to(old: Path) -> None:
    Ledger.open(old).close()
    found = _rows(old, "SELECT day, project, actor, questions, spent_pico FROM days ORDER BY day, project")
    days = [later(days=number).date().isoformat() for number in range(3)]
    assert [(day, project, actor, questions, int(str(spent))) for day, project, actor, questions, spent in found] == [
        (days[0], "liver", "alice", 1, 100),
        (days[1], "liver", "alice", 2, 30),
        (days[2], "heart", "bob", 1, 0),
        (days[2], "liver", "alice", 1, 0),
    ]
    assert NOW.date().isoformat() == days[0]
