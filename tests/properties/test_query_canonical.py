"""One plan for one meaning: random spellings of a predicate have one digest, and DuckDB agrees that they say the same."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support import layout_db
from tests.support.query_world import PERSONS, planned

# ruff: noqa: S608 - every statement is of the test's own words

QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
Tree = tuple[Any, ...]
CONSTANTS: dict[str, Sequence[Any]] = {
    "age": (18, 30, 31, 60, 98),
    "visits": (0, 1, 2, 3),
    "bmi": (18.5, 25, 30, 30.5),
    "stage": ("none", "mild", "severe"),
    "born": (date(1950, 1, 1), date(1950, 1, 2), date(1970, 6, 30)),
    "died": (date(2001, 2, 28), date(2001, 3, 1)),
}
FLAGS = ("male", "smoker")
NULLABLE = ("visits", "bmi", "stage", "died", "smoker")
MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "<>": "<>"}
OPPOSITES = {"<": ">=", ">=": "<", ">": "<=", "<=": ">", "=": "<>", "<>": "="}
WHOLE = {"<": ("<=", -1), ">": (">=", 1), "<=": ("<", 1), ">=": (">", -1)}


def leaves() -> st.SearchStrategy[Tree]:
    column = st.sampled_from(sorted(CONSTANTS))
    compared = column.flatmap(lambda name: st.tuples(st.just("cmp"), st.sampled_from(sorted(MIRRORED)), st.just(name), constants(name)))
    within = column.flatmap(lambda name: st.tuples(st.just("between"), st.just(name), constants(name), constants(name)))
    listed = column.flatmap(lambda name: st.tuples(st.just("in"), st.just(name), st.lists(constants(name), min_size=1, max_size=3)))
    return st.one_of(
        compared,
        within,
        listed,
        st.tuples(st.just("flag"), st.sampled_from(FLAGS)),
        st.tuples(st.just("null"), st.sampled_from(NULLABLE)),
        st.tuples(st.just("sides"), st.sampled_from(sorted(MIRRORED)), st.just("age"), st.just("visits")),
    )


def constants(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(CONSTANTS[name])


TREES = st.recursive(
    leaves(),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=4)),
        st.tuples(st.just("not"), inner),
    ),
    max_leaves=8,
)


def spelled(tree: Tree, chance: random.Random) -> str:  # noqa: PLR0911 - one for each kind of node
    """The predicate in one of its many spellings."""
    kind, *parts = tree
    match kind:
        case "and" | "or":
            return chained(kind, [spelled(part, chance) for part in parts[0]], chance)
        case "not":
            return negated(parts[0], chance)
        case "cmp":
            return compared(parts[0], parts[1], parts[2], chance)
        case "sides":
            operator, left, right = parts
            return f"{left} {operator} {right}" if chance.random() < 0.5 else f"{right} {MIRRORED[operator]} {left}"
        case "between":
            name, low, high = parts
            if chance.random() < 0.5:
                return f"({name} BETWEEN {sql(low)} AND {sql(high)})"
            return chained("and", [compared(">=", name, low, chance), compared("<=", name, high, chance)], chance)
        case "in":
            return listed(parts[0], parts[1], chance)
        case "flag":
            return chance.choice([str(parts[0]), f"{parts[0]} = TRUE", f"NOT (NOT {parts[0]})", f"({parts[0]} <> FALSE)"])
        case _:
            return chance.choice([f"{parts[0]} IS NULL", f"NOT ({parts[0]} IS NOT NULL)"])


def chained(word: str, terms: list[str], chance: random.Random) -> str:
    """In any order, bracketed from either end, with or without a repetition; by De Morgan at times."""
    chance.shuffle(terms)
    terms = [*terms, chance.choice(terms)] if chance.random() < 0.2 else terms
    if chance.random() < 0.25:
        other = "or" if word == "and" else "and"
        return f"NOT ({f' {other} '.join(f'(NOT {term})' for term in terms)})"
    if len(terms) > 2 and chance.random() < 0.5:
        return f"({terms[0]} {word} ({f' {word} '.join(terms[1:])}))"
    return f"({f' {word} '.join(terms)})"


def negated(inner: Tree, chance: random.Random) -> str:
    if inner[0] == "cmp" and chance.random() < 0.5:
        return compared(OPPOSITES[inner[1]], inner[2], inner[3], chance)
    if inner[0] == "not" and chance.random() < 0.5:
        return spelled(inner[1], chance)
    if inner[0] == "in" and chance.random() < 0.5:
        return chained("and", [compared("<>", inner[1], each, chance) for each in inner[2]], chance)
    return f"(NOT {spelled(inner, chance)})"


def compared(operator: str, name: str, value: Any, chance: random.Random) -> str:  # noqa: ANN401 - a constant of any type
    if isinstance(value, int | date) and name != "bmi" and operator in WHOLE and chance.random() < 0.3:
        operator, step = WHOLE[operator]
        value = moved(value, step)
    written = chance.choice([sql(value), f"{value}.0"]) if isinstance(value, int) else sql(value)
    if chance.random() < 0.2:
        return f"(NOT {name} {OPPOSITES[operator]} {written})"
    return f"({name} {operator} {written})" if chance.random() < 0.5 else f"({written} {MIRRORED[operator]} {name})"


def moved(value: Any, step: int) -> Any:  # noqa: ANN401 - a whole number or a date
    return value + (timedelta(days=step) if isinstance(value, date) else step)


def listed(name: str, values: list[Any], chance: random.Random) -> str:
    values = chance.sample(values, len(values))
    if chance.random() < 0.5:
        return f"({name} IN ({', '.join(map(sql, values))}))"
    return chained("or", [compared("=", name, value, chance) for value in values], chance)


def sql(value: Any) -> str:  # noqa: ANN401 - a constant of any type
    if isinstance(value, str):
        return f"'{value}'"
    return f"DATE '{value}'" if isinstance(value, date) else str(value)


def people(count: int = 300) -> list[dict[str, Any]]:
    """Rows at and around the constants, with every NULL that may be."""
    chance = random.Random(7)  # noqa: S311 - a test's rows

    def near(name: str) -> Any:  # noqa: ANN401 - of the column's type
        value = chance.choice(CONSTANTS[name])
        if isinstance(value, str):
            return value
        return moved(value, chance.randint(-1, 1))

    def one(index: int) -> dict[str, Any]:
        row = {name: near(name) for name in CONSTANTS} | {flag: chance.random() < 0.5 for flag in FLAGS}
        row |= {name: None for name in NULLABLE if chance.random() < 0.2}
        row["age"] = min(98, max(18, row["age"]))
        return row | {"id": index, "income": 1, "town": "t", "weight": 1.0, "bmi": None if row["bmi"] is None else float(row["bmi"])}

    return [one(index) for index in range(count)]


@pytest.fixture(scope="module")
def plain() -> duckdb.DuckDBPyConnection:
    """The rows as any DuckDB would hold them (`plain`), and in haven's own layout (`persons`)."""
    connection = duckdb.connect()
    rows = people()
    layout_db.store(connection, "persons", PERSONS, layout_db.ranked(PERSONS, rows))
    kinds = "age INT, visits INT, bmi DOUBLE, stage VARCHAR, born DATE, died DATE, male BOOLEAN, smoker BOOLEAN"
    connection.execute(f"CREATE TABLE plain ({kinds})")
    names = [kind.split()[0] for kind in kinds.split(", ")]
    connection.executemany(f"INSERT INTO plain VALUES ({', '.join('?' * len(names))})", [[row[name] for name in names] for row in rows])
    return connection


