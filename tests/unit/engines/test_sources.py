"""CSV as it is found in the wild: other delimiters, line ends, a byte order mark, quoted cells, compression; and a header without rows."""

import gzip
from pathlib import Path

import pytest

from tests.support.sources import ingested, rows_of, table

COLUMNS = {"x": {"type": "number", "bounds": [0, 10]}, "k": {"type": "category", "nullable": True}}
PLAIN = 'id,x,k,rest\n1,2.5,"a, b",z\n2,3,"say ""hi""",z\n3,4,"two\nlines",z\n4,5,,z\n'
WANTED = {(2.5, "a, b"), (3.0, 'say "hi"'), (4.0, "two\nlines"), (5.0, None)}
WILD = {
    "plain.csv": PLAIN.encode(),
    "windows.csv": PLAIN.replace("\n", "\r\n").replace("two\r\nlines", "two\nlines").encode(),
    "mark.csv": PLAIN.encode("utf-8-sig"),
    "unended.csv": PLAIN.rstrip("\n").encode(),
    "semicolons.csv": PLAIN.replace(",", ";").replace("a; b", "a, b").encode(),
    "bars.csv": PLAIN.replace(",", "|").replace("a| b", "a, b").encode(),
    "tabs.tsv": PLAIN.replace(",", "\t").replace("a\t b", "a, b").encode(),
    "packed.csv.gz": gzip.compress(PLAIN.encode()),
    "UPPER.CSV": PLAIN.encode(),
}


@pytest.mark.parametrize("file", WILD)
def test_wild_csv(tmp_path: Path, file: str) -> None:
    (tmp_path / file).write_bytes(WILD[file])
    snapshot = ingested({"t": table(source=file, unit_column="id", columns=COLUMNS)}, tmp_path, tmp_path)
    assert {(row["x"], row["k"]) for row in rows_of(snapshot, "t")} == WANTED


@pytest.mark.parametrize("end", ["\n", ""])
def test_a_header_without_rows_is_a_table_without_rows(tmp_path: Path, end: str) -> None:
    (tmp_path / "x.csv").write_text("id,x,k" + end)
    snapshot = ingested({"t": table(source="x.csv", unit_column="id", columns=COLUMNS)}, tmp_path, tmp_path)
    assert rows_of(snapshot, "t") == []


def test_a_path_with_quotes_and_spaces(tmp_path: Path) -> None:
    home = tmp_path / 'it\'s "here"; DROP'
    home.mkdir()
    (home / "x.csv").write_bytes(WILD["plain.csv"])
    snapshot = ingested({"t": table(source="x.csv", unit_column="id", columns=COLUMNS)}, home, home)
    assert len(rows_of(snapshot, "t")) == 4
