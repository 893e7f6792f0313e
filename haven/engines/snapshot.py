"""A snapshot: one dataset's data at one time, in a directory that is complete or absent and never changes.

`DATASET/SERIAL/` holds `data.duckdb` (what the engine opens), `units.parquet` (a keyed hash of each person's id and the person's number,
for withdrawals), `withdrawn.parquet` (the hashes of those who have withdrawn, for every ingest after), `tables.json` (the declarations
it was stored by, every column written out), `public.json` (the facts of its public tables), `report.json` (the quality report, for the
custodian alone) and `snapshot.json` (this record).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from haven.catalog.dataset import Table
from haven.errors import Code, Refused

RECORD, REPORT, TABLES = "snapshot.json", "report.json", "tables.json"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The record of a snapshot in the directory `path`.

    `serial` counts from 1 within a dataset and, with the random `salt` (hex), is the snapshot's public name. `fingerprint` and `unit_set`
    are keyed hashes (hex) of all stored content and of the set of persons: equal content, in any row order or file format, has an equal
    fingerprint under one secret. They are the custodian's; no researcher sees them.
    """

    serial: int
    salt: str
    fingerprint: str
    unit_set: str
    created_at: datetime
    path: Path


def database_of(directory: Path) -> Path:
    """The database that the engine opens."""
    return directory / "data.duckdb"


def units_of(directory: Path) -> Path:
    """The sealed list of persons, which the engine does not open."""
    return directory / "units.parquet"


def withdrawn_of(directory: Path) -> Path:
    """The seals of everyone who had withdrawn by then, in the data or not; there is no such file where nobody had."""
    return directory / "withdrawn.parquet"


def noted_of(destination: Path) -> Path:
    """The seals of everyone whose withdrawal was noted between two snapshots of a dataset; there is no such file where nobody's was."""
    return destination / "noted.parquet"


def write_details(directory: Path, tables: Mapping[str, Table], report: Mapping[str, Any]) -> None:
    """Write the declarations and the quality report into a snapshot's directory."""
    declared = {name: table.model_dump(mode="json", exclude_defaults=True) for name, table in tables.items()}
    (directory / TABLES).write_text(json.dumps(declared, indent=2) + "\n", encoding="utf-8")
    (directory / REPORT).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def read_tables(snapshot: Snapshot) -> dict[str, Table]:
    """The declarations that the snapshot was stored by."""
    declared = json.loads((snapshot.path / TABLES).read_text(encoding="utf-8"))
    return {name: Table.model_validate(table) for name, table in declared.items()}


def write_record(snapshot: Snapshot) -> None:
    """Write the record into its directory."""
    fields = {name: getattr(snapshot, name) for name in ("serial", "salt", "fingerprint", "unit_set")}
    text = json.dumps(fields | {"created_at": snapshot.created_at.isoformat()}, indent=2)
    (snapshot.path / RECORD).write_text(text + "\n", encoding="utf-8")


def load_snapshot(directory: Path) -> Snapshot:
    """The snapshot in `directory`. Raises Refused where there is none, or its record is damaged."""
    try:
        fields = json.loads((directory / RECORD).read_text(encoding="utf-8"))
        created_at = datetime.fromisoformat(fields.pop("created_at"))
        return Snapshot(**fields, created_at=created_at, path=directory)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise Refused(
            Code.HOME_INVALID,
            f"The record of snapshot {directory.name} of {directory.parent.name} is missing or damaged.",
            "Restore it from a backup, or ingest the dataset again.",
        ) from None


def read_report(snapshot: Snapshot) -> dict[str, Any]:
    """The quality report of a snapshot: exact counts, for the custodian alone."""
    report: dict[str, Any] = json.loads((snapshot.path / REPORT).read_text(encoding="utf-8"))
    return report


def snapshots_in(destination: Path) -> tuple[Snapshot, ...]:
    """Every snapshot of the dataset whose directory is `destination`, oldest first."""
    return tuple(load_snapshot(destination / str(serial)) for serial in _serials(destination))


def latest(destination: Path) -> Snapshot | None:
    """The newest snapshot of the dataset whose directory is `destination`; None before the first."""
    serials = _serials(destination)
    return load_snapshot(destination / str(serials[-1])) if serials else None


def next_serial(destination: Path) -> int:
    """The serial of the next snapshot."""
    return max(_serials(destination), default=0) + 1


def forget_rows(snapshot: Snapshot) -> None:
    """Remove a snapshot's rows and list of persons for good; its record stays, so that its serial is never used again."""
    for path in (database_of(snapshot.path), units_of(snapshot.path)):
        path.unlink(missing_ok=True)


def _serials(destination: Path) -> list[int]:
    if not destination.is_dir():
        return []
    return sorted(int(path.name) for path in destination.iterdir() if path.name.isdecimal() and path.is_dir())
