"""What pages read of large books: right, whichever page is turned to, and by an index, never by a scan."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, insert

from haven.ledger.amounts import stored
from haven.ledger.audit import audit_verify
from haven.ledger.ledger import Ledger
from haven.ledger.schema import days
from haven.ledger.usage import Numbered, Which, asked_since, days_of, questions, used_by_day, used_by_person
from haven.privacy.budget import Definition
from tests.support import large_books
from tests.support.books import NOW, caps, later, rho
from tests.support.large_books import Use

PROJECTS = {"liver": ("anna", "ben"), "heart": ("anna", "cora"), "lung": ("dana",)}
QUESTIONS = 300
ALLOWED = {name: caps(rho(10**6)) for name in PROJECTS}
USE = Use("nafld", "people", PROJECTS, ALLOWED, rho(7), NOW, days=10)


@pytest.fixture(scope="module", name="filled")
def _filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Ledger]]:
    path = tmp_path_factory.mktemp("usage") / "books.sqlite"
    with Ledger.open(path) as ledger:
        large_books.fill(ledger, USE, QUESTIONS)
        yield path, ledger


def test_large_books_are_whole(filled: tuple[Path, Ledger]) -> None:
    report = audit_verify(filled[0])
    assert (report.problems, report.posted, report.entries) == ((), QUESTIONS, 2 * QUESTIONS)


def turned(ledger: Ledger, which: Which, size: int) -> list[Numbered]:
    """Every page of `size` questions, one after another."""
    found: list[Numbered] = []
    before: int | None = None
    while True:
        with ledger.read() as connection:
            page = questions(connection, Which(which.dataset, which.project, which.actor, before), size)
        found += page
        if len(page) < size:
            return found
        before = page[-1].entry


@pytest.mark.parametrize("size", [1, 7, 300, 301])
@pytest.mark.parametrize("actor", [None, "anna", "dana", "none"])
@pytest.mark.parametrize("project", [None, *PROJECTS, "none"])
def test_pages_together_are_every_question_once_the_newest_first(
    filled: tuple[Path, Ledger], size: int, project: str | None, actor: str | None
) -> None:
    if size == 1 and project is actor is None:
        size = 11  # three hundred pages say no more than thirty
    found = [one.spend.reservation.id for one in turned(filled[1], Which("nafld", project, actor), size)]
    plain = [
        one.reservation.id
        for one in filled[1].recent(limit=QUESTIONS)
        if project in {None, one.reservation.project} and actor in {None, one.reservation.actor}
    ]
    assert found == plain
    assert all(one.spend.answered for one in turned(filled[1], Which("nafld", project, actor), 50))


def test_another_datasets_questions_are_no_part_of_it(filled: tuple[Path, Ledger]) -> None:
    for which in (Which("other"), Which("other", "liver"), Which("other", None, "anna"), Which("other", "liver", "anna")):
        with filled[1].read() as connection:
            assert questions(connection, which, 10) == ()


def test_days_add_up_to_the_spends(filled: tuple[Path, Ledger]) -> None:
    counted: Counter[tuple[date, str, str]] = Counter()
    spent: Counter[tuple[date, str, str]] = Counter()
    for one in filled[1].recent(limit=QUESTIONS):
        key = (one.reservation.reserved_at.date(), one.reservation.project, one.reservation.actor)
        counted[key] += 1
        spent[key] += one.reservation.price.pico
    since = NOW.date() - timedelta(days=5)
    with filled[1].read() as connection:
        found = days_of(connection, "nafld", since)
    assert {(one.day, one.project, one.actor): (one.questions, one.spent.pico) for one in found} == {
        key: (counted[key], spent[key]) for key in counted if key[0] >= since
    }
    assert [one.day for one in found] == sorted(one.day for one in found)


def test_the_databases_sums_of_days_are_those_made_by_hand(filled: tuple[Path, Ledger]) -> None:
    since = NOW.date() - timedelta(days=5)
    with filled[1].read() as connection:
        plain = days_of(connection, "nafld", since)
        by_day = used_by_day(connection, "nafld", since, Definition.ZCDP)
        by_person = used_by_person(connection, "nafld", since, Definition.ZCDP)
        elsewhere = used_by_day(connection, "nafld", since, Definition.PURE)
    spent: Counter[date] = Counter()
    people: Counter[tuple[str, str]] = Counter()
    for one in plain:
        spent[one.day] += one.spent.pico
        people[one.project, one.actor] += one.questions
    assert {day: used.spent.pico for day, used in by_day.items()} == spent
    assert {who: used.questions for who, used in by_person.items()} == people
    assert list(by_day) == sorted(by_day)
    assert [used.questions for used in elsewhere.values()] == [used.questions for used in by_day.values()]
    assert {used.spent.pico for used in elsewhere.values()} == {0}


@pytest.mark.parametrize("amounts", [[10**59, 10**59, 1], [10**60 - 1, 0], [10**12 - 1, 10**12 - 1, 3], [int("123456789" * 6), 7]])
def test_amounts_wider_than_any_number_of_the_database_are_summed_exactly(amounts: list[int], tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "books.sqlite") as ledger:
        with ledger.transaction() as tx:
            for place, amount in enumerate(amounts):
                row = {"dataset": "d", "day": "2026-03-01", "project": "p", "actor": f"a{place}", "definition": "zcdp"}
                counts = {"questions": 1, "refused": 0, "replayed": 0, "spent_pico": stored(amount), "spent_atto": stored(0)}
                tx.connection.execute(insert(days), row | counts)
        with ledger.read() as connection:
            (used,) = used_by_day(connection, "d", date(2026, 1, 1), Definition.ZCDP).values()
    assert (used.spent.pico, used.questions) == (sum(amounts), len(amounts))


def test_what_was_asked_since_a_moment_is_the_newest_and_no_more_than_asked_for(filled: tuple[Path, Ledger]) -> None:
    since = later(days=-1)
    newest = [one.question for one in filled[1].recent(limit=QUESTIONS) if one.reservation.reserved_at >= since]
    with filled[1].read() as connection:
        assert [one.question for one in asked_since(connection, "nafld", since, 1000)] == newest
        assert [one.question for one in asked_since(connection, "nafld", since, 3)] == newest[:3]


WALKS = {
    Which("nafld"): "ix_spends_dataset_reserve_entry",
    Which("nafld", before=50): "ix_spends_dataset_reserve_entry",
    Which("nafld", "liver"): "ix_spends_project_reserve_entry",
    Which("nafld", "liver", before=50): "ix_spends_project_reserve_entry",
    Which("nafld", None, "anna"): "ix_spends_actor_reserve_entry",
    Which("nafld", "liver", "anna", 50): "ix_spends_actor_reserve_entry",
}


@pytest.mark.parametrize("which", WALKS, ids=str)
def test_a_page_of_questions_walks_the_index_of_what_it_is_of(filled: tuple[Path, Ledger], which: Which) -> None:
    with filled[1].read() as connection:
        plan = planned(connection, lambda: questions(connection, which, 25))
    assert f"SEARCH spends USING INDEX {WALKS[which]}" in plan
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan


def test_days_and_recent_questions_are_found_by_their_keys(filled: tuple[Path, Ledger]) -> None:
    with filled[1].read() as connection:
        plan = planned(connection, lambda: days_of(connection, "nafld", NOW.date()))
        plan += planned(connection, lambda: asked_since(connection, "nafld", NOW, 10))
        assert "TEMP B-TREE" not in plan
        plan += planned(connection, lambda: used_by_day(connection, "nafld", NOW.date(), Definition.ZCDP))
        plan += planned(connection, lambda: used_by_person(connection, "nafld", NOW.date(), Definition.ZCDP))
    assert "SCAN" not in plan


def planned(connection: Connection, read: Any) -> str:  # noqa: ANN401 - what reads
    """SQLite's own plan of the statement that `read` sends."""
    sent: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:  # noqa: ANN401 - the driver's own
        sent.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    read()
    event.remove(connection, "before_cursor_execute", note)
    (statement, parameters) = sent[0]
    return "\n".join(str(row[3]) for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters))
