"""At a price that leaves no noise, answers are what plain SQL says of the same rows."""

from collections import Counter
from datetime import date, timedelta

import duckdb
import pytest

from haven.cli.house import House
from haven.engines.snapshot import database_of
from tests.support.house import HUGE, PERSONS, ask, plain_sql, source_rows

SAME = [
    "SELECT COUNT(*) AS n FROM persons",
    "SELECT COUNT(weight) AS n, SUM(age) AS s, SUM(weight) AS w FROM persons",
    "SELECT AVG(age) AS a, AVG(weight) AS w FROM persons WHERE age >= 40",
    "SELECT COUNT(*) AS n FROM persons WHERE weight IS NULL",
    "SELECT COUNT(*) AS n FROM persons WHERE weight > 100 AND NOT female OR age < 20",
    "SELECT SUM(CASE WHEN age BETWEEN 30 AND 59 THEN weight ELSE 0 END) AS s FROM persons",
    "SELECT female, COUNT(*) AS n, AVG(weight) AS w FROM persons GROUP BY female",
    "SELECT site, COUNT(*) AS n, SUM(weight) AS s FROM persons GROUP BY site",
    "SELECT site, female, COUNT(*) AS n FROM persons GROUP BY site, female",
    "SELECT ward, COUNT(*) AS n, AVG(age) AS a FROM persons WHERE ward <> 'attic' GROUP BY ward",
    "SELECT kind, COUNT(*) AS n, SUM(cost) AS s, AVG(days) AS d, COUNT(DISTINCT id) AS people FROM visits GROUP BY kind",
    "SELECT clinic, COUNT(*) AS n, SUM(days) AS d FROM visits GROUP BY clinic",
    "SELECT COUNT(*) AS n, SUM(cost) AS s, COUNT(DISTINCT id) AS people FROM visits WHERE days > 60",
    "SELECT kind AS k, SUM(cost) / COUNT(*) AS mean, 2 * COUNT(*) AS twice FROM visits GROUP BY kind",
]
SAME_IN_ORDER = [
    "SELECT site, COUNT(*) AS n FROM persons GROUP BY site HAVING COUNT(*) > 20 ORDER BY n DESC, site",
    "SELECT age, COUNT(*) AS n FROM persons WHERE age < 90 GROUP BY age HAVING COUNT(*) > 2 ORDER BY age DESC LIMIT 5",
    "SELECT kind, SUM(days) AS d FROM visits GROUP BY kind ORDER BY SUM(days), kind DESC LIMIT 2",
    "SELECT ward, SUM(age) AS s FROM persons WHERE ward <> 'attic' GROUP BY ward ORDER BY s DESC LIMIT 2 OFFSET 1",
    "SELECT site, COUNT(*) AS n FROM persons GROUP BY site ORDER BY site NULLS FIRST LIMIT 3",
    "SELECT SUM(n) AS s, MAX(n) AS m, COUNT(*) AS k FROM (SELECT site, COUNT(*) AS n FROM persons GROUP BY site) AS t",
    "SELECT site, COUNT(*) AS n, RANK() OVER (ORDER BY COUNT(*) DESC) AS r FROM persons GROUP BY site ORDER BY ALL",
    "SELECT kind, SUM(COUNT(*)) OVER () AS n FROM visits GROUP BY kind ORDER BY kind",
    "SELECT (SELECT COUNT(*) FROM persons WHERE female) AS f, (SELECT COUNT(*) FROM persons) AS n",
    "SELECT COUNT(DISTINCT (site, female)) AS n FROM persons WHERE (site, female) <> ('north', true)",
]


def _agree(given: tuple, told_errors: tuple, expected: tuple) -> bool:
    """Cell by cell: equal, or apart by less than five times what 95 % of the noise stays within."""
    pairs = zip(given, told_errors, expected, strict=True)
    return all(
        cell == want if error is None or None in {cell, want} else abs(cell - float(want)) <= 5 * error + 1e-9 * abs(float(want))
        for cell, error, want in pairs
    )


