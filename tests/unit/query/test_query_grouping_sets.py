"""GROUPING SETS, ROLLUP and CUBE: DuckDB's own rows without noise, least squares as numpy solves it, bounds by brute force."""

import dataclasses
import itertools
import math
import random
from datetime import date
from fractions import Fraction
from typing import Any

import duckdb
import numpy as np
import pytest

from haven import query
from haven.errors import Code, Refused
from haven.privacy.budget import PICO, Definition
from haven.privacy.mechanisms import Noise
from haven.privacy.tables import NoisyTable
from haven.privacy.units import ContributionBound, SeveralBounds
from haven.query.private_plan import GroupingSets
from haven.query.set_totals import Array, least_squares, rounded, variances
from tests.support import layout_db
from tests.support.query_world import LABS, PERSONS, PURE, ZCDP, planned

QUESTIONS = (
    "SELECT stage, male, COUNT(*) FROM persons GROUP BY ROLLUP (stage, male)",
    "SELECT stage, male, COUNT(*), AVG(bmi), SUM(age), VAR_POP(age) FROM persons GROUP BY CUBE (stage, male)",
    "SELECT stage, male, COUNT(*) AS n, GROUPING(stage), GROUPING(male), GROUPING_ID(stage, male) FROM persons GROUP BY CUBE (male, stage)",
    "SELECT stage, male, COUNT(DISTINCT town) FROM persons GROUP BY GROUPING SETS ((stage), male, ())",
    "SELECT male, stage, COUNT(*) FROM persons GROUP BY male, ROLLUP (stage)",
    "SELECT age // 10 AS decade, stage, COUNT(*) FROM persons GROUP BY ROLLUP (1, 2)",
    "SELECT age // 10 AS decade, stage, COUNT(*) FROM persons GROUP BY GROUPING SETS ((decade, stage), ((decade)), ())",
    "SELECT stage, male, smoker, COUNT(*) FROM persons GROUP BY ROLLUP ((stage, male), smoker)",
    "SELECT stage, male, smoker, COUNT(*) FROM persons GROUP BY GROUPING SETS (ROLLUP (stage, male), smoker)",
    "SELECT stage, COUNT(*) AS n FROM persons GROUP BY ROLLUP (stage) HAVING COUNT(*) > 20 ORDER BY n DESC, stage LIMIT 3",
    "SELECT coalesce(stage, 'all') AS s, COUNT(*) FROM persons WHERE stage IS NOT NULL GROUP BY ROLLUP (stage)",
    "SELECT CASE WHEN GROUPING(stage) = 1 THEN 'all' ELSE stage END AS s, COUNT(*) FROM persons GROUP BY ROLLUP (stage)",
    "SELECT stage, COUNT(*) FROM persons GROUP BY CUBE (stage) HAVING GROUPING(stage) = 0",
)


def people() -> list[dict[str, Any]]:
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
            "weight": None,
            "visits": None,
        }
        for index in range(400)
    ]


@pytest.fixture(scope="module")
def worlds() -> tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]:
    """The stored rows, and the same rows as a researcher pictures them."""
    stored, pictured = duckdb.connect(), duckdb.connect()
    kept = layout_db.ranked(PERSONS, people())
    layout_db.store(stored, "persons", PERSONS, kept)
    types = {"integer": "BIGINT", "number": "DOUBLE", "boolean": "BOOLEAN", "category": "VARCHAR", "date": "DATE"}
    columns = ", ".join(f"{name} {types[column.type]}" for name, column in PERSONS.columns.items())
    pictured.execute(f"CREATE TABLE persons ({columns})")
    marks = ", ".join("?" for _ in PERSONS.columns)
    for row in kept:
        pictured.execute(f"INSERT INTO persons VALUES ({marks})", [row[name] for name in PERSONS.columns])  # noqa: S608 - a test's own names
    return stored, pictured


def plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(float(f"{value:.4g}") if isinstance(value, float) else value for value in row)


@pytest.mark.parametrize("sql", QUESTIONS)
@pytest.mark.parametrize("options", [{}, {"error": 20}], ids=["price", "error"])
def test_without_noise_the_rows_are_duckdb_s_own(
    worlds: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection], sql: str, options: dict[str, Any]
) -> None:
    stored, pictured = worlds
    plan = planned(sql, **options)
    found = [plain(row) for row in query.finish(plan, layout_db.exact(stored, plan)).rows]
    expected = [plain(row) for row in pictured.execute(sql).fetchall()]
    if "ORDER BY" in sql:
        assert found == expected
    missing = list(found)
    for row in expected:
        missing.remove(row)
    assert all(0 in row for row in missing)  # public groups that nobody is in


