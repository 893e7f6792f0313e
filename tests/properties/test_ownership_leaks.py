"""Why rows have one owner: each shape that is refused, and how far one person would move its answer if it were not.

Every case is a concrete pair of neighbours in plain DuckDB: fifty persons and one more, `MOVER`, with all rows or without any. `bound` is
what the answer would have been priced by, had its rows been taken for one person's own: the number of rows a person may have times the
largest value of one. The pair moves the answer further, so noise for that bound would not have hidden the person.
"""
# ruff: noqa: S608 - the test's own questions

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from haven.errors import Refused
from tests.support.query_world import ICD, LABS, PERSONS, VISITS, planned

Row = dict[str, Any]
MOVER = 1000
DAY = date(2011, 1, 1)
TYPES = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "category": "VARCHAR", "date": "DATE"}


def person(number: int, **values: Any) -> Row:  # noqa: ANN401 - a row's values are of any type
    return {"id": number, "age": 50, "male": True, "town": "Oslo", "stage": "mild", "born": DAY, "income": 0, **values}


def lab(number: int, **values: Any) -> Row:  # noqa: ANN401 - the same
    return {"id": number, "test": "chol", "site": "s", "value": 100.0, "day": DAY, "grade": 0, **values}


def visit(number: int, **values: Any) -> Row:  # noqa: ANN401 - the same
    return {"id": number, "kind": "gp", "clinic": "c", "code": "X", "day": DAY, "cost": 0.0, "nights": 0, **values}


FIFTY = [person(number) for number in range(50)]
AGES = [person(number, age=20 + number) for number in range(50)]


@dataclass(frozen=True)
class Leak:
    """A refused question; the worlds' rows by table, MOVER's among them; what one person was thought to move at most."""

    name: str
    sql: str
    bound: float
    persons: Sequence[Row] = ()
    labs: Sequence[Row] = ()
    visits: Sequence[Row] = ()
    icd: Sequence[Row] = ()
    answer: str = field(default="")
    """The question as plain DuckDB is asked it, where it is another."""


