"""What dplyr's verbs become in dbplyr's DuckDB dialect: nested SELECTs called q01, LHS and RHS, EXISTS for semi joins, brackets everywhere.

The texts are kept as dbplyr writes them, old style (every name quoted) and new (only where it must be). Each means what DuckDB says.
"""

from collections.abc import Mapping

import pytest

from haven.errors import Code, Refused
from tests.support.duck_reference import Reference
from tests.support.query_world import planned

ANSWERED: Mapping[str, str] = {
    "tally(persons)": 'SELECT COUNT(*) AS "n" FROM "persons"',
    "count(persons, male)": 'SELECT "male", COUNT(*) AS "n" FROM "persons" GROUP BY "male"',
    "count(in_schema, stage, sort = TRUE)": "SELECT stage, COUNT(*) AS n FROM nafld.persons GROUP BY stage ORDER BY n DESC, stage",
    "filter, summarise": 'SELECT AVG("bmi") AS "m", STDDEV("bmi") AS "s" FROM "persons" WHERE ("age" > 40.0) AND (NOT(("bmi" IS NULL)))',
    "group_by, summarise, filter": """
        SELECT stage, COUNT(*) AS n, SUM(income) AS income
        FROM persons
        GROUP BY stage
        HAVING (COUNT(*) > 3.0)""",
    "summarise, mutate": """
        SELECT "male", "n", "s", "s" / "n" AS "mean"
        FROM (
          SELECT "male", COUNT(*) AS "n", SUM("age") AS "s"
          FROM "persons"
          GROUP BY "male"
        ) "q01\"""",
    "filter, mutate, count": """
        SELECT old, COUNT(*) AS n
        FROM (
          SELECT persons.*, CASE WHEN (age > 65.0) THEN 'old' WHEN NOT (age > 65.0) THEN 'young' END AS old
          FROM persons
          WHERE (bmi > 25.0) AND (male)
        ) q01
        GROUP BY old""",
    "mutate twice": """
        SELECT "decade", AVG("bmi") AS "bmi"
        FROM (
          SELECT "q01".*, CAST("tens" * 10.0 AS INTEGER) AS "decade"
          FROM (
            SELECT "persons".*, FLOOR("age" / 10.0) AS "tens"
            FROM "persons"
          ) "q01"
        ) "q01"
        GROUP BY "decade\"""",
    "case_when": """
        SELECT class, COUNT(*) AS n
        FROM (
          SELECT
            persons.*,
            CASE
            WHEN (bmi < 25.0) THEN 'below'
            WHEN (bmi < 30.0) THEN 'over'
            WHEN ((bmi IS NULL)) THEN 'unknown'
            ELSE 'obese'
            END AS class
          FROM persons
        ) q01
        GROUP BY class""",
    "%in%, between": "SELECT COUNT(*) AS n FROM persons WHERE (stage IN ('mild', 'severe')) AND (age BETWEEN 40.0 AND 60.0)",
    "sum(if_else)": """
        SELECT "stage", SUM(CASE WHEN ("smoker") THEN 1.0 WHEN NOT ("smoker") THEN 0.0 END) AS "smokers"
        FROM "persons"
        GROUP BY "stage\"""",
    "n_distinct": "SELECT test, COUNT(DISTINCT id) AS people, COUNT(*) AS n FROM labs GROUP BY test",
    "n_distinct(if_else)": 'SELECT COUNT(DISTINCT CASE WHEN ("value" > 100.0) THEN ("id") END) AS people FROM labs',
    "median, quantile": "SELECT male, MEDIAN(age) AS med FROM persons GROUP BY male",
    "quantile": "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY age) AS q FROM persons",
    "min, max": "SELECT MIN(age) AS least, MAX(age) AS most FROM persons",
    "cor": "SELECT CORR(bmi, age) AS r FROM persons",
    "as.numeric, as.integer": "SELECT AVG(CAST(male AS INTEGER)) AS men, SUM(CAST(age AS NUMERIC)) AS years FROM persons",
    "arithmetic": 'SELECT AVG(LN("bmi")) AS a, AVG(POWER("bmi", 2.0)) AS b, AVG(ABS("age" - 50.0)) AS c FROM persons',
    "pmin, pmax, coalesce": """
        SELECT AVG(LEAST("bmi", 30.0)) AS "a", AVG(GREATEST("bmi", 30.0)) AS "b", AVG(COALESCE("bmi", 25.0)) AS "c\"
        FROM "persons\"""",
    "lubridate": """
        SELECT "year", "month", COUNT(*) AS "n"
        FROM (
          SELECT "labs".*, EXTRACT(year FROM "day") AS "year", EXTRACT(MONTH FROM "day") AS "month"
          FROM "labs"
        ) "q01"
        GROUP BY "year", "month\"""",
    "floor_date": "SELECT month, COUNT(*) AS n FROM (SELECT labs.*, DATE_TRUNC('month', day) AS month FROM labs) q01 GROUP BY month",
    "as.Date": "SELECT COUNT(*) AS n FROM labs WHERE (\"day\" >= CAST('2011-01-01' AS DATE))",
    "toupper, substr": "SELECT t, COUNT(*) AS n FROM (SELECT persons.*, UPPER(SUBSTR(town, 1, 1)) AS t FROM persons) q01 GROUP BY t",
    "arrange, head of a summary": """
        SELECT stage, COUNT(*) AS n
        FROM persons
        GROUP BY stage
        ORDER BY n DESC, stage
        LIMIT 2""",
    "arrange, summarise": "SELECT AVG(age) AS m FROM (SELECT persons.* FROM persons ORDER BY age) q01",
    "inner_join": """
        SELECT "stage", AVG("value") AS "m"
        FROM (
          SELECT "LHS".*, "test", "site", "value", "day", "grade"
          FROM "persons" AS "LHS"
          INNER JOIN "labs" AS "RHS"
            ON ("LHS"."id" = "RHS"."id")
        ) "q01"
        GROUP BY "stage\"""",
    "inner_join, new": """
        SELECT stage, COUNT(*) AS n
        FROM (
          SELECT persons.*, test, "value"
          FROM persons
          INNER JOIN labs
            ON (persons.id = labs.id)
        ) q01
        WHERE (test = 'chol')
        GROUP BY stage""",
    "inner_join of filtered": """
        SELECT male, AVG("value") AS m
        FROM (
          SELECT LHS.*, test, "value"
          FROM (
            SELECT persons.*
            FROM persons
            WHERE (age > 50.0)
          ) LHS
          INNER JOIN (
            SELECT labs.*
            FROM labs
            WHERE (test = 'hdl')
          ) RHS
            ON (LHS.id = RHS.id)
        ) q01
        GROUP BY male""",
    "left_join": """
        SELECT "male", COUNT(*) AS "n"
        FROM (
          SELECT "LHS".*, "kind"
          FROM "persons" "LHS"
          LEFT JOIN "visits" "RHS"
            ON ("LHS"."id" = "RHS"."id")
        ) "q01"
        GROUP BY "male\"""",
    "left_join twice": """
        SELECT COUNT(*) AS n
        FROM (
          SELECT persons.*, labs."day" AS "day.x", visits."day" AS "day.y"
          FROM persons
          LEFT JOIN labs
            ON (persons.id = labs.id)
          LEFT JOIN visits
            ON (persons.id = visits.id)
        ) q01
        WHERE ("day.x" < "day.y")""",
    "left_join a public table": """
        SELECT chapter, COUNT(*) AS n
        FROM (
          SELECT visits.*, label, chapter, weight
          FROM visits
          LEFT JOIN icd
            ON (visits.code = icd.code)
        ) q01
        GROUP BY chapter""",
    "semi_join": """
        SELECT COUNT(*) AS "n"
        FROM (
          SELECT * FROM "persons" AS "LHS"
          WHERE EXISTS (
            SELECT 1 FROM "labs" AS "RHS"
            WHERE ("LHS"."id" = "RHS"."id")
          )
        ) "q01\"""",
    "semi_join of filtered": """
        SELECT stage, COUNT(*) AS n
        FROM (
          SELECT LHS.*
          FROM persons LHS
          WHERE EXISTS (
            SELECT 1 FROM (
              SELECT labs.*
              FROM labs
              WHERE ("value" > 100.0)
            ) RHS
            WHERE (LHS.id = RHS.id)
          )
        ) q01
        GROUP BY stage""",
    "semi_join of filtered, new": """
        SELECT COUNT(*) AS n
        FROM (
          SELECT persons.*
          FROM persons
          WHERE EXISTS (
            SELECT 1 FROM labs
            WHERE (persons.id = labs.id) AND (labs."value" > 100.0)
          )
        ) q01""",
    "anti_join": """
        SELECT COUNT(*) AS "n"
        FROM (
          SELECT "persons".*
          FROM "persons"
          WHERE NOT EXISTS (
            SELECT 1 FROM "labs"
            WHERE ("persons"."id" = "labs"."id")
          )
        ) "q01\"""",
    "semi_join a public table": """
        SELECT COUNT(*) AS n
        FROM (
          SELECT visits.*
          FROM visits
          WHERE EXISTS (
            SELECT 1 FROM icd
            WHERE (visits.code = icd.code) AND (icd.chapter = 'digestive')
          )
        ) q01""",
    "group_by(id), summarise, summarise": """
        SELECT AVG("n") AS "m"
        FROM (
          SELECT "id", COUNT(*) AS "n"
          FROM "labs"
          GROUP BY "id"
        ) "q01\"""",
    "count(id), count(n)": """
        SELECT n, COUNT(*) AS people
        FROM (
          SELECT id, COUNT(*) AS n
          FROM labs
          GROUP BY id
        ) q01
        GROUP BY n""",
    "filter, group_by(id), summarise": """
        SELECT AVG(n) AS m, AVG(top) AS t
        FROM (
          SELECT id, COUNT(*) AS n, MAX("value") AS top, AVG("value") AS mid
          FROM (
            SELECT labs.*
            FROM labs
            WHERE ("value" > 100.0)
          ) q01
          GROUP BY id
        ) q01""",
    "any(), all()": """
        SELECT COUNT(*) AS n
        FROM (
          SELECT id, BOOL_OR("value" > 100.0) AS ever, BOOL_AND("value" > 10.0) AS always
          FROM labs
          GROUP BY id
        ) q01
        WHERE (ever AND always)""",
    "per person, joined": """
        SELECT male, AVG(n) AS m
        FROM (
          SELECT male, COALESCE(n, 0.0) AS n
          FROM (
            SELECT persons.*, n
            FROM persons
            LEFT JOIN (
              SELECT id, COUNT(*) AS n
              FROM labs
              GROUP BY id
            ) RHS
              ON (persons.id = RHS.id)
          ) q01
        ) q01
        GROUP BY male""",
    "with CTEs": """
        WITH q01 AS (
          SELECT id, test, AVG("value") AS m
          FROM labs
          GROUP BY id, test
        ),
        q02 AS (
          SELECT q01.*
          FROM q01
          WHERE (m > 100.0)
        )
        SELECT test, COUNT(*) AS n
        FROM q02
        GROUP BY test""",
    "union_all": """
        SELECT COUNT(*) AS n, COUNT(DISTINCT id) AS people
        FROM (
          SELECT id, "day"
          FROM labs

          UNION ALL

          SELECT id, "day"
          FROM visits
        ) q01""",
    "union_all, old": """
        SELECT COUNT(*) AS "n"
        FROM (
          (SELECT "id", "day" FROM "labs")
          UNION ALL
          (SELECT "id", "day" FROM "visits")
        ) "q01\"""",
    "union": """
        SELECT COUNT(*) AS n
        FROM (
          SELECT id
          FROM labs

          UNION

          SELECT id
          FROM visits
        ) q01""",
    "intersect": "SELECT COUNT(*) AS n FROM (SELECT id FROM labs INTERSECT SELECT id FROM visits) q01",
    "setdiff": "SELECT COUNT(*) AS n FROM (SELECT id FROM persons EXCEPT SELECT id FROM visits) q01",
    "distinct(id, test)": "SELECT test, COUNT(*) AS n FROM (SELECT DISTINCT id, test FROM labs) q01 GROUP BY test",
    "distinct()": "SELECT COUNT(*) AS n FROM (SELECT DISTINCT persons.* FROM persons) q01",
    "select, rename": 'SELECT "sex", COUNT(*) AS "n" FROM (SELECT "id", "male" AS "sex" FROM "persons") "q01" GROUP BY "sex"',
}


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


