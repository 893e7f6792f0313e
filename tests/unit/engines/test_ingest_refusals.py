"""What cannot be ingested is refused by the names of file and column, never by a value, and leaves nothing behind."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from haven.catalog import layout
from haven.engines import ingest as ingest_module
from haven.errors import Code, Fault, Refused
from tests.support.sources import ingested, table, write_source

SENTINEL = "Zaphod-Beeblebrox-42"
NUMBER = {"x": {"type": "number", "bounds": [0, 10], "nullable": True}}


def refusal(home: Path, file: str, columns: dict[str, Any]) -> Refused:
    """The refusal of a table, after which nothing is left and nothing of the source was said."""
    with pytest.raises(Refused) as refused:
        ingested({"t": table(source=file, unit_column="id", columns=columns)}, home, home)
    left = {path.name for path in (home / "dataset").iterdir()}
    assert left <= {".lock"}
    assert SENTINEL not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    assert refused.value.suggestion
    return refused.value


def test_a_missing_file(tmp_path: Path) -> None:
    refused = refusal(tmp_path, "nowhere.parquet", NUMBER)
    assert refused.code is Code.INGEST_SOURCE
    assert "nowhere.parquet" in refused.reason


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "d.parquet").mkdir()
    assert refusal(tmp_path, "d.parquet", NUMBER).code is Code.INGEST_SOURCE


def test_an_unknown_format(tmp_path: Path) -> None:
    (tmp_path / "x.xlsx").write_text(SENTINEL)
    assert refusal(tmp_path, "x.xlsx", NUMBER).code is Code.INGEST_SOURCE


@pytest.mark.parametrize("file", ["x.parquet", "x.csv", "x.arrow"])
def test_an_empty_file(tmp_path: Path, file: str) -> None:
    (tmp_path / file).touch()
    assert refusal(tmp_path, file, NUMBER).code is Code.INGEST_CONTENT


@pytest.mark.parametrize("file", ["x.parquet", "x.arrow"])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file(tmp_path: Path, file: str, keep: float) -> None:
    path = write_source(
        tmp_path / file, pa.table({"id": [f"{SENTINEL}{i}" for i in range(5000)], "x": [float(i % 9) for i in range(5000)]})
    )
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * keep)])
    assert refusal(tmp_path, file, NUMBER).code is Code.INGEST_CONTENT


def test_a_parquet_file_damaged_in_the_middle(tmp_path: Path) -> None:
    path = write_source(
        tmp_path / "x.parquet", pa.table({"id": [f"{i * 7919}" for i in range(20000)], "x": [i * 0.37 % 10 for i in range(20000)]})
    )
    damaged = bytearray(path.read_bytes())
    damaged[4:2000] = bytes(255 - byte for byte in damaged[4:2000])
    path.write_bytes(damaged)
    assert refusal(tmp_path, "x.parquet", NUMBER).code is Code.INGEST_CONTENT


@pytest.mark.parametrize(
    "text",
    [
        f"id,x\n1,2\n{SENTINEL}\n",
        f"id,x\n1,2,{SENTINEL}\n",
        f'id,x\n1,"{SENTINEL}\n',
    ],
    ids=["too few cells", "too many cells", "an open quote"],
)
def test_malformed_csv(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    assert refusal(tmp_path, "x.csv", NUMBER).code is Code.INGEST_CONTENT


def test_csv_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"id,x\n1,2\n\xff\xfe,3\n")
    assert refusal(tmp_path, "x.csv", NUMBER).code is Code.INGEST_CONTENT


def test_csv_that_is_not_what_its_name_says(tmp_path: Path) -> None:
    (tmp_path / "x.csv.gz").write_bytes(b"id,x\n1,2\n")
    assert refusal(tmp_path, "x.csv.gz", NUMBER).code is Code.INGEST_CONTENT


@pytest.mark.parametrize(("columns", "missing"), [({"y": NUMBER["x"]}, "y"), ({"X": NUMBER["x"]}, "X")])
def test_a_missing_column_is_named(tmp_path: Path, columns: dict[str, Any], missing: str) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [1], "x": [1.0]}))
    refused = refusal(tmp_path, "x.parquet", columns)
    assert refused.code is Code.INGEST_CONTENT
    assert f"no column {missing}." in refused.reason


def test_a_missing_unit_column_is_named(tmp_path: Path) -> None:
    write_source(tmp_path / "x.csv", pa.table({"person": [1], "x": [1.0]}))
    assert "no column id." in refusal(tmp_path, "x.csv", NUMBER).reason


def test_a_column_whose_every_value_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text(f"id,x\n1,{SENTINEL}\n2,\n3,{SENTINEL}\n")
    refused = refusal(tmp_path, "x.csv", NUMBER)
    assert "No value of column t.x" in refused.reason


@pytest.mark.parametrize("cells", [pa.array([[1], [2]]), pa.array([b"a", b"b"]), pa.array([{"a": 1}, {"a": 2}])])
def test_a_column_of_a_type_that_cannot_be_read(tmp_path: Path, cells: pa.Array) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [1, 2], "x": cells}))
    assert "t.x" in refusal(tmp_path, "x.parquet", NUMBER).reason


def test_a_unit_column_of_a_type_that_cannot_name_a_person(tmp_path: Path) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [[1], [2]], "x": [1.0, 2.0]}))
    assert "t.id" in refusal(tmp_path, "x.parquet", NUMBER).reason


@pytest.mark.parametrize(
    ("column", "cells"),
    [
        ({"type": "number", "bounds": [0, 10]}, [1.0, float("nan")]),
        ({"type": "integer"}, [1, None]),
        ({"type": "category", "keys": ["a"]}, ["a", SENTINEL]),
    ],
)
def test_cells_without_a_value_in_a_column_that_is_not_nullable(tmp_path: Path, column: dict[str, Any], cells: list[Any]) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [1, 2], "x": cells}))
    refused = refusal(tmp_path, "x.parquet", {"x": column})
    assert "t.x" in refused.reason
    assert "nullable: true" in refused.suggestion


def test_rows_without_a_person_do_not_count_against_a_column(tmp_path: Path) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [1, None], "x": [1.0, None]}))
    declared = table(source="x.parquet", unit_column="id", columns={"x": {"type": "number", "bounds": [0, 10]}})
    assert ingested({"t": declared}, tmp_path, tmp_path).serial == 1


def test_more_rows_than_can_be_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "ROW_CAP", 3)
    write_source(tmp_path / "x.parquet", pa.table({"id": [1, 2, 3, 4], "x": [1.0] * 4}))
    assert "more rows" in refusal(tmp_path, "x.parquet", NUMBER).reason


def test_more_persons_than_can_be_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_module, "MOST_UNITS", 3)
    write_source(tmp_path / "x.parquet", pa.table({"id": [1, 2, 3, 4], "x": [1.0] * 4}))
    assert "more persons" in refusal(tmp_path, "x.parquet", NUMBER).reason


def test_the_second_table_failing_takes_the_first_with_it(tmp_path: Path) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [1], "x": [1.0]}))
    good = table(source="x.parquet", unit_column="id", columns=NUMBER)
    with pytest.raises(Refused):
        ingested({"a": good, "b": good.model_copy(update={"source": "gone.csv"})}, tmp_path, tmp_path)
    assert {path.name for path in (tmp_path / "dataset").iterdir()} == {".lock"}


def test_an_earlier_snapshot_survives_a_failed_ingest(tmp_path: Path) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [1], "x": [1.0]}))
    declared = {"t": table(source="x.parquet", unit_column="id", columns=NUMBER)}
    ingested(declared, tmp_path, tmp_path)
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    with pytest.raises(Refused):
        ingested(declared, tmp_path, tmp_path)
    assert {path.name for path in (tmp_path / "dataset").iterdir()} == {".lock", "1"}


def test_a_snapshot_that_appeared_meanwhile_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_source(tmp_path / "x.parquet", pa.table({"id": [1], "x": [1.0]}))
    declared = {"t": table(source="x.parquet", unit_column="id", columns=NUMBER)}
    ingested(declared, tmp_path, tmp_path)
    monkeypatch.setattr("haven.engines.build.next_serial", lambda _: 1)
    with pytest.raises(Refused) as refused:
        ingested(declared, tmp_path, tmp_path)
    assert refused.value.code is Code.INGEST_EXISTS


def test_a_full_disk_is_a_fault_that_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, SENTINEL)

    write_source(tmp_path / "x.parquet", pa.table({"id": [1], "x": [1.0]}))
    monkeypatch.setattr("haven.engines.build.os.fsync", full)
    with pytest.raises(Fault) as fault:
        ingested({"t": table(source="x.parquet", unit_column="id", columns=NUMBER)}, tmp_path, tmp_path)
    assert SENTINEL not in str(fault.value)
    assert {path.name for path in (tmp_path / "dataset").iterdir()} == {".lock"}