LEAKS = [
    Leak(
        "a join on a column that is not the unit",
        "SELECT COUNT(*) FROM persons p JOIN persons q ON p.town = q.town",
        1,
        persons=[*FIFTY, person(MOVER)],
    ),
    Leak(
        "a join on a key that is unique in one table, to which fifty rows refer",
        "SELECT COUNT(*) FROM persons p JOIN labs l ON p.income = l.grade",
        6,
        persons=[person(MOVER, income=4)],
        labs=[lab(number, grade=4) for number in range(50)],
    ),
    Leak(
        "a join on text of two personal tables",
        "SELECT COUNT(*) FROM persons p JOIN visits v ON p.town = v.clinic",
        4,
        persons=[person(MOVER, town="c")],
        visits=[visit(number) for number in range(50)],
    ),
    Leak(
        "a join on an inequality of the unit",
        "SELECT COUNT(*) FROM persons p JOIN persons q ON p.id < q.id",
        1,
        persons=[*FIFTY, person(MOVER)],
    ),
    Leak(
        "a join on an inequality of values",
        "SELECT COUNT(*) FROM persons p JOIN persons q ON p.age < q.age",
        1,
        persons=[*FIFTY, person(MOVER, age=90)],
    ),
    Leak(
        "a join on the unit or something else",
        "SELECT COUNT(*) FROM persons p JOIN persons q ON p.id = q.id OR p.town = q.town",
        1,
        persons=[*FIFTY, person(MOVER)],
    ),
    Leak(
        "a join on the unit moved by one",
        "SELECT COUNT(*) FROM persons p JOIN labs l ON p.id = l.id + l.grade",
        12,
        persons=FIFTY,
        labs=[lab(MOVER, grade=number - MOVER) for number in range(50)],
    ),
    Leak(
        "a cross join of two personal tables",
        "SELECT COUNT(*) FROM persons p CROSS JOIN labs l",
        6,
        persons=[*FIFTY, person(MOVER)],
        labs=[lab(MOVER)] * 6,
    ),
    Leak(
        "a comma between two personal tables",
        "SELECT COUNT(*) FROM persons p, labs l WHERE p.male",
        6,
        persons=[*FIFTY, person(MOVER)],
        labs=[lab(MOVER)] * 6,
    ),
    Leak(
        "a semi-join off the unit",
        "SELECT COUNT(*) FROM persons p SEMI JOIN labs l ON p.town = l.site",
        1,
        persons=FIFTY,
        labs=[lab(MOVER, site="Oslo")],
    ),
    Leak(
        "an anti-join off the unit",
        "SELECT COUNT(*) FROM persons p ANTI JOIN labs l ON p.town = l.site",
        1,
        persons=FIFTY,
        labs=[lab(MOVER, site="Oslo")],
    ),
    Leak(
        "a left join off the unit",
        "SELECT COUNT(l.test) FROM persons p LEFT JOIN labs l ON p.town = l.site",
        6,
        persons=FIFTY,
        labs=[lab(MOVER, site="Oslo")],
    ),
    Leak(
        "an as-of join, whose nearest row may be anyone's",
        "SELECT COUNT(*) FROM persons p ASOF JOIN labs l ON p.born >= l.day",
        6,
        persons=FIFTY,
        labs=[lab(MOVER, day=DAY - timedelta(days=9))],
    ),
    Leak(
        "the average of everybody inside a row",
        "SELECT COUNT(*) FROM persons WHERE age > (SELECT AVG(age) FROM persons)",
        1,
        persons=[*FIFTY, person(MOVER, age=49)],
    ),
    Leak(
        "the largest value of everybody inside a row",
        "SELECT SUM(clamp(age - (SELECT MAX(age) FROM persons), -80, 0)) FROM persons",
        80,
        persons=[*FIFTY, person(MOVER, age=98)],
    ),
    Leak(
        "the number of everybody inside a row",
        "SELECT COUNT(*) FROM persons WHERE (SELECT COUNT(*) FROM persons) % 2 = 0",
        1,
        persons=[*FIFTY, person(MOVER)],
    ),
    Leak(
        "an average of neighbours, correlated off the unit",
        "SELECT COUNT(*) FROM persons p WHERE age > (SELECT AVG(q.age) FROM persons q WHERE q.town = p.town)",
        1,
        persons=[*FIFTY, person(MOVER, age=49)],
    ),
    Leak(
        "a scalar subquery in the select list of rows",
        "SELECT SUM(x) FROM (SELECT clamp((SELECT MAX(grade) FROM labs), 0, 4) AS x FROM persons) AS t",
        4,
        persons=FIFTY,
        labs=[lab(MOVER, grade=4), lab(0, grade=0)],
    ),
    Leak(
        "a join to an aggregate over other people",
        "SELECT COUNT(*) FROM persons p JOIN (SELECT town, AVG(age) AS mean FROM persons GROUP BY town) AS t ON p.town = t.town"
        " WHERE p.age > t.mean",
        2,
        persons=[*FIFTY, person(MOVER, age=49)],
    ),
    Leak(
        "IN over a column that is not the unit",
        "SELECT COUNT(*) FROM persons WHERE town IN (SELECT site FROM labs)",
        1,
        persons=FIFTY,
        labs=[lab(MOVER, site="Oslo")],
    ),
    Leak(
        "NOT IN over a column in which one person has a NULL",
        "SELECT COUNT(*) FROM persons WHERE age NOT IN (SELECT grade FROM labs)",
        1,
        persons=FIFTY,
        labs=[lab(MOVER, grade=None)],
    ),
    Leak(
        "the unit among another column's values",
        "SELECT COUNT(*) FROM persons WHERE id IN (SELECT grade FROM labs)",
        1,
        persons=FIFTY,
        labs=[lab(MOVER, grade=number) for number in range(5)],
    ),
    Leak(
        "another column among the units",
        "SELECT COUNT(*) FROM persons WHERE income IN (SELECT id FROM labs)",
        1,
        persons=[person(number, income=MOVER) for number in range(50)],
        labs=[lab(MOVER)],
    ),
    Leak(
        "IN over groups that one person makes large enough",
        "SELECT COUNT(*) FROM persons WHERE town IN (SELECT town FROM persons GROUP BY town HAVING COUNT(*) > 50)",
        2,
        persons=[*FIFTY, person(MOVER)],
    ),
    Leak(
        "a pair of the unit and another column",
        "SELECT COUNT(*) FROM persons WHERE (town, male) IN (SELECT site, TRUE FROM labs)",
        1,
        persons=FIFTY,
        labs=[lab(MOVER, site="Oslo")],
    ),
    Leak(
        "EXISTS without a correlation",
        "SELECT COUNT(*) FROM persons WHERE EXISTS (SELECT 1 FROM labs WHERE value > 499)",
        1,
        persons=FIFTY,
        labs=[lab(MOVER, value=500.0)],
    ),
    Leak(
        "NOT EXISTS without a correlation",
        "SELECT COUNT(*) FROM persons WHERE NOT EXISTS (SELECT 1 FROM labs WHERE value > 499)",
        1,
        persons=FIFTY,
        labs=[lab(MOVER, value=500.0)],
    ),
    Leak(
        "EXISTS correlated on another column",
        "SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM labs l WHERE l.site = p.town)",
        1,
        persons=FIFTY,
        labs=[lab(MOVER, site="Oslo")],
    ),
    Leak(
        "EXISTS correlated on the unit of somebody else",
        "SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM labs l WHERE l.id <> p.id)",
        1,
        persons=FIFTY,
        labs=[lab(MOVER)],
    ),
    Leak(
        "EXISTS correlated on the unit or something else",
        "SELECT COUNT(*) FROM persons p WHERE EXISTS (SELECT 1 FROM labs l WHERE l.id = p.id OR l.value > 499)",
        1,
        persons=FIFTY,
        labs=[lab(MOVER, value=500.0)],
    ),
    Leak(
        "ALL over other people's values",
        "SELECT COUNT(*) FROM persons WHERE age >= ALL (SELECT age FROM persons)",
        1,
        persons=[*FIFTY, person(MOVER, age=98)],
    ),
    Leak(
        "ANY over other people's values",
        "SELECT COUNT(*) FROM persons WHERE age < ANY (SELECT age FROM persons)",
        1,
        persons=[*FIFTY, person(MOVER, age=98)],
    ),
    Leak(
        "a lateral subquery over other people",
        "SELECT COUNT(*) FROM persons p, LATERAL (SELECT MAX(q.age) AS top FROM persons q) AS t WHERE p.age < t.top",
        2,
        persons=[*FIFTY, person(MOVER, age=98)],
    ),
    Leak(
        "DISTINCT ON, which picks another's row when one leaves",
        "SELECT SUM(grade) FROM (SELECT DISTINCT ON (site) grade FROM labs ORDER BY site, day) AS t",
        24,
        labs=[
            *(lab(MOVER, site=f"s{number}", grade=-3) for number in range(6)),
            *(lab(number, site=f"s{number}", grade=4, day=DAY + timedelta(days=1)) for number in range(6)),
        ],
    ),
    Leak(
        "DISTINCT values joined to everybody who has them",
        "SELECT COUNT(*) FROM persons p JOIN (SELECT DISTINCT site FROM labs) AS s ON p.town = s.site",
        6,
        persons=FIFTY,
        labs=[lab(MOVER, site="Oslo")],
    ),
    Leak(
        "UNION of two columns joined to everybody who has them",
        "SELECT COUNT(*) FROM persons p JOIN (SELECT clinic AS site FROM visits UNION SELECT site FROM labs) AS s ON p.town = s.site",
        10,
        persons=FIFTY,
        labs=[lab(MOVER, site="Oslo")],
    ),
    Leak(
        "LIMIT in a subquery, which lets another's row in when one leaves",
        "SELECT SUM(grade) FROM (SELECT grade FROM labs ORDER BY day LIMIT 6) AS t",
        24,
        labs=[
            *(lab(MOVER, grade=-3) for _ in range(6)),
            *(lab(number, grade=4, day=DAY + timedelta(days=1)) for number in range(6)),
        ],
    ),
    Leak(
        "LIMIT after an OFFSET in a subquery",
        "SELECT SUM(grade) FROM (SELECT grade FROM labs ORDER BY day LIMIT 6 OFFSET 1) AS t",
        24,
        labs=[
            lab(50, day=DAY - timedelta(days=1)),
            *(lab(MOVER, grade=-3) for _ in range(6)),
            *(lab(number, grade=4, day=DAY + timedelta(days=1)) for number in range(6)),
        ],
    ),
    Leak(
        "a top-n of the unit",
        "SELECT SUM(grade) FROM labs WHERE id IN (SELECT id FROM labs ORDER BY value DESC LIMIT 6)",
        24,
        labs=[
            *(lab(MOVER, grade=-3, value=500.0) for _ in range(6)),
            *(lab(number, grade=4, value=400.0) for number in range(6)),
        ],
    ),
    Leak(
        "a sample, which is another one when one leaves",
        "SELECT SUM(grade) FROM (SELECT grade FROM labs USING SAMPLE reservoir(10 ROWS) REPEATABLE (2)) AS t",
        24,
        labs=[
            *(lab(MOVER, grade=-3) for _ in range(6)),
            *(lab(number, grade=4 if number in {6, 7, 9, 10, 11, 16, 17} else -3) for number in range(20)),
        ],
    ),
    Leak(
        "EXCEPT, which takes away other people's rows",
        "SELECT COUNT(*) FROM (SELECT age, town FROM persons EXCEPT SELECT grade, site FROM labs) AS t",
        1,
        persons=[person(number, age=number) for number in range(6)],
        labs=[lab(MOVER, grade=number, site="Oslo") for number in range(6)],
    ),
    Leak(
        "INTERSECT, which lets other people's rows in",
        "SELECT COUNT(*) FROM (SELECT age, town FROM persons INTERSECT SELECT grade, site FROM labs) AS t",
        1,
        persons=[person(number, age=number) for number in range(6)],
        labs=[lab(MOVER, grade=number, site="Oslo") for number in range(6)],
    ),
    Leak(
        "a rank among other people",
        "SELECT COUNT(*) FROM (SELECT male, row_number() OVER (ORDER BY age) AS n FROM persons) AS t WHERE male AND n % 2 = 0",
        1,
        persons=[*(person(number, age=20 + number, male=number % 2 == 0) for number in range(50)), person(MOVER, age=18)],
    ),
    Leak(
        "a mean over a window of other people",
        "SELECT COUNT(*) FROM (SELECT age, AVG(age) OVER () AS mean FROM persons) AS t WHERE age > mean",
        1,
        persons=[*FIFTY, person(MOVER, age=49)],
    ),
    Leak(
        "the value of the person before",
        "SELECT COUNT(*) FROM (SELECT age - lag(age) OVER (ORDER BY age) AS step FROM persons) AS t WHERE step = 10",
        1,
        persons=[person(1, age=20), person(MOVER, age=30), person(2, age=40)],
    ),
    Leak(
        "QUALIFY",
        "SELECT COUNT(*) FROM (SELECT male FROM persons QUALIFY row_number() OVER (ORDER BY age) % 2 = 0) AS t WHERE male",
        1,
        persons=[*(person(number, age=20 + number, male=number % 2 == 0) for number in range(50)), person(MOVER, age=18)],
    ),
    Leak(
        "a tenth of other people",
        "SELECT COUNT(*) FROM (SELECT ntile(10) OVER (ORDER BY age) AS tenth, male FROM persons) AS t WHERE male AND tenth % 2 = 1",
        1,
        persons=[*(person(number, age=20 + number, male=number % 10 == 5) for number in range(50)), person(MOVER, age=98)],
    ),
    Leak(
        "a public table kept whole beside personal rows",
        "SELECT SUM(CASE WHEN v.code IS NULL THEN 30 ELSE -30 END) FROM icd c LEFT JOIN visits v ON c.code = v.code",
        120,
        visits=[visit(MOVER, code=f"K{number}") for number in range(4)],
        icd=[{"code": f"K{number}", "label": "", "chapter": None, "weight": 0} for number in range(4)],
    ),
    Leak(
        "the same, written from the right",
        "SELECT SUM(CASE WHEN v.code IS NULL THEN 30 ELSE -30 END) FROM visits v RIGHT JOIN icd c ON c.code = v.code",
        120,
        visits=[visit(MOVER, code=f"K{number}") for number in range(4)],
        icd=[{"code": f"K{number}", "label": "", "chapter": None, "weight": 0} for number in range(4)],
    ),
    Leak(
        "the same, kept whole on both sides",
        "SELECT SUM(CASE WHEN v.code IS NULL THEN 30 ELSE -30 END) FROM visits v FULL JOIN icd c ON c.code = v.code",
        120,
        visits=[visit(MOVER, code=f"K{number}") for number in range(4)],
        icd=[{"code": f"K{number}", "label": "", "chapter": None, "weight": 0} for number in range(4)],
    ),
    Leak(
        "public rows that no person refers to",
        "SELECT COUNT(*) FROM icd c WHERE c.code NOT IN (SELECT code FROM visits)",
        4,
        visits=[visit(MOVER, code=None)],
        icd=[{"code": f"K{number}", "label": "", "chapter": None, "weight": 0} for number in range(8)],
    ),
    Leak(
        "everybody's sum by recursion",
        "WITH RECURSIVE t AS (SELECT id, age FROM persons UNION ALL SELECT p.id, p.age FROM persons p JOIN t ON p.age = t.age + 1)"
        " SELECT COUNT(*) FROM t",
        1,
        persons=[*AGES[1:], person(MOVER, age=20)],
    ),
    Leak(
        "a group key made of other people's number",
        "SELECT COUNT(*) FROM persons GROUP BY (SELECT COUNT(*) FROM persons)",
        1,
        persons=[*FIFTY, person(MOVER)],
        answer="SELECT COALESCE(MAX(n) FILTER (WHERE k = 50), 0) FROM (SELECT (SELECT COUNT(*) FROM persons) AS k, COUNT(*) AS n"
        " FROM persons GROUP BY k) AS t",
    ),
    Leak(
        "a condition on an aggregate that reads other people",
        "SELECT COUNT(*) FILTER (WHERE age < (SELECT MAX(age) FROM persons)) FROM persons",
        1,
        persons=[*FIFTY, person(MOVER, age=98)],
    ),
]