@pytest.mark.parametrize("verbs", ANSWERED)
def test_what_dbplyr_writes_is_answered_as_duckdb_answers_it(reference: Reference, verbs: str) -> None:
    reference.assert_same(ANSWERED[verbs])


REFUSED: Mapping[str, tuple[str, Code]] = {
    "collect()": ("SELECT persons.* FROM persons", Code.QUERY_ROWS),
    "head(), tally()": ("SELECT COUNT(*) AS n FROM (SELECT persons.* FROM persons LIMIT 6) q01", Code.QUERY_ROWS),
    "slice_max()": (
        "SELECT COUNT(*) AS n FROM (SELECT persons.*, RANK() OVER (ORDER BY age DESC) AS col01 FROM persons) q01 WHERE (col01 <= 1)",
        Code.QUERY_CLAUSE,
    ),
    "group_by(male), mutate(m = mean(age))": (
        "SELECT AVG(m) AS m FROM (SELECT persons.*, AVG(age) OVER (PARTITION BY male) AS m FROM persons) q01",
        Code.QUERY_CLAUSE,
    ),
    "full_join()": (
        "SELECT COUNT(*) AS n FROM (SELECT COALESCE(LHS.id, RHS.id) AS id FROM persons LHS FULL JOIN labs RHS ON (LHS.id = RHS.id)) q01",
        Code.QUERY_OWNERSHIP,
    ),
    "inner_join(by = c(town = 'site'))": (
        "SELECT COUNT(*) AS n FROM (SELECT LHS.* FROM persons LHS INNER JOIN labs RHS ON (LHS.town = RHS.site)) q01",
        Code.QUERY_OWNERSHIP,
    ),
    "cross_join()": ("SELECT COUNT(*) AS n FROM (SELECT LHS.* FROM persons LHS CROSS JOIN labs RHS) q01", Code.QUERY_OWNERSHIP),
    "semi_join(by = c(town = 'site'))": (
        "SELECT COUNT(*) AS n FROM (SELECT p.* FROM persons p WHERE EXISTS (SELECT 1 FROM labs WHERE (p.town = labs.site))) q01",
        Code.QUERY_OWNERSHIP,
    ),
    "filter(id == 5)": ("SELECT COUNT(*) AS n FROM persons WHERE (id = 5.0)", Code.QUERY_UNIT_COLUMN),
    "count(id)": ("SELECT id, COUNT(*) AS n FROM labs GROUP BY id", Code.QUERY_UNIT_COLUMN),
    "str_detect(town, 'a+')": ("SELECT COUNT(*) AS n FROM persons WHERE (REGEXP_MATCHES(town, 'a+'))", Code.QUERY_FUNCTION),
    "str_flatten(town)": ("SELECT STRING_AGG(town, '') AS t FROM persons", Code.QUERY_AGGREGATE),
    "filter(age > mean(age))": (
        "SELECT COUNT(*) AS n FROM (SELECT persons.*, AVG(age) OVER () AS col01 FROM persons) q01 WHERE (age > col01)",
        Code.QUERY_CLAUSE,
    ),
    "union(town, site)": ("SELECT COUNT(*) AS n FROM (SELECT town FROM persons UNION SELECT site FROM labs) q01", Code.QUERY_CLAUSE),
    "Sys.Date()": ("SELECT COUNT(*) AS n FROM persons WHERE (born < CURRENT_DATE)", Code.QUERY_FUNCTION),
}


@pytest.mark.parametrize("verbs", REFUSED)
def test_what_dbplyr_writes_and_is_not_answered_is_refused_with_advice(verbs: str) -> None:
    sql, code = REFUSED[verbs]
    with pytest.raises(Refused) as caught:
        planned(sql)
    assert caught.value.code is code
    assert caught.value.suggestion
