"""Moments, exclusive targets and grouping sets through the whole mediator and a real engine: as plain SQL says, booked and replayed."""

import math
from typing import Any

import pytest

from haven.cli.house import House
from tests.support.house import HUGE, ask, plain_sql

SUMMED = "SELECT female, site, COUNT(*) AS n, SUM(age) AS years FROM persons GROUP BY ROLLUP (female, site)"
SHARES = "SELECT female, site, COUNT(*) AS n, COUNT(DISTINCT age) AS ages FROM persons GROUP BY CUBE (female, site)"
MOMENTS = "SELECT female, VAR_SAMP(age) AS v, COUNT(*) FILTER (WHERE age < 50) AS young, COUNT(*) AS n FROM persons GROUP BY female"


def alike(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    pairs = zip(one, other, strict=True)
    return all(a == b or (isinstance(a, float) and isinstance(b, float) and math.isclose(a, b, rel_tol=1e-3)) for a, b in pairs)


@pytest.mark.parametrize("sql", [SUMMED, SHARES, MOMENTS])
def test_at_a_huge_price_the_rows_are_those_of_plain_sql_and_the_rest_is_empty(shared_bench_house: House, sql: str) -> None:
    found = list(ask(shared_bench_house, sql, 100 * HUGE).rows)
    for row in plain_sql().execute(sql).fetchall():
        found.remove(next(each for each in found if alike(each, row)))
    assert all(0 in row for row in found)


@pytest.mark.parametrize("sql", [SUMMED, SHARES, MOMENTS])
def test_they_are_booked_once_and_answered_again_from_the_record(shared_bench_house: House, sql: str) -> None:
    first, second = (ask(shared_bench_house, sql, "3") for _ in range(2))
    assert second.rows == first.rows
    assert second.receipt["replayed"]


def test_shares_serve_no_other_question(shared_bench_house: House) -> None:
    """Their rows hold every person once for each set: summed, they would count people twice."""
    ask(shared_bench_house, SHARES, 100 * HUGE)
    alone = ask(shared_bench_house, "SELECT COUNT(*) AS n FROM persons", 90 * HUGE)
    assert alone.rows == tuple(plain_sql().execute("SELECT COUNT(*) FROM persons").fetchall())
