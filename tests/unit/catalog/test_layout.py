"""The stored form of a declaration: its integers against exact fractions, its width against the largest sum there can be."""

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven.catalog.dataset import Table
from haven.catalog.layout import ROW_CAP, SUM_CAP, Grid, PhysicalKind, coarse_enough, grid_of, layout_of

BOUNDS = (
    st.tuples(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12))
    .map(lambda pair: (pair[0], pair[0] + pair[1]))
    .filter(lambda b: b[0] < b[1] and max(abs(b[0]), abs(b[1])) <= 2**31 * (b[1] - b[0]))
)


def stored(column: dict[str, Any], **table: object) -> dict[str, Any]:
    declared = Table.model_validate({"source": "t", "unit_column": "id", "columns": {"x": column}} | table)
    return {physical.name: physical for physical in layout_of(declared).columns}


@given(BOUNDS)
def test_the_stored_scale_is_a_power_of_two_with_a_million_steps_or_two(bounds: tuple[float, float]) -> None:
    step = grid_of(*bounds).step
    assert math.frexp(step)[0] == 0.5
    assert 2**20 <= (bounds[1] - bounds[0]) / step < 2**21


@given(BOUNDS)
def test_stored_integers_stay_inside_the_bounds_and_reach_to_within_a_step_of_them(bounds: tuple[float, float]) -> None:
    fixed = stored({"type": "number", "bounds": list(bounds)})["x_fx"]
    step = Fraction(fixed.grid.step)
    low, high = Fraction(bounds[0]), Fraction(bounds[1])
    assert low <= fixed.low * step < low + step
    assert high - step < fixed.high * step <= high
    assert max(abs(fixed.low), abs(fixed.high)) <= 2**52


@given(st.integers(-40, 10), st.floats(-1e6, 1e6))
def test_nearest_rounds_halves_away_from_zero(exponent: int, value: float) -> None:
    exact = Fraction(value) / Fraction(2) ** exponent
    nearest = Grid(exponent).nearest(value)
    assert abs(nearest - exact) <= Fraction(1, 2)
    if abs(nearest - exact) == Fraction(1, 2):
        assert abs(nearest) > abs(exact)


@given(st.floats(1e-9, 1e15), st.integers(1, 2**21))
def test_the_finest_wide_enough_grid_cannot_wrap_and_the_next_finer_one_could(reach: float, multiplicity: int) -> None:
    grid = coarse_enough(reach, multiplicity)
    assert ROW_CAP * multiplicity * math.ceil(Fraction(reach) / Fraction(grid.step)) <= SUM_CAP
    assert ROW_CAP * multiplicity * math.ceil(2 * Fraction(reach) / Fraction(grid.step)) > SUM_CAP


def test_no_grid_is_wide_enough_for_a_join_that_repeats_without_end() -> None:
    with pytest.raises(ValueError, match="too often"):
        coarse_enough(1.0, SUM_CAP // ROW_CAP + 1)


@pytest.mark.parametrize("reach", [0.0, -1.0, math.inf, math.nan])
def test_a_reach_is_positive_and_finite(reach: float) -> None:
    with pytest.raises(ValueError, match="positive and finite"):
        coarse_enough(reach)


@pytest.mark.parametrize(
    ("column", "kind", "sql_type", "low", "high"),
    [
        ({"type": "integer", "bounds": [18, 98]}, PhysicalKind.INTEGER, "INTEGER", 18, 98),
        ({"type": "integer", "bounds": [0, 2**31]}, PhysicalKind.INTEGER, "BIGINT", 0, 2**31),
        ({"type": "integer", "bounds": [-(2**31) - 1, 0]}, PhysicalKind.INTEGER, "BIGINT", -(2**31) - 1, 0),
        ({"type": "integer"}, PhysicalKind.INTEGER, "BIGINT", None, None),
        ({"type": "boolean"}, PhysicalKind.BOOLEAN, "TINYINT", 0, 1),
        ({"type": "date", "bounds": ["1970-01-02", "1971-01-01"]}, PhysicalKind.DAYS, "INTEGER", 1, 365),
        ({"type": "date"}, PhysicalKind.DAYS, "INTEGER", None, None),
        ({"type": "category", "keys": ["a"]}, PhysicalKind.TEXT, "VARCHAR", None, None),
        ({"type": "number"}, PhysicalKind.DOUBLE, "DOUBLE", None, None),
    ],
)
def test_a_column_is_stored_once_under_its_name(column: dict[str, Any], kind: PhysicalKind, sql_type: str, low: int, high: int) -> None:
    (physical,) = stored(column).values()
    assert (physical.name, physical.kind, physical.sql_type, physical.low, physical.high) == ("x", kind, sql_type, low, high)


def test_a_bounded_number_is_stored_twice_as_a_double_and_as_fixed_point() -> None:
    columns = stored({"type": "number", "bounds": [0, 500], "nullable": True})
    assert [columns[name].kind for name in ("x", "x_fx")] == [PhysicalKind.DOUBLE, PhysicalKind.FIXED]
    assert (columns["x_fx"].grid, columns["x_fx"].low, columns["x_fx"].high) == (Grid(-12), 0, 500 * 4096)
    assert columns["x_fx"].sql_type == "INTEGER"
    assert columns["x"].nullable
    assert columns["x_fx"].nullable


COLUMNS = {
    "kind": {"type": "category"},
    "site": {"type": "category", "keys": ["a"]},
    "n": {"type": "integer"},
    "v": {"type": "number", "bounds": [0, 1]},
}


def test_a_table_with_several_rows_a_unit_has_ranks_for_each_category() -> None:
    layout = layout_of(Table.model_validate({"source": "t", "unit_column": "id", "rows_per_unit": 2, "columns": COLUMNS}))
    assert layout.gr == {"kind": "gr_kind", "site": "gr_site"}
    assert layout.rpc == {"kind": "rpc_kind", "site": "rpc_site"}
    assert layout.system_columns == ("unit_", "rk_", "gr_kind", "rpc_kind", "gr_site", "rpc_site")


def test_a_table_with_one_row_a_unit_has_the_row_rank_alone() -> None:
    layout = layout_of(Table.model_validate({"source": "t", "unit_column": "id", "columns": COLUMNS}))
    assert layout.system_columns == ("unit_", "rk_")


def test_a_public_table_has_neither_unit_nor_ranks() -> None:
    layout = layout_of(Table.model_validate({"source": "t", "public": True, "columns": COLUMNS}))
    assert layout.system_columns == ()


def test_columns_are_found_by_their_declared_name() -> None:
    layout = layout_of(Table.model_validate({"source": "t", "unit_column": "id", "columns": COLUMNS}))
    assert layout.stored("v").kind is PhysicalKind.DOUBLE
    summed = layout.summed("v")
    assert summed is not None
    assert summed.name == "v_fx"
    assert layout.summed("n") is None
    assert layout.summed("kind") is None
    with pytest.raises(KeyError):
        layout.stored("v_fx")
