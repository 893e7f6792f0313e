"""Finishing: what is computed from noisy integers, and how exact it is said to be."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven import query
from haven.privacy.accuracy import combined_half_width
from haven.privacy.tables import Key, NoisyTable
from haven.query.private_plan import PrivatePlan
from tests.support.query_world import planned


def one_row(plan: PrivatePlan, *values: int, units: int | None = None, key: Key = ()) -> query.Finished:
    return query.finish(plan, NoisyTable((key,), tuple((value,) for value in values), None if units is None else (units,)))


def index_of(plan: PrivatePlan, words: str) -> int:
    return next(index for index, target in enumerate(plan.targets) if target.words.startswith(words))


def test_a_mean_is_its_centre_plus_total_over_count() -> None:
    plan = planned("SELECT AVG(age) AS m FROM persons")
    assert one_row(plan, 100, 200).rows == ((60.0,),)


@pytest.mark.parametrize("count", [0, -5])
def test_a_mean_of_fewer_than_one_is_null_without_error(count: int) -> None:
    finished = one_row(planned("SELECT AVG(age) AS m FROM persons"), count, 200)
    assert finished.rows == ((None,),)
    assert finished.errors == ((None,),)


@pytest.mark.parametrize(("total", "mean"), [(10**9, 98.0), (-(10**9), 18.0)])
def test_a_mean_stays_within_the_bounds(total: int, mean: float) -> None:
    assert one_row(planned("SELECT AVG(age) AS m FROM persons"), 10, total).rows == ((mean,),)


def test_the_error_of_a_mean_is_that_of_the_delta_method() -> None:
    plan = planned("SELECT AVG(age) AS m FROM persons")
    count, total = 1000, 5000
    slopes = [(-total / count**2, plan.noises[0]), (1 / count, plan.noises[1])]
    assert one_row(plan, count, total).errors[0][0] == pytest.approx(combined_half_width(slopes), rel=1e-6)


def test_the_error_of_a_rounded_mean_is_that_of_the_mean() -> None:
    plain = one_row(planned("SELECT AVG(age) FROM persons"), 1000, 5000)
    rounded = one_row(planned("SELECT round(AVG(age), 1) FROM persons"), 1000, 5000)
    assert plain.errors == rounded.errors


def test_the_error_of_a_linear_output_is_known_before_and_the_same_after() -> None:
    plan = planned("SELECT (COUNT(*) * 2 - 5) / 4 + 1 AS n, -SUM(age) AS s, COUNT(*) + SUM(age) AS both FROM persons")
    expected = query.expected_errors(plan)
    assert expected["n"] == pytest.approx(plan.noises[0].half_width() / 2)
    assert one_row(plan, 50, 60).errors[0] == (expected["n"], expected["s"], expected["both"])


def test_keys_and_constants_have_no_error() -> None:
    plan = planned("SELECT stage, 'x' AS t, 5 AS five, COUNT(*) > 3 AS many FROM persons GROUP BY stage")
    finished = one_row(plan, 7, key=("mild",))
    assert finished.rows == (("mild", "x", 5, True),)
    assert finished.errors == ((None, None, None, None),)


def test_the_free_count_of_persons_is_the_selections_own() -> None:
    plan = planned("SELECT town, COUNT(DISTINCT id) AS n, COUNT(*) AS r FROM persons GROUP BY town")
    finished = one_row(plan, 70, units=66, key=("Oslo",))
    assert finished.rows == (("Oslo", 66, 70),)
    assert finished.errors[0][1] == query.expected_errors(plan)["n"]


def table(plan: PrivatePlan, *counts: int) -> query.Finished:
    return query.finish(plan, NoisyTable(plan.public_keys() or (), (counts,)))


STAGES = "SELECT stage, COUNT(*) AS n FROM persons GROUP BY stage "


@pytest.mark.parametrize(
    ("clause", "stages"),
    [
        ("", ["none", "mild", "severe", None]),
        ("ORDER BY stage", ["mild", "none", "severe", None]),
        ("ORDER BY stage DESC", ["severe", "none", "mild", None]),
        ("ORDER BY stage NULLS FIRST", [None, "mild", "none", "severe"]),
        ("ORDER BY n", ["mild", "none", None, "severe"]),
        ("ORDER BY n DESC, stage", ["severe", "none", None, "mild"]),
        ("HAVING n > 5", ["none", "severe", None]),
        ("HAVING n > 5 ORDER BY n DESC LIMIT 1", ["severe"]),
        ("LIMIT 2 OFFSET 1", ["mild", "severe"]),
        ("LIMIT 0", []),
        ("HAVING NULL", []),
    ],
)
def test_having_order_and_limit_speak_of_noisy_values(clause: str, stages: list[str | None]) -> None:
    assert [row[0] for row in table(planned(STAGES + clause), 7, 3, 9, 7).rows] == stages


def test_dates_travel_as_text_and_are_computed_as_dates() -> None:
    plan = planned(
        "SELECT d, year(d) AS y, d > '1990-01-01' AS late FROM (SELECT date_trunc('year', born) AS d, COUNT(*) AS n"
        " FROM persons GROUP BY 1) AS t WHERE n > 5"
    )
    counts = [10 if key == ("1991-01-01",) else 0 for key in plan.public_keys() or ()]
    assert table(plan, *counts).rows == (("1991-01-01", 1991, True),)


INTEGERS = st.integers(-(2**62), 2**62)


@given(values=st.lists(INTEGERS, min_size=4, max_size=4))
def test_no_noisy_value_makes_an_output_fail(values: list[int]) -> None:
    plan = planned(
        "SELECT COUNT(*) / (COUNT(*) - SUM(age)), ln(SUM(age)), exp(SUM(age)), pow(COUNT(*), SUM(age)), sqrt(COUNT(*)),"
        " COUNT(*) % SUM(age), SUM(age) // COUNT(*), CAST(AVG(bmi) AS INTEGER), CAST(COUNT(*) AS VARCHAR), CAST(COUNT(*) AS BOOLEAN),"
        " SUM(age) * SUM(age) * SUM(bmi), CASE WHEN AVG(bmi) > 1 THEN NULLIF(COUNT(*), 3) END, round(SUM(bmi) / COUNT(*), 2),"
        " least(AVG(bmi), COUNT(*)), clamp(SUM(bmi), 0, 1), abs(-COUNT(*)), sign(SUM(age)), trunc(SUM(bmi)) FROM persons HAVING TRUE"
    )
    finished = one_row(plan, *values[: len(plan.targets)])
    assert all(cell is None or isinstance(cell, str) or math.isfinite(cell) for cell in finished.rows[0])
    assert all(error is None or not math.isnan(error) for error in finished.errors[0])


def test_rows_are_of_the_output_types_whatever_the_grid() -> None:
    plan = planned("SELECT SUM(income) AS s, SUM(grade) AS g FROM persons".replace("SUM(grade)", "SUM(age)"))
    assert [type(cell) for cell in one_row(plan, *range(len(plan.targets))).rows[0]] == [int, int]


def test_a_plan_without_a_key_order_is_shown_in_canonical_order() -> None:
    plan = replace(planned(STAGES), key_order=())
    assert [row[0] for row in table(plan, 1, 2, 3, 4).rows] == ["none", "mild", "severe", None]
