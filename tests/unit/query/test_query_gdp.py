"""Questions under `gdp`: the same numbers on a finer grid, whole where SQL's are whole, never with noise below the lattice's least."""

import math
import random
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from haven import query
from haven.engines.sealing import seal
from haven.privacy.accounting import price_of_epsilon
from haven.privacy.choices import Choice
from haven.privacy.mechanisms import FINE, Noise
from haven.privacy.noise import add_noise
from haven.privacy.tables import ExactTable
from tests.support import layout_db
from tests.support.corpus import accepted, facts_of
from tests.support.query_world import GDP, ZCDP, planned
from tests.support.removals import Neighbours, random_world

EPSILONS = ("0.001", "1", "50", "1000000000")
SAMPLE = [question.sql for question in accepted()][::3]
HUGE = "1000000000"


@pytest.fixture(scope="module")
def world() -> Neighbours:
    """Five people, one of whom breaks every bound."""
    neighbours = Neighbours()
    neighbours.load(random_world(7))
    return neighbours


def sealed(neighbours: Neighbours, plan: query.PrivatePlan) -> ExactTable:
    """What the engine counts, as it crosses to the noise."""
    table = neighbours.connection.sql(plan.sql).to_arrow_table()
    stream = pa.BufferOutputStream()
    with pa.ipc.new_stream(stream, table.schema) as writer:
        writer.write_table(table)
    return seal(stream.getvalue().to_pybytes(), plan)


@pytest.mark.parametrize("sql", SAMPLE, ids=lambda sql: sql[:60])
def test_a_question_sums_the_same_integers_on_a_finer_grid(world: Neighbours, sql: str) -> None:
    before, plan = planned(sql), planned(sql, GDP)
    assert facts_of(plan) == facts_of(before)
    assert plan.sql == before.sql
    for old, new, noise in zip(before.targets, plan.targets, plan.noises, strict=True):
        multiple = noise.multiple if isinstance(noise, Noise) else 1
        assert new.grid * multiple == old.grid
        assert new.sensitivity == replace(old.sensitivity, largest=old.sensitivity.largest * multiple)
    found, expected = (query.finish(each, layout_db.exact(world.connection, each)).rows for each in (plan, before))
    assert found == expected


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_no_question_gets_noise_below_the_lattices_least(epsilon: str) -> None:
    asked = price_of_epsilon(GDP.definition, Decimal(epsilon), GDP.delta)
    for sql in SAMPLE:
        plan = planned(sql, GDP, epsilon)
        assert plan.price.pico <= asked.pico
        lattices = [noise for noise in plan.noises if isinstance(noise, Noise)] + ([plan.selection.noise] if plan.selection else [])
        assert all(noise.scale * noise.finer >= FINE * (1 - 1e-12) for noise in lattices), sql


def test_no_person_moves_a_question_beyond_its_sensitivity(world: Neighbours) -> None:
    world.largest_moves({sql: planned(sql, GDP) for sql in SAMPLE[::2]})


@pytest.mark.parametrize("sql", SAMPLE, ids=lambda sql: sql[:60])
def test_at_a_huge_budget_the_answer_is_the_exact_one(world: Neighbours, sql: str) -> None:
    plan = planned(sql, GDP, HUGE)
    if plan.selection is not None and plan.selection.threshold > 1:
        pytest.skip("with so few people every private key is below the threshold of any budget")
    noisy = add_noise(sealed(world, plan), plan.noises, plan.selection)
    found, expected = query.finish(plan, noisy), query.finish(plan, layout_db.exact(world.connection, plan)).rows
    chosen = any(isinstance(noise, Choice) for noise in plan.noises)
    assert len(found.rows) == len(expected)
    for row, errors, exact in zip(found.rows, found.errors, expected, strict=True):
        assert [type(cell) for cell in row] == [type(cell) for cell in exact]
        assert chosen or all(map(same, row, errors, exact)), (row, errors, exact)


