"""Quantiles, extremes, modes and bounds from text to answer: exact without noise but for the candidates' step, typed and explained."""
# ruff: noqa: S608 - questions put together from the test's own words

import math
import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from scipy import stats

from haven import query
from haven.engines.sealing import seal
from haven.privacy.budget import Definition, Price
from haven.privacy.choices import Choice
from haven.privacy.noise import add_noise
from haven.query.private_plan import OutputType
from tests.support import layout_db
from tests.support.query_world import LABS, NAFLD, PERSONS, PURE, ZCDP, planned

ROWS = 301
FALSE_ALARM = 1e-7
DAY = date(1920, 1, 1)


def people() -> Iterator[dict[str, Any]]:
    draw = random.Random(5)  # noqa: S311 - rows of a test
    for number in range(ROWS):
        yield {
            "id": number,
            "age": min(98, max(18, round(draw.gauss(53, 15)))),
            "male": number % 2 == 0,
            "smoker": draw.choice([True, False, None]),
            "bmi": None if number % 10 == 0 else min(80.0, max(10.0, draw.gauss(30, 6))),
            "income": draw.randint(0, 5_000_000),
            "stage": draw.choice(["none", "none", "mild", "severe", None]),
            "town": draw.choice(["a", "a", "a", "b"]),
            "born": DAY + timedelta(days=draw.randint(0, 31000)),
            "died": None,
            "weight": draw.choice([None, draw.uniform(40, 120), draw.uniform(40, 120)]),
            "visits": draw.choice([None, 0, 7, 30]),
        }


def labs() -> Iterator[dict[str, Any]]:
    draw = random.Random(6)  # noqa: S311 - the same
    for number in range(900):
        day = date(2010, 1, 1) + timedelta(days=draw.randint(0, 1000))
        test = draw.choice(["chol", "dbp", "fib4"])
        yield {"id": number % 300, "test": test, "site": draw.choice(["x", None]), "value": draw.uniform(0, 500), "day": day, "grade": 1}


@pytest.fixture(scope="module")
def stored() -> dict[str, list[dict[str, Any]]]:
    return {"persons": layout_db.ranked(PERSONS, people()), "labs": layout_db.ranked(LABS, labs())}


@pytest.fixture(scope="module")
def connection(stored: dict[str, list[dict[str, Any]]]) -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    for name, table in (("persons", PERSONS), ("labs", LABS)):
        layout_db.store(opened, name, table, stored[name])
    return opened


def asked(connection: duckdb.DuckDBPyConnection, plan: query.PrivatePlan) -> tuple[tuple[Any, ...], ...]:
    """The answer by the way every answer goes: engine, Arrow, seal, noise, finish."""
    data = connection.sql(plan.sql).to_arrow_table()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    return query.finish(plan, add_noise(seal(sink.getvalue().to_pybytes(), plan), plan.noises, plan.selection)).rows


def dear(sql: str, context: query.PlanContext = ZCDP) -> query.PrivatePlan:
    """The plan at a budget that leaves no noise."""
    return planned(sql, context, epsilon="100000000")


def interpolated(values: list[Any], alpha: float) -> tuple[Any, Any]:
    """The two values that SQL interpolates between."""
    place = alpha * (len(values) - 1)
    return values[math.floor(place)], values[math.ceil(place)]


def discrete(values: list[Any], alpha: float) -> Any:  # noqa: ANN401 - a cell
    return values[max(0, math.ceil(alpha * len(values) - 1e-9) - 1)]


def present(rows: list[dict[str, Any]], name: str, **kept: Any) -> list[Any]:  # noqa: ANN401 - cells
    return sorted(row[name] for row in rows if row[name] is not None and all(row[key] == value for key, value in kept.items()))


