"""Every function says the same in Python as in the engine, and keeps to the interval and the NULLs that its shape claims."""

import math
from collections.abc import Iterator
from datetime import date
from typing import Any

import duckdb
import pytest
from sqlglot import parse_one

from haven.catalog.layout import layout_of
from haven.query.binding import Binder
from haven.query.domains import evaluate
from haven.query.expressions import Expression, columns_of
from haven.query.function import UnsureError
from haven.query.names import Scope
from haven.query.private_plan import OutputType
from haven.query.relations import Scan
from haven.query.render import render
from haven.query.shapes import days_of
from tests.properties.test_query_totality import EXPRESSIONS, rows
from tests.support import layout_db
from tests.support.query_world import PERSONS

NAMES = {"s0": ""}
MORE = [
    "bmi + age",
    "bmi - age",
    "bmi * age",
    "bmi / age",
    "age / 10",
    "floor(age / 10) * 10",
    "(age - 60) // 7",
    "(age - 60) % 7",
    "-bmi",
    "sign(bmi - 40)",
    "ceil(bmi / 7)",
    "trunc(bmi / -7)",
    "round(bmi / 4)",
    "round(age / 4)",
    "CAST(age / 4 AS BIGINT)",
    "CAST(male AS INTEGER) + 1",
    "CAST(smoker AS VARCHAR)",
    "CAST(age AS VARCHAR)",
    "CAST(born AS VARCHAR)",
    "CAST(age - 50 AS BOOLEAN)",
    "CAST(age AS DOUBLE)",
    "CAST('12' AS BIGINT) + age",
    "upper(stage)",
    "lower(town)",
    "trim(town)",
    "substring(town, 2)",
    "substring(stage, 2, 3)",
    "stage || '-' || town",
    "length(town)",
    "town LIKE '_a%'",
    "town ILIKE 'N%'",
    "age = 50",
    "age <> 50",
    "age < bmi",
    "bmi >= age",
    "age IN (18, 50, NULL)",
    "smoker AND male",
    "smoker OR male",
    "NOT smoker",
    "smoker IS NOT DISTINCT FROM male",
    "smoker IS DISTINCT FROM male",
    "smoker IS NULL",
    "smoker IS NOT NULL",
    "smoker IS TRUE",
    "nullif(age, 50)",
    "coalesce(visits, age)",
    "least(age, visits)",
    "greatest(age, visits, bmi)",
    "clamp(visits, -5, 5)",
    "clamp(weight, 0, 1)",
    "clamp(age, 20, 30)",
    "CASE WHEN smoker THEN 'yes' WHEN male THEN 'male' END",
    "CASE age WHEN 18 THEN 1 WHEN 98 THEN 2.5 ELSE 0 END",
    "year(born)",
    "quarter(born)",
    "month(born)",
    "week(born)",
    "day(born)",
    "dayofyear(born)",
    "dayofweek(born)",
    "isodow(born)",
    "date_trunc('year', born)",
    "date_trunc('quarter', born)",
    "date_trunc('month', born)",
    "date_trunc('week', born)",
    "date_trunc('day', born)",
    "datediff('month', died, born)",
    "born + age",
    "born - age",
    "born > '1990-06-01'",
    "CAST(CAST(born AS VARCHAR) AS DATE)",
    "date_part('dow', born)",
    "extract(year FROM born)",
    "bmi % 7",
    "mod(age, 7.5)",
    "age * age",
    "bmi ** 2",
    "isnan(bmi)",
    "isinf(bmi)",
    "isfinite(visits)",
    "width_bucket(bmi, 15, 40, 7)",
    "width_bucket(age, 0, 1000, 3)",
    "haven_histogram(bmi, 15, 40, 7)",
    "haven_histogram(age, 20, 60, 8)",
    "reverse(town)",
    "left(town, 2)",
    "right(stage, 3)",
    "right(stage, 0)",
    "trim(stage, 'lne')",
    "ltrim(stage, 'mn')",
    "rtrim(stage, 'de')",
    "replace(stage, 'e', 'ee')",
    "split_part(born || '', '-', 2)",
    "lpad(stage, 6, '*-')",
    "rpad(stage, 3, '*-')",
    "concat(stage, town, age)",
    "concat_ws('-', stage, town, stage)",
    "starts_with(town, stage)",
    "starts_with(stage, 'mi')",
    "ends_with(stage, 'd')",
    "suffix(town, '')",
    "contains(stage, 'il')",
    "strpos(stage, 'l')",
    "position('e' IN stage)",
    "decade(born)",
    "century(born)",
    "millennium(born)",
    "isoyear(born)",
    "yearweek(born)",
    "epoch(born)",
    "last_day(born)",
    "make_date(year(born), month(born), age)",
    "make_date(age, 2, 29)",
    "born + INTERVAL 3 MONTH",
    "born - INTERVAL '1 year'",
    "died - INTERVAL '9000 years'",
    "born + INTERVAL (age) DAY",
    "born + INTERVAL '1 month 2 days'",
    "datesub('month', born, died)",
    "datesub('quarter', died, born)",
    "datesub('year', born, died)",
    "date_part('year', age(died, born))",
    "datediff('week', born, died)",
    "datediff('quarter', born, died)",
    "datediff('decade', died, born)",
    "monthname(born)",
    "dayname(born)",
    "strftime(born, '%Y-%m-%d %y %j %B %b %A %a %%')",
]
DAYS = {OutputType.DATE}


def bound(text: str) -> Expression:
    scope = Scope(Scan("persons", layout_of(PERSONS)).columns, frozenset())
    return Binder(scope.column).bind(parse_one(text, read="duckdb"))


@pytest.fixture(scope="module")
def kept() -> list[dict[str, Any]]:
    return layout_db.ranked(PERSONS, rows())


@pytest.fixture(scope="module")
def connection(kept: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    layout_db.store(made, "persons", PERSONS, kept)
    return made


def told(connection: duckdb.DuckDBPyConnection, expression: Expression) -> Iterator[Any]:
    for row in connection.execute(f"SELECT {render(expression, NAMES)} FROM persons ORDER BY rowid").fetchall():  # noqa: S608 - generated
        yield row[0]


@pytest.mark.parametrize("text", [*EXPRESSIONS, *MORE])
def test_a_value_of_the_engine_keeps_to_its_shape(connection: duckdb.DuckDBPyConnection, text: str) -> None:
    expression = bound(text)
    for value in told(connection, expression):
        if value is None:
            assert expression.shape.nullable
        elif not isinstance(value, str):
            assert math.isfinite(value)
            assert expression.shape.interval.holds(value)


@pytest.mark.parametrize("text", [*EXPRESSIONS, *MORE])
def test_a_value_that_python_is_sure_of_is_the_engines(
    connection: duckdb.DuckDBPyConnection, kept: list[dict[str, Any]], text: str
) -> None:
    expression = bound(text)
    for row, value in zip(kept, told(connection, expression), strict=True):
        try:
            mine = evaluate(expression, {column: row[column.name] for column in columns_of(expression)})
        except UnsureError:
            continue
        assert (days_of(mine) if isinstance(mine, date) else mine) == value


def test_most_of_these_expressions_are_sure_on_ordinary_rows(kept: list[dict[str, Any]]) -> None:
    sure = 0
    for text in MORE:
        expression = bound(text)
        try:
            evaluate(expression, {column: kept[0][column.name] for column in columns_of(expression)})
        except UnsureError:
            continue
        sure += 1
    assert sure > 0.9 * len(MORE)
