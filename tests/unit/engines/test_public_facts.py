"""The facts of public tables are those of the stored values: equal to a slow count in plain Python, kept in a private file, and lasting."""

import json
import random
import stat
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from haven.catalog.column import EPOCH, ColumnType
from haven.catalog.dataset import Dataset, described
from haven.catalog.public import MOST_VALUES, PublicColumn, PublicTable
from haven.engines.facts import FACTS, read_facts, write_facts
from haven.engines.snapshot import Snapshot, database_of, read_tables
from haven.engines.withdrawal import withdraw
from haven.errors import Code, Refused
from tests.support.sources import SECRET, ingested, rows_of, table, write_source

PEOPLE = table(source="people.csv", unit_column="person", columns={"age": {"type": "integer", "bounds": [0, 120]}})
CODES = table(
    source="codes.parquet",
    public=True,
    columns={
        "code": {"type": "category", "nullable": True},
        "kind": {"type": "category", "keys": ["a", "b", "c"], "nullable": True},
        "n": {"type": "integer", "bounds": [-5, 5], "nullable": True},
        "free": {"type": "integer", "nullable": True},
        "x": {"type": "number", "bounds": [0, 1], "nullable": True},
        "y": {"type": "number", "nullable": True},
        "on": {"type": "boolean", "nullable": True},
        "day": {"type": "date", "bounds": ["2000-01-01", "2000-01-31"], "nullable": True},
        "any_day": {"type": "date", "nullable": True},
        "never": {"type": "integer", "nullable": True},
    },
)
Row = dict[str, Any]


def rows(seed: int, count: int) -> list[Row]:
    draw = random.Random(seed)  # noqa: S311 - test data
    return [
        {
            "code": draw.choice(["A", "a", " A ", "é", "e\u0301", "Ω", "🧬", "", None, "Z9"]),
            "kind": draw.choice(["a", "b", "d", None]),
            "n": draw.choice([-9, -5, 0, 5, 9, None]),
            "free": draw.choice([-(2**60), 2**60 + 1, 0, None]),
            "x": draw.choice([-1.0, 0.25, 0.75, 2.0, float("nan"), float("inf"), None]),
            "y": draw.choice([-1e300, 0.1, 1e-300, float("inf"), None]),
            "on": draw.choice([True, False, None]),
            "day": draw.choice([date(1999, 1, 1), date(2000, 1, 5), date(2001, 1, 1), None]),
            "any_day": draw.choice([date(1, 1, 1), date(1969, 12, 31), date(9999, 12, 31), None]),
            "never": None,
        }
        for _ in range(count)
    ]


def taken_in(home: Path, source: list[Row], declared: Any = CODES) -> Snapshot:  # noqa: ANN401 - a table, or two
    (home / "people.csv").write_text("person,age\na,1\nb,2\n")
    write_source(home / "codes.parquet", pa.Table.from_pylist(source, schema=SCHEMA))
    return ingested({"people": PEOPLE, "codes": declared}, home, home)


SCHEMA = pa.schema(
    [
        ("code", pa.string()),
        ("kind", pa.string()),
        ("n", pa.int64()),
        ("free", pa.int64()),
        ("x", pa.float64()),
        ("y", pa.float64()),
        ("on", pa.bool_()),
        ("day", pa.date32()),
        ("any_day", pa.date32()),
        ("never", pa.int64()),
    ]
)


def counted(stored: list[Row], name: str, kind: ColumnType) -> PublicColumn:
    """The facts of a nullable column, counted cell by cell."""
    cells = Counter(row[name] for row in stored if row[name] is not None)
    ordered = sorted(cells)
    plain = kind is not ColumnType.CATEGORY and bool(ordered)
    values: list[Any] = ordered
    if kind is ColumnType.DATE:
        values = [EPOCH + timedelta(days=cell) for cell in ordered]
    if kind is ColumnType.BOOLEAN:
        values = [cell == 1 for cell in ordered]
    return PublicColumn(
        type=kind,
        nullable=True,
        low=float(ordered[0]) if plain else None,
        high=float(ordered[-1]) if plain else None,
        values=tuple(values),
        most_alike=max(cells.values(), default=0),
    )


@pytest.mark.parametrize(("seed", "count"), [(1, 0), (2, 1), (3, 500)])
def test_facts_equal_a_slow_count_of_what_is_stored(tmp_path: Path, seed: int, count: int) -> None:
    snapshot = taken_in(tmp_path, rows(seed, count))
    stored, facts = rows_of(snapshot, "codes"), read_facts(snapshot.path)["codes"]
    assert facts.rows == len(stored) == count
    assert list(facts.columns) == list(CODES.columns)
    for name, column in CODES.columns.items():
        found = facts.columns[name]
        if name != "free":  # its ends are no floats
            assert found == counted(stored, name, column.type), name
        assert [type(value) for value in found.values or ()] == [type(v) for v in counted(stored, name, column.type).values or ()]
    clamped = facts.columns["n"]
    assert clamped.low is None or clamped.low >= -5


def test_bounds_of_whole_numbers_that_are_no_floats_lie_outside(tmp_path: Path) -> None:
    low, high = -(2**60) - 1, 2**60 + 1
    column = read_facts(taken_in(tmp_path, [dict.fromkeys(SCHEMA.names) | {"free": n} for n in (low, high)]).path)["codes"].columns["free"]
    assert column.low is not None
    assert column.high is not None
    assert int(column.low) < low
    assert int(column.high) > high
    assert column.values == (low, high)


