"""On random small databases every question, without noise, answers what the oracle says."""

from itertools import chain
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings

from tests.properties.test_query_sensitivity import LAB_PEOPLE, LAB_SHAPES, PERSON_PEOPLE, PERSON_SHAPES
from tests.support import agreement, layout_db
from tests.support.query_world import LABS, PERSONS

SLOW = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
# keys outside the declared ones are dropped from public groups: the oracle is not told of them
LISTED = ("none", "mild", "severe", None)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def owned(people: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return list(chain.from_iterable(({"id": index, **row} for row in rows) for index, rows in enumerate(people)))


@given(people=LAB_PEOPLE)
@SLOW
def test_questions_about_several_rows_agree_with_the_oracle(
    connection: duckdb.DuckDBPyConnection, people: list[list[dict[str, Any]]]
) -> None:
    rows = layout_db.ranked(LABS, owned(people))
    layout_db.store(connection, "labs", LABS, rows)
    for sql in LAB_SHAPES:
        agreement.assert_agree(connection, sql, {"labs": rows, "persons": []})


@given(people=PERSON_PEOPLE)
@SLOW
def test_questions_about_one_row_agree_with_the_oracle(connection: duckdb.DuckDBPyConnection, people: list[list[dict[str, Any]]]) -> None:
    rows = layout_db.ranked(PERSONS, [row for row in owned(people) if row["stage"] in LISTED])
    layout_db.store(connection, "persons", PERSONS, rows)
    for sql in PERSON_SHAPES:
        agreement.assert_agree(connection, sql, {"persons": rows, "labs": []})
