"""From a source file to a sealed table: ingest, plan and engine together say what the plain-Python oracle says of the source's rows."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from haven import query
from haven.catalog.dataset import ColumnType, Table
from haven.engines.duckdb_engine import DuckDBEngine
from haven.privacy.tables import NoisyTable
from tests.support import agreement, oracle
from tests.support.engine_world import SMALL, permit
from tests.support.query_world import LABS, PERSONS, planned
from tests.support.sources import SECRET, ingested, write_source
from tests.support.stored_oracle import stored_rows

QUESTIONS = [
    "SELECT count(*) AS n FROM persons",
    "SELECT stage, count(*) AS n, avg(bmi) AS b, sum(income) AS i FROM persons GROUP BY stage ORDER BY stage",
    "SELECT male, smoker, count(bmi) AS n, avg(age) AS a FROM persons WHERE bmi > 25 OR smoker GROUP BY male, smoker",
    "SELECT town, count(DISTINCT id) AS people, sum(age) AS years FROM persons GROUP BY town",
    "SELECT age, count(*) AS n FROM persons WHERE died IS NULL GROUP BY age",
    "SELECT count(*) AS n, sum(value) AS v, avg(grade) AS g FROM labs",
    "SELECT test, count(*) AS n, avg(value) AS v FROM labs GROUP BY test",
    "SELECT test, count(DISTINCT id) AS people FROM labs GROUP BY test",
    "SELECT site, count(DISTINCT id) AS people, avg(value) AS v FROM labs WHERE grade >= 0 GROUP BY site",
    "SELECT test, count(*) AS n FROM labs WHERE day >= DATE '2011-01-01' AND value BETWEEN 50 AND 450 GROUP BY test HAVING count(*) > 3",
]


def people(draw: random.Random) -> list[dict[str, Any]]:
    first = date(1920, 1, 1)
    return [
        {
            "id": f"p{i}",
            "age": draw.randrange(10, 110),
            "male": draw.random() < 0.5,
            "smoker": draw.choice([True, False, None]),
            "bmi": draw.choice([None, float("nan"), 5.0, 99.0, draw.uniform(15, 45)]),
            "income": draw.randrange(-5, 6_000_000),
            "stage": draw.choice(["none", "mild", "severe", "unknown", None]),
            "town": draw.choice(["Oslo", "Bergen", "Tromsø"]),
            "born": first + timedelta(draw.randrange(35_000)),
            "died": draw.choice([None, first + timedelta(draw.randrange(35_000))]),
            "weight": draw.choice([None, 80.5]),
            "visits": draw.choice([None, 3]),
        }
        for i in range(400)
    ]


def results(draw: random.Random) -> list[dict[str, Any]]:
    return [
        {
            "id": f"p{draw.randrange(150)}",
            "test": draw.choice(["chol", "dbp", "fib4", "hdl"]),
            "site": draw.choice(["north", "south", None]),
            "value": draw.choice([None, -1.0, 600.0, draw.uniform(0, 500)]),
            "day": date(2009, 6, 1) + timedelta(draw.randrange(1500)),
            "grade": draw.choice([None, *range(-5, 6)]),
        }
        for _ in range(1500)
    ]


def as_the_oracle_reads(name: str, table: Table, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stored rows, computed in plain Python, with dates as dates and booleans as booleans."""
    made = []
    for unit, row in stored_rows(name, table, rows, SECRET):
        for column, declared in table.columns.items():
            if row[column] is not None and declared.type is ColumnType.DATE:
                row[column] = date(1970, 1, 1) + timedelta(row[column])
            if row[column] is not None and declared.type is ColumnType.BOOLEAN:
                row[column] = bool(row[column])
        made.append({"id": unit} | row)
    return made


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[DuckDBEngine, oracle.Tables]]:
    home = tmp_path_factory.mktemp("agreement")
    draw = random.Random(11)  # noqa: S311 - test data
    rows = {"persons": people(draw), "labs": results(draw)}
    tables = {"persons": PERSONS.model_copy(update={"source": "persons.parquet"}), "labs": LABS.model_copy(update={"source": "labs.csv"})}
    for name, table in tables.items():
        write_source(home / table.source, pa.Table.from_pylist(rows[name]))
    (home / "data").mkdir()
    snapshot = ingested(tables, home, home / "data")
    snapshot.path.parent.rename(home / "data" / "nafld")
    with DuckDBEngine(home / "data", SMALL) as engine:
        yield engine, {name: as_the_oracle_reads(name, table, rows[name]) for name, table in tables.items()}


@pytest.mark.parametrize("sql", QUESTIONS)
def test_the_engine_says_what_the_oracle_says(world: tuple[DuckDBEngine, oracle.Tables], sql: str) -> None:
    engine, tables = world
    plan = planned(sql)
    sealed: Any = engine.execute(plan, permit(plan))
    exact = NoisyTable(sealed._keys, tuple(tuple(column) for column in sealed._columns), sealed._units and tuple(sealed._units))
    found = sorted(query.finish(plan, exact).rows, key=agreement._rank)
    expected = sorted(agreement.by_oracle(plan, sql, tables), key=agreement._rank)
    assert len(found) == len(expected) > 0
    for one, other in zip(found, expected, strict=True):
        assert all(agreement._same(a, b) for a, b in zip(one, other, strict=True)), (one, other)
