"""What a declaration refuses, and what it fills in."""

from datetime import date, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from haven.catalog.dataset import Column, Dataset, Table, completed, described
from haven.catalog.public import PublicColumn, PublicTable
from haven.privacy.units import ContributionBound

AGE = {"type": "integer", "bounds": [0, 100]}


def words_of(failure: pytest.ExceptionInfo[ValidationError]) -> str:
    return " ".join(str(error.get("ctx", {}).get("error", error["type"])) for error in failure.value.errors())


def table(**changes: object) -> Table:
    return Table.model_validate({"source": "t.csv", "unit_column": "id", "columns": {"age": AGE}} | changes)


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"type": "integer", "bounds": [5, 5]}, "below the upper"),
        ({"type": "integer", "bounds": [6, 5]}, "below the upper"),
        ({"type": "integer", "bounds": [0.5, 5]}, "whole numbers"),
        ({"type": "integer", "bounds": [0, 2**53 + 2]}, "within ±2^53"),
        ({"type": "number", "bounds": [0, float("inf")]}, "finite"),
        ({"type": "number", "bounds": [float("nan"), 1]}, "finite"),
        ({"type": "number", "bounds": [-1.7e308, 1.7e308]}, "too large or too small"),
        ({"type": "number", "bounds": [0, 1e-300]}, "too large or too small"),
        ({"type": "number", "bounds": [1e15, 1e15 + 1]}, "too far from zero"),
        ({"type": "number", "bounds": ["0", 1]}, "without quotes"),
        ({"type": "number", "bounds": [True, 2]}, "without quotes"),
        ({"type": "number", "bounds": ["2020-01-01", "2021-01-01"]}, "dates on a date column"),
        ({"type": "date", "bounds": [0, 1]}, "dates on a date column"),
        ({"type": "date", "bounds": ["2020-01-01T10:00", "2021-01-01"]}, "a bound is"),
        ({"type": "date", "bounds": [datetime(2020, 1, 1), date(2021, 1, 1)]}, "without a time of day"),  # noqa: DTZ001 - what a YAML reader may give
        ({"type": "boolean", "bounds": [0, 1]}, "has no bounds"),
        ({"type": "category", "bounds": [0, 1]}, "has no bounds"),
        ({"type": "integer", "keys": ["1"]}, "only a category has keys"),
        ({"type": "category", "keys": []}, "empty list"),
        ({"type": "category", "keys": ["a", "a"]}, "listed twice"),
        ({"type": "category", "keys": [""]}, "not empty"),
        ({"type": "category", "keys": [" a"]}, "not empty"),
        ({"type": "category", "keys": [str(i) for i in range(10_001)]}, "at most 10000"),
        ({"type": "category", "keys": [1]}, "string_type"),
        ({"type": "integer", "nullable": "yes"}, "true or false"),
        ({"type": "integer", "nullable": 2}, "true or false"),
        ({"type": "integer", "colour": "red"}, "extra_forbidden"),
    ],
)
def test_a_column_that_cannot_be_stored_is_refused(column: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as failure:
        Column.model_validate(column)
    assert words in words_of(failure)


@pytest.mark.parametrize(
    ("column", "interval"),
    [
        ({"type": "integer", "bounds": [-3, 7]}, (-3, 7)),
        ({"type": "number", "bounds": [0, 0.5]}, (0, 0.5)),
        ({"type": "boolean", "nullable": 1}, (0, 1)),
        ({"type": "date", "bounds": ["1970-01-02", "1970-02-01"]}, (1, 31)),
        ({"type": "date", "bounds": [date(1969, 12, 31), date(1970, 1, 1)]}, (-1, 0)),
        ({"type": "number"}, None),
        ({"type": "category", "keys": ["NO", "SE"]}, None),
    ],
)
def test_the_interval_of_a_column_is_in_numbers(column: dict[str, Any], interval: tuple[float, float] | None) -> None:
    assert Column.model_validate(column).interval == interval


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"unit_column": None}, "names its unit_column"),
        ({"public": True}, "no unit column"),
        ({"public": True, "unit_column": None, "rows_per_unit": 2}, "no contribution bounds"),
        ({"rows_per_unit": 0}, "greater_than_equal"),
        ({"rows_per_unit": 2.5}, "int_type"),
        ({"rows_per_unit": 2, "rows_per_group": 3}, "rows_per_group cannot exceed"),
        ({"rows_per_unit": 2, "groups_per_unit": 3}, "groups_per_unit cannot exceed"),
        ({"columns": {}}, "at least one column"),
        ({"columns": {"ID": AGE}}, "is the unit column"),
        ({"columns": {"unit_": AGE}}, "taken by the stored layout"),
        ({"columns": {"rk_": AGE}}, "taken by the stored layout"),
        ({"columns": {"anything_": AGE}}, "taken by the stored layout"),
        ({"columns": {"kind": {"type": "category"}, "GR_kind": AGE}}, "taken by the stored layout"),
        ({"columns": {"kind": {"type": "category"}, "rpc_kind": AGE}}, "taken by the stored layout"),
        ({"columns": {"x": {"type": "number", "bounds": [0, 1]}, "x_fx": AGE}}, "taken by the stored layout"),
        ({"columns": {"age": AGE, "Age": AGE}}, "there twice"),
        ({"columns": {"a b": AGE}}, "string_pattern_mismatch"),
        ({"columns": {'a"b': AGE}}, "string_pattern_mismatch"),
        ({"source": ""}, "string_too_short"),
    ],
)
def test_a_table_that_cannot_be_protected_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as failure:
        table(**changes)
    assert words in words_of(failure)


