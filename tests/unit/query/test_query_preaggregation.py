"""Contributions held per person after the conditions: what a person counts, and that it is never more than planned."""

import random
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import duckdb
import pytest

from haven import query
from haven.errors import Refused
from tests.support import layout_db
from tests.support.query_world import LABS, planned, rank_filters

SQL = "SELECT COUNT(*) AS n, SUM(grade) AS grades, AVG(value) AS mean FROM labs WHERE value > 100"


def people(seed: int) -> list[dict[str, Any]]:
    draw = random.Random(seed)  # noqa: S311 - rows of a test
    return [
        {
            "id": person,
            "test": draw.choice(["chol", "dbp", "fib4", "hdl"]),
            "site": draw.choice(["x", None]),
            "value": draw.choice([None, draw.uniform(0, 500), 500.0, 0.0]),
            "day": date(2010, 1, 1) + timedelta(days=draw.randint(0, 1000)),
            "grade": draw.choice([None, -3, 4]),
        }
        for person in range(12)
        for _ in range(draw.randint(0, 14))
    ]


def exact(connection: duckdb.DuckDBPyConnection, plan: query.PrivatePlan, rows: list[dict[str, Any]]) -> list[int]:
    layout_db.store(connection, "labs", LABS, layout_db.ranked(LABS, rows))
    return [column[0] for column in layout_db.exact(connection, plan).columns]


def test_a_lowered_bound_with_a_condition_is_kept_per_person_and_says_so() -> None:
    plan = planned(SQL, rows_per_unit=3)
    assert rank_filters(plan) == []
    assert any("per person first" in sentence for sentence in plan.words)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT COUNT(*) FROM labs",
        "SELECT COUNT(*) FROM labs WHERE test = 'chol'",
        "SELECT test, COUNT(*) FROM labs WHERE value > 1 GROUP BY 1",
    ],
)
def test_without_a_condition_or_with_one_that_ranks_know_or_with_groups_ranks_do(sql: str) -> None:
    assert rank_filters(planned(sql, rows_per_unit=3)) != []


def test_ranks_do_where_the_bound_is_the_policys() -> None:
    assert rank_filters(planned(SQL)) == [("rk_", 6)]


def test_whoever_has_more_rows_than_the_bound_counts_in_proportion() -> None:
    """Against fractions: p·r/n of each person, to the parts that counts are counted in."""
    rows, plan = people(3), planned(SQL, rows_per_unit=3)
    expected = Fraction(0)
    for person in range(12):
        mine = [row for row in rows if row["id"] == person and row["value"] is not None and row["value"] > 100]
        graded = sum(row["grade"] or 0 for row in mine)
        expected += Fraction(graded) if len(mine) <= 3 else Fraction(int(graded * 3 / len(mine)))
    said = query.finish(plan, layout_db.exact(_stored(rows), plan)).rows[0]
    assert said[0] == sum(min(3, n) for n in _matching(rows))
    assert said[1] == expected


def _stored(rows: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    layout_db.store(connection, "labs", LABS, layout_db.ranked(LABS, rows))
    return connection


def _matching(rows: list[dict[str, Any]]) -> list[int]:
    return [sum(row["id"] == person and (row["value"] or 0) > 100 for row in rows) for person in range(12)]


@pytest.mark.parametrize("seed", range(6))
def test_no_person_moves_a_target_beyond_its_sensitivity(seed: int) -> None:
    connection, rows, plan = duckdb.connect(), people(seed), planned(SQL, rows_per_unit=2)
    whole = exact(connection, plan, rows)
    for person in range(12):
        less = exact(connection, plan, [row for row in rows if row["id"] != person])
        assert all(abs(a - b) <= target.sensitivity.l1 for target, a, b in zip(plan.targets, whole, less, strict=True))


def test_an_option_above_every_bound_of_the_question_is_refused() -> None:
    with pytest.raises(Refused, match="may only lower the policy's 6"):
        planned("SELECT COUNT(*) FROM persons p JOIN labs l ON p.id = l.id", rows_per_unit=7)
