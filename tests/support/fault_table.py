"""The fault table: each fault test writes its row, and `python -m tests.support.fault_table` puts the rows into docs/faults.md.

A row counts what was `injected`; what was `answered` meanwhile; what was `in_doubt` after, and so booked as spent; how much of what had
been acknowledged was `lost`; how many caps were `overspent`; and of the faults how many were `noticed`: the process was gone, its caller
heard a fault, or the audit found it.
"""

import fcntl
import json
import sys
from collections import Counter
from dataclasses import asdict, dataclass, fields
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "artifacts" / "faults.json"
PAGE = ROOT / "docs" / "faults.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


@dataclass
class Row:
    """One row's counts."""

    injected: int = 0
    answered: int = 0
    in_doubt: int = 0
    lost: int = 0
    overspent: int = 0
    noticed: int = 0

    def add(self, other: "Row") -> None:
        """Count `other` in."""
        for field in fields(Row):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def record(fault: str, row: Row) -> None:
    """Print the row and keep it, in the place of one of the same fault with fewer injections."""
    print(fault, asdict(row))  # noqa: T201 - the audit's figures
    TABLE.parent.mkdir(exist_ok=True)
    with TABLE.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        text = file.read()
        rows = json.loads(text) if text else {}
        if rows.get(fault, {}).get("injected", 0) <= row.injected:
            rows[fault] = asdict(row)
        file.truncate(0)
        file.write(json.dumps(rows, indent=2, sort_keys=True) + "\n")


def as_markdown(rows: dict[str, dict[str, int]]) -> str:
    """The rows as a table, the simulation's among them where it has run."""
    names = [field.name for field in fields(Row)]
    lines = ["| fault | " + " | ".join(name.replace("_", " ") for name in names) + " |", "|---|" + "---:|" * len(names)]
    lines += [f"| {fault} | " + " | ".join(f"{row[name]:,}" for name in names) + " |" for fault, row in sorted(rows.items())]
    return "\n".join(lines)


def main() -> None:
    """Put the table of the last runs into the page."""
    page, rows = PAGE.read_text(encoding="utf-8"), json.loads(TABLE.read_text(encoding="utf-8"))
    before, _, rest = page.partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n\n{as_markdown(rows)}\n\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    broken = Counter({fault: row["lost"] + row["overspent"] for fault, row in rows.items()})
    sys.exit(1 if +broken else 0)


if __name__ == "__main__":
    main()