def test_a_public_table_may_leave_its_columns_to_its_source() -> None:
    left = table(public=True, unit_column=None, columns={})
    assert left.columns == {}
    facts = PublicTable(
        rows=2,
        columns={
            "code": PublicColumn(type="category", nullable=False, values=("A", "B"), most_alike=1),
            "n": PublicColumn(type="number", nullable=True, low=0, high=1, values=(0.0, 1.0), most_alike=1),
        },
    )
    filled = completed(left, facts)
    assert filled.columns == {"code": Column(type="category"), "n": Column(type="number", nullable=True)}
    assert filled.source == left.source
    declared = table(public=True, unit_column=None)
    assert completed(declared, facts) is declared


def test_a_column_read_from_a_source_is_no_unit_column() -> None:
    """What was read is held to the same rule as what was declared."""
    facts = PublicTable(rows=1, columns={"ID": PublicColumn(type="integer", nullable=False, most_alike=1)})
    dataset = Dataset(name="d", title="D", tables={"people": table(), "codes": table(public=True, unit_column=None, columns={})})
    with pytest.raises(ValidationError, match="named as the unit column"):
        described(dataset, {"codes": facts})


def test_names_beside_the_stored_ones_are_free() -> None:
    columns = {"gr_other": AGE, "rpc_other": AGE, "x": {"type": "number"}, "x_fx": AGE}
    assert set(table(columns=columns).columns) == set(columns)


@pytest.mark.parametrize(
    ("changes", "bound"),
    [
        ({}, ContributionBound(1, 1, 1)),
        ({"rows_per_unit": 7}, ContributionBound(7, 7, 7)),
        ({"rows_per_unit": 60, "groups_per_unit": 6}, ContributionBound(60, 6, 60)),
        ({"rows_per_unit": 60, "groups_per_unit": 6, "rows_per_group": 20}, ContributionBound(60, 6, 20)),
    ],
)
def test_groups_and_rows_per_group_default_to_rows_per_unit(changes: dict[str, Any], bound: ContributionBound) -> None:
    assert table(**changes).bound() == bound


def test_a_public_table_has_no_contribution_bound() -> None:
    with pytest.raises(ValueError, match="public"):
        table(public=True, unit_column=None).bound()


def test_a_public_table_may_not_have_a_column_named_as_a_unit() -> None:
    public = table(public=True, unit_column=None, columns={"ID": AGE})
    with pytest.raises(ValidationError) as failure:
        Dataset(name="d", title="D", tables={"p": table(), "codes": public})
    assert "rename or remove" in words_of(failure)
    assert Dataset(name="d", title="D", tables={"codes": public}).tables["codes"] is public