def test_counts_and_sums_are_one_table_or_shares_and_what_does_not_add_up_has_shares() -> None:
    assert planned(QUESTIONS[0]).sets == GroupingSets((0, 1, 3), summed=True, sums=(True,))
    shared = planned(QUESTIONS[0], error=20)
    assert shared.sets == GroupingSets((0, 1, 3), summed=False, sums=(True,))
    assert planned(QUESTIONS[3]).shares
    assert not any(target.additive for target in planned(QUESTIONS[3]).targets)
    assert planned("SELECT year(born) AS y, month(born) AS m, COUNT(*) FROM persons GROUP BY GROUPING SETS (y, m)").shares
    assert any("share of its own" in sentence for sentence in planned(QUESTIONS[3]).words)
    assert any("one noisy table" in sentence for sentence in planned(QUESTIONS[0]).words)


def test_one_table_costs_and_is_what_its_finest_group_by_is() -> None:
    rolled, finest = planned(QUESTIONS[0]), planned("SELECT stage, male, COUNT(*) FROM persons GROUP BY stage, male")
    assert (rolled.digest, rolled.price, rolled.sql) == (finest.digest, finest.price, finest.sql)


def test_an_error_asked_for_is_kept_by_every_row_of_every_set(worlds: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection]) -> None:
    plan = planned(QUESTIONS[0], error=20)
    errors = query.finish(plan, layout_db.exact(worlds[0], plan)).errors
    assert all(row[2] is not None and row[2] <= 20 for row in errors)
    assert query.expected_errors(plan)["count_star()"] == pytest.approx(20, abs=1)


def matrix(keys: tuple[int, ...], sizes: tuple[int, ...]) -> Array:
    """Sums over all keys but some, as a matrix over the cells of all."""
    cells = list(itertools.product(*map(range, sizes)))
    rows = list(itertools.product(*(range(sizes[index]) for index in keys)))
    return np.array([[float(tuple(cell[index] for index in keys) == row) for cell in cells] for row in rows])


SETS = [
    ((3, 2), [(0, 1), (0,), ()]),
    ((3, 2), [(0, 1), (0,), (1,), ()]),
    ((4, 3), [(0,), (1,)]),
    ((2, 3, 2), [(0, 1, 2), (0, 1), (2,), ()]),
    ((2, 3, 2), [(0, 1), (1, 2), (0, 2)]),
    ((3, 2, 2), [(0, 1, 2), (0, 1), (0,), ()]),
    ((1, 4), [(0, 1), (0,), (1,), ()]),
    ((5,), [()]),
]


@pytest.mark.parametrize(("sizes", "sets"), SETS)
def test_least_squares_is_what_numpy_solves(sizes: tuple[int, ...], sets: list[tuple[int, ...]]) -> None:
    rng = np.random.default_rng(5)
    tables = {keys: rng.normal(0, 100, [size if index in keys else 1 for index, size in enumerate(sizes)]) for keys in sets}
    system = np.vstack([matrix(keys, sizes) for keys in sets])
    given = np.concatenate([tables[keys].ravel() for keys in sets])
    cells, *_ = np.linalg.lstsq(system, given, rcond=None)
    fitted = least_squares(tables, sizes)
    assert np.allclose(np.concatenate([fitted[keys].ravel() for keys in sets]), system @ cells)


@pytest.mark.parametrize(("sizes", "sets"), SETS)
def test_variances_are_those_of_the_solution(sizes: tuple[int, ...], sets: list[tuple[int, ...]]) -> None:
    system = np.vstack([matrix(keys, sizes) for keys in sets])
    covariance = system @ np.linalg.pinv(system)  # of the fitted values, for noise of variance 1
    width, expected = len(sizes), {}
    start = 0
    for keys in sets:
        rows = math.prod(sizes[index] for index in keys)
        mask = sum(1 << (width - 1 - index) for index in range(width) if index not in keys)
        expected[mask] = covariance.diagonal()[start : start + rows]
        start += rows
    found = variances(sizes, GroupingSets(tuple(sorted(expected)), summed=False), least_squares=True)
    for mask, diagonal in expected.items():
        assert np.allclose(diagonal, found[mask])


