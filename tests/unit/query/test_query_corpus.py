"""The corpus: questions that are answered, with facts of their plans, and questions that are refused, with their codes."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from haven import query
from haven.errors import Refused
from tests.support import agreement, layout_db
from tests.support.corpus import Accepted, Turned, accepted, facts_of, refused
from tests.support.duck_reference import Reference
from tests.support.query_world import LABS, PERSONS, planned

READ_BY_THE_ORACLE = ("answers", "conditions", "counts", "groups", "sums", "towers")
"""Files of questions over one table, which the evaluator in Python reads too, on rows that exceed every bound."""
ORACLES = [question for question in accepted() if question.topic in READ_BY_THE_ORACLE]


def people(draw: random.Random) -> Iterator[dict[str, Any]]:
    for number in range(60):
        yield {
            "id": number,
            "age": draw.randint(18, 98),
            "male": draw.random() < 0.5,
            "smoker": draw.choice([True, False, None]),
            "bmi": draw.choice([None, draw.uniform(10, 80), 30.0, 25.0]),
            "income": draw.randint(0, 5_000_000),
            "stage": draw.choice(["none", "mild", "severe", None]),
            "town": draw.choice(["a", "b", "Oslo", "12"]),
            "born": date(1920, 1, 1) + timedelta(days=draw.randint(0, 31000)),
            "died": draw.choice([None, date(2020, 3, 4)]),
            "weight": draw.choice([None, -3.0, 0.0, 70.5]),
            "visits": draw.choice([None, 0, 7, 2**40]),
        }


def labs(draw: random.Random) -> Iterator[dict[str, Any]]:
    for _ in range(200):
        yield {
            "id": draw.randint(0, 40),
            "test": draw.choice(["chol", "dbp", "fib4", "hdl"]),
            "site": draw.choice(["x", "y", None, "z"]),
            "value": draw.choice([None, draw.uniform(0, 500)]),
            "day": date(2010, 1, 1) + timedelta(days=draw.randint(0, 1000)),
            "grade": draw.choice([None, -3, 0, 4, 2]),
        }


@pytest.fixture(scope="module")
def tables() -> dict[str, list[dict[str, Any]]]:
    draw = random.Random(7)  # noqa: S311 - rows of a test
    return {"persons": layout_db.ranked(PERSONS, people(draw)), "labs": layout_db.ranked(LABS, labs(draw))}


@pytest.fixture(scope="module")
def connection(tables: dict[str, list[dict[str, Any]]]) -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    layout_db.store(made, "persons", PERSONS, tables["persons"])
    layout_db.store(made, "labs", LABS, tables["labs"])
    return made


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


def test_the_corpus_is_large() -> None:
    assert len({question.sql for question in accepted()}) == len(accepted()) >= 300
    assert len({question.sql for question in refused()}) == len(refused()) >= 300


@pytest.mark.parametrize("question", accepted(), ids=lambda question: question.sql[:60])
def test_an_accepted_question_has_the_stated_plan(question: Accepted) -> None:
    assert facts_of(planned(question.sql)) == question.facts


@pytest.mark.parametrize("question", accepted(), ids=lambda question: question.sql[:60])
def test_an_accepted_question_without_noise_answers_what_duckdb_says_of_its_text(reference: Reference, question: Accepted) -> None:
    reference.assert_same(question.sql)


@pytest.mark.parametrize("question", ORACLES, ids=lambda question: question.sql[:60])
def test_an_accepted_question_without_noise_answers_what_the_oracle_says(
    connection: duckdb.DuckDBPyConnection, tables: dict[str, list[dict[str, Any]]], question: Accepted
) -> None:
    agreement.assert_agree(connection, question.sql, tables)


@pytest.mark.parametrize("question", refused(), ids=lambda question: question.sql[:60])
def test_a_refused_question_gets_its_code_a_sentence_and_what_to_write_instead(question: Turned) -> None:
    with pytest.raises(Refused) as caught:
        planned(question.sql)
    assert caught.value.code == question.code
    assert caught.value.reason.endswith(".")
    assert question.instead in caught.value.suggestion


def test_a_plan_is_data_free_and_made_twice_the_same() -> None:
    for question in accepted()[::7]:
        assert planned(question.sql) == planned(question.sql)
        assert isinstance(planned(question.sql), query.PrivatePlan)
