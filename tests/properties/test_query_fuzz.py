"""Thousands of random questions: none crashes or makes the engine fail, none moves beyond its sensitivity, and each means what DuckDB says.

`make audit` asks fifty thousand. A failure names the number of the question, from which `sql_author.question` writes it again.
"""

import random
from collections import Counter

import duckdb
import pytest

from haven import query
from haven.errors import Code, Refused
from tests.support.duck_reference import CONSTANT_STEPS, Reference
from tests.support.query_world import planned
from tests.support.removals import NOBODY, Neighbours, assert_within, random_world
from tests.support.sql_author import question

ROUND = 250
"""Questions asked of one random world."""
LIBRARIES = ("duckdb", "sqlglot", "opendp", "traceback", "exception", "python")


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


@pytest.fixture(scope="module")
def neighbours() -> Neighbours:
    return Neighbours()


def plan_or_code(sql: str) -> query.PrivatePlan | Code:
    """The plan; or the code of a refusal that has a reason, a rewrite, and no library's words. Anything else fails the test."""
    try:
        return planned(sql)
    except Refused as caught:
        refusal = caught
    assert refusal.reason
    assert refusal.suggestion
    said = f"{refusal.reason} {refusal.suggestion}".lower()
    assert not any(word in said for word in LIBRARIES)
    return refusal.code


def assert_bounded(neighbours: Neighbours, sql: str, plan: query.PrivatePlan, seed: int) -> None:
    """With everybody and without either of two persons the engine counts, the answer is finite, and no target moves too far."""
    neighbours.without(NOBODY)
    whole = neighbours.exact(plan)
    for unit in random.Random(seed).sample(neighbours.units, min(2, len(neighbours.units))):  # noqa: S311 - a test's own choice
        neighbours.without(unit)
        less = neighbours.exact(plan)
        assert_within(sql, plan, whole, less)
        cells = [cell for row in query.finish(plan, less.table).rows for cell in row]
        assert all(cell is None or cell == cell for cell in cells)  # noqa: PLR0124 - never NaN


INFINITE = "1e308"
"""Beside a constant so large DuckDB counts on with infinity, where an expression is NULL here."""


def assert_means_the_same(reference: Reference, sql: str) -> bool:
    """Whether DuckDB answers the text at all: it stops on casts and overflows that haven answers with NULL."""
    if INFINITE in sql:
        return False
    try:
        reference.means(sql)
    except duckdb.Error:
        return False
    reference.assert_same(sql, kinds=False, steps=CONSTANT_STEPS)
    return True


def ask(neighbours: Neighbours, reference: Reference, first: int, last: int) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    for seed in range(first, last):
        if (seed - first) % ROUND == 0:
            neighbours.load(random_world(seed // ROUND))
        sql = question(seed)
        try:
            plan = plan_or_code(sql)
            if isinstance(plan, Code):
                outcomes[plan] += 1
                continue
            assert_bounded(neighbours, sql, plan, seed)
            outcomes["compared" if assert_means_the_same(reference, sql) else "bounded"] += 1
        except Exception as failure:
            failure.add_note(f"question {seed}: {sql}")
            raise
    return outcomes


@pytest.mark.parametrize("first", range(0, 2000, ROUND))
def test_two_thousand_questions(neighbours: Neighbours, reference: Reference, first: int) -> None:
    outcomes = ask(neighbours, reference, first, first + ROUND)
    assert outcomes["compared"] >= ROUND // 2


@pytest.mark.audit
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("first", range(10_000, 60_000, 2_500))
def test_fifty_thousand_questions(neighbours: Neighbours, reference: Reference, first: int) -> None:
    outcomes = ask(neighbours, reference, first, first + 2_500)
    print(dict(outcomes))  # noqa: T201 - the audit's figures
    assert outcomes["compared"] >= 1_250


def test_a_question_is_written_from_its_number_alone() -> None:
    assert [question(seed) for seed in range(50)] == [question(seed) for seed in range(50)]
    assert len({question(seed) for seed in range(2_000)}) > 1_900