@pytest.mark.parametrize("sql", SAME)
def test_answers_are_those_of_plain_sql_in_any_order(shared_bench_house: House, sql: str) -> None:
    answer = ask(shared_bench_house, sql)
    expected = plain_sql().execute(sql).fetchall()
    assert len(answer.rows) == len(expected)
    for row, errors in zip(answer.rows, answer.errors, strict=True):
        assert any(_agree(row, errors, want) for want in expected)


@pytest.mark.parametrize("sql", SAME_IN_ORDER)
def test_having_order_and_limit_are_those_of_plain_sql(shared_bench_house: House, sql: str) -> None:
    assert list(ask(shared_bench_house, sql, 100 * HUGE).rows) == plain_sql().execute(sql).fetchall()


def test_every_public_key_is_answered_and_null_is_a_group(shared_bench_house: House) -> None:
    rows = ask(shared_bench_house, "SELECT site, COUNT(*) AS n FROM persons WHERE age > 999 GROUP BY site").rows
    assert rows == (("north", 0), ("south", 0), ("west", 0), (None, 0))


def test_a_rare_private_key_stays_unseen_and_a_common_one_appears(shared_bench_house: House) -> None:
    wards = Counter(row["ward"] for row in source_rows()["persons"])
    rows = ask(shared_bench_house, "SELECT ward, COUNT(*) AS n FROM persons GROUP BY ward").rows
    assert wards["attic"] == 2
    assert dict(rows) == {ward: n for ward, n in wards.items() if ward != "attic"}


def test_a_mean_over_nobody_is_null(shared_bench_house: House) -> None:
    assert ask(shared_bench_house, "SELECT AVG(weight) AS w FROM persons WHERE age > 999").rows == ((None,),)


def test_a_date_is_compared_as_a_date(shared_bench_house: House) -> None:
    day = date(2020, 1, 1) + timedelta(days=100)
    rows = ask(shared_bench_house, f"SELECT COUNT(*) AS n FROM persons WHERE entered >= DATE '{day}'").rows  # noqa: S608 - a question
    assert rows == ((PERSONS - 100,),)


def test_of_each_person_no_more_rows_count_than_were_declared(shared_bench_house: House) -> None:
    held = Counter(row["id"] for row in source_rows()["scans"])
    assert ask(shared_bench_house, "SELECT COUNT(*) AS n FROM scans").rows == ((sum(min(rows, 3) for rows in held.values()),),)


def test_a_lower_bound_asked_for_counts_fewer_rows(shared_bench_house: House) -> None:
    held = Counter(row["id"] for row in source_rows()["scans"])
    assert ask(shared_bench_house, "SELECT COUNT(*) AS n FROM scans", rows_per_unit=1).rows == ((len(held),),)


def test_groups_and_rows_beyond_the_bounds_are_left_out_by_the_stored_ranks(shared_bench_house: House) -> None:
    snapshot = shared_bench_house.home.home.data / "clinic" / "1"
    with duckdb.connect(str(database_of(snapshot)), read_only=True) as stored:
        kept = stored.execute(
            "SELECT organ, count(*), sum(dose) FROM scans WHERE gr_organ <= 2 AND rpc_organ <= 1 GROUP BY organ"
        ).fetchall()
    organs_of = {row["id"]: set() for row in source_rows()["scans"]}
    for row in source_rows()["scans"]:
        organs_of[row["id"]].add(row["organ"])
    rows = ask(shared_bench_house, "SELECT organ, COUNT(*) AS n, SUM(dose) AS d FROM scans GROUP BY organ").rows
    assert sorted(rows) == sorted(kept)
    assert sum(n for _, n, _ in rows) == sum(min(len(organs), 2) for organs in organs_of.values())


def test_qualified_names_reach_both_datasets_of_a_project(shared_bench_house: House) -> None:
    score = sum(row["score"] for row in source_rows()["members"])
    assert ask(shared_bench_house, "SELECT COUNT(*) AS n FROM clinic.persons", project="both").rows == ((PERSONS,),)
    assert ask(shared_bench_house, "SELECT SUM(score) AS s FROM sister.members", project="both").rows == ((score,),)
