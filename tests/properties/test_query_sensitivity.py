"""Brute force: no person, removed with all rows, moves any target of any accepted shape by more than the plan says.

Random small databases weigh bounds, NULL, NaN, duplicates, one row and one group more than the bounds allow, and empty tables.
"""

import dataclasses
import math
import re
from datetime import date, timedelta
from itertools import chain
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haven import query
from tests.support import layout_db
from tests.support.corpus import accepted
from tests.support.query_world import LABS, PERSONS, planned, rank_filters
from tests.support.removals import Neighbours, assert_within, random_world

EDGE = st.sampled_from([0.0, 500.0, -1.0, 1e9, 250.0, float("nan"), float("inf"), 0.1, 499.9999])
LAB = st.fixed_dictionaries(
    {
        "test": st.sampled_from(["chol", "dbp", "fib4", "hdl"]),
        "site": st.sampled_from(["x", "y", "z", None]),
        "value": st.one_of(st.none(), EDGE, st.floats(0, 500)),
        "day": st.integers(-10, 1110).map(lambda days: date(2010, 1, 1) + timedelta(days=days)),
        "grade": st.one_of(st.none(), st.sampled_from([-3, 4, -100, 100, 0])),
    }
)
LAB_PEOPLE = st.lists(st.lists(LAB, min_size=0, max_size=LABS.rows_per_unit + 2), min_size=0, max_size=4)
PERSON = st.fixed_dictionaries(
    {
        "age": st.sampled_from([18, 98, 0, 200, 50, 51]),
        "male": st.booleans(),
        "smoker": st.sampled_from([True, False, None]),
        "bmi": st.one_of(st.none(), st.sampled_from([10.0, 80.0, -5.0, 300.0, float("nan"), 45.0, 30.0]), st.floats(10, 80)),
        "income": st.sampled_from([0, 5_000_000, 10**7, 2_500_001]),
        "stage": st.sampled_from(["none", "mild", "severe", None, "unlisted"]),
        "town": st.sampled_from(["a", "b", ""]),
        "born": st.sampled_from([date(1920, 1, 1), date(2005, 12, 31), date(1000, 1, 1)]),
        "died": st.sampled_from([None, date(2020, 1, 1)]),
        "weight": st.one_of(st.none(), st.floats(allow_nan=True)),
        "visits": st.sampled_from([None, 0, 2**62, -(2**62)]),
    }
)
PERSON_PEOPLE = st.lists(st.lists(PERSON, min_size=0, max_size=2), min_size=0, max_size=4)

