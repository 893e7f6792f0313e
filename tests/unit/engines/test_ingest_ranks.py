"""Ranks are keyed functions of one person's rows: equal to a plain computation, and unmoved by anyone else."""

import random
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from haven.catalog.dataset import Table
from haven.engines.snapshot import Snapshot
from tests.support.sources import SECRET, ingested, rows_of, seals_of, table, write_source
from tests.support.stored_oracle import seal, stored_rows

LABS = table(
    source="labs.parquet",
    unit_column="id",
    rows_per_unit=6,
    groups_per_unit=2,
    columns={
        "test": {"type": "category", "keys": ["chol", "hdl", "sbp"], "nullable": True},
        "site": {"type": "category", "nullable": True},
        "value": {"type": "number", "bounds": [0, 500], "nullable": True},
        "n": {"type": "integer", "nullable": True},
        "smoker": {"type": "boolean"},
    },
)


def labs(seed: int = 1, people: int = 60) -> list[dict[str, Any]]:
    draw = random.Random(seed)  # noqa: S311 - test data
    return [
        {
            "id": draw.randrange(people),
            "test": draw.choice(["chol", "hdl", "sbp", "other", None]),
            "site": draw.choice(["north", "south, east", "", None, "5:north,"]),
            "value": draw.choice([None, 7.25, 600.0, draw.uniform(0, 500)]),
            "n": draw.choice([None, 0, 1]),
            "smoker": draw.choice([True, False]),
        }
        for _ in range(500)
    ]


def stored(home: Path, rows: list[dict[str, Any]], declared: Table = LABS, secret: bytes = SECRET) -> Snapshot:
    write_source(home / "labs.parquet", pa.Table.from_pylist(rows))
    return ingested({"labs": declared}, home, home, secret)


def with_seals(snapshot: Snapshot) -> Counter[tuple[Any, ...]]:
    """Each stored row as (the person's seal, everything but the person's number)."""
    seals = seals_of(snapshot)
    plain = (
        (seals[row.pop("unit_")], *sorted((k, v) for k, v in row.items() if not k.endswith("_fx"))) for row in rows_of(snapshot, "labs")
    )
    return Counter(plain)


def test_every_rank_agrees_with_a_plain_computation(tmp_path: Path) -> None:
    wanted = Counter((seal(SECRET, unit), *sorted(row.items())) for unit, row in stored_rows("labs", LABS, labs(), SECRET))
    assert with_seals(stored(tmp_path, labs())) == wanted


def test_removing_a_person_moves_no_one_elses_rank(tmp_path: Path) -> None:
    everyone = with_seals(stored(tmp_path, labs()))
    for left in (0, 31):
        rows = [row for row in labs() if row["id"] != left]
        without = with_seals(stored(tmp_path, rows))
        assert without == Counter({row: n for row, n in everyone.items() if row[0] != seal(SECRET, str(left))})


def test_the_order_of_the_source_changes_nothing(tmp_path: Path) -> None:
    rows = labs()
    first = stored(tmp_path, rows)
    random.Random(5).shuffle(rows)  # noqa: S311 - test data
    second = stored(tmp_path, rows)
    assert rows_of(first, "labs") == rows_of(second, "labs")
    assert first.fingerprint == second.fingerprint


def test_equal_rows_of_one_person_have_ranks_of_their_own(tmp_path: Path) -> None:
    same = [{"id": 1, "test": "chol", "site": "north", "value": 1.0, "n": 1, "smoker": True}] * 7
    rows = rows_of(stored(tmp_path, same), "labs")
    assert sorted(row["rk_"] for row in rows) == sorted(row["rpc_test"] for row in rows) == list(range(1, 8))
    assert {row["gr_test"] for row in rows} == {1}


def test_null_is_a_group_like_any_other(tmp_path: Path) -> None:
    rows = [{"id": 1, "test": t, "site": None, "value": None, "n": None, "smoker": False} for t in ("chol", None, None, "other")]
    groups = {(row["test"], row["gr_test"]) for row in rows_of(stored(tmp_path, rows), "labs")}
    assert len(groups) == 2
    assert {rank for _, rank in groups} == {1, 2}


def test_ranks_are_uniform_over_people(tmp_path: Path) -> None:
    """Of 4,000 people with rows 0 and 1, about half keep row 0 first: 2,000 ± 6 standard deviations of 31.6."""
    rows = [{"id": i, "test": None, "site": None, "value": None, "n": n, "smoker": False} for i in range(4000) for n in (0, 1)]
    first = sum(row["n"] == 0 for row in rows_of(stored(tmp_path, rows), "labs") if row["rk_"] == 1)
    assert abs(first - 2000) < 190


def test_another_secret_gives_other_ranks_numbers_and_digests(tmp_path: Path) -> None:
    one, other = stored(tmp_path, labs()), stored(tmp_path, labs(), secret=bytes(32))
    assert rows_of(one, "labs") != rows_of(other, "labs")
    assert one.fingerprint != other.fingerprint
    assert one.unit_set != other.unit_set
    assert not set(seals_of(one).values()) & set(seals_of(other).values())


def test_a_short_secret_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        stored(tmp_path, labs(), secret=b"short")


def test_csv_parquet_and_arrow_give_one_fingerprint(tmp_path: Path) -> None:
    fingerprints, sets = set(), set()
    for suffix in ("csv", "parquet", "arrow"):
        write_source(tmp_path / f"labs.{suffix}", pa.Table.from_pylist(labs()))
        snapshot = ingested({"labs": LABS.model_copy(update={"source": f"labs.{suffix}"})}, tmp_path, tmp_path)
        fingerprints.add(snapshot.fingerprint)
        sets.add(snapshot.unit_set)
    assert len(fingerprints) == len(sets) == 1


def test_one_changed_cell_changes_the_fingerprint_and_not_the_set_of_people(tmp_path: Path) -> None:
    rows = labs()
    before = stored(tmp_path, rows)
    rows[17]["value"] = 123.456
    after = stored(tmp_path, rows)
    assert before.fingerprint != after.fingerprint
    assert before.unit_set == after.unit_set
    assert (before.serial, after.serial) == (1, 2)
    assert before.salt != after.salt


def test_two_datasets_of_the_same_people_have_one_set_digest(tmp_path: Path) -> None:
    first = stored(tmp_path / "a", labs())
    people = sorted({row["id"] for row in labs()})
    write_source(tmp_path / "b" / "p.parquet", pa.table({"person": [str(i) for i in people], "age": [30] * len(people)}))
    declared = table(source="p.parquet", unit_column="person", columns={"age": {"type": "integer", "bounds": [0, 99]}})
    assert ingested({"p": declared}, tmp_path / "b", tmp_path / "b").unit_set == first.unit_set
