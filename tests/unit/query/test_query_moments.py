"""Variances, covariances and regressions without noise are DuckDB's own, over the same rows; their error bars are those of the noise."""

import math
import random
from datetime import date
from typing import Any

import duckdb
import pytest

from haven import query
from haven.errors import Code, Refused
from haven.privacy.mechanisms import Noise
from haven.privacy.tables import NoisyTable
from tests.support import layout_db
from tests.support.query_world import PERSONS, planned

ONE = ("var_pop", "var_samp", "variance", "stddev", "stddev_pop", "stddev_samp")
TWO = ("covar_pop", "covar_samp", "corr", "regr_slope", "regr_intercept", "regr_r2", "regr_count", "regr_avgx", "regr_avgy")
SUMS = ("regr_sxx", "regr_syy", "regr_sxy")
ARGUMENTS = ("bmi", "age", "smoker", "clamp(weight, 0, 100)", "clamp(bmi, 20, 40)", "age // 10", "ln(bmi)", "bmi + age", "age - 0.5")
PAIRS = (("bmi", "age"), ("age", "bmi"), ("smoker", "bmi"), ("clamp(weight, 0, 100)", "bmi"), ("income", "age"), ("bmi", "bmi"))
QUESTIONS = (
    *(f"{name}({one})" for name in ONE for one in ARGUMENTS),
    *(f"{name}({one}, {other})" for name in (*TWO, *SUMS) for one, other in PAIRS),
    "corr(bmi, age) FILTER (WHERE male)",
    "var_samp(bmi) FILTER (WHERE stage = 'mild')",
    "SUM(bmi * age) / SUM(age)",
    "SUM(CASE WHEN male THEN bmi ELSE 0 END)",
    "AVG(CASE WHEN male THEN bmi END)",
    "AVG(CASE WHEN male THEN bmi ELSE 0 END)",
    "SUM(CASE WHEN male THEN 2 ELSE 0 END)",
    "COUNT(DISTINCT town)",
    "COUNT(DISTINCT stage)",
    "COUNT(DISTINCT age // 10)",
    "COUNT(DISTINCT bmi) FILTER (WHERE male)",
    "COUNT(DISTINCT town || '/' || CAST(age AS VARCHAR))",
)


def people(number: int) -> list[dict[str, Any]]:
    draw = random.Random(3)  # noqa: S311 - rows of a test
    return [
        {
            "id": index,
            "age": draw.randint(18, 98),
            "male": draw.random() < 0.5,
            "smoker": draw.choice([True, False, None]),
            "bmi": draw.choice([None, draw.uniform(10, 80)]),
            "income": draw.randint(0, 5_000_000),
            "stage": draw.choice(["none", "mild", "severe", None]),
            "town": draw.choice("abcd"),
            "born": date(1950, 1, 1),
            "died": None,
            "weight": draw.choice([None, draw.uniform(-5, 200)]),
            "visits": draw.choice([None, 3]),
        }
        for index in range(number)
    ]


@pytest.fixture(scope="module", params=[0, 1, 2, 200])
def worlds(request: pytest.FixtureRequest) -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]:
    """The stored rows, and the same rows as a researcher pictures them; truth values are 0 and 1, as in arithmetic here."""
    stored, pictured = duckdb.connect(), duckdb.connect()
    rows = people(request.param)
    layout_db.store(stored, "persons", PERSONS, layout_db.ranked(PERSONS, rows))
    types = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "category": "VARCHAR", "date": "DATE"}
    columns = ", ".join(f"{name} {types[column.type]}" for name, column in PERSONS.columns.items())
    pictured.execute(f"CREATE TABLE persons (id BIGINT, {columns})")
    pictured.execute("CREATE MACRO clamp(x, lo, hi) AS CASE WHEN x IS NOT NULL THEN greatest(lo, least(hi, x)) END")
    for row in rows:
        pictured.execute("INSERT INTO persons VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", list(row.values()))
    return stored, pictured


def answered(connection: duckdb.DuckDBPyConnection, item: str) -> Any:  # noqa: ANN401 - a cell
    plan = planned(f"SELECT {item} FROM persons")  # noqa: S608 - constants above
    return query.finish(plan, layout_db.exact(connection, plan)).rows[0][0]


def resolution(item: str) -> float:
    """What rounding each row to its grid may do to the result."""
    grid = max(target.grid for target in planned(f"SELECT {item} FROM persons").targets)  # noqa: S608 - constants above
    return max(2e-3, math.sqrt(4 * grid) if item.startswith("stddev") else 4 * grid)


@pytest.mark.parametrize("item", QUESTIONS)
def test_without_noise_it_is_what_duckdb_says(worlds: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection], item: str) -> None:
    stored, pictured = worlds
    (expected,) = pictured.execute(f"SELECT {item.replace('smoker', 'smoker::INT')} FROM persons").fetchone() or (None,)  # noqa: S608
    found = answered(stored, item)
    if expected is None and item.startswith(("SUM(C", "SUM(b", "regr_s")):
        assert not found  # a sum over nothing is 0 here
    elif expected is None or math.isnan(expected):
        assert found is None  # what is undefined is NULL
    else:
        assert math.isclose(found, expected, rel_tol=2e-4, abs_tol=resolution(item))


