"""An unnamed column is called what DuckDB calls it, asked of DuckDB itself on the same text."""

import duckdb
import pytest

from haven.query.keywords import KEYWORDS
from haven.query.render import quoted
from tests.support.query_world import PERSONS, planned

UNNAMED = (
    "COUNT(*)",
    "count()",
    "COUNT(age)",
    "SUM(bmi)",
    "Avg(BMI)",
    "AVG(persons.age)",
    'SUM("age")',
    "COUNT(DISTINCT id)",
    "SUM(age) + 1",
    "SUM(age) / COUNT(*)",
    "-COUNT(*)",
    "-1 * COUNT(*)",
    "SUM(bmi * bmi)",
    "SUM((age - 20) // 10 % 3)",
    "round(AVG(bmi), 1)",
    "COUNT(*) FILTER (WHERE age > 50 AND male AND bmi <> 3)",
    "count_if(age > 3 OR smoker IS NOT NULL)",
    "COALESCE(AVG(bmi), 0)",
    "NULLIF(COUNT(*), 0)",
    "greatest(COUNT(*), 0)",
    "CAST(AVG(bmi) AS INTEGER)",
    "SUM(male::INT)",
    "SUM(CASE WHEN male THEN 1 ELSE 0 END)",
    "SUM(CASE stage WHEN 'mild' THEN 1.5 WHEN 'none' THEN 0 END)",
    "SUM(clamp(age, 20, 30))",
    "SUM(if(male, 1, 0))",
    "AVG(year(born))",
    "AVG(ln(bmi)) IS NULL",
    "COUNT(*) BETWEEN 1 AND 3",
    "COUNT(*) NOT IN (1, 2)",
    "NOT (COUNT(*) > 3)",
    "CASE WHEN COUNT(*) > 12 THEN 'many' ELSE 'few' END",
    "median(bmi + 1)",
    "quantile_cont(bmi, 0.25)",
    "quantile_disc(age, 0.25) FILTER (WHERE male)",
    "min(age)",
    "max(born)",
    "mode(stage)",
    "mode() WITHIN GROUP (ORDER BY stage)",
    "percentile_cont(0.5) WITHIN GROUP (ORDER BY bmi DESC)",
    "percentile_disc(0.5) WITHIN GROUP (ORDER BY age)",
    "approx_quantile(age, 0.5)",
)
KEYS = (
    "stage",
    "persons.stage",
    "year(born)",
    "age // 10 * 10",
    "floor(age / 10)",
    "age > 50",
    "date_trunc('month', born)",
    "upper(stage)",
)


@pytest.fixture(scope="module")
def engine() -> duckdb.DuckDBPyConnection:
    types = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "category": "VARCHAR", "date": "DATE"}
    made = duckdb.connect()
    made.execute("CREATE MACRO clamp(x, lo, hi) AS CASE WHEN x IS NOT NULL THEN greatest(lo, least(hi, x)) END")
    made.execute(f"CREATE TABLE persons (id BIGINT, {', '.join(f'{name} {types[each.type]}' for name, each in PERSONS.columns.items())})")
    return made


@pytest.mark.parametrize("written", UNNAMED)
def test_an_unnamed_aggregate_is_called_what_duckdb_calls_it(engine: duckdb.DuckDBPyConnection, written: str) -> None:
    sql = f"SELECT {written} FROM persons"  # noqa: S608 - the test's own
    assert planned(sql).outputs[0].name == engine.execute(sql).description[0][0]


@pytest.mark.parametrize("written", KEYS)
def test_an_unnamed_key_is_called_what_duckdb_calls_it(engine: duckdb.DuckDBPyConnection, written: str) -> None:
    sql = f"SELECT {written}, COUNT(*) FROM persons GROUP BY 1"  # noqa: S608 - the test's own
    assert [output.name for output in planned(sql).outputs] == [column[0] for column in engine.execute(sql).description]


def test_the_words_shown_in_quotes_are_the_engines(engine: duckdb.DuckDBPyConnection) -> None:
    named = [name for (name,) in engine.execute("SELECT DISTINCT keyword_name FROM duckdb_keywords()").fetchall()]
    engine.execute(f"CREATE OR REPLACE TABLE words ({', '.join(f'{quoted(name)} INTEGER' for name in named)})")
    sql = f"SELECT {', '.join(f'sum({quoted(name)})' for name in named)} FROM words"  # noqa: S608 - the engine's own words
    shown = [column[0] for column in engine.execute(sql).description]
    assert {name for name, title in zip(named, shown, strict=True) if '"' in title} == KEYWORDS


def test_a_column_named_as_a_keyword_is_quoted_inside_an_unnamed_aggregate() -> None:
    assert [output.name for output in planned("SELECT SUM(value) FROM labs").outputs] == ['sum("value")']


def test_a_very_long_unnamed_expression_has_a_name_that_fits() -> None:
    sql = f"SELECT COUNT(*) FILTER (WHERE {' OR '.join(f'age = {number}' for number in range(20, 900))}) FROM persons"  # noqa: S608
    assert len(planned(sql).outputs[0].name) == 201


def test_the_outer_select_names_an_inner_one_as_duckdb_does() -> None:
    plan = planned('SELECT "count_star()" + 1 AS n FROM (SELECT COUNT(*) FROM persons) AS t')
    assert [output.name for output in plan.outputs] == ["n"]
