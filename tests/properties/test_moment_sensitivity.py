"""Brute force: no person, removed with all rows, moves a square, a product or a count of values by more than the plan says."""

from typing import Any

import duckdb
import pytest
from hypothesis import given

from tests.properties.test_query_sensitivity import LAB_PEOPLE, PERSON_PEOPLE, SLOW, heaviest, try_every_removal

LAB_SHAPES = [
    "SELECT VAR_POP(value), STDDEV(grade), CORR(value, grade), COUNT(DISTINCT site) FROM labs",
    "SELECT test, REGR_SLOPE(value, grade), COUNT(DISTINCT grade), SUM(value * grade) FROM labs GROUP BY test",
    "SELECT test, COVAR_POP(clamp(value, 0, 100), clamp(grade, -1, 2)) FROM labs GROUP BY test",
    "SELECT site, VAR_SAMP(value), COUNT(DISTINCT value) FROM labs GROUP BY site",
    "SELECT COUNT(DISTINCT test || coalesce(site, '')), VAR_POP(value) FILTER (WHERE test = 'chol') FROM labs",
    "SELECT SUM(CASE WHEN test = 'hdl' THEN value ELSE 0 END), AVG(CASE WHEN grade > 0 THEN value END) FROM labs",
]
PERSON_SHAPES = [
    "SELECT CORR(bmi, income), REGR_INTERCEPT(age, bmi), VAR_POP(smoker), COUNT(DISTINCT town) FROM persons",
    "SELECT stage, VAR_SAMP(income), COVAR_SAMP(smoker, bmi), COUNT(DISTINCT age) FROM persons GROUP BY stage",
    "SELECT town, STDDEV(clamp(weight, -1, 1)), SUM(bmi * age) / SUM(age) FROM persons GROUP BY town",
]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@given(people=LAB_PEOPLE)
@SLOW
def test_no_person_with_several_rows_moves_a_moment_beyond_its_sensitivity(
    connection: duckdb.DuckDBPyConnection, people: list[list[dict[str, Any]]]
) -> None:
    try_every_removal(connection, "labs", people, LAB_SHAPES)


@given(people=PERSON_PEOPLE)
@SLOW
def test_no_person_with_one_row_moves_a_moment_beyond_its_sensitivity(
    connection: duckdb.DuckDBPyConnection, people: list[list[dict[str, Any]]]
) -> None:
    try_every_removal(connection, "persons", people, PERSON_SHAPES)


@pytest.mark.parametrize("sql", LAB_SHAPES)
def test_a_person_beyond_every_bound_is_held_to_the_sensitivity_of_a_moment(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    for alone in (heaviest(), [row for row in heaviest() if row["test"] == "chol"], [row for row in heaviest() if row["value"] == 500.0]):
        try_every_removal(connection, "labs", [alone], [sql])
