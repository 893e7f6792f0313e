"""Hostile questions through the whole mediator: each is answered or refused in haven's own words, and nothing else ever comes out."""
# ruff: noqa: S608 - a test's own questions

import contextlib
from decimal import Decimal

import pytest

from haven.cli.house import House
from haven.errors import Fault, Refused
from haven.mediator.answers import Question
from haven.mediator.checking import plan_facts
from tests.support.house import ANNA, ask, source_rows, spent

NESTED = "SELECT site AS t FROM persons"
for _ in range(11):
    NESTED = f"SELECT t || t AS t FROM ({NESTED})"
DIGITS = "9" * 5000
ATTACKS = [
    # what is no number, or too long to be one
    f"SELECT COUNT(*) FROM persons LIMIT {DIGITS}",
    f"SELECT COUNT(*) FROM persons OFFSET {DIGITS}",
    f"SELECT COUNT(*) FROM persons WHERE age > {DIGITS}",
    f"SELECT site, COUNT(*) FROM persons GROUP BY {DIGITS}",
    "SELECT COUNT(*) FROM persons WHERE age > 1e",
    "SELECT COUNT(*) FROM persons WHERE age > 1e5+2",
    "SELECT COUNT(*) FROM persons WHERE age > 1.2.3",
    "SELECT COUNT(*) FROM persons WHERE age > 0x1F",
    "SELECT COUNT(*) FROM persons WHERE age > ²",
    "SELECT COUNT(*) FROM persons LIMIT ²",
    "SELECT COUNT(*) FROM persons LIMIT ٣",
    "SELECT site, COUNT(*) FROM persons GROUP BY ²",
    # text that no encoding holds, or that ends early
    "SELECT COUNT(*) FROM persons WHERE ward = '\ud800'",
    'SELECT COUNT(*) AS "\ud800" FROM persons',
    'SELECT COUNT(*) FROM "\ud800"',
    "SELECT COUNT(*) FROM persons WHERE ward = E'\\x00'",
    "SELECT COUNT(*) FROM persons WHERE ward = '\x00'",
    "SELECT COUNT(*) FROM persons WHERE ward = ''''; DROP TABLE persons; --'",
    "SELECT COUNT(*) FROM persons WHERE ward = $$'; DROP TABLE persons$$",
    "SELECT COUNT(*) FROM persons WHERE ward LIKE '\\'",
    "SELECT COUNT(*) FROM persons WHERE ward LIKE 'a' ESCAPE 'a'",
    # other people's rows, the layout, the engine
    "SELECT COUNT(*) FROM persons WHERE unit_ = 3",
    "SELECT rk_, COUNT(*) FROM persons GROUP BY rk_",
    "SELECT COUNT(*) FROM scans WHERE gr_organ > 2",
    "SELECT rowid, COUNT(*) FROM persons GROUP BY rowid",
    "SELECT COUNT(*) FROM persons WHERE id = 'person-003'",
    "SELECT CASE WHEN id = 'person-003' THEN 1 END AS k, COUNT(*) FROM persons GROUP BY k",
    "SELECT COUNT(DISTINCT CASE WHEN age > 3 THEN id END) FROM persons",
    "SELECT COUNT(*) FROM (SELECT id AS age FROM persons) GROUP BY age",
    "SELECT COUNT(*) FROM persons ORDER BY id",
    "SELECT COUNT(*) FROM persons HAVING id > 'a'",
    "SELECT MIN(age) FROM persons",
    "SELECT COUNT(*) FROM persons WHERE age > (SELECT AVG(age) FROM persons)",
    "SELECT COUNT(*) FROM persons WHERE id IN (SELECT id FROM scans)",
    "SELECT COUNT(*) FROM persons p JOIN persons q ON p.age = q.age",
    "SELECT COUNT(*) OVER () FROM persons",
    "SELECT COUNT(*) FROM (SELECT * FROM persons LIMIT 1)",
    "SELECT COUNT(*) FROM persons USING SAMPLE 1",
    "SELECT COUNT(*) FROM read_csv('/etc/passwd')",
    "SELECT COUNT(*) FROM 'persons.parquet'",
    "SELECT COUNT(*) FROM duckdb_settings()",
    "SELECT COUNT(*) FROM information_schema.tables",
    "ATTACH 'x.db'",
    "PRAGMA database_list",
    "COPY persons TO '/tmp/x'",
    "SELECT getenv('HOME')",
    "SELECT COUNT(*) FROM persons WHERE error('x')",
    "SELECT COUNT(*) FROM persons WHERE random() > 0.5",
    "SELECT COUNT(*) FROM persons WHERE entered < now()",
    # totality: the wrong rows must not make it fail
    "SELECT SUM((entered - DATE '0001-01-01') * (entered - DATE '0001-01-01')) FROM persons",
    "SELECT SUM(nullif(age, 1) * nullif(age, 1) * nullif(age, 2) * nullif(age, 3) * nullif(age, 4) * nullif(age, 5)) FROM persons",
    "SELECT SUM(clamp(1 / (age - 42), -5, 5)) FROM persons",
    "SELECT SUM(clamp(ln(age - 42), -5, 5)) FROM persons",
    "SELECT SUM(clamp(CAST(ward AS BIGINT), 0, 5)) FROM persons",
    "SELECT COUNT(*) FROM persons WHERE CAST(ward AS DATE) > DATE '2020-01-01'",
    "SELECT COUNT(*) FROM persons WHERE entered + 99999999 > entered",
    "SELECT COUNT(*) FROM persons WHERE age // (age - 42) > 1 OR age % (age - 42) > 1",
    "SELECT SUM(pow(weight, 100)) FROM persons",
    "SELECT SUM(clamp(exp(exp(weight)), 0, 1)) FROM persons",
    # above the noise
    "SELECT DATE '2000-01-01' + clamp(COUNT(*), 0, 9999999) AS d FROM persons",
    "SELECT year(DATE '9999-12-31' + clamp(COUNT(*), 0, 99)) AS y FROM persons",
    "SELECT CAST(CAST(COUNT(*) AS VARCHAR) AS BIGINT) + 1 AS n FROM persons",
    "SELECT " + " * ".join(["COUNT(*)"] * 80) + " AS n FROM persons ORDER BY n",
    "SELECT SUM(weight * 1e290) * 1e290 AS n FROM persons",
    "SELECT SUM(1e300) * 1e300 AS n FROM persons",
    "SELECT 1 / COUNT(*), COUNT(*) % COUNT(*), sqrt(-SUM(age)), ln(0 * COUNT(*)) FROM persons",
    # size
    "SELECT COUNT(*) FROM persons WHERE " + "(" * 500 + "age" + ")" * 500 + " > 1",
    "SELECT COUNT(*) FROM persons WHERE " + "NOT " * 500 + "female",
    "SELECT COUNT(*) FROM persons WHERE age IN (" + ", ".join(map(str, range(20_000))) + ")",
    "SELECT COUNT(*) FROM persons WHERE " + " OR ".join(f"age = {i}" for i in range(2_000)),
    "SELECT " + ", ".join(f"COUNT(*) FILTER (WHERE age = {i})" for i in range(300)) + " FROM persons",
    "SELECT age, entered, weight > age, COUNT(*) FROM persons GROUP BY ALL",
    f"SELECT COUNT(*) FROM ({NESTED}) WHERE t LIKE '%{'a_' * 30_000}b%'",
    f"SELECT COUNT(*) FROM ({NESTED}) WHERE t = 'a'",
    "SELECT " * 300,
    "CASE WHEN " * 300,
    "",
    ";;",
    "\ufeff",
]
WORDS = ("duckdb", "sqlglot", "opendp", "traceback", "sqlite", "python", "exception", "int64", "bigint)")