@pytest.fixture
def engine() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect(config={"threads": 1})
    made.execute("CREATE MACRO clamp(x, lo, hi) AS CASE WHEN x IS NOT NULL THEN greatest(lo, least(hi, x)) END")
    for name, table in {"persons": PERSONS, "labs": LABS, "visits": VISITS, "icd": ICD}.items():
        owner = [] if table.public else ["id BIGINT"]
        made.execute(
            f"CREATE TABLE {name} ({', '.join(owner + [f'{each} {TYPES[column.type]}' for each, column in table.columns.items()])})"
        )
    return made


def fill(engine: duckdb.DuckDBPyConnection, tables: Mapping[str, Sequence[Row]]) -> None:
    for name, rows in tables.items():
        engine.execute(f"DELETE FROM {name}")
        for row in rows:
            engine.execute(f"INSERT INTO {name} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", [*row.values()])


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.name)
def test_a_refused_shape_would_have_moved_by_more_than_one_persons_bound(engine: duckdb.DuckDBPyConnection, leak: Leak) -> None:
    tables = {"persons": leak.persons, "labs": leak.labs, "visits": leak.visits, "icd": leak.icd}
    answers = []
    for without in (None, MOVER):
        fill(engine, {name: [row for row in rows if row.get("id", -1) != without] for name, rows in tables.items()})
        answers.append(engine.execute(leak.answer or leak.sql).fetchone())
    (whole,), (less,) = (answer or (0,) for answer in answers)
    assert abs((whole or 0) - (less or 0)) > leak.bound


