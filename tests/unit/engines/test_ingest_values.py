"""What ingest stores of each cell agrees with a plain computation, and no cell can make it fail."""

import math
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haven.engines.snapshot import read_report
from tests.support.sources import SECRET, ingested, query, rows_of, seals_of, table, write_source
from tests.support.stored_oracle import fixed_point, seal, stored_rows, stored_value

WILD = [0.0, -0.0, 1.5, -1.5, 9.999999, 10.0, 10.1, 1e308, -1e308, math.nan, math.inf, -math.inf, 5e-324, None, 0.1, 2.0**-21, 3 * 2.0**-18]
INTEGERS = [0, 1, -1, 2**63 - 1, -(2**63), 98, 99, 17, 18, None]


def test_wild_doubles_are_stored_as_exact_arithmetic_says(tmp_path: Path) -> None:
    declared = table(source="x.parquet", unit_column="id", columns={"x": {"type": "number", "bounds": [-3, 10], "nullable": True}})
    write_source(tmp_path / "x.parquet", pa.table({"id": list(range(len(WILD))), "x": pa.array(WILD, pa.float64())}))
    snapshot = ingested({"t": declared}, tmp_path, tmp_path)
    column = declared.columns["x"]
    wanted = sorted(((stored_value(column, cell), fixed_point(column, cell)) for cell in WILD), key=repr)
    assert sorted(((row["x"], row["x_fx"]) for row in rows_of(snapshot, "t")), key=repr) == wanted
    counts = read_report(snapshot)["tables"]["t"]["columns"]["x"]
    assert counts == {"missing": 2, "unreadable": 2, "out_of_bounds": 3, "unlisted_keys": 0, "cut_short": 0}


@pytest.mark.parametrize("suffix", ["parquet", "csv", "arrow"])
def test_the_extremes_of_64_bit_integers_are_clamped(tmp_path: Path, suffix: str) -> None:
    declared = table(
        source=f"x.{suffix}",
        unit_column="id",
        columns={"near": {"type": "integer", "bounds": [18, 98], "nullable": True}, "any": {"type": "integer", "nullable": True}},
    )
    cells = pa.array(INTEGERS, pa.int64())
    write_source(tmp_path / f"x.{suffix}", pa.table({"id": list(range(len(INTEGERS))), "near": cells, "any": cells}))
    rows = rows_of(ingested({"t": declared}, tmp_path, tmp_path), "t")
    assert {(row["any"], row["near"]) for row in rows} == {(i, None if i is None else min(max(i, 18), 98)) for i in INTEGERS}


@settings(max_examples=15)
@given(
    bounds=st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)).filter(lambda b: b[1] - b[0] > 1e-3),
    cells=st.lists(st.one_of(st.none(), st.floats(-2e6, 2e6), st.floats()), min_size=1, max_size=30),
)
def test_fixed_point_agrees_with_fractions(tmp_path_factory: pytest.TempPathFactory, bounds: tuple[float, float], cells: list[Any]) -> None:
    home = tmp_path_factory.mktemp("fixed")
    declared = table(source="x.arrow", unit_column="id", columns={"x": {"type": "number", "bounds": list(bounds), "nullable": True}})
    if all(cell is not None and math.isinf(cell) for cell in cells):
        cells = [*cells, None, 0.0]
    write_source(home / "x.arrow", pa.table({"id": list(range(len(cells))), "x": pa.array(cells, pa.float64())}))
    column = declared.columns["x"]
    if all(cell is None or math.isnan(cell) or math.isinf(cell) for cell in cells):
        write_source(home / "x.arrow", pa.table({"id": [*range(len(cells)), -1], "x": pa.array([*cells, 0.0], pa.float64())}))
        cells = [*cells, 0.0]
    got = sorted((row["x_fx"] for row in rows_of(ingested({"t": declared}, home, home), "t")), key=repr)
    assert got == sorted((fixed_point(column, cell) for cell in cells), key=repr)


def test_text_in_a_number_column_is_null_and_counted(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("id,x,b,d\n1,ten,yes,2020-13-01\n2, 7 ,TRUE,2020-01-02\n3,,0,\n4,1e400,2,infinity\n5,0x10,1.0,soon\n")
    columns = {
        "x": {"type": "number", "bounds": [0, 10], "nullable": True},
        "b": {"type": "boolean", "nullable": True},
        "d": {"type": "date", "bounds": [date(2020, 1, 1), date(2020, 12, 31)], "nullable": True},
    }
    snapshot = ingested({"t": table(source="x.csv", unit_column="id", columns=columns)}, tmp_path, tmp_path)
    got = {(row["x"], row["b"], row["d"]) for row in rows_of(snapshot, "t")}
    assert got == {(None, None, None), (7.0, 1, 18263), (None, 0, None), (None, 1, None)}
    counts = read_report(snapshot)["tables"]["t"]["columns"]
    assert counts["x"] | {} == {"missing": 1, "unreadable": 3, "out_of_bounds": 0, "unlisted_keys": 0, "cut_short": 0}
    assert counts["b"]["unreadable"] == 2
    assert (counts["d"]["unreadable"], counts["d"]["missing"]) == (3, 1)


def test_a_fractional_cell_is_no_integer(tmp_path: Path) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [1, 2], "n": [2.5, 3.0]}))
    declared = table(source="x.parquet", unit_column="id", columns={"n": {"type": "integer", "bounds": [0, 9], "nullable": True}})
    assert {row["n"] for row in rows_of(ingested({"t": declared}, tmp_path, tmp_path), "t")} == {None, 3}


