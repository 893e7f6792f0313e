"""The columns of a public table that declares none: every type is found, what is of no one type stays text, odd files are refused."""

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from haven.catalog.column import Column, ColumnType
from haven.catalog.dataset import completed
from haven.catalog.layout import layout_of
from haven.engines.facts import read_facts
from haven.engines.inference import MOST_COLUMNS, declared_in_full
from haven.engines.snapshot import Snapshot, read_tables
from haven.errors import Code, Refused
from tests.support.sources import ingested, query, rows_of, table, write_source

PEOPLE = table(source="people.csv", unit_column="person", columns={"age": {"type": "integer", "bounds": [0, 120]}})
MANY = 100


def taken_in(home: Path, file: str) -> Snapshot:
    """A snapshot of people and of the public table in `file`, whose columns nobody declared."""
    (home / "people.csv").write_text("person,age\na,1\nb,2\n")
    return ingested({"people": PEOPLE, "codes": table(source=file, public=True)}, home, home)


def inferred(home: Path, text: str | bytes, file: str = "codes.csv") -> dict[str, Column]:
    (home / file).write_bytes(text.encode() if isinstance(text, str) else text)
    with duckdb.connect() as connection:
        return declared_in_full(connection, {"people": PEOPLE, "codes": table(source=file, public=True)}, home)["codes"].columns


def refused(home: Path, text: str | bytes) -> Refused:
    with pytest.raises(Refused) as refusal:
        inferred(home, text)
    assert refusal.value.code is Code.INGEST_CONTENT
    assert refusal.value.suggestion
    return refusal.value


FOUND: dict[str, tuple[list[str], tuple[str, bool]]] = {
    "whole": (["1", "-2", "0"], ("integer", False)),
    "whole_gaps": (["1", "", "3"], ("integer", True)),
    "whole_spaced": ([" 1 ", "2"], ("integer", False)),
    "whole_largest": (["9007199254740992", "-9007199254740992"], ("integer", False)),
    "decimal": (["1.5", "-2", "3e-2", ".25"], ("number", False)),
    "decimal_gaps": (["1.5", ""], ("number", True)),
    "truth": (["true", "FALSE", "False"], ("boolean", False)),
    "truth_gaps": (["true", ""], ("boolean", True)),
    "day": (["2020-02-29", "0001-01-01", "9999-12-31"], ("date", False)),
    "day_gaps": (["2020-02-29", " "], ("date", True)),
    "words": (["a", "b"], ("category", False)),
    "words_gaps": (["a", ""], ("category", True)),
    "nothing": (["", ""], ("category", True)),
}
TEXT: dict[str, list[str]] = {
    "leading_zero": ["007", "8"],
    "plus": ["+47", "46"],
    "two_spellings": ["250.0", "250.00"],
    "two_more": ["1.0", "1"],
    "past_exact": ["9007199254740993", "9007199254740993"],
    "far_past": ["99999999999999999999", "1.5"],
    "mixed": ["1", "x"],
    "overflow": ["1e999", "1"],
    "not_a_number": ["nan", "1.5"],
    "endless": ["inf", "1"],
    "comma": ["1,5", "2,5"],
    "grouped": ["1_000", "2"],
    "hexadecimal": ["0x10", "2"],
    "sign": ["-", "2"],
    "exponent": ["e5", "2"],
    "truth_and_number": ["true", "1"],
    "answers": ["yes", "no"],
    "no_such_day": ["2020-02-30", "2020-02-28"],
    "short_day": ["2020-1-5", "2020-01-06"],
    "time": ["2020-01-01 10:00", "2020-01-01"],
    "other_order": ["29.02.2020", "01.03.2020"],
    "day_and_number": ["2020-01-01", "1"],
}
ROWS = 12


def written(columns: Mapping[str, Sequence[str]]) -> str:
    """A CSV file of these columns, each repeated until all are of one length."""
    text = io.StringIO()
    csv.writer(text).writerows([list(columns), *([cells[i % len(cells)] for cells in columns.values()] for i in range(ROWS))])
    return text.getvalue()


def types_of(columns: Mapping[str, Column]) -> dict[str, tuple[str, bool]]:
    return {name: (str(column.type), column.nullable) for name, column in columns.items()}


def test_a_csv_column_has_the_type_that_all_its_cells_are_written_in(tmp_path: Path) -> None:
    columns = inferred(tmp_path, written({name: cells for name, (cells, _) in FOUND.items()}))
    assert types_of(columns) == {name: found for name, (_, found) in FOUND.items()}


def test_what_a_type_would_lose_stays_text_to_the_letter(tmp_path: Path) -> None:
    assert types_of(inferred(tmp_path, written(TEXT))) == dict.fromkeys(TEXT, ("category", False))
    stored = rows_of(taken_in(tmp_path, "codes.csv"), "codes")
    assert {name: [row[name] for row in stored[: len(cells)]] for name, cells in TEXT.items()} == TEXT