def same(cell: Any, width: float | None, wanted: Any) -> bool:  # noqa: ANN401 - an answer's cells
    """Equal, or within three error bars, which are narrow; a figure without error bars is of too few rows to have any."""
    if cell == wanted or isinstance(cell, str | bool | None):
        return bool(cell == wanted)
    return width is None or math.isclose(cell, wanted, rel_tol=1e-2, abs_tol=3 * width)


def test_counts_and_sums_of_whole_numbers_are_shown_whole_with_whole_error_bars(world: Neighbours) -> None:
    sql = "SELECT stage, COUNT(*) AS n, SUM(age) AS years, COUNT(*) - COUNT(bmi) AS missing, AVG(age) AS mean FROM persons GROUP BY stage"
    plan = planned(sql, GDP)
    finished = query.finish(plan, add_noise(sealed(world, plan), plan.noises, None))
    for row, errors in zip(finished.rows, finished.errors, strict=True):
        assert all(isinstance(cell, int) for cell in row[1:4])
        assert isinstance(row[4], float | None)
        assert all(width is not None and width == int(width) for width in errors[1:3])
    assert query.expected_errors(plan)["n"] == finished.errors[0][1]


def test_the_shown_error_of_a_count_covers_its_rounded_noise() -> None:
    plan = planned("SELECT COUNT(*) AS n FROM persons", GDP, "0.7")
    width = query.expected_errors(plan)["n"]
    draws = 40_000
    noisy = add_noise(ExactTable([(index,) for index in range(draws)], [[100] * draws]), plan.noises, None)
    assert width is not None
    within = sum(abs(round(value * plan.targets[0].grid) - 100) <= width for value in noisy.columns[0]) / draws
    assert 0.95 - 5 * math.sqrt(0.05 * 0.95 / draws) <= within <= 0.975


@pytest.mark.parametrize("error", ["0.3", "1", "9.7", "10", "250.5"])
def test_a_promised_error_of_a_count_is_kept_by_the_whole_number_that_is_shown(error: str) -> None:
    sql = "SELECT COUNT(*) AS n, SUM(age) AS years FROM persons"
    plan = planned(sql, GDP, error=Decimal(error))
    widths = query.expected_errors(plan)
    assert all(width is not None and width <= Decimal(error) for width in widths.values())
    dearer = planned(sql, ZCDP, error=Decimal(error)).price.pico * 2
    assert Decimal(error) < 9 or plan.price.pico < dearer * 1.05


def test_totals_are_the_sums_of_the_whole_numbers_that_are_shown() -> None:
    """ROLLUP's totals sum noisy cells as they are shown."""
    plan = planned("SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY ROLLUP (stage, male)", GDP)
    assert plan.sets is not None
    assert plan.sets.summed
    draw = random.Random(3)  # noqa: S311 - sizes of a test
    keys = plan.public_keys() or ()
    sizes = [draw.randrange(50, 99) for _ in keys]
    noisy = add_noise(ExactTable(keys, [sizes]), plan.noises, None)
    rows = query.finish(plan, noisy).rows
    total = max(int(str(row[2])) for row in rows)  # every group holds 50 or more
    assert total == sum(round(value * plan.targets[0].grid) for value in noisy.columns[0])


@pytest.mark.parametrize("sql", ["SELECT town, COUNT(*) AS n, COUNT(DISTINCT id) AS people FROM persons GROUP BY town"])
def test_private_keys_show_whole_numbers_of_persons(sql: str) -> None:
    plan = planned(sql, GDP)
    assert plan.selection is not None
    sizes = [plan.selection.threshold * 3] * 4
    noisy = add_noise(ExactTable([(f"t{index}",) for index in range(4)], [sizes], sizes), plan.noises, plan.selection)
    rows = query.finish(plan, noisy).rows
    assert len(rows) == 4
    assert all(isinstance(cell, int) and abs(cell - sizes[0]) < sizes[0] for row in rows for cell in row[1:])
