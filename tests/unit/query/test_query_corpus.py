"""The corpus: questions that are answered, with facts of their plans, and questions that are refused, with their codes."""
# ruff: noqa: ANN401 - an answer's cells are of any type

import random
import re
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from ruamel.yaml import YAML

from haven import query
from haven.errors import Refused
from tests.support import agreement, layout_db
from tests.support.query_world import LABS, PERSONS, planned, rank_filters

CORPUS = Path(__file__).parents[2] / "sql"
BLOCK = re.compile(r"-- (targets .*)\n(.*);\n")


def accepted() -> list[tuple[str, str]]:
    return [(sql, facts) for path in sorted((CORPUS / "accepted").glob("*.sql")) for facts, sql in BLOCK.findall(path.read_text())]


def refused() -> list[tuple[str, str]]:
    paths = sorted((CORPUS / "refused").glob("*.yaml"))
    return [(entry["sql"], entry["code"]) for path in paths for entry in YAML(typ="safe").load(path.read_text())]


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
def logical(tables: dict[str, list[dict[str, Any]]]) -> duckdb.DuckDBPyConnection:
    """The same rows as a researcher pictures them, for the engine's own reading of the researcher's own text."""
    made = duckdb.connect()
    made.execute("CREATE SCHEMA nafld; SET search_path = 'main,nafld'")
    made.execute("CREATE MACRO clamp(x, lo, hi) AS CASE WHEN x IS NOT NULL THEN greatest(lo, least(hi, x)) END")
    types = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "category": "VARCHAR", "date": "DATE"}
    for name, table in (("persons", PERSONS), ("labs", LABS)):
        columns = ", ".join(["id BIGINT", *(f"{each} {types[column.type]}" for each, column in table.columns.items())])
        made.execute(f"CREATE TABLE nafld.{name} ({columns})")
        for row in tables[name]:
            values = [row["id"], *(row[each] for each in table.columns)]
            made.execute(f"INSERT INTO nafld.{name} VALUES ({', '.join('?' * len(values))})", values)  # noqa: S608 - the test's own
    return made


def test_the_corpus_is_large() -> None:
    assert len(accepted()) >= 100
    assert len(refused()) >= 100


@pytest.mark.parametrize(("sql", "facts"), accepted())
def test_an_accepted_question_has_the_stated_plan(sql: str, facts: str) -> None:
    plan = planned(sql)
    public = plan.public_keys()
    ranks = " ".join(f"{name}<={most}" for name, most in rank_filters(plan)) or "none"
    assert f"targets {len(plan.targets)}; groups {'private' if public is None else len(public)}; ranks {ranks}" == facts


@pytest.mark.parametrize(("sql", "_facts"), accepted())
def test_an_accepted_question_without_noise_answers_what_the_oracle_says(
    connection: duckdb.DuckDBPyConnection, tables: dict[str, list[dict[str, Any]]], sql: str, _facts: str
) -> None:
    agreement.assert_agree(connection, sql, tables)


# What the engine reads by other rules than haven: booleans as numbers, casts that stop on a row, sums over nothing, an unbound alias.
OTHER_RULES = ("/ NULLIF", "male)", "= 1", "= 0", "age > 200", "CAST(town", "LIMIT", "weight", "labs")
SHARED = [sql for sql, _ in accepted() if not any(rule in sql for rule in OTHER_RULES)]


@pytest.mark.parametrize("sql", SHARED)
def test_an_accepted_question_without_noise_answers_what_the_engine_says_of_its_text(
    connection: duckdb.DuckDBPyConnection, logical: duckdb.DuckDBPyConnection, sql: str
) -> None:
    shown = {_rounded(row) for row in agreement.without_noise(connection, sql)[1]}
    spoken = {_rounded(row) for row in logical.execute(sql).fetchall()}
    assert spoken
    assert spoken <= shown  # haven also answers public groups that nobody is in


def _rounded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_plain(value) for value in row)


def _plain(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()[:10]
    return value if value is None or isinstance(value, str) else float(f"{float(value):.3g}")


@pytest.mark.parametrize(("sql", "code"), refused())
def test_a_refused_question_gets_its_code_a_sentence_and_what_to_write_instead(sql: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        planned(sql)
    assert caught.value.code == code
    assert caught.value.reason.endswith(".")
    assert caught.value.suggestion


def test_a_plan_is_data_free_and_made_twice_the_same() -> None:
    for sql, _ in accepted()[:20]:
        assert planned(sql) == planned(sql)
        assert isinstance(planned(sql), query.PrivatePlan)