def test_a_header_without_rows_gives_text(tmp_path: Path) -> None:
    assert types_of(inferred(tmp_path, "a,b\n")) == {"a": ("category", False), "b": ("category", False)}


def test_a_type_is_that_of_the_last_row_too(tmp_path: Path) -> None:
    assert types_of(inferred(tmp_path, "x\n" + "1\n" * 30_000 + "y\n")) == {"x": ("category", False)}


TYPED: dict[str, tuple[pa.Array, tuple[str, bool]]] = {
    "small": (pa.array([1, None], pa.int8()), ("integer", True)),
    "exact": (pa.array([1, 2**53], pa.int64()), ("integer", False)),
    "past_exact": (pa.array([1, 2**53 + 1], pa.int64()), ("category", False)),
    "unsigned": (pa.array([1, 2**64 - 1], pa.uint64()), ("category", False)),
    "empty": (pa.array([None, None], pa.int32()), ("integer", True)),
    "whole_float": (pa.array([1.0, 2.0], pa.float64()), ("number", False)),
    "not_a_number": (pa.array([1.5, float("nan")], pa.float32()), ("number", True)),
    "endless": (pa.array([1.5, float("inf")], pa.float64()), ("number", True)),
    "decimal": (pa.array([Decimal("1.50"), Decimal("2.25")], pa.decimal128(9, 2)), ("number", False)),
    "truth": (pa.array([True, False]), ("boolean", False)),
    "day": (pa.array([date(2020, 1, 1), None]), ("date", True)),
    "midnight": (pa.array([datetime(2020, 1, 1), datetime(2020, 1, 2)], pa.timestamp("us")), ("date", False)),  # noqa: DTZ001 - a file's own
    "digits": (pa.array(["1", "2"]), ("category", False)),
    "gap": (pa.array(["1", ""]), ("category", True)),
    "dictionary": (pa.array(["a", "b"]).dictionary_encode(), ("category", False)),
}


@pytest.mark.parametrize("file", ["codes.parquet", "codes.arrow"])
def test_a_typed_file_says_its_types(tmp_path: Path, file: str) -> None:
    write_source(tmp_path / file, pa.table({name: cells for name, (cells, _) in TYPED.items()}))
    assert types_of(read_tables(taken_in(tmp_path, file))["codes"].columns) == {name: found for name, (_, found) in TYPED.items()}


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([[1], [2]]),
        pa.array([b"a", b"b"]),
        pa.array([{"a": 1}, {"a": 2}]),
        pa.array([datetime(2020, 1, 1, 10), datetime(2020, 1, 2)], pa.timestamp("us")),  # noqa: DTZ001 - a file's own
        pa.array([1, 2], pa.time64("us")),
    ],
    ids=["list", "bytes", "struct", "times of day", "time"],
)
def test_a_type_that_is_not_stored_is_refused_by_the_columns_name(tmp_path: Path, cells: pa.Array) -> None:
    write_source(tmp_path / "codes.parquet", pa.table({"k": [1, 2], "x": cells}))
    with pytest.raises(Refused) as refusal:
        taken_in(tmp_path, "codes.parquet")
    assert "codes.x" in refusal.value.reason
    assert "columns:" in refusal.value.suggestion


def test_the_columns_keep_the_order_of_the_file(tmp_path: Path) -> None:
    assert list(inferred(tmp_path, "z,a,M\n1,2,3\n")) == ["z", "a", "M"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("codes.csv", b"\xef\xbb\xbfcode,label\n1,x\n"),
        ("codes.csv", b"code;label\r\n1;x, y\r\n"),
        ("codes.csv", b"code|label\n1|x\n"),
        ("codes.tsv", b"code\tlabel\n1\tx\n"),
        ("codes.csv.gz", gzip.compress(b"code,label\n1,x\n")),
        ("codes.csv", b'"code","label"\n"1","say ""hi"""\n'),
    ],
    ids=["byte order mark", "semicolons", "bars", "tabs", "packed", "quoted"],
)
def test_wild_csv_gives_the_same_columns(tmp_path: Path, file: str, text: bytes) -> None:
    assert {name: str(column.type) for name, column in inferred(tmp_path, text, file).items()} == {"code": "integer", "label": "category"}


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ("code,,label", "Column number 2"),
        ("code,two words", "Column number 2"),
        ("code,ålder", "Column number 2"),
        ('code,"a""b"', "Column number 2"),
        ("code,b\0c", "Column number 2"),
        ("1st,code", "Column number 1"),
        ("code," + "n" * 64, "Column number 2"),
        ("code,label,code", "two columns of one name"),
        ("code,Code,x", "two columns of one name"),
        ("code,unit_", "taken by the stored layout"),
        ("code,anything_", "taken by the stored layout"),
        ("code,gr_code", "taken by the stored layout"),
        ("code,person", "named as the unit column"),
        ("code,PERSON", "named as the unit column"),
        (",".join(f"c{i}" for i in range(MOST_COLUMNS + 1)), "more than 1000"),
    ],
)
def test_a_name_that_could_not_be_stored_or_could_join_on_persons_is_refused(tmp_path: Path, header: str, words: str) -> None:
    columns = header.count(",") + 1
    refusal = refused(tmp_path, f"{header}\n{','.join('x' * columns)}\n")
    assert words in refusal.reason