def words_of(error: Refused | Fault) -> str:
    return " ".join(str(part) for part in error.args).lower()


@pytest.mark.parametrize("sql", ATTACKS, ids=range(len(ATTACKS)))
def test_a_hostile_question_is_answered_or_refused_in_our_own_words(normal_house: House, sql: str) -> None:
    before = spent(normal_house)
    try:
        answer = ask(normal_house, sql, "0.01")
    except Refused as refusal:
        said = words_of(refusal)
        assert not any(word in said for word in WORDS)
        assert spent(normal_house) == before
        return
    assert all(cell is None or isinstance(cell, str | int | float | bool) for row in answer.rows for cell in row)


@pytest.mark.parametrize("sql", ATTACKS, ids=range(len(ATTACKS)))
def test_a_preview_of_a_hostile_question_is_given_or_refused(normal_house: House, sql: str) -> None:
    before = spent(normal_house)
    with contextlib.suppress(Refused):
        normal_house.mediator.preview(Question("aging", sql, epsilon=Decimal("0.01")), ANNA)
    assert spent(normal_house) == before


DIFFERENT = [
    ("ward = '1'", "ward = ' 1'"),
    ("ward = 'A'", "ward = 'a'"),
    ("ward LIKE 'A%'", "ward ILIKE 'A%'"),
    ("ward = 'a''b'", "ward = 'ab'"),
    ("age BETWEEN 5 AND 9", "age BETWEEN 9 AND 5"),
    ("age - 5 > weight", "5 - age > weight"),
    ("age / 7 > 3", "7 / age > 3"),
    ("age // 7 > 3", "age / 7 > 3"),
    ("(age - 1) - 2 > weight", "age - (1 - 2) > weight"),
    ("pow(2, age) > 9", "pow(age, 2) > 9"),
    ("NOT (female AND age > 3)", "(NOT female) AND age > 3"),
    ("female OR age > 3 AND age < 9", "(female OR age > 3) AND age < 9"),
    ("weight IS NULL", "weight IS NOT NULL"),
    ("weight = NULL", "weight IS NULL"),
    ("coalesce(weight, age) > 9", "coalesce(age, weight) > 9"),
    ("datediff('day', entered, DATE '2021-01-01') > 9", "datediff('day', DATE '2021-01-01', entered) > 9"),
    ("site IN ('north', 'south')", "site IN ('north, south')"),
    ("site IS DISTINCT FROM 'north'", "site <> 'north'"),
    ("substring(ward, 1, 2) = 'wa'", "substring(ward, 2, 1) = 'wa'"),
    ("nullif(age, 3) > weight", "nullif(3, age) > weight"),
    ("CASE WHEN female THEN age END > 3", "CASE WHEN female THEN 3 END > age"),
    ("weight > 40.1", "weight > 40.10000000000001"),
    ("age = 1", "age = 1.5"),
    ("round(weight) > 40", "floor(weight) > 40"),
    ("ward LIKE '%a'", "ward = '%a'"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_questions_that_mean_different_things_are_never_the_same_question(normal_house: House, one: str, other: str) -> None:
    def digest(condition: str) -> str:
        question = Question("aging", f"SELECT COUNT(*) AS n FROM persons WHERE {condition}", epsilon=Decimal("0.01"))
        return normal_house.mediator.plan(question, ANNA).plan.digest

    assert digest(one) != digest(other)


def test_a_refusal_names_no_value_of_the_data(normal_house: House) -> None:
    values = {str(row["ward"]) for row in source_rows()["persons"]} | {str(row["id"]) for row in source_rows()["persons"]}
    for sql in (
        "SELECT COUNT(*) FROM persons WHERE wardd = 'x'",
        "SELECT ward FROM persons",
        "SELECT COUNT(*) FROM persons WHERE ward = 3",
    ):
        with pytest.raises(Refused) as refusal:
            ask(normal_house, sql, "0.01")
        assert not any(value in words_of(refusal.value) for value in values)


def test_no_alias_or_expression_hides_what_the_checker_must_see(normal_house: House) -> None:
    """The columns that groups are made from reach the disclosure rules, and so does every count."""
    sql = "SELECT CASE WHEN female THEN ward ELSE site END AS harmless, AVG(age) AS a, COUNT(*) AS n FROM persons GROUP BY harmless"
    facts = plan_facts(normal_house.mediator.plan(Question("aging", sql, epsilon=Decimal("0.01")), ANNA).plan)
    assert set(facts.key_columns) == {"persons.female", "persons.ward", "persons.site"}
    assert len(facts.count_targets) == 1


def test_a_small_public_group_is_looked_at_before_it_leaves(bench_house: House) -> None:
    receipt = ask(bench_house, "SELECT age, COUNT(*) AS n FROM persons GROUP BY age").receipt["id"]
    recorded = bench_house.ledger.recorded(receipt)
    assert recorded is not None
    assert "dp.low-count" in {finding["rule"] for finding in recorded.document["findings"]}