LAB_SHAPES = [
    "SELECT COUNT(*), COUNT(value), SUM(value), AVG(value), SUM(grade), COUNT(DISTINCT id) FROM labs",
    "SELECT COUNT(DISTINCT id) FROM labs WHERE value > 10",
    "SELECT test, COUNT(*), SUM(value), AVG(grade), COUNT(DISTINCT id) FROM labs GROUP BY test",
    "SELECT test, COUNT(DISTINCT id) FROM labs GROUP BY test",
    "SELECT site, COUNT(*), AVG(value), COUNT(DISTINCT id) FROM labs GROUP BY site",
    "SELECT site, COUNT(DISTINCT id) FROM labs WHERE value < 300 GROUP BY site",
    "SELECT test, site, COUNT(*), SUM(grade) FROM labs GROUP BY test, site",
    "SELECT upper(test) AS t, COUNT(*), SUM(value) FROM labs GROUP BY t",
    "SELECT CASE WHEN test = 'chol' THEN 'c' ELSE 'other' END AS t, COUNT(*), SUM(value) FROM labs GROUP BY t",
    "SELECT COUNT(*), SUM(value), AVG(value) FROM labs WHERE test = 'chol'",
    "SELECT COUNT(*), SUM(grade) FROM labs WHERE test IN ('chol', 'dbp') AND value > 1",
    "SELECT test, AVG(value) FROM labs WHERE test = 'hdl' GROUP BY test",
    "SELECT grade, COUNT(*), SUM(value) FROM labs WHERE test = 'chol' GROUP BY grade",
    "SELECT year(day) AS y, COUNT(*), SUM(value) FROM labs GROUP BY y",
    "SELECT value > 250 AS high, COUNT(*), COUNT(DISTINCT id) FROM labs GROUP BY high",
    "SELECT test, value > 250 AS high, COUNT(*) FROM labs GROUP BY test, high",
    "SELECT test, AVG(clamp(value, 10, 75.5)), SUM(clamp(grade, -1, 2)) FROM labs GROUP BY test",
    "SELECT SUM(clamp(value / grade, -10, 10)), AVG(value * grade), SUM(ln(value + 1)) FROM labs",
    "SELECT COUNT(*) FILTER (WHERE grade > 0), SUM(value) FILTER (WHERE test = 'dbp') FROM labs",
    "SELECT SUM(v) FROM (SELECT value - 250 AS v, test FROM labs WHERE grade IS NOT NULL) AS t WHERE t.test <> 'hdl'",
]
PERSON_SHAPES = [
    "SELECT COUNT(*), SUM(bmi), AVG(bmi), SUM(age), AVG(income), SUM(income), COUNT(visits) FROM persons",
    "SELECT stage, COUNT(*), AVG(bmi), AVG(smoker), SUM(male) FROM persons GROUP BY stage",
    "SELECT town, COUNT(*), AVG(bmi) FROM persons GROUP BY town",
    "SELECT floor(age / 10) * 10 AS d, male, COUNT(*), SUM(bmi) FROM persons GROUP BY d, male",
    "SELECT male, AVG(clamp(bmi, 20.5, 33)), SUM(clamp(age, 40, 61)) FROM persons GROUP BY male",
    "SELECT COUNT(DISTINCT id), SUM(clamp(weight, -1, 1)), SUM(clamp(visits, -1, 1)), SUM(pow(bmi, 3)) FROM persons",
    "SELECT year(born) AS y, COUNT(*), AVG(exp(bmi / 10)) FROM persons WHERE NOT male OR smoker GROUP BY y",
]


