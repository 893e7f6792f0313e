"""Questions built to exhaust: each is refused by a stated limit with its code, before anything is planned that grows with it."""
# ruff: noqa: S608 - the test's own questions

from collections.abc import Callable

import pytest

from haven.errors import Code, Refused
from tests.support.query_world import planned

NAME = "x" * 10_000
HUGE: dict[str, tuple[Callable[[], str], set[Code]]] = {
    "20,000 terms of OR": (
        lambda: "SELECT COUNT(*) FROM persons WHERE " + " OR ".join(f"age = {i}" for i in range(20_000)),
        {Code.QUERY_TOO_LARGE},
    ),
    "20,000 terms of AND": (
        lambda: "SELECT COUNT(*) FROM persons WHERE " + " AND ".join(f"age<>{i}" for i in range(20_000)),
        {Code.QUERY_TOO_LARGE},
    ),
    "20,000 summands": (lambda: "SELECT SUM(" + "+".join(["age"] * 20_000) + ") FROM persons", {Code.QUERY_TOO_LARGE}),
    "20,000 texts joined": (lambda: "SELECT COUNT(*) FROM persons WHERE " + "||".join(["town"] * 20_000) + "='a'", {Code.QUERY_TOO_LARGE}),
    "20,000 select items": (lambda: "SELECT " + ",".join(["COUNT(*)"] * 20_000) + " FROM persons", {Code.QUERY_TOO_LARGE}),
    "2,000 select items": (
        lambda: "SELECT " + ",".join(f"COUNT(*)FILTER(WHERE age={i})" for i in range(2_000)) + " FROM persons",
        {Code.QUERY_TOO_LARGE},
    ),
    "20,000 branches of CASE": (
        lambda: "SELECT SUM(CASE age " + "".join(f"WHEN {i} THEN 1 " for i in range(20_000)) + "END) FROM persons",
        {Code.QUERY_TOO_LARGE},
    ),
    "IN of 100,000": (
        lambda: "SELECT COUNT(*) FROM persons WHERE age IN (" + ",".join(map(str, range(100_000))) + ")",
        {Code.QUERY_TOO_LARGE},
    ),
    "NOT IN of 100,000 texts": (
        lambda: "SELECT COUNT(*) FROM persons WHERE town NOT IN (" + ",".join(f"'{i}'" for i in range(100_000)) + ")",
        {Code.QUERY_TOO_LARGE},
    ),
    "a column name of 10 kB": (lambda: f"SELECT COUNT({NAME}) FROM persons", {Code.QUERY_SYNTAX}),
    "a table name of 10 kB": (lambda: f"SELECT COUNT(*) FROM {NAME}", {Code.QUERY_SYNTAX}),
    "an alias of 10 kB": (lambda: f'SELECT COUNT(*) AS "{NAME}" FROM persons', {Code.QUERY_SYNTAX}),
    "a function name of 10 kB": (lambda: f"SELECT {NAME}(age) FROM persons", {Code.QUERY_FUNCTION, Code.QUERY_SYNTAX}),
    "a text of 200 kB": (lambda: f"SELECT COUNT(*) FROM persons WHERE town = '{'a' * 200_000}'", {Code.QUERY_TOO_LARGE}),
    "a pattern of 10 kB": (lambda: f"SELECT COUNT(*) FROM persons WHERE town LIKE '{'%a' * 5_000}'", {Code.QUERY_TOO_LARGE}),
    "a number of 10,000 digits": (lambda: f"SELECT COUNT(*) FROM persons WHERE age > {'9' * 10_000}", {Code.QUERY_TYPE}),
    "a comment of 200 kB": (lambda: f"SELECT COUNT(*) FROM persons /* {'x' * 200_000} */", {Code.QUERY_TOO_LARGE}),
    "brackets 200 deep": (lambda: "SELECT COUNT(*) FROM persons WHERE " + "(" * 200 + "male" + ")" * 200, {Code.QUERY_TOO_LARGE}),
    "subqueries 200 deep": (
        lambda: "SELECT COUNT(*) FROM " + "(SELECT * FROM " * 200 + "persons" + ") AS t" * 200,
        {Code.QUERY_TOO_LARGE},
    ),
    "IN subqueries 200 deep": (
        lambda: "SELECT COUNT(*) FROM persons WHERE " + "id IN (SELECT id FROM labs WHERE " * 200 + "TRUE" + ")" * 200,
        {Code.QUERY_TOO_LARGE},
    ),
    "functions 200 deep": (lambda: "SELECT SUM(" + "abs(" * 200 + "age" + ")" * 200 + ") FROM persons", {Code.QUERY_TOO_LARGE}),
    "CASE 200 deep": (
        lambda: "SELECT SUM(" + "CASE WHEN male THEN 1 ELSE " * 200 + "0" + " END" * 200 + ") FROM persons",
        {Code.QUERY_TOO_LARGE},
    ),
    "NOT 200 deep": (lambda: "SELECT COUNT(*) FROM persons WHERE " + "NOT " * 200 + "male", {Code.QUERY_TOO_LARGE}),
    "minus 200 deep": (lambda: "SELECT SUM(" + "- " * 200 + "age) FROM persons", {Code.QUERY_TOO_LARGE}),
    "lists 200 deep": (lambda: "SELECT " + "[" * 200 + "1" + "]" * 200 + " FROM persons", {Code.QUERY_TOO_LARGE}),
    "casts 200 long": (lambda: "SELECT SUM(age" + "::INT" * 200 + ") FROM persons", {Code.QUERY_TOO_LARGE}),
    "300 tables of WITH": (
        lambda: (
            "WITH "
            + ",".join(f"t{i} AS (SELECT * FROM {f't{i - 1}' if i else 'persons'})" for i in range(300))
            + " SELECT COUNT(*) FROM t299"
        ),
        {Code.QUERY_TOO_LARGE},
    ),
    "30 tables of WITH, each 30 SELECTs deep": (
        lambda: (
            "WITH t0 AS (FROM persons)"
            + "".join(f",t{i} AS ({'SELECT * FROM (' * 30}SELECT * FROM t{i - 1}{') AS t' * 30})" for i in range(1, 30))
            + " SELECT COUNT(*) FROM t29"
        ),
        {Code.QUERY_TOO_LARGE},
    ),
    "WITH that doubles 40 times": (
        lambda: (
            "WITH t0 AS (SELECT id FROM labs)"
            + "".join(f",t{i} AS (SELECT a.id FROM t{i - 1} a JOIN t{i - 1} b ON a.id = b.id)" for i in range(1, 40))
            + " SELECT COUNT(*) FROM t39"
        ),
        {Code.QUERY_TOO_LARGE},
    ),
    "expressions that double 40 times": (
        lambda: "SELECT SUM(x) FROM " + "(SELECT x + x AS x FROM " * 40 + "(SELECT age AS x FROM persons) AS t" + ") AS t" * 40,
        {Code.QUERY_TOO_LARGE},
    ),
    "a table joined to itself 100 times": (
        lambda: "SELECT COUNT(*) FROM labs l0" + "".join(f" JOIN labs l{i} ON l{i}.id = l{i - 1}.id" for i in range(1, 100)),
        {Code.QUERY_TOO_LARGE, Code.QUERY_JOIN},
    ),
    "300 branches of UNION ALL": (
        lambda: "SELECT COUNT(*) FROM (" + " UNION ALL ".join(["SELECT id FROM labs"] * 300) + ") AS t",
        {Code.QUERY_TOO_LARGE, Code.QUERY_CLAUSE},
    ),
    "text repeated a billion times": (
        lambda: "SELECT COUNT(*) FROM persons WHERE repeat(town, 1000000000) = 'a'",
        {Code.QUERY_FUNCTION, Code.QUERY_TOO_LARGE, Code.QUERY_TYPE},
    ),
    "text padded to a gigabyte": (
        lambda: "SELECT COUNT(*) FROM persons WHERE lpad(town, 1000000000, 'x') = 'a'",
        {Code.QUERY_FUNCTION, Code.QUERY_TOO_LARGE, Code.QUERY_TYPE},
    ),
    "a million groups": (
        lambda: "SELECT age, age + 1, age + 2, born, COUNT(*) FROM persons GROUP BY 1, 2, 3, 4",
        {Code.QUERY_KEY},
    ),
    "a CUBE of nine keys": (
        lambda: "SELECT COUNT(*) FROM persons GROUP BY CUBE (age, male, smoker, income, stage, town, born, died, visits)",
        {Code.QUERY_TOO_LARGE, Code.QUERY_KEY, Code.QUERY_CLAUSE},
    ),
    "a thousand quantiles": (
        lambda: "SELECT QUANTILE_DISC(age, [" + ",".join(f"0.{i:03}" for i in range(1, 1000)) + "]) FROM persons",
        {Code.QUERY_TOO_LARGE, Code.QUERY_AGGREGATE},
    ),
    "a histogram of a billion buckets": (
        lambda: "SELECT width_bucket(bmi, 10, 80, 1000000000) AS b, COUNT(*) FROM persons GROUP BY b",
        {Code.QUERY_KEY, Code.QUERY_TYPE, Code.QUERY_TOO_LARGE},
    ),
    "a word 10,000 times": (lambda: "SELECT " * 10_000, {Code.QUERY_SYNTAX, Code.QUERY_TOO_LARGE}),
    "an open bracket 100,000 times": (lambda: "(" * 100_000, {Code.QUERY_TOO_LARGE, Code.QUERY_SYNTAX}),
    "a quote 99,999 times": (lambda: "'" * 99_999, {Code.QUERY_SYNTAX, Code.QUERY_TOO_LARGE, Code.QUERY_STATEMENT}),
    "a semicolon 50,000 times": (lambda: ";" * 50_000, {Code.QUERY_TOO_LARGE, Code.QUERY_SYNTAX}),
    "a zero byte in a name": (lambda: 'SELECT COUNT("a\x00b") FROM persons', {Code.QUERY_SYNTAX}),
}


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", HUGE)
def test_a_question_built_to_exhaust_is_refused_by_a_stated_limit(name: str) -> None:
    make, codes = HUGE[name]
    with pytest.raises(Refused) as caught:
        planned(make())
    assert caught.value.code in codes
    assert len(caught.value.reason) + len(caught.value.suggestion) < 1_000


def test_after_all_of_them_an_ordinary_question_is_planned_as_before() -> None:
    assert planned("SELECT COUNT(*) FROM persons").targets