def test_more_values_than_may_be_listed_are_not(tmp_path: Path) -> None:
    for count, listed in ((MOST_VALUES, True), (MOST_VALUES + 1, False)):
        home = tmp_path / str(count)
        home.mkdir()
        facts = read_facts(taken_in(home, [dict.fromkeys(SCHEMA.names) | {"code": f"c{i:05}", "n": i} for i in range(count)]).path)
        column = facts["codes"].columns["code"]
        assert (column.values is not None) is listed
        assert column.most_alike == 1
        assert facts["codes"].columns["n"].most_alike == count - 5


def test_dates_beyond_the_calendar_are_counted_and_not_listed(tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("person,age\na,1\n")
    (tmp_path / "codes.csv").write_text("day\n294246-01-01\n2000-01-01\n")
    declared = table(source="codes.csv", public=True, columns={"day": {"type": "date"}})
    column = read_facts(ingested({"people": PEOPLE, "codes": declared}, tmp_path, tmp_path).path)["codes"].columns["day"]
    assert column.values is None
    assert column.low == (date(2000, 1, 1) - EPOCH).days
    assert column.high is not None
    assert column.high > (date.max - EPOCH).days


def test_nothing_of_a_personal_table_is_among_the_facts(tmp_path: Path) -> None:
    snapshot = taken_in(tmp_path, rows(1, 5))
    assert set(json.loads((snapshot.path / FACTS).read_text())) == {"codes"}


def test_the_facts_are_as_private_a_file_as_the_rest(tmp_path: Path) -> None:
    snapshot = taken_in(tmp_path, rows(1, 5))
    assert {stat.S_IMODE(path.stat().st_mode) for path in snapshot.path.iterdir()} == {0o600}
    assert stat.S_IMODE(snapshot.path.stat().st_mode) == 0o700


def test_facts_survive_a_withdrawal(tmp_path: Path) -> None:
    """Also where the columns are the source's, and where the snapshot before had no facts."""
    undeclared = table(source="codes.parquet", public=True)
    before = taken_in(tmp_path, rows(3, 50), undeclared)
    facts = read_facts(before.path)
    (tmp_path / "leaving.csv").write_text("a\n")
    after = withdraw(before, tmp_path / "leaving.csv", tmp_path / "dataset", SECRET)
    assert read_facts(after.path) == facts
    assert rows_of(after, "codes") == rows_of(before, "codes")
    assert read_tables(after) == read_tables(before)
    (after.path / FACTS).unlink()
    assert read_facts(after.path) == {}
    assert read_facts(withdraw(after, tmp_path / "leaving.csv", tmp_path / "dataset", SECRET).path) == facts


@pytest.mark.parametrize("text", ["", "{", "[]", '{"codes": 1}', '{"codes": {"rows": -1, "columns": {}}}', "\udcff"])
def test_damaged_facts_are_none_and_are_logged(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / FACTS).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert read_facts(tmp_path) == {}
    assert "damaged" in caplog.text


def everything(kind: ColumnType, values: tuple[Any, ...]) -> Mapping[str, PublicTable]:
    return {"t": PublicTable(rows=9, columns={"c": PublicColumn(type=kind, nullable=False, values=values, most_alike=3)})}


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (ColumnType.DATE, (date(1, 1, 1), date(9999, 12, 31))),
        (ColumnType.NUMBER, (-1e300, 0.1, 1.0, 5e-324)),
        (ColumnType.INTEGER, (-(2**63), 2**63 - 1)),
        (ColumnType.BOOLEAN, (False, True)),
        (ColumnType.CATEGORY, ("2020-01-01", "1", "true", "\u2028", 'a"b\\')),
    ],
)
def test_facts_are_read_as_they_were_written(tmp_path: Path, kind: ColumnType, values: tuple[Any, ...]) -> None:
    facts = everything(kind, values)
    write_facts(tmp_path, facts)
    read = read_facts(tmp_path)
    assert read == facts
    assert [type(value) for value in read["t"].columns["c"].values or ()] == [type(value) for value in values]


def test_a_dataset_is_described_by_facts_of_its_own_public_tables_alone(tmp_path: Path) -> None:
    undeclared = table(source="codes.parquet", public=True)
    facts = dict(read_facts(taken_in(tmp_path, rows(1, 5), undeclared).path))
    dataset = Dataset(name="d", title="D", tables={"people": PEOPLE, "codes": undeclared})
    whole = described(dataset, facts | {"gone": facts["codes"], "people": facts["codes"]})
    assert set(whole.facts) == {"codes"}
    assert whole.tables["people"] == PEOPLE
    assert list(whole.tables["codes"].columns) == SCHEMA.names
    assert described(dataset, {}) == dataset


def test_an_older_snapshot_with_longer_texts_is_not_copied_short(tmp_path: Path) -> None:
    """Cut in the copy, two of a person's groups could become one that the stored ranks do not bound."""
    snapshot = taken_in(tmp_path, rows(3, 50))
    with duckdb.connect(str(database_of(snapshot.path))) as connection:
        connection.execute("CREATE OR REPLACE TABLE codes AS SELECT * REPLACE (repeat('x', 1025) AS code) FROM codes")
    (tmp_path / "leaving.csv").write_text("a\n")
    with pytest.raises(Refused) as refusal:
        withdraw(snapshot, tmp_path / "leaving.csv", tmp_path / "dataset", SECRET)
    assert refusal.value.code is Code.INGEST_CONTENT
    assert "withdrawals:" in refusal.value.suggestion