@pytest.mark.parametrize("file", ["codes.parquet", "codes.arrow"])
def test_a_name_that_stands_twice_in_a_typed_file_is_refused(tmp_path: Path, file: str) -> None:
    write_source(tmp_path / file, pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["x", "x"]))
    with pytest.raises(Refused) as refusal:
        taken_in(tmp_path, file)
    assert refusal.value.code is Code.INGEST_CONTENT


@pytest.mark.parametrize(
    "text",
    ["a,b\n1,2\n3\n", "a,b\n1,2,3\n", 'a,b\n1,"2\n', b"a,b\n1,\xff\xfe\n", "a,b\n1," + "x" * 3_000_000 + "\n"],
    ids=["too few cells", "too many cells", "an open quote", "not UTF-8", "an endless line"],
)
def test_a_damaged_csv_is_refused_without_a_word_of_it(tmp_path: Path, text: str | bytes) -> None:
    refusal = refused(tmp_path, text)
    assert "xx" not in refusal.reason
    assert "codes" in refusal.reason


@pytest.mark.parametrize("text", ["a,b\n1,x\0y\n", "a,two words\n1,2\n", "a,b\n1\n"], ids=["a NUL", "an odd name", "ragged"])
def test_what_is_refused_leaves_nothing_behind(tmp_path: Path, text: str) -> None:
    (tmp_path / "codes.csv").write_text(text)
    with pytest.raises(Refused) as refusal:
        taken_in(tmp_path, "codes.csv")
    assert refusal.value.code is Code.INGEST_CONTENT
    assert {path.name for path in (tmp_path / "dataset").iterdir()} <= {".lock"}


def test_a_wide_table_is_read(tmp_path: Path) -> None:
    names, cells = [f"c{i}" for i in range(MANY)], [str(i) for i in range(MANY)]
    columns = inferred(tmp_path, f"{','.join(names)}\n{','.join(cells)}\n")
    assert list(columns) == names
    assert {column.type for column in columns.values()} == {ColumnType.INTEGER}


def test_declared_columns_are_taken_as_declared_and_no_others(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("person,age\na,1\n")
    (tmp_path / "codes.csv").write_text("code,weight,note\n007,-1,x\n008,99,y\n,,z\n")
    declared = table(
        source="codes.csv",
        public=True,
        columns={
            "code": {"type": "category", "keys": ["007"], "nullable": True},
            "weight": {"type": "number", "bounds": [0, 10], "nullable": True},
        },
    )
    snapshot = ingested({"people": PEOPLE, "codes": declared}, tmp_path, tmp_path)
    found = query(snapshot, "SELECT code, weight FROM codes")
    assert [tuple(row.values()) for row in found] == [("007", 0.0), (None, 10.0), (None, None)]
    assert list(read_facts(snapshot.path)["codes"].columns) == ["code", "weight"]


def test_writer_and_reader_agree_on_the_layout(tmp_path: Path) -> None:
    """What questions are planned by, from the policy's declaration and the facts alone, is what stands in the database."""
    (tmp_path / "codes.csv").write_text("code,n,x,day,on\nA,1,1.5,2020-01-01,true\nB,,2,2020-01-02,false\n")
    snapshot = taken_in(tmp_path, "codes.csv")
    declared = table(source="codes.csv", public=True)
    layout = layout_of(completed(declared, read_facts(snapshot.path)["codes"]))
    assert layout == layout_of(read_tables(snapshot)["codes"])
    stored = query(snapshot, "SELECT column_name AS n, data_type AS t, is_nullable FROM duckdb_columns() WHERE table_name = 'codes'")
    assert [(row["n"], row["t"], row["is_nullable"]) for row in stored] == [
        (column.name, column.sql_type, column.nullable) for column in layout.columns
    ]


def test_a_snapshot_is_the_same_whether_columns_were_declared_or_read(tmp_path: Path) -> None:
    def read(home: Path, **columns: Any) -> Snapshot:  # noqa: ANN401 - what a declaration holds
        home.mkdir()
        (home / "people.csv").write_text("person,age\na,1\n")
        (home / "codes.csv").write_text("code,n\nA,1\nB,\n")
        return ingested({"people": PEOPLE, "codes": table(source="codes.csv", public=True, **columns)}, home, home)

    one = read(tmp_path / "read")
    other = read(tmp_path / "declared", columns={"code": {"type": "category"}, "n": {"type": "integer", "nullable": True}})
    assert one.fingerprint == other.fingerprint
    assert read_facts(one.path) == read_facts(other.path)
