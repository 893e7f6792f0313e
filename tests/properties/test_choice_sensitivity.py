"""Brute force: no person, removed with all rows, moves the scores of a choice by more than is paid for; some person moves them so far."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import duckdb
import pytest

from haven import query
from haven.privacy.choices import Aim, Choice, Goal
from haven.privacy.tables import Key
from tests.support.query_world import PURE, planned
from tests.support.removals import NOBODY, Neighbours, random_world, worst

GOALS = [
    *(Goal(Aim.COMMONEST), Goal(Aim.RANK), Goal(Aim.RANK, from_top=True), Goal(Aim.BETWEEN, 1, 2), Goal(Aim.BETWEEN, 1, 4)),
    *(Goal(Aim.TAIL, 1, 4), Goal(Aim.TAIL, 1, 4, from_top=True)),
    *(Goal(Aim.BETWEEN, 9, 10), Goal(Aim.AT, 1, 2), Goal(Aim.AT, 1, 3), Goal(Aim.AT, 1, 1), Goal(Aim.AT, 2, 3, from_top=True)),
]
SHAPES = [
    "SELECT MEDIAN(value), QUANTILE_CONT(value, [0.1, 0.75]), MIN(value), MAX(grade) FROM labs",
    "SELECT test, MEDIAN(value), MODE(grade), QUANTILE_DISC(grade, 0.25), COUNT(*) FROM labs GROUP BY test",
    "SELECT test, MAX(value) FROM labs GROUP BY test",
    "SELECT site, MEDIAN(value), MAX(grade), COUNT(DISTINCT id) FROM labs GROUP BY site",
    "SELECT site, MODE(test) FROM labs WHERE value > 10 GROUP BY site",
    "SELECT test, site, MIN(grade) FROM labs GROUP BY test, site",
    "SELECT MODE(test), MODE(test) FILTER (WHERE grade > 0) FROM labs",
    "SELECT MEDIAN(value) FROM labs WHERE test = 'chol'",
    "SELECT value > 250 AS high, QUANTILE_DISC(grade, 0.9), MIN(day) FROM labs GROUP BY high",
    "SELECT upper(test) AS t, MEDIAN(value * grade), MAX(year(day)) FROM labs GROUP BY t",
    "SELECT haven_bounds(value * grade), MEDIAN(clamp(value, 10, 75.5)) FROM labs",
    "SELECT stage, MEDIAN(bmi), MIN(age), MAX(born), MODE(smoker) FROM persons GROUP BY stage",
    "SELECT town, MEDIAN(age), haven_bounds(weight), haven_bounds(visits) FROM persons GROUP BY town",
    "SELECT MEDIAN(ln(bmi)), QUANTILE_CONT(income, 0.975), MAX(clamp(weight, -1, 1)), MODE(age) FROM persons",
]
NUMBER_OF_WORLDS = 14
Counts = Mapping[Key, Sequence[Mapping[int, int] | None]]


def neighbours(values: int, most: int) -> Iterator[tuple[list[int], list[int]]]:
    """Every group of up to `most` rows at `values` candidates, and the same with one row more."""
    for counts in product(range(most + 1), repeat=values):
        if sum(counts) <= most:
            for index in range(values):
                yield list(counts), [count + (index == at) for at, count in enumerate(counts)]


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("rank", [1, 2, 4])
def test_one_row_moves_no_score_further_than_said_and_some_row_that_far(goal: Goal, rank: int) -> None:
    moves = [goal.scores(more, rank) - goal.scores(less, rank) for less, more in neighbours(4, 5)]
    assert max(abs(move).max() for move in moves) == goal.largest
    assert not goal.monotonic or min(move.min() for move in moves) == 0


def counted(connection: duckdb.DuckDBPyConnection, plan: query.PrivatePlan) -> Counts:
    """The counts by candidate of every choice of a plan, by group."""
    width = len(plan.keys)
    first = width + (plan.public_keys() is None)
    choices = [index for index, noise in enumerate(plan.noises) if isinstance(noise, Choice)]
    rows = connection.execute(plan.sql).fetchall()
    return {tuple(row[:width]): [row[first + index] for index in choices] for row in rows}


def largest_move(choice: Choice, before: Mapping[int, int] | None, after: Mapping[int, int] | None) -> int:
    """The largest change of any score of one group."""
    whole, less = ([(held or {}).get(index, 0) for index in range(choice.candidates)] for held in (before, after))
    return int(abs(choice.goal.scores(whole, choice.rank) - choice.goal.scores(less, choice.rank)).max())


def moves(plan: query.PrivatePlan, whole: Counts, less: Counts) -> Iterator[tuple[Choice, list[int]]]:
    """For every choice how far the scores of each group moved."""
    choices = [noise for noise in plan.noises if isinstance(noise, Choice)]
    nothing: list[Any] = [None] * len(choices)
    for index, choice in enumerate(choices):
        keys = {*whole, *less}
        yield choice, [largest_move(choice, whole.get(key, nothing)[index], less.get(key, nothing)[index]) for key in keys]


def assert_paid_for(sql: str, plan: query.PrivatePlan, whole: Counts, less: Counts) -> None:
    for choice, moved in moves(plan, whole, less):
        assert sum(moved) <= choice.sensitivity.l1, (sql, choice.goal, moved)
        assert sum(move * move for move in moved) <= choice.sensitivity.l2_squared, (sql, choice.goal, moved)


@pytest.fixture(scope="module")
def world() -> Neighbours:
    return Neighbours()


def test_no_person_moves_the_scores_of_a_question_further_than_is_paid_for(world: Neighbours) -> None:
    plans = {sql: planned(sql) for sql in SHAPES}
    for seed in range(NUMBER_OF_WORLDS):
        world.load(random_world(seed))
        whole = {sql: counted(world.connection, plan) for sql, plan in plans.items()}
        for unit in world.units:
            world.without(unit)
            for sql, plan in plans.items():
                assert_paid_for(sql, plan, whole[sql], counted(world.connection, plan))
        world.without(NOBODY)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT MODE(test) FROM labs WHERE test = 'chol'", 2),
        ("SELECT MAX(value) FROM labs WHERE test = 'chol'", 2),
        ("SELECT MAX(value) FROM labs", 6),
    ],
)
def test_a_person_with_more_rows_than_allowed_moves_them_exactly_as_far_as_is_paid_for(world: Neighbours, sql: str, rows: int) -> None:
    heavy = [{"id": 9, **row} for row in worst("labs") if row["value"] == 500.0]
    light = [{"id": owner, **row, "value": 0.0} for owner in range(40) for row in worst("labs")[:1]]
    world.load({"persons": [], "visits": [], "labs": [*light, *heavy]})
    plan = planned(sql, epsilon="50")
    whole = counted(world.connection, plan)
    world.without("9")
    ((choice, moved),) = moves(plan, whole, counted(world.connection, plan))
    world.without(NOBODY)
    assert max(moved) == rows == choice.sensitivity.l1


def test_pure_and_zcdp_plans_ask_the_engine_the_same(world: Neighbours) -> None:
    world.load(random_world(3))
    for sql in SHAPES:
        if "GROUP BY site" not in sql and "GROUP BY t" not in sql:
            assert counted(world.connection, planned(sql, PURE)) == counted(world.connection, planned(sql))
