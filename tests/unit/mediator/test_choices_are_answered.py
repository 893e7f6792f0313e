"""Quantiles, extremes and modes through the whole mediator: answered, booked, replayed, and as exact as plain SQL without noise."""

import pytest

from haven.cli.house import House
from tests.support.house import HUGE, ask, plain_sql

SQL = "SELECT MEDIAN(age) AS m, MIN(age) AS low, MAX(age) AS high, MODE(site) AS most, COUNT(*) AS n FROM persons"


def test_at_a_huge_price_they_are_those_of_plain_sql(shared_bench_house: House) -> None:
    ((median, low, high, most, count),) = ask(shared_bench_house, SQL, 100 * HUGE).rows
    ((below, above, least, greatest, number),) = (
        plain_sql()
        .execute("SELECT quantile_disc(age, 0.499), quantile_disc(age, 0.501), MIN(age), MAX(age), COUNT(*) FROM persons")
        .fetchall()
    )
    sites = dict(plain_sql().execute("SELECT site, COUNT(*) FROM persons WHERE site IS NOT NULL GROUP BY site").fetchall())
    assert below <= median <= above
    assert (low, high, count) == (least, greatest, number)
    assert sites[most] == max(sites.values())


def test_groups_each_have_their_own(shared_bench_house: House) -> None:
    answer = ask(shared_bench_house, "SELECT female, MAX(age) AS oldest FROM persons GROUP BY female", 100 * HUGE)
    expected = plain_sql().execute("SELECT female, MAX(age) FROM persons GROUP BY female").fetchall()
    assert {row for row in answer.rows if row in expected} == set(expected)


def test_a_receipt_says_which_mechanism_chose_and_how_many_ranks_it_may_be_off(shared_bench_house: House) -> None:
    answer = ask(shared_bench_house, "SELECT MEDIAN(age) AS m FROM persons", "2")
    (mechanism,) = answer.receipt["mechanisms"]
    assert mechanism["mechanism"] == "report noisy max (Gumbel)"
    assert mechanism["rank_error_95"] >= 1
    assert answer.errors == ((None,),)


@pytest.mark.parametrize("sql", [SQL, "SELECT female, QUANTILE_CONT(age, [0.1, 0.9]) AS q FROM persons GROUP BY female"])
def test_the_same_question_is_answered_from_the_record(shared_bench_house: House, sql: str) -> None:
    first, second = (ask(shared_bench_house, sql, "3") for _ in range(2))
    assert second.rows == first.rows
    assert second.receipt["replayed"]