def test_rounded_parts_of_nested_sets_sum_to_their_totals() -> None:
    rng = np.random.default_rng(7)
    for _ in range(50):
        sizes = tuple(int(size) for size in rng.integers(1, 5, 3))
        tables = {
            keys: rng.normal(0, 30, [size if index in keys else 1 for index, size in enumerate(sizes)])
            for keys in [(0, 1, 2), (0, 2), (2,), ()]
        }
        real = least_squares(tables, sizes)
        whole = rounded(real)
        assert all(np.all(np.abs(whole[keys] - real[keys]) < 1) for keys in tables)
        assert np.array_equal(whole[0, 1, 2].sum(axis=1, keepdims=True), whole[0, 2])
        assert np.array_equal(whole[0, 2].sum(axis=0, keepdims=True), whole[2,])
        assert whole[2,].sum() == whole[()].item()


def test_rows_of_a_rollup_with_shares_sum_to_their_totals_in_the_answer(
    worlds: tuple[duckdb.DuckDBPyConnection, duckdb.DuckDBPyConnection],
) -> None:
    plan = planned("SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY ROLLUP (stage, male)", error=5)
    exact, draw = layout_db.exact(worlds[0], plan), random.Random(1)  # noqa: S311 - noise of a test
    noisy = NoisyTable(exact.keys, tuple(tuple(cell + draw.randint(-9, 9) for cell in column) for column in exact.columns))
    rows = query.finish(plan, noisy).rows
    counts = {(stage, male, index): n for index, (stage, male, n) in enumerate(rows)}
    assert all(isinstance(n, int) for n in counts.values())
    fine, stages, total = rows[:8], rows[8:12], rows[12]
    for stage, _, n in stages:
        assert n == sum(int(row[2] or 0) for row in fine if row[0] == stage)
    assert total[2] == sum(int(row[2] or 0) for row in stages)


@pytest.mark.parametrize("context", [ZCDP, PURE], ids=["zcdp", "pure"])
@pytest.mark.parametrize("sql", QUESTIONS[:2])
def test_the_better_way_is_taken(context: query.PlanContext, sql: str) -> None:
    chosen = planned(sql, context)
    shares = planned(sql.replace("COUNT(*)", "COUNT(*), COUNT(DISTINCT town)"), context)
    assert chosen.sets is not None
    assert shares.shares

    def mean(plan: query.PrivatePlan, sets: GroupingSets, *, gaussian: bool) -> float:
        noise = next(noise for noise, target in zip(plan.noises, plan.targets, strict=True) if target.sql == "count(*)")
        assert isinstance(noise, Noise)
        unit = noise.sensitivity.l2_squared if gaussian else noise.sensitivity.l1**2
        sizes = [len(key.domain or ()) for key in plan.keys[:2]]
        rows = {mask: math.prod(size for index, size in enumerate(sizes) if not mask >> (1 - index) & 1) for mask in sets.masks}
        found = variances(sizes, sets, least_squares=gaussian)
        return sum(rows[mask] * found[mask] * unit for mask in sets.masks) / sum(rows.values())

    gaussian = context.definition is Definition.ZCDP
    summed = mean(planned(sql, context), dataclasses.replace(chosen.sets, summed=True), gaussian=gaussian) if chosen.sets.summed else None
    shared = mean(shares, dataclasses.replace(chosen.sets, summed=False), gaussian=gaussian)
    assert summed is not None
    assert summed <= shared


SHAPES = (
    "SELECT test, COUNT(*), SUM(grade), COUNT(DISTINCT id) FROM labs GROUP BY ROLLUP (test)",
    "SELECT test, value > 250 AS high, COUNT(*), AVG(value) FROM labs GROUP BY CUBE (test, high)",
    "SELECT year(day) AS y, test, COUNT(DISTINCT id) FROM labs GROUP BY GROUPING SETS (y, test)",
    "SELECT grade, COUNT(*) FROM labs WHERE test = 'chol' GROUP BY ROLLUP (grade)",
    "SELECT test, COUNT(*) FILTER (WHERE grade > 0), COUNT(*) FILTER (WHERE grade <= 0) FROM labs GROUP BY ROLLUP (test)",
)