@pytest.mark.parametrize("context", [ZCDP, PURE])
@pytest.mark.parametrize("alpha", [0, 0.01, 0.1, 0.25, 0.5, 0.9, 0.975, 1])
def test_at_a_huge_budget_quantiles_are_sqls_within_a_step(
    connection: duckdb.DuckDBPyConnection, stored: dict[str, list[dict[str, Any]]], context: query.PlanContext, alpha: float
) -> None:
    ways = [f"QUANTILE_CONT(bmi, {alpha})", *(f"QUANTILE_DISC({name}, {alpha})" for name in ("bmi", "age", "income"))]
    sql = f"SELECT {', '.join(ways)} FROM persons"
    ((between, at, age, income),) = asked(connection, dear(sql, context))
    bmi = present(stored["persons"], "bmi")
    low, high = interpolated(bmi, alpha)
    step = 70 / 1022
    assert low - step <= between <= high + step
    assert abs(at - discrete(bmi, alpha)) <= step
    assert age == discrete(present(stored["persons"], "age"), alpha)
    assert abs(income - discrete(present(stored["persons"], "income"), alpha)) <= 5_000_000 / 1023


def test_medians_and_extremes_are_sqls(connection: duckdb.DuckDBPyConnection, stored: dict[str, list[dict[str, Any]]]) -> None:
    plan = dear("SELECT MEDIAN(age), MIN(age), MAX(age), MIN(born), MAX(born), MEDIAN(bmi), APPROX_MEDIAN(age) FROM persons")
    ((median, least, most, first, last, bmi, again),) = asked(connection, plan)
    rows = stored["persons"]
    ages, born = present(rows, "age"), present(rows, "born")
    assert (median, least, most, again) == (ages[ROWS // 2], ages[0], ages[-1], ages[ROWS // 2])
    assert isinstance(median, float)
    assert isinstance(least, int)
    assert all(abs(date.fromisoformat(found) - day) <= timedelta(days=16) for found, day in ((first, born[0]), (last, born[-1])))
    low, high = interpolated(present(rows, "bmi"), 0.5)
    assert low - 0.1 <= bmi <= high + 0.1


def test_conditions_and_public_groups_are_kept(connection: duckdb.DuckDBPyConnection, stored: dict[str, list[dict[str, Any]]]) -> None:
    sql = "SELECT male, MEDIAN(age) FILTER (WHERE smoker), MODE(stage), COUNT(*) FROM persons WHERE age > 30 GROUP BY male ORDER BY male"
    kept = [row for row in stored["persons"] if row["age"] > 30]
    for male, median, mode, count in asked(connection, dear(sql)):
        low, high = interpolated(present(kept, "age", male=male, smoker=True), 0.5)
        stages = Counter(present(kept, "stage", male=male))
        assert low <= median <= high
        assert stages[mode] == max(stages.values())
        assert count == len(present(kept, "age", male=male))


def test_private_groups_are_chosen_first(connection: duckdb.DuckDBPyConnection, stored: dict[str, list[dict[str, Any]]]) -> None:
    found = asked(connection, dear("SELECT town, MAX(age), COUNT(DISTINCT id) FROM persons GROUP BY town"))
    assert found == tuple(
        (town, present(stored["persons"], "age", town=town)[-1], len(present(stored["persons"], "id", town=town))) for town in "ab"
    )


def test_several_rows_a_unit_count_within_its_bounds(
    connection: duckdb.DuckDBPyConnection, stored: dict[str, list[dict[str, Any]]]
) -> None:
    plan = dear("SELECT test, MEDIAN(value) AS m FROM labs GROUP BY test ORDER BY test")
    kept = [row for row in stored["labs"] if row["gr_test"] <= 2 and row["rpc_test"] <= 2]
    for test, median in asked(connection, plan)[:3]:
        low, high = interpolated(present(kept, "value", test=test), 0.5)
        assert low - 0.5 <= median <= high + 0.5


@pytest.mark.parametrize(
    ("argument", "written"),
    [
        ("weight", "clamp(weight, 32, 128)"),
        ("-weight", "clamp(x, -128, -32)"),
        ("visits", "clamp(visits, 0, 32)"),
        ("weight / 100000", "clamp(x, 0, 0.001953125)"),
    ],
)
def test_bounds_are_the_powers_of_two_that_hold_the_values(connection: duckdb.DuckDBPyConnection, argument: str, written: str) -> None:
    assert asked(connection, dear(f"SELECT haven_bounds({argument}) FROM persons")) == ((written,),)


def test_bounds_can_be_used_as_they_are_answered(connection: duckdb.DuckDBPyConnection) -> None:
    ((written,),) = asked(connection, planned("SELECT haven_bounds(weight) FROM persons", epsilon="8"))
    ((mean,),) = asked(connection, dear(f"SELECT AVG({written}) FROM persons"))
    assert 40 <= mean <= 120


def test_a_list_is_one_column_a_quantile_and_each_is_paid_for() -> None:
    plan = planned("SELECT QUANTILE_CONT(bmi, [0.25, 0.5, 0.975]) AS q, QUANTILE_DISC(age, [0.5, -0.25]), COUNT(*) FROM persons")
    names = ["q_25", "q_50", "q_97_5", "quantile_disc(age, 0.5)", "quantile_disc(age, -0.25)", "count_star()"]
    assert [output.name for output in plan.outputs] == names
    assert sum(isinstance(noise, Choice) for noise in plan.noises) == 5
    assert plan.price.pico == sum(noise.price.pico for noise in plan.noises)


def test_names_with_the_same_meaning_are_one_plan() -> None:
    ways = [
        "QUANTILE_CONT(bmi, 0.9)",
        "PERCENTILE_CONT(0.9) WITHIN GROUP (ORDER BY bmi)",
        "PERCENTILE_CONT(0.1) WITHIN GROUP (ORDER BY bmi DESC)",
        "QUANTILE_CONT(bmi, -0.1)",
        "quantile_cont(bmi, 0.90)",
    ]
    assert len({planned(f"SELECT {way} AS x FROM persons").digest for way in ways}) == 1
    ways = ["MEDIAN(age)", "APPROX_MEDIAN(age)", "QUANTILE_CONT(age, 0.5)"]
    assert len({planned(f"SELECT {way} AS x FROM persons").digest for way in ways}) == 1
    ways = [
        "QUANTILE(age, 0.3)",
        "QUANTILE_DISC(age, 0.3)",
        "PERCENTILE_DISC(0.3) WITHIN GROUP (ORDER BY age)",
        "APPROX_QUANTILE(age, 0.3)",
    ]
    assert len({planned(f"SELECT {way} AS x FROM persons").digest for way in ways}) == 1
    ways = ["MIN(age)", "QUANTILE_DISC(age, 0)", "QUANTILE_DISC(age, -1)", "MIN(DISTINCT age)"]
    assert len({planned(f"SELECT {way} AS x FROM persons").digest for way in ways}) == 1


def test_different_values_of_the_same_counts_are_different_plans_and_targets() -> None:
    ways = [
        "MIN(age)",
        "MAX(age)",
        "MEDIAN(age)",
        "QUANTILE_DISC(age, 0.5)",
        "QUANTILE_DISC(age, -0.5)",
        "MODE(age)",
        "QUANTILE_CONT(age, 0.25)",
    ]
    plans = [planned(f"SELECT {way} AS x FROM persons") for way in ways]
    assert len({plan.digest for plan in plans}) == len({plan.targets[0].sql for plan in plans}) == len(ways)
    assert not any(target.additive or target.counts for plan in plans for target in plan.targets)
    one, other = (planned(f"SELECT {first} AS a, {second} AS b FROM persons") for first, second in (ways[2:4], ways[3:1:-1]))
    assert one.targets == other.targets


def test_a_choice_has_no_error_bar_but_says_how_many_ranks_it_may_be_off() -> None:
    plan = planned("SELECT MEDIAN(age) AS m, COUNT(*) AS n, MEDIAN(age) - AVG(age) AS d FROM persons")
    errors = query.expected_errors(plan)
    assert errors["m"] is None
    assert errors["d"] is None
    assert errors["n"]
    (choice,) = [noise for noise in plan.noises if isinstance(noise, Choice)]
    assert any(f"within {choice.rank_error()} ranks" in said for said in plan.words)
    assert any("never NULL" in warning for warning in plan.warnings)


def test_an_error_asked_for_is_of_counts_and_a_choice_costs_what_the_dearest_of_them_costs() -> None:
    plan = planned("SELECT MEDIAN(age), COUNT(*) FROM persons", error=Decimal(20))
    count, choice = sorted(plan.noises, key=lambda noise: isinstance(noise, Choice))
    assert abs(count.price.pico - choice.price.pico) <= 2


def test_weights_move_the_share_of_a_choice() -> None:
    sql = "SELECT MEDIAN(age) AS m, COUNT(*) AS n FROM persons"
    light, heavy = (
        next(noise for noise in planned(sql, weights=weights).noises if isinstance(noise, Choice)) for weights in ({}, {"m": 9})
    )
    assert heavy.scale < light.scale / 1.2


@pytest.mark.parametrize(
    ("groups", "most"), [("male", 4096), ("stage", 2048), ("age", 1024), ("age, male", 809), ("age, year(born)", 18), ("town", 128)]
)
def test_more_groups_have_fewer_candidates(groups: str, most: int) -> None:
    (target,) = planned(f"SELECT MEDIAN(bmi) FROM persons GROUP BY {groups}").targets
    assert most / 2 < len(target.candidates or ()) <= most


def test_candidates_have_the_type_of_the_answer() -> None:
    numbers = "QUANTILE_DISC(age, 0.5), MEDIAN(age), MIN(bmi), MAX(born)"
    sql = f"SELECT {numbers}, MODE(stage), MODE(smoker), MODE(age // 10), haven_bounds(visits) FROM persons"
    types = [output.type for output in planned(sql).outputs]
    wanted = ("INTEGER", "NUMBER", "NUMBER", "DATE", "TEXT", "BOOLEAN", "INTEGER", "TEXT")
    assert types == [OutputType[name] for name in wanted]


@pytest.mark.parametrize("definition", [Definition.ZCDP, Definition.PURE])
def test_one_draw_of_a_planned_median_lies_as_near_as_the_plan_says(connection: duckdb.DuckDBPyConnection, definition: Definition) -> None:
    """Each draw's rank, over 300 answers of 271 rows."""
    plan = planned("SELECT MEDIAN(bmi) FROM persons", ZCDP if definition is Definition.ZCDP else PURE, epsilon="1")
    (choice,) = plan.noises
    assert isinstance(choice, Choice)
    values = [row[0] for row in connection.execute("SELECT bmi FROM persons WHERE bmi IS NOT NULL ORDER BY 1").fetchall()]
    outside = 0
    for _ in range(300):
        ((found,),) = asked(connection, plan)
        below, above = (sum(value < found - 0.07 for value in values), sum(value > found + 0.07 for value in values))
        outside += max(below, above) - len(values) / 2 > choice.rank_error() + 1
    assert stats.binomtest(outside, 300, 0.05, alternative="greater").pvalue > FALSE_ALARM


def test_the_median_bmi_of_17_000_people_at_half_an_epsilon_is_a_few_dozen_ranks_off() -> None:
    plan = planned("SELECT MEDIAN(bmi) FROM persons", epsilon="0.5")
    (choice,) = plan.noises
    assert isinstance(choice, Choice)
    assert choice.rank_error() <= 60
    draw = random.Random(3)  # noqa: S311 - rows of a test
    counts, values = [0] * choice.candidates, sorted(min(80.0, max(10.0, draw.gauss(30, 7))) for _ in range(17_000))
    step = 70 / (choice.candidates - 1)
    for value in values:
        counts[round((value - 10) / step)] += 1
    offs = []
    for _ in range(200):
        index = choice.choose(counts)
        below, upto = sum(counts[:index]), sum(counts[: index + 1])
        offs.append(max(0, below - 8500, 8500 - upto))
    assert stats.binomtest(sum(off > choice.rank_error() for off in offs), 200, 0.05, alternative="greater").pvalue > FALSE_ALARM


def test_an_empty_group_is_answered_with_some_candidate(connection: duckdb.DuckDBPyConnection) -> None:
    ((median, least, mode, bounds),) = asked(
        connection, planned("SELECT MEDIAN(bmi), MIN(age), MODE(stage), haven_bounds(weight) FROM persons WHERE age > 98")
    )
    assert 10 <= median <= 80
    assert 18 <= least <= 98
    assert mode in {"none", "mild", "severe"}
    assert bounds is None or bounds.startswith("clamp(weight, ")


def test_the_price_offered_is_spent_and_never_more() -> None:
    offered = Price(Definition.ZCDP, 10**9)
    resolved = query.resolve(query.parse("SELECT MEDIAN(value), MODE(test), COUNT(*) FROM labs"), {"nafld": NAFLD})
    plan = query.plan(resolved, ZCDP, query.Asked(price=offered))
    assert offered.pico - 10 <= plan.price.pico <= offered.pico
