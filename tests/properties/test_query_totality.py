"""No row can make a generated query fail, or answer what is no integer: nasty expressions over nasty rows."""

from datetime import date

import duckdb
import pytest

from haven import query
from tests.support import layout_db
from tests.support.query_world import PERSONS, planned

NUMBERS = [None, 0.0, -0.0, 1e308, -1e308, 5e-324, 1.7976931348623157e308, -1.0, 0.5, 1e16, 9007199254740993.0]
INTEGERS = [None, 0, 1, -1, 2**63 - 1, -(2**63), 2**53, -(2**53), 7]
DAYS = [None, date(1, 1, 1), date(9999, 12, 31), date(1970, 1, 1), date(2000, 2, 29)]
TOWNS = [
    "",
    "%",
    "_",
    "\\",
    "a\nb",
    "'; DROP TABLE persons; --",
    "é" * 50,
    "1e309",
    "nan",
    "-inf",
    "2020-02-30",
    "infinity",
    "9" * 40,
    "true",
    "ß",
]

EXPRESSIONS = [
    "weight + weight",
    "weight * weight",
    "weight - -weight",
    "weight / weight",
    "weight / visits",
    "visits / 0",
    "1 / (weight - weight)",
    "visits + visits",
    "visits * visits * visits",
    "visits - 1",
    "-visits",
    "abs(visits)",
    "abs(weight)",
    "sign(weight)",
    "sign(visits)",
    "age % (age - 50)",
    "age // (age - 50)",
    "age // 0",
    "income * income",
    "income * income * income * income",
    "floor(weight)",
    "ceil(weight * weight)",
    "round(weight)",
    "round(weight, 15)",
    "round(weight, -15)",
    "round(bmi, 3)",
    "trunc(weight)",
    "sqrt(weight)",
    "sqrt(weight * -1)",
    "ln(weight)",
    "ln(0)",
    "log10(weight)",
    "log2(weight)",
    "log(weight)",
    "exp(weight)",
    "exp(exp(exp(bmi)))",
    "pow(weight, weight)",
    "pow(0, -1)",
    "pow(weight, 0.5)",
    "pow(weight, -3)",
    "weight ** 100",
    "pow(bmi - 40, 3)",
    "least(weight, visits)",
    "greatest(weight, NULL)",
    "CAST(weight AS BIGINT)",
    "CAST(weight AS TINYINT)",
    "CAST(town AS BIGINT)",
    "CAST(town AS DOUBLE)",
    "CAST(town AS DOUBLE) * CAST(town AS DOUBLE)",
    "CAST(CAST(town AS BOOLEAN) AS INTEGER)",
    "year(CAST(town AS DATE))",
    "datediff('day', CAST(town AS DATE), died)",
    "-CAST(town AS BIGINT)",
    "length(town)",
    "length(substring(town, 2, 3)) - length(trim(town))",
    "length(lower(town) || upper(town))",
    "year(died)",
    "week(died)",
    "dayofyear(died)",
    "datediff('day', died, born)",
    "datediff('month', born, died)",
    "datediff('year', died, DATE '2020-01-01')",
    "died - born",
    "year(died + 3000000)",
    "year(died - 3000000)",
    "year(died + age)",
    "year(date_trunc('month', died))",
    "year(date_trunc('week', died))",
    "CASE WHEN weight > 0 THEN ln(weight) ELSE sqrt(-weight) END",
    "COALESCE(ln(weight), sqrt(weight), 1)",
    "NULLIF(weight / visits, 0)",
    "IF(smoker, 1 / weight, weight / 0)",
    "CASE WHEN town LIKE '%\\' THEN 1 WHEN town ILIKE '_' THEN 2 ELSE 3 END",
    "weight * 0 + age",
    "1e300 * weight",
    "weight % visits",
    "mod(weight, weight)",
    "mod(visits, bmi)",
    "trunc(weight, 15)",
    "trunc(weight, -15)",
    "cbrt(weight)",
    "log(3, weight)",
    "CAST(weight AS DECIMAL(10, 2))",
    "CAST(town AS NUMERIC)",
    "CAST(visits AS DECIMAL(38, 0))",
    "sin(weight)",
    "cos(weight * weight)",
    "tan(weight)",
    "cot(weight)",
    "asin(weight)",
    "acos(weight)",
    "atan(weight)",
    "atan2(weight, visits)",
    "degrees(weight)",
    "radians(weight)",
    "CAST(isnan(weight) AS INTEGER)",
    "CAST(isfinite(weight) AS INTEGER)",
    "width_bucket(weight, -1e300, 1e300, 7)",
    "width_bucket(visits, 0, 10, 3)",
    "haven_histogram(weight, -5.5, 5.5, 9999)",
    "length(reverse(town))",
    "length(left(town, 3) || right(town, 2))",
    "length(left(town, 1))",
    "length(trim(town, '%_'))",
    "length(ltrim(town) || rtrim(town))",
    "length(replace(town, 'é', 'abc'))",
    "length(replace(town, 'é', ''))",
    "length(split_part(town, ' ', 2))",
    "length(lpad(town, 7, 'ß')) * bmi",
    "length(rpad(town, 7, 'xy')) * bmi",
    "length(concat(town, stage, visits))",
    "length(concat_ws(town, stage, town))",
    "strpos(town, 'é')",
    "strpos(town, '')",
    "CAST(contains(town, left(town, 200)) AS INTEGER)",
    "CAST(starts_with(town, stage) AS INTEGER)",
    "CAST(suffix(town, town) AS INTEGER)",
    "decade(died)",
    "century(died)",
    "millennium(died)",
    "isoyear(died)",
    "yearweek(died)",
    "epoch(died)",
    "year(last_day(died))",
    "year(died + INTERVAL 100000 MONTH)",
    "year(died - INTERVAL '9000 years')",
    "year(died + INTERVAL (age) MONTH)",
    "year(died - INTERVAL 3000000 DAY)",
    "year(make_date(visits, age, age))",
    "year(make_date(age, 2, age - 20))",
    "length(monthname(died) || dayname(died) || strftime(died, '%Y %y %m %d %j %B %b %A %a %%'))",
    "datesub('month', died, born)",
    "datesub('quarter', born, died)",
    "datesub('year', died, DATE '2020-02-29')",
    "date_part('year', age(died, born))",
    "datediff('week', died, born)",
    "datediff('quarter', died, born)",
    "datediff('decade', born, died)",
]