def heavy(draw: random.Random) -> list[dict[str, Any]]:
    """A person with more rows than any bound allows, many of them alike."""
    tests, values, grades, sites = ["chol", "dbp", "fib4", "hdl"], [0.0, 500.0, None, 300.0], [-3, 4, None, 1], ["x", "y", None]
    kinds = [(draw.choice(tests), draw.choice(values), draw.choice(grades), draw.choice(sites)) for _ in range(draw.randint(1, 6))]
    named = [dict(zip(("test", "value", "grade", "site"), draw.choice(kinds), strict=True)) for _ in range(draw.randint(1, 14))]
    return [{"id": 1, "day": date(2010 + draw.randint(0, 2), 5, 5), **row} for row in named]


@pytest.mark.parametrize("sql", SHAPES)
@pytest.mark.parametrize("context", [ZCDP, PURE], ids=["zcdp", "pure"])
def test_no_person_moves_the_sets_together_by_more_than_their_sensitivity_and_price(sql: str, context: query.PlanContext) -> None:
    summed = planned(sql, context)
    plans = [summed] if "DISTINCT" in sql else [summed, planned(sql, context, error=30)]
    made, draw = duckdb.connect(), random.Random(sql)  # noqa: S311 - rows of a test
    reached = Fraction(0)
    for _ in range(60):
        layout_db.store(made, "labs", LABS, layout_db.ranked(LABS, heavy(draw), seed=draw.randint(0, 9)))
        for plan in plans:
            alone, cost = layout_db.exact(made, plan), [Fraction(0)] * len(plan.targets)
            for index, (target, column, noise) in enumerate(zip(plan.targets, alone.columns, plan.noises, strict=True)):
                assert isinstance(noise, Noise)
                l1, squares = sum(map(abs, column)), sum(cell * cell for cell in column)
                assert l1 <= target.sensitivity.l1
                assert squares <= target.sensitivity.l2_squared
                reached = max(reached, Fraction(squares, target.sensitivity.l2_squared))
                scale = Fraction(noise.scale)
                cost[index] = Fraction(squares) / (2 * scale * scale) if context is ZCDP else l1 / scale
            assert max(cost) * PICO <= plan.price.pico
    assert reached >= Fraction(1, 4)  # the people do use what they are bounded by


def test_several_vectors_of_the_same_rows_are_bounded_by_the_sum_of_their_squares() -> None:
    parts = [ContributionBound(4, 2, 2), ContributionBound(4, 1, 4), ContributionBound(3, 3, 1)]
    together = SeveralBounds.of(parts)
    assert together.l1(7) == sum(part.l1(7) for part in parts)
    assert together.l2_squared(7) == sum(part.l2_squared(7) for part in parts)
    assert (together.rows_per_unit, together.groups_per_unit, together.rows_per_group) == (11, 6, 4)
    spread = [rows for groups, rows in together.heaviest for _ in range(groups)]
    assert sum(rows * rows for rows in spread) == together.l2_squared(1)


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT town, COUNT(*) FROM persons GROUP BY ROLLUP (town)", Code.QUERY_KEY),
        ("SELECT stage, COUNT(*) FROM persons GROUP BY GROUPING SETS (stage, stage)", Code.QUERY_CLAUSE),
        ("SELECT stage, COUNT(*) FROM persons GROUP BY ROLLUP (stage), CUBE (stage)", Code.QUERY_CLAUSE),
        (
            "SELECT stage, COUNT(*) FROM persons GROUP BY CUBE (stage, male, smoker, age // 10, age // 20, year(born), month(born))",
            Code.QUERY_TOO_LARGE,
        ),
        ("SELECT age, income // 100, COUNT(*) FROM persons GROUP BY ROLLUP (1, 2)", Code.QUERY_KEY),
        ("SELECT stage, GROUPING(male), COUNT(*) FROM persons GROUP BY ROLLUP (stage)", Code.QUERY_AGGREGATE),
        ("SELECT stage, GROUPING(stage), COUNT(*) FROM persons GROUP BY stage", Code.QUERY_AGGREGATE),
        ("SELECT COUNT(*) FROM persons WHERE GROUPING(stage) = 1", Code.QUERY_AGGREGATE),
        ("SELECT id, COUNT(*) FROM labs GROUP BY ROLLUP (id)", Code.QUERY_CLAUSE),
        ("SELECT bmi, COUNT(*) FROM persons GROUP BY ROLLUP (bmi)", Code.QUERY_KEY),
    ],
)
def test_what_sets_cannot_say_is_refused_with_advice(sql: str, code: Code) -> None:
    with pytest.raises(Refused) as caught:
        planned(sql)
    assert caught.value.code is code
    assert caught.value.suggestion
