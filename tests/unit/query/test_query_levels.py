"""Aggregates of noisy rows and windows beside them: their error bars by repeated noise, and what they say of no rows."""

# ruff: noqa: S608 - the tests' own questions

import math
import random
import statistics
from dataclasses import replace

import pytest

from haven import query
from haven.privacy.mechanisms import Noise
from haven.privacy.tables import NoisyTable
from haven.query.sharing import answered_from, table_over
from tests.support import layout_db
from tests.support.duck_reference import Reference
from tests.support.query_world import ONE, ZCDP, planned

INNER = "SELECT stage, male, COUNT(*) AS n, SUM(age) AS s FROM persons GROUP BY stage, male"
DRAWS = 3000


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference()


def finished(reference: Reference, sql: str) -> query.Finished:
    plan = planned(sql)
    return query.finish(plan, layout_db.exact(reference.stored, plan))


def spread(reference: Reference, sql: str, column: int) -> tuple[float, float]:
    """The 95 % half-width said of the first row's column, and what it is over many draws of the plan's noise on large groups."""
    plan = planned(sql)
    exact = layout_db.exact(reference.stored, plan)
    draw = random.Random(5)  # noqa: S311 - noise of a test
    large = NoisyTable(exact.keys, tuple(tuple(100_000 + 37_000 * index for index, _ in enumerate(each)) for each in exact.columns))
    truth = query.finish(plan, large)
    errors = []
    for _ in range(DRAWS):
        columns = tuple(
            tuple(round(value + draw.gauss(0, math.sqrt(noise.variance))) for value in each)
            for each, noise in zip(large.columns, plan.noises, strict=True)
            if isinstance(noise, Noise)
        )
        errors.append(abs(float(query.finish(plan, NoisyTable(exact.keys, columns)).rows[0][column]) - float(truth.rows[0][column])))
    return float(truth.errors[0][column] or 0), statistics.quantiles(errors, n=20)[18]


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT SUM(n) FROM ({INNER}) AS t",
        f"SELECT AVG(n) FROM ({INNER}) AS t WHERE male",
        f"SELECT SUM(2 * n + 1) FILTER (WHERE male) - SUM(n) FROM ({INNER}) AS t",
        f"SELECT SUM(s) / SUM(n) FROM ({INNER}) AS t",
        f"SELECT AVG(k) FROM (SELECT male, SUM(n) AS k FROM ({INNER}) AS t GROUP BY male) AS u",
        "SELECT COUNT(*) * 1.0 / SUM(COUNT(*)) OVER () FROM persons GROUP BY stage",
        "SELECT COUNT(*) * 1.0 / SUM(COUNT(*)) OVER (PARTITION BY male) FROM persons GROUP BY stage, male",
        f"SELECT n - AVG(n) OVER () FROM ({INNER}) AS t",
    ],
)
def test_error_bars_are_the_spread_over_repeated_noise(reference: Reference, sql: str) -> None:
    said, found = spread(reference, sql, 0)
    assert said == pytest.approx(found, rel=0.08)


def test_a_sum_of_eight_groups_is_as_exact_as_their_noise_together(reference: Reference) -> None:
    one = finished(reference, "SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY stage, male").errors[0][2]
    total = finished(reference, "SELECT SUM(n) FROM (SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY stage, male) AS t")
    assert one is not None
    assert total.errors[0][0] == pytest.approx(one * math.sqrt(8), abs=math.sqrt(8))


def test_extremes_counts_and_ranks_have_no_error_bar(reference: Reference) -> None:
    sql = f"SELECT MAX(n), MIN(n), COUNT(*), MEDIAN(n), STDDEV_SAMP(n) FROM ({INNER}) AS t"
    assert finished(reference, sql).errors[0] == (None,) * 5
    ranked = finished(reference, "SELECT stage, RANK() OVER (ORDER BY COUNT(*)) AS r FROM persons GROUP BY stage")
    assert all(errors == (None, None) for errors in ranked.errors)


def test_cells_of_grouping_sets_share_their_noise_and_have_no_error_bar_together(reference: Reference) -> None:
    sql = "SELECT SUM(n) FROM (SELECT stage, male, COUNT(*) AS n FROM persons GROUP BY CUBE (stage, male)) AS t"
    assert finished(reference, sql).errors == ((None,),)


