"""No stored text is longer than 1024 characters, whatever its script: longer ones are cut and counted for the custodian alone."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pydantic import ValidationError

from haven.catalog.column import Column
from haven.catalog.layout import LONGEST_TEXT
from haven.engines.snapshot import Snapshot, database_of, read_report
from tests.support.sources import ingested, rows_of, table, write_source

FAMILY = "👩\u200d👩\u200d👧"  # five characters, 18 bytes, one picture
ACCENT = "e\u0301"  # two characters, three bytes, one letter
TEXTS = {
    "as long as may be": ("x" * 1024, "x" * 1024),
    "one more": ("x" * 1025, "x" * 1024),
    "many bytes, few characters": ("Ω" * 1024, "Ω" * 1024),
    "four bytes each": ("🧬" * 1025, "🧬" * 1024),
    "an accent falls off its letter": ("x" + ACCENT * 512, "x" + ACCENT * 511 + "e"),
    "a family is parted": (FAMILY * 205, (FAMILY * 205)[:1024]),
    "a space would end it": ("x" * 1023 + " y", "x" * 1023),
    "spaces at its ends do not count": (" " * 50 + "x" * 1024 + " " * 50, "x" * 1024),
    "a page of spaces": (" " * 5000, None),
}


def stored(home: Path, cells: list[str | None], **column: object) -> Snapshot:
    write_source(home / "t.parquet", pa.table({"id": list(range(len(cells))), "k": pa.array(cells, pa.string())}))
    declared = table(source="t.parquet", unit_column="id", rows_per_unit=2, columns={"k": {"type": "category", "nullable": True} | column})
    return ingested({"t": declared}, home, home)


def test_texts_are_cut_by_characters_and_counted(tmp_path: Path) -> None:
    snapshot = stored(tmp_path, [source for source, _ in TEXTS.values()])
    found = [row["k"] for row in rows_of(snapshot, "t")]
    assert sorted(map(str, found)) == sorted(str(wanted) for _, wanted in TEXTS.values())
    assert max(len(text) for text in found if text is not None) == LONGEST_TEXT == 1024
    cut = sum(len(source.strip()) > 1024 for source, _ in TEXTS.values())
    assert read_report(snapshot)["tables"]["t"]["columns"]["k"]["cut_short"] == cut == 5


def test_the_length_is_a_fact_about_the_file(tmp_path: Path) -> None:
    with duckdb.connect(str(database_of(stored(tmp_path, ["a"]).path))) as connection, pytest.raises(duckdb.ConstraintException):
        connection.execute("UPDATE t SET k = repeat('x', 1025)")


def test_texts_that_differ_past_the_cut_are_one_group(tmp_path: Path) -> None:
    """Ranks are made of what is stored, so they bound it."""
    write_source(tmp_path / "t.parquet", pa.table({"id": [1, 1], "k": ["x" * 1024 + end for end in "ab"]}))
    declared = table(source="t.parquet", unit_column="id", rows_per_unit=2, columns={"k": {"type": "category"}})
    rows = rows_of(ingested({"t": declared}, tmp_path, tmp_path), "t")
    assert {row["gr_k"] for row in rows} == {1}
    assert {row["rpc_k"] for row in rows} == {1, 2}


def test_a_longest_key_is_kept_and_what_begins_like_it_is_not_it(tmp_path: Path) -> None:
    key = "🧬" * LONGEST_TEXT
    snapshot = stored(tmp_path, [key, key + "x"], keys=[key])
    assert {row["k"] for row in rows_of(snapshot, "t")} == {key, None}
    counts = read_report(snapshot)["tables"]["t"]["columns"]["k"]
    assert (counts["unlisted_keys"], counts["cut_short"]) == (1, 0)


@pytest.mark.parametrize(("key", "words"), [("x" * 1025, "at most 1024 characters"), ("a\0b", "NUL")])
def test_a_key_that_could_not_be_stored_is_refused(key: str, words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        Column.model_validate({"type": "category", "keys": [key]})
