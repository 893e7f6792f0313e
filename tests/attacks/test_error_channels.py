"""Expressions that raise or poison in the engine tell nothing here: each is refused, or behaves the same with and without one person.

`CALM` are persons on whom nothing fails; each of `POISON` makes some expression overflow, divide by zero, leave a domain or fail a cast.
"""
# ruff: noqa: S608 - the test's own questions

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from haven import query
from haven.errors import Refused
from tests.support import layout_db
from tests.support.query_world import PERSONS, planned
from tests.support.removals import assert_within

CHANNELS = Path(__file__).parents[1] / "sql" / "channels"
BASE: dict[str, Any] = {
    "age": 50,
    "male": True,
    "smoker": True,
    "bmi": 30.0,
    "income": 100,
    "stage": "mild",
    "town": "12",
    "born": date(1990, 1, 1),
    "died": date(2010, 1, 1),
    "weight": 3.0,
    "visits": 3,
}
CALM = [BASE, BASE | {"age": 51, "town": "7", "weight": 5.5, "visits": 9}, BASE | {"male": False, "town": "2020", "weight": 1.0}]
POISON = [
    BASE | {"weight": 1e308, "visits": 2**63 - 1, "town": "a", "died": date(9999, 12, 31), "born": date(1920, 1, 1)},
    BASE | {"weight": -1e308, "visits": -(2**63), "town": "", "died": date(1, 1, 1)},
    BASE | {"weight": 0.0, "visits": 0, "town": "nan", "died": None, "income": 0},
    BASE | {"weight": -0.5, "visits": -1, "town": "1e400", "smoker": None, "stage": None},
    BASE | {"weight": 5e-324, "visits": 2**53 + 1, "town": "-9223372036854775809", "bmi": None},
    BASE | {"weight": float("nan"), "visits": 64, "town": "2021-02-30", "age": 98},
    BASE | {"weight": float("inf"), "visits": 32, "town": "\\", "age": 18},
    BASE | {"weight": 710.0, "visits": 171, "town": "ß" * 60, "income": 5_000_000},
    BASE | {"weight": -1.0, "visits": 2**31, "town": "%_'\"\n\t", "died": date(2000, 2, 29)},
    BASE | {"weight": 2.0**63, "visits": 19, "town": "99999-01-01", "died": date(1970, 1, 1)},
]
NUMBERS = (CHANNELS / "numbers.txt").read_text().splitlines()
CONDITIONS = (CHANNELS / "conditions.txt").read_text().splitlines()


QUESTIONS = [
    *(f"SELECT SUM(clamp({each}, -3, 9000)) AS s, COUNT({each}) AS n FROM persons" for each in NUMBERS),
    *(f"SELECT COUNT(*) AS n FROM persons WHERE {each} IS NOT NULL AND {each} > 1" for each in NUMBERS[::3]),
    *(f"SELECT COUNT(*) AS n FROM persons WHERE {each}" for each in CONDITIONS),
    *(f"SELECT COUNT(*) FILTER (WHERE {each}) AS n, AVG(CASE WHEN {each} THEN bmi END) AS m FROM persons" for each in CONDITIONS[::3]),
]


def world(*others: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": number, **row} for number, row in enumerate([*CALM, *others])]


@pytest.fixture(scope="module")
def stored() -> list[duckdb.DuckDBPyConnection]:
    """The calm world, then each with one poisoning person."""
    made = []
    for others in ([], *([each] for each in POISON)):
        connection = duckdb.connect()
        layout_db.store(connection, "persons", PERSONS, layout_db.ranked(PERSONS, world(*others)))
        made.append(connection)
    return made


@pytest.fixture(scope="module")
def plain() -> list[duckdb.DuckDBPyConnection]:
    types = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "category": "VARCHAR", "date": "DATE"}
    made = []
    for others in ([], *([each] for each in POISON)):
        connection = duckdb.connect()
        connection.execute("CREATE MACRO clamp(x, lo, hi) AS greatest(lo, least(hi, x))")
        connection.execute(f"CREATE TABLE persons (id BIGINT, {', '.join(f'{n} {types[c.type]}' for n, c in PERSONS.columns.items())})")
        for row in world(*others):
            connection.execute(f"INSERT INTO persons VALUES ({', '.join('?' * len(row))})", [row["id"], *(row[n] for n in PERSONS.columns)])
        made.append(connection)
    return made


def test_the_expressions_are_many() -> None:
    assert len({*NUMBERS, *CONDITIONS}) >= 250


@pytest.mark.parametrize("sql", QUESTIONS)
def test_no_expression_fails_or_poisons_with_one_person_more(stored: list[duckdb.DuckDBPyConnection], sql: str) -> None:
    try:
        plan = planned(sql)
    except Refused as refusal:
        assert refusal.suggestion  # noqa: PT017 - a refusal is one of the two right answers
        return
    calm, *poisoned = (layout_db.exact(connection, plan) for connection in stored)
    for whole in poisoned:
        assert_within(sql, plan, whole, calm)
        assert all(type(value) is int for column in whole.columns for value in column)
        assert all(cell is None or cell == cell for row in query.finish(plan, whole).rows for cell in row)  # noqa: PLR0124 - never NaN


ENDLESS = ("repeat", "pad(", "sleep_ms")
"""What would fill this machine's memory, or wait."""


def test_in_the_engine_itself_many_of_them_tell_whether_one_person_is_there(plain: list[duckdb.DuckDBPyConnection]) -> None:
    """So the questions above are attacks: without totality a failure, or a sum that is no number, would answer about one person."""
    tried = [sql for sql in QUESTIONS if not any(word in sql for word in ENDLESS) and outcome(plain[0], sql) == "answered"]
    assert sum(any(outcome(each, sql) != "answered" for each in plain[1:]) for sql in tried) >= 70


def outcome(connection: duckdb.DuckDBPyConnection, sql: str) -> str:
    try:
        row = connection.execute(sql).fetchall()[0]
    except duckdb.Error:
        return "failed"
    return "poisoned" if any(isinstance(cell, float) and cell - cell != 0 for cell in row) else "answered"