def test_of_no_rows_a_sum_is_null_and_a_count_is_zero(reference: Reference) -> None:
    sql = f"SELECT SUM(n), AVG(n), COUNT(*), COUNT(DISTINCT stage), MAX(stage) FROM ({INNER}) AS t WHERE n > 1000000"
    assert finished(reference, sql).rows == ((None, None, 0, 0, None),)
    grouped = f"SELECT male, SUM(n) FROM ({INNER}) AS t WHERE n > 1000000 GROUP BY male"
    assert finished(reference, grouped).rows == ()


def test_a_filter_after_limit_is_of_the_rows_that_are_left(reference: Reference) -> None:
    top = "SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage ORDER BY n DESC LIMIT 2"
    rows = finished(reference, top).rows
    assert finished(reference, f"SELECT * FROM ({top}) AS t WHERE stage IS NOT NULL ORDER BY n").rows == tuple(
        row for row in reversed(rows) if row[0] is not None
    )


def test_what_is_done_to_an_answer_costs_nothing_and_changes_no_digest() -> None:
    plain = planned("SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage")
    for sql in (
        "SELECT SUM(n) FROM (SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage) AS t",
        "SELECT stage, COUNT(*) * 1.0 / SUM(COUNT(*)) OVER () AS share FROM persons GROUP BY stage",
        "SELECT stage, RANK() OVER (ORDER BY COUNT(*) DESC) AS r FROM persons GROUP BY stage",
    ):
        above = planned(sql)
        assert (above.digest, above.price, above.sql) == (plain.digest, plain.price, plain.sql)
        assert any("noisy values" in warning for warning in above.warnings)


def test_an_answer_worked_out_of_a_larger_table_is_the_same(reference: Reference) -> None:
    inner = f"SELECT male, SUM(n) AS n, MAX(s) AS s FROM ({INNER}) AS t GROUP BY male"
    sql = f"SELECT male, n, AVG(s) OVER () AS a FROM ({inner}) AS u"
    resolved = query.resolve(query.parse(sql), ONE)
    aggregates = tuple(reversed(resolved.answer.aggregates))
    table = table_over(resolved, aggregates)
    plain = planned(sql)
    moved = replace(resolved, answer=answered_from(resolved, aggregates).answer)
    assert table.answer.levels == ()
    assert moved.answer.levels != resolved.answer.levels
    again = query.plan(moved, ZCDP, query.Asked(price=plain.price))
    rows = [query.finish(plan, layout_db.exact(reference.stored, plan)).rows for plan in (plain, again)]
    assert rows[0] == rows[1]


def test_error_bars_cannot_be_foretold_for_what_is_made_of_the_answer() -> None:
    plan = planned(f"SELECT SUM(n) AS s FROM ({INNER}) AS t")
    assert query.expected_errors(plan) == {"s": None}


def test_a_public_value_is_in_the_footprint() -> None:
    resolved = query.resolve(
        query.parse("SELECT COUNT(*) FROM visits WHERE nights > (SELECT AVG(weight) FROM icd WHERE label LIKE 'F%')"), ONE
    )
    assert resolved.footprint.tables == {"visits", "icd"}
    assert resolved.footprint.columns == {"visits.nights", "icd.weight", "icd.label"}


def test_a_matched_public_row_is_in_the_footprint() -> None:
    sql = "SELECT COUNT(*) FROM visits v WHERE EXISTS (SELECT 1 FROM icd c WHERE c.code = v.code AND c.weight > v.nights)"
    resolved = query.resolve(query.parse(sql), ONE)
    assert resolved.footprint.columns == {"visits.nights", "visits.code", "icd.weight", "icd.code"}


def test_a_text_that_looks_like_generated_sql_stays_a_text(reference: Reference) -> None:
    reference.assert_same(
        """SELECT COUNT(*) AS n FROM visits AS v WHERE EXISTS
        (SELECT 1 FROM icd AS c WHERE c.code = v.code AND c.label <> v.kind || '"_i0" "_o0"' AND c.weight > v.nights)"""
    )