def test_a_category_outside_its_keys_is_null(tmp_path: Path) -> None:
    write_source(tmp_path / "x.arrow", pa.table({"id": [1, 2, 3], "k": pa.array([" a ", "z", None]).dictionary_encode()}))
    declared = table(source="x.arrow", unit_column="id", columns={"k": {"type": "category", "keys": ["a", "it's"], "nullable": True}})
    snapshot = ingested({"t": declared}, tmp_path, tmp_path)
    assert sorted(map(repr, (row["k"] for row in rows_of(snapshot, "t")))) == ["'a'", "None", "None"]
    assert read_report(snapshot)["tables"]["t"]["columns"]["k"] == {
        "missing": 1,
        "unreadable": 0,
        "out_of_bounds": 0,
        "unlisted_keys": 1,
        "cut_short": 0,
    }


def test_bounds_are_a_constraint_of_the_file(tmp_path: Path) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [1], "x": [5.0]}))
    declared = table(source="x.parquet", unit_column="id", columns={"x": {"type": "number", "bounds": [0, 10]}})
    snapshot = ingested({"t": declared}, tmp_path, tmp_path)
    (found,) = query(snapshot, "SELECT sql FROM duckdb_tables() WHERE table_name = 't'")
    assert "x_fx BETWEEN 0 AND 1310720" in found["sql"]
    assert "BETWEEN CAST('0.0' AS DOUBLE) AND CAST('10.0' AS DOUBLE)" in found["sql"]


def test_one_person_under_several_spellings_is_one_person(tmp_path: Path) -> None:
    write_source(tmp_path / "a.parquet", pa.table({"id": [7.0, 8.0, None], "x": [1, 2, 3]}))
    (tmp_path / "b.csv").write_text("id,x\n 7 ,1\n8,1\n8\t,1\n,1\ncafe\u0301,1\ncaf\u00e9,1\n", encoding="utf-8")
    columns = {"x": {"type": "integer", "bounds": [0, 9]}}
    tables = {
        "a": table(source="a.parquet", unit_column="id", columns=columns),
        "b": table(source="b.csv", unit_column="id", rows_per_unit=3, columns=columns),
    }
    snapshot = ingested(tables, tmp_path, tmp_path)
    assert set(seals_of(snapshot).values()) == {seal(SECRET, unit) for unit in ("7", "8", "caf\u00e9")}
    report = read_report(snapshot)
    assert (report["units"], report["tables"]["a"]["rows_without_unit"], report["tables"]["b"]["rows_without_unit"]) == (3, 1, 1)


def test_no_id_is_stored_anywhere(tmp_path: Path) -> None:
    ids = [f"NHS-SECRET-{i:05}" for i in range(2000)]
    write_source(tmp_path / "x.parquet", pa.table({"id": ids, "k": ["a"] * 2000}))
    declared = table(source="x.parquet", unit_column="id", columns={"k": {"type": "category", "keys": ["a"]}})
    snapshot = ingested({"t": declared}, tmp_path, tmp_path)
    stored = b"".join(path.read_bytes() for path in snapshot.path.iterdir())
    assert b"NHS-SECRET" not in stored
    assert {path.name for path in (tmp_path / "dataset").iterdir()} == {"1", ".lock"}


def test_duplicates_of_a_one_row_person_are_counted_and_ranked(tmp_path: Path) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [1, 1, 1, 2, 2, 3], "x": [1, 2, 3, 4, 4, 5]}))
    declared = table(source="x.parquet", unit_column="id", columns={"x": {"type": "integer", "bounds": [0, 9]}})
    snapshot = ingested({"t": declared}, tmp_path, tmp_path)
    assert len([row for row in rows_of(snapshot, "t") if row["rk_"] == 1]) == 3
    report = read_report(snapshot)["tables"]["t"]
    assert (report["units_with_duplicates"], report["rows_past_rows_per_unit"], report["units"]) == (2, 3, 3)


def test_a_public_table_keeps_its_rows_in_order_and_has_no_person(tmp_path: Path) -> None:
    (tmp_path / "icd.csv").write_text("code;words\nK76;liver\nA00;\n")
    declared = table(source="icd.csv", public=True, columns={"code": {"type": "category"}, "words": {"type": "category", "nullable": True}})
    snapshot = ingested({"icd": declared}, tmp_path, tmp_path)
    assert rows_of(snapshot, "icd") == [{"code": "K76", "words": "liver"}, {"code": "A00", "words": None}]


def test_stored_rows_are_sorted_by_person_and_rank(tmp_path: Path) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [i % 700 for i in range(5000)], "x": [i % 10 for i in range(5000)]}))
    declared = table(source="x.parquet", unit_column="id", rows_per_unit=9, columns={"x": {"type": "integer", "bounds": [0, 9]}})
    rows = rows_of(ingested({"t": declared}, tmp_path, tmp_path), "t")
    order = [(row["unit_"], row["rk_"]) for row in rows]
    assert order == sorted(order)
    assert len(set(order)) == 5000
    assert len(rows) == len(stored_rows("t", declared, [{"id": i % 700, "x": i % 10} for i in range(5000)], SECRET))