def only(connection: duckdb.DuckDBPyConnection, statement: str) -> Any:  # noqa: ANN401 - one cell
    row = connection.execute(statement).fetchone()
    return None if row is None else row[0]


@given(tree=TREES, seed=st.integers(0, 2**32))
@QUICK
def test_spellings_of_one_predicate_are_one_plan_and_mean_the_same(plain: duckdb.DuckDBPyConnection, tree: Tree, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's own choice
    one, other = spelled(tree, chance), spelled(tree, chance)
    assert only(plain, f"SELECT count(*) FROM plain WHERE ({one}) IS DISTINCT FROM ({other})") == 0
    plans = [planned(f"SELECT COUNT(*) AS n FROM persons WHERE {each}") for each in (one, other)]
    assert plans[0].sql == plans[1].sql
    assert plans[0].digest == plans[1].digest


@given(tree=TREES, seed=st.integers(0, 2**32))
@QUICK
def test_the_plan_of_a_predicate_counts_what_duckdb_counts(plain: duckdb.DuckDBPyConnection, tree: Tree, seed: int) -> None:
    written = spelled(tree, random.Random(seed))  # noqa: S311 - a test's own choice
    plan = planned(f"SELECT COUNT(*) AS n FROM persons WHERE {written}")
    assert only(plain, plan.sql) == only(plain, f"SELECT count(*) FROM plain WHERE {written}")


@given(tree=TREES, seed=st.integers(0, 2**32))
@QUICK
def test_conditions_of_aggregates_and_keys_are_one_form_too(tree: Tree, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test's own choice
    one, other = spelled(tree, chance), spelled(tree, chance)
    first = planned(f"SELECT COUNT(*) FILTER (WHERE {one}) AS n FROM persons")
    assert first.digest == planned(f"SELECT COUNT(*) FILTER (WHERE {other}) AS n FROM persons").digest
    grouped = planned(f"SELECT {one} AS k, AVG(age) AS a FROM persons GROUP BY k")
    assert grouped.digest == planned(f"SELECT AVG(age) AS years, {other} AS kind FROM persons GROUP BY {other}").digest


SAME = [
    ("SELECT COUNT(*) AS n FROM persons", "SELECT COUNT(1) FROM persons"),
    ("SELECT COUNT(*) AS n FROM persons", "SELECT COUNT(age) AS people FROM persons AS p"),
    ("SELECT COUNT(*) AS n, AVG(age) AS a FROM persons", "SELECT AVG(p.age) AS mean, COUNT(*) FROM nafld.persons AS p"),
    (
        "SELECT SUM(age + bmi) AS s FROM persons WHERE visits BETWEEN 0 AND 9",
        "SELECT SUM(bmi + age) AS s FROM persons WHERE 0 <= visits AND visits < 10",
    ),
    ("SELECT SUM(male) AS n FROM persons", "SELECT COUNT_IF(NOT NOT male) AS n FROM persons"),
    ("SELECT COUNT(*) FILTER (WHERE age > 60) AS n FROM persons", "SELECT SUM(CASE WHEN 60 < age THEN 1 ELSE 0 END) AS n FROM persons"),
    (
        "SELECT COUNT(*) FROM persons WHERE stage = 'mild' OR stage = 'none'",
        "SELECT COUNT(*) FROM (SELECT * FROM persons WHERE stage IN ('none', 'mild')) AS s",
    ),
    (
        "SELECT COUNT(*) FROM persons WHERE male AND age > 60",
        "SELECT COUNT(*) FROM (SELECT * FROM persons WHERE age >= 61) AS s WHERE male",
    ),
]


@pytest.mark.parametrize(("one", "other"), SAME, ids=[one for one, _ in SAME])
def test_equivalent_questions_are_one_plan(one: str, other: str) -> None:
    assert planned(one).digest == planned(other).digest


DIFFERENT = [
    ("visits > 1", "visits > 2"),
    ("bmi > 30", "bmi >= 31"),
    ("visits <> 1", "visits IS DISTINCT FROM 1"),
    ("smoker", "smoker IS NOT FALSE"),
    ("visits IN (1, 2)", "visits NOT IN (1, 2)"),
    ("male AND smoker", "male OR smoker"),
    ("age < visits", "age > visits"),
]


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_differs_on_some_row_is_another_plan(one: str, other: str) -> None:
    plans = [planned(f"SELECT COUNT(*) AS n FROM persons WHERE {each}") for each in (one, other)]
    assert plans[0].digest != plans[1].digest