@pytest.mark.parametrize("item", ["var_pop(bmi)", "corr(bmi, age)", "regr_slope(age, bmi)", "stddev_samp(age)"])
def test_squares_and_products_of_stored_columns_are_made_of_integers_alone(item: str) -> None:
    sql = planned(f"SELECT {item} FROM persons").sql  # noqa: S608 - constants above
    assert "DOUBLE" not in sql
    assert "round" not in sql


def test_the_targets_of_a_variance_are_shared_with_the_mean_the_sum_and_the_count() -> None:
    assert len(planned("SELECT VAR_POP(bmi), STDDEV(bmi), AVG(bmi), SUM(bmi), COUNT(bmi) FROM persons").targets) == 3
    assert len(planned("SELECT CORR(age, income), REGR_SLOPE(age, income), AVG(age), COUNT(*) FROM persons").targets) == 6


def test_a_count_of_values_is_not_the_sum_of_its_groups() -> None:
    (target,) = planned("SELECT male, COUNT(DISTINCT town) FROM persons GROUP BY male").targets
    assert (target.additive, target.counts, target.sensitivity.l1) == (False, True, 1)


def test_a_row_s_square_moves_a_sum_by_half_the_square_of_its_reach() -> None:
    square = next(target for target in planned("SELECT VAR_POP(age) FROM persons").targets if target.sensitivity.largest == 800)
    assert square.sensitivity.largest * square.grid == 40 * 40 / 2


def noised(plan: query.PrivatePlan, shift: dict[int, int]) -> NoisyTable:
    return NoisyTable(((),), tuple((shift.get(index, 0),) for index in range(len(plan.targets))))


def test_noise_cannot_make_a_variance_negative_nor_a_correlation_larger_than_one() -> None:
    plan = planned("SELECT VAR_POP(bmi) AS v, STDDEV_POP(bmi) AS s, CORR(bmi, age) AS r, VAR_SAMP(bmi) AS w FROM persons")
    for drawn in (-(10**9), 10**9):
        values = {index: (5 if target.counts else drawn) for index, target in enumerate(plan.targets)}
        row = query.finish(plan, noised(plan, values)).rows[0]
        for value, low, high in zip(row, (0, 0, -1, 0), (35**2, 35, 1, math.inf), strict=True):
            assert value is None or low <= float(value) <= high


def test_error_bars_of_a_variance_cover_what_the_noise_does() -> None:
    stored = duckdb.connect()
    layout_db.store(stored, "persons", PERSONS, layout_db.ranked(PERSONS, people(2000)))
    plan = planned("SELECT VAR_POP(age), CORR(age, income), REGR_INTERCEPT(age, bmi) FROM persons", epsilon="8")
    exact = layout_db.exact(stored, plan)
    truth, bars = query.finish(plan, exact).rows[0], query.finish(plan, exact).errors[0]
    draw, within = random.Random(5), [0, 0, 0]  # noqa: S311 - noise of a test
    for _ in range(300):
        drawn = tuple(
            (round(column[0] + draw.gauss(0, math.sqrt(noise.variance))),)
            for column, noise in zip(exact.columns, plan.noises, strict=True)
            if isinstance(noise, Noise)
        )
        row = query.finish(plan, NoisyTable(exact.keys, drawn)).rows[0]
        for index, (value, true, bar) in enumerate(zip(row, truth, bars, strict=True)):
            assert isinstance(value, float) and isinstance(true, float) and bar is not None  # noqa: PT018 - for the type checker
            within[index] += abs(value - true) <= bar
    assert all(270 <= count <= 300 for count in within)


@pytest.mark.parametrize(
    ("item", "code"),
    [
        ("VAR_POP(weight)", Code.QUERY_UNBOUNDED),
        ("CORR(bmi, weight)", Code.QUERY_UNBOUNDED),
        ("VAR_POP(DISTINCT bmi)", Code.QUERY_AGGREGATE),
        ("REGR_SLOPE(bmi)", Code.QUERY_AGGREGATE),
        ("VAR_POP(town)", Code.QUERY_TYPE),
        ("VAR_POP(id)", Code.QUERY_UNIT_COLUMN),
        ("COUNT(DISTINCT age, town)", Code.QUERY_AGGREGATE),
        ("COUNT(DISTINCT length(id))", Code.QUERY_UNIT_COLUMN),
        ("COUNT(DISTINCT 1)", Code.QUERY_AGGREGATE),
        ("bool_and(male)", Code.QUERY_AGGREGATE),
        ("product(age)", Code.QUERY_AGGREGATE),
        ("geomean(age)", Code.QUERY_AGGREGATE),
        ("entropy(age)", Code.QUERY_AGGREGATE),
        ("kurtosis(age)", Code.QUERY_AGGREGATE),
        ("AVG(VAR_POP(age))", Code.QUERY_AGGREGATE),
    ],
)
def test_what_has_no_bound_or_shows_single_values_is_refused_with_advice(item: str, code: Code) -> None:
    with pytest.raises(Refused) as caught:
        planned(f"SELECT {item} FROM persons")  # noqa: S608 - constants above
    assert caught.value.code is code
    assert caught.value.suggestion
