"""Source files for ingest, and ways to look at what it stored."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet

from haven.catalog.dataset import Table
from haven.engines.build import IngestProgress
from haven.engines.ingest import ingest
from haven.engines.snapshot import Snapshot, database_of, units_of

SECRET = bytes(range(32))
Row = dict[str, Any]


def table(**declared: object) -> Table:
    """A declared table."""
    return Table.model_validate(declared)


def write_source(path: Path, data: pa.Table) -> Path:
    """Write `data` in the format of the path's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(data, path)
    elif path.suffix == ".arrow":
        pyarrow.feather.write_feather(data, path)
    else:
        pyarrow.csv.write_csv(data, path)
    return path


def silent(_: IngestProgress) -> None:
    """Watch nothing."""


def ingested(tables: Mapping[str, Table], sources: Path, home: Path, secret: bytes = SECRET) -> Snapshot:
    """Ingest under `home/dataset`."""
    return ingest(tables, sources, home / "dataset", secret, silent)


def rows_of(snapshot: Snapshot, name: str) -> list[Row]:
    """Every stored row."""
    return query(snapshot, f'FROM "{name}"')


def query(snapshot: Snapshot, sql: str) -> list[Row]:
    """Rows of any question to the stored database."""
    with duckdb.connect(str(database_of(snapshot.path)), read_only=True) as connection:
        found: list[Row] = connection.sql(sql).to_arrow_table().to_pylist()
    return found


def seals_of(snapshot: Snapshot) -> dict[int, bytes]:
    """Each person's seal by number."""
    return {row["unit_"]: row["seal_"] for row in pyarrow.parquet.read_table(units_of(snapshot.path)).to_pylist()}