def rows() -> list[dict[str, object]]:
    most = max(map(len, (NUMBERS, INTEGERS, DAYS, TOWNS)))
    return [
        {
            "id": index,
            "age": 18 + 80 * (index % 2) if index % 3 else 50,
            "male": index % 2 == 0,
            "smoker": [True, False, None][index % 3],
            "bmi": [None, float("nan"), float("inf"), -float("inf"), 10.0, 80.0][index % 6],
            "income": [0, 5_000_000, 10**9][index % 3],
            "stage": ["none", None, "unlisted"][index % 3],
            "town": TOWNS[index % len(TOWNS)],
            "born": [date(1920, 1, 1), date(2005, 12, 31)][index % 2],
            "died": DAYS[index % len(DAYS)],
            "weight": NUMBERS[index % len(NUMBERS)],
            "visits": INTEGERS[index % len(INTEGERS)],
        }
        for index in range(most * 3)
    ]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    stored = layout_db.ranked(PERSONS, rows())
    layout_db.store(made, "persons", PERSONS, stored)
    # days beyond the years 1 to 9999 and a unit without rows of its own kind: what no ingest should leave, and no query may trip over
    for days in (2**31 - 1, -(2**31), 2932897, -719163):
        made.execute('INSERT INTO persons SELECT * REPLACE (? AS "died", ? AS "unit_") FROM persons LIMIT 1', [days, f"u{days}"])
    return made


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_nasty_expressions_over_nasty_rows_count_as_integers_within_their_sensitivity(
    connection: duckdb.DuckDBPyConnection, expression: str
) -> None:
    sql = (
        f"SELECT SUM(clamp({expression}, -3, 9000)), AVG(clamp({expression}, -3, 9000)), COUNT({expression}),"  # noqa: S608 - constants above
        f" COUNT(*) FILTER (WHERE {expression} > 1) FROM persons WHERE {expression} IS NOT NULL OR {expression} < 2 OR TRUE"
    )
    plan = planned(sql)
    answered = layout_db.exact(connection, plan)
    people = connection.execute('SELECT count(*) FROM persons WHERE "rk_" <= 1').fetchall()[0][0]
    for target, column in zip(plan.targets, answered.columns, strict=True):
        assert all(type(value) is int and abs(value) <= people * target.sensitivity.largest for value in column)
    for cell in query.finish(plan, answered).rows[0]:
        assert cell is None or cell == cell  # noqa: PLR0124 - never NaN


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_nasty_expressions_group_by_whole_numbers(connection: duckdb.DuckDBPyConnection, expression: str) -> None:
    plan = planned(f"SELECT CAST({expression} AS BIGINT) AS k, COUNT(*) FROM persons GROUP BY k")  # noqa: S608 - constants above
    counted = layout_db.exact(connection, plan)
    assert sum(counted.columns[0]) <= len(rows()) + 4