@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.name)
def test_it_is_refused_with_a_rewrite(leak: Leak) -> None:
    with pytest.raises(Refused) as caught:
        planned(leak.sql)
    assert caught.value.suggestion.endswith(".")


ORDER_DEPENDENT = {
    "SUM(x)": "SUM(part)",
    "FIRST(x)": "FIRST(part ORDER BY place DESC)",
    "ANY_VALUE(x)": "FIRST(part ORDER BY place DESC)",
    "LAST(x)": "LAST(part ORDER BY place DESC)",
    "STRING_AGG(x::VARCHAR, ',')": "length(STRING_AGG(part, ',' ORDER BY place DESC)) + ascii(STRING_AGG(part, ',' ORDER BY place DESC))",
    "LIST(x)": "FIRST(part[1] ORDER BY place DESC)",
    "ARG_MIN(x, 0)": "FIRST(part ORDER BY place DESC)",
    "ARG_MAX(x, 0)": "FIRST(part ORDER BY place DESC)",
    "MODE(x)": "FIRST(part ORDER BY place DESC)",
}
"""Aggregates that depend on the order of rows, and how their parts are put together, the last part first."""


@pytest.mark.parametrize("aggregate", ORDER_DEPENDENT)
def test_an_order_dependent_aggregate_of_each_person_changes_when_somebody_else_leaves(
    engine: duckdb.DuckDBPyConnection, aggregate: str
) -> None:
    """Engines cut a table into parts by position and merge what the parts gave, in any order: one row less, and every cut falls elsewhere.

    Ten persons have the rows 1e16, 1, 1, -1e16; one person before them leaves, and the parts of all ten change.
    """
    values = [(0, 7.0), *((number, value) for number in range(1, 11) for value in (1e16, 1.0, 1.0, -1e16))]
    answers = []
    for rows in (values, values[1:]):
        engine.execute("CREATE OR REPLACE TABLE numbers (nth BIGINT, id BIGINT, x DOUBLE)")
        engine.executemany("INSERT INTO numbers VALUES (?, ?, ?)", [(nth, *row) for nth, row in enumerate(rows)])
        parts = f"SELECT id, nth // 2 AS place, {aggregate} AS part FROM numbers WHERE id > 0 GROUP BY id, place"
        merged = f"SELECT id, {ORDER_DEPENDENT[aggregate]} AS each FROM ({parts}) AS p GROUP BY id"
        answers.append(engine.execute(merged + " ORDER BY id").fetchall())
    assert sum(one != other for one, other in zip(*answers, strict=True)) == 10


@pytest.mark.parametrize(
    "aggregate",
    [
        "FIRST(value)",
        "LAST(value)",
        "ANY_VALUE(value)",
        "MODE(value)",
        "LIST(value)[1]",
        "STRING_AGG(test, ',')",
        "ARRAY_AGG(value)[1]",
        "MEDIAN(value)",
        "QUANTILE_CONT(value, 0.5)",
        "PRODUCT(value)",
        "ENTROPY(test)",
        "HISTOGRAM(grade)",
        "BIT_XOR(grade)",
        "APPROX_QUANTILE(value, 0.5)",
        "KAHAN_SUM(value)",
    ],
)
def test_an_order_dependent_aggregate_is_refused_inside_a_subquery_of_persons(aggregate: str) -> None:
    with pytest.raises(Refused):
        planned(f"SELECT SUM(clamp(x, 0, 1)) FROM (SELECT id, {aggregate} AS x FROM labs GROUP BY id) AS t")