def owned(people: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return list(chain.from_iterable(({"id": index, **row} for row in rows) for index, rows in enumerate(people)))


def try_every_removal(connection: duckdb.DuckDBPyConnection, name: str, people: list[list[dict[str, Any]]], shapes: list[str]) -> None:
    table = {"labs": LABS, "persons": PERSONS}[name]
    stored = layout_db.ranked(table, owned(people))
    plans = [planned(sql) for sql in shapes]
    layout_db.store(connection, name, table, stored)
    whole = [layout_db.exact(connection, plan) for plan in plans]
    for index in range(len(people)):
        layout_db.store(connection, name, table, [row for row in stored if row["id"] != index])
        for plan, before in zip(plans, whole, strict=True):
            assert_within(plan.sql, plan, before, layout_db.exact(connection, plan))


SLOW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@given(people=LAB_PEOPLE)
@SLOW
def test_no_person_with_several_rows_moves_a_target_beyond_its_sensitivity(
    connection: duckdb.DuckDBPyConnection, people: list[list[dict[str, Any]]]
) -> None:
    try_every_removal(connection, "labs", people, LAB_SHAPES)


@given(people=PERSON_PEOPLE)
@SLOW
def test_no_person_with_one_row_moves_a_target_beyond_its_sensitivity(
    connection: duckdb.DuckDBPyConnection, people: list[list[dict[str, Any]]]
) -> None:
    try_every_removal(connection, "persons", people, PERSON_SHAPES)


@pytest.fixture(scope="module")
def corpus() -> dict[str, query.PrivatePlan]:
    return {question.sql: planned(question.sql) for question in accepted()}


@pytest.fixture(scope="module")
def neighbours() -> Neighbours:
    return Neighbours()


@pytest.mark.parametrize("seed", range(4))
def test_no_question_of_the_corpus_moves_beyond_its_sensitivity(
    neighbours: Neighbours, corpus: dict[str, query.PrivatePlan], seed: int
) -> None:
    """A quarter of the questions in each of two worlds; the audit asks all of them in hundreds."""
    quarter = {sql: corpus[sql] for sql in list(corpus)[seed::4]}
    for world in (seed, 7 * (seed + 1)):
        neighbours.load(random_world(world))
        neighbours.largest_moves(quarter)


def test_no_question_of_the_corpus_depends_on_the_order_in_which_rows_are_stored(corpus: dict[str, query.PrivatePlan]) -> None:
    """An order is other people's: sums are of integers, first and last values have their ties broken by stored ranks."""
    world = random_world(14)
    found = []
    for turn in (1, -1):
        neighbours = Neighbours()
        neighbours.load(world, turn=turn)
        found.append({sql: neighbours.exact(plan).table for sql, plan in corpus.items()})
    assert found[0] == found[1]


@pytest.mark.audit
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("hundred", range(1, 5))
def test_no_question_of_the_corpus_moves_beyond_its_sensitivity_in_two_hundred_worlds(
    neighbours: Neighbours, corpus: dict[str, query.PrivatePlan], hundred: int
) -> None:
    for seed in range(100 * hundred, 100 * hundred + 50):
        neighbours.load(random_world(seed))
        neighbours.largest_moves(corpus)


def heaviest() -> list[dict[str, Any]]:
    """A person beyond every bound: all cells of test × site, three times each, at the ends of the ranges."""
    cells = [(test, site) for test in ("chol", "dbp", "fib4", "hdl") for site in ("x", "y", "z", None)]
    day = date(2011, 5, 5)
    return [{"test": t, "site": s, "value": v, "day": day, "grade": 4} for t, s in cells for v in (500.0, 1e9, 0.0)]


@pytest.mark.parametrize("sql", LAB_SHAPES)
def test_a_person_beyond_every_bound_is_held_to_the_sensitivity(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    for alone in (heaviest(), [row for row in heaviest() if row["test"] == "chol"], [row for row in heaviest() if row["value"] == 500.0]):
        try_every_removal(connection, "labs", [alone], [sql])


def test_sums_reach_their_sensitivity_so_that_no_noise_is_wasted(connection: duckdb.DuckDBPyConnection) -> None:
    sql = "SELECT SUM(value) FROM labs WHERE test = 'chol'"
    layout_db.store(connection, "labs", LABS, layout_db.ranked(LABS, owned([heaviest()[:1] * 5])))
    plan = planned(sql)
    assert layout_db.exact(connection, plan).columns[0][0] == plan.targets[0].sensitivity.l1 == 2 * 500 / plan.targets[0].grid


def test_the_filters_of_a_plan_are_ranks_on_the_base_scan() -> None:
    assert rank_filters(planned(LAB_SHAPES[0])) == [("rk_", 6)]
    assert rank_filters(planned(LAB_SHAPES[1])) == []
    assert dict(rank_filters(planned(LAB_SHAPES[2]))) == {"gr_test": 2, "rpc_test": 2}
    assert rank_filters(planned(LAB_SHAPES[9])) == [("rpc_test", 2)]


def test_bounds_of_one_person_follow_policy_and_query() -> None:
    by_test = planned(LAB_SHAPES[2]).targets[0].sensitivity.bound
    assert (by_test.rows_per_unit, by_test.groups_per_unit, by_test.rows_per_group) == (4, 2, 2)
    assert math.isclose(
        planned(LAB_SHAPES[2]).targets[0].sensitivity.l2, math.sqrt(8) * planned(LAB_SHAPES[2]).targets[0].sensitivity.largest
    )


def test_without_its_rank_filters_the_same_person_is_caught(connection: duckdb.DuckDBPyConnection) -> None:
    plan = planned(LAB_SHAPES[0])
    unbounded = dataclasses.replace(plan, sql=re.sub(r' WHERE "rk_" <= 6', "", plan.sql))
    layout_db.store(connection, "labs", LABS, layout_db.ranked(LABS, owned([heaviest()])))
    whole = layout_db.exact(connection, unbounded)
    connection.execute("DELETE FROM labs")
    with pytest.raises(AssertionError):
        assert_within(unbounded.sql, unbounded, whole, layout_db.exact(connection, unbounded))
