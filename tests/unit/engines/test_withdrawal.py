"""A withdrawal is an ingest without the people who left: the same rows, ranks, and digests."""

from pathlib import Path

import pyarrow as pa
import pytest

from haven.engines.snapshot import Snapshot, database_of, forget_rows, latest, load_snapshot, read_report, snapshots_in, units_of
from haven.engines.withdrawal import withdraw
from haven.errors import Code, Refused
from tests.support.sources import SECRET, ingested, rows_of, seals_of, table, write_source

COLUMNS = {"x": {"type": "number", "bounds": [0, 10]}, "k": {"type": "category"}}
TABLES = {
    "t": table(source="t.parquet", unit_column="id", rows_per_unit=4, columns=COLUMNS),
    "p": table(source="p.parquet", unit_column="id", columns={"x": COLUMNS["x"]}),
    "codes": table(source="c.csv", public=True, columns={"code": {"type": "category"}}),
}


def write(home: Path, left: frozenset[int] = frozenset()) -> None:
    rows = [{"id": i % 40, "x": (i * 7 % 100) / 10, "k": "abc"[i % 3]} for i in range(200) if i % 40 not in left]
    write_source(home / "t.parquet", pa.Table.from_pylist(rows))
    write_source(home / "p.parquet", pa.table({"id": [i for i in range(60) if i not in left], "x": [1.0] * (60 - len(left))}))
    (home / "c.csv").write_text("code\nA\nB\n")


@pytest.fixture
def before(tmp_path: Path) -> Snapshot:
    write(tmp_path)
    return ingested(TABLES, tmp_path, tmp_path)


def test_it_equals_an_ingest_without_them(tmp_path: Path, before: Snapshot) -> None:
    listed = tmp_path / "left.csv"
    listed.write_text('id\n 3\t\n"17"\n59\n3\n\nnobody\n')
    after = withdraw(before, listed, tmp_path / "dataset", SECRET)
    write(tmp_path, left=frozenset({3, 17, 59}))
    fresh = ingested(TABLES, tmp_path, tmp_path)
    assert (after.fingerprint, after.unit_set) == (fresh.fingerprint, fresh.unit_set)
    assert after.fingerprint != before.fingerprint
    assert set(seals_of(after).values()) == set(seals_of(fresh).values())


def test_those_who_stay_keep_their_rows_numbers_and_ranks(tmp_path: Path, before: Snapshot) -> None:
    (tmp_path / "left").write_text("3\n")
    after = withdraw(before, tmp_path / "left", tmp_path / "dataset", SECRET)
    (gone,) = set(seals_of(before)) - set(seals_of(after))
    for name in ("t", "p"):
        assert rows_of(after, name) == [row for row in rows_of(before, name) if row["unit_"] != gone]
    assert rows_of(after, "codes") == rows_of(before, "codes")


def test_the_report_says_how_many_left_and_how_many_were_not_found(tmp_path: Path, before: Snapshot) -> None:
    (tmp_path / "left").write_text("1\n2\nghost\n")
    report = read_report(withdraw(before, tmp_path / "left", tmp_path / "dataset", SECRET))
    assert (report["withdrawn"], report["listed_but_not_found"], report["units"]) == (2, 1, 58)
    assert (report["withdrawn_from_snapshot"], report["tables"]["p"]["units"]) == (1, 58)


def test_whoever_left_stays_out_of_every_later_ingest(tmp_path: Path, before: Snapshot) -> None:
    (tmp_path / "left").write_text("3\n")
    first = withdraw(before, tmp_path / "left", tmp_path / "dataset", SECRET)
    (tmp_path / "left").write_text("5\n")
    second = withdraw(first, tmp_path / "left", tmp_path / "dataset", SECRET)
    again = ingested(TABLES, tmp_path, tmp_path)
    assert (again.fingerprint, again.unit_set) == (second.fingerprint, second.unit_set)
    assert again.fingerprint != first.fingerprint


def test_an_unreadable_list_is_refused_and_leaves_nothing(tmp_path: Path, before: Snapshot) -> None:
    with pytest.raises(Refused) as refused:
        withdraw(before, tmp_path / "missing.csv", tmp_path / "dataset", SECRET)
    assert refused.value.code is Code.INGEST_SOURCE
    assert snapshots_in(tmp_path / "dataset") == (before,)


def test_forgotten_rows_are_gone_and_the_serial_is_not_used_again(tmp_path: Path, before: Snapshot) -> None:
    forget_rows(before)
    assert not database_of(before.path).exists()
    assert not units_of(before.path).exists()
    assert load_snapshot(before.path) == before
    assert ingested(TABLES, tmp_path, tmp_path).serial == 2


def test_the_latest_snapshot_is_the_one_with_the_highest_serial(tmp_path: Path, before: Snapshot) -> None:
    assert latest(tmp_path / "nowhere") is None
    assert latest(tmp_path / "dataset") == before


def test_a_damaged_record_is_refused(before: Snapshot) -> None:
    (before.path / "snapshot.json").write_text("{")
    with pytest.raises(Refused) as refused:
        load_snapshot(before.path)
    assert refused.value.code is Code.HOME_INVALID
