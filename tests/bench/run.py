"""Speed and accuracy, measured side by side in one run: `make bench`. Prints tables, writes artifacts/bench.json and docs/performance.md.

`--parts` which of regions, questions, peers, duckdb, noise, day, ledger, pages, books; `--rows` sizes of the region job; `--questions`
distinct small questions over HTTP; `--peer-rows` sizes of the shared questions; `--duckdb-rows` sizes against non-private DuckDB; `--cap`
seconds a peer may take on one question; `--entries` of the books whose pages and audit are timed; `--quick` small sizes, few minutes of
the peers', and no change to the page.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from tests.bench.against_duckdb import measure_against_duckdb
from tests.bench.analysts_day import measure_day
from tests.bench.noise import measure_noise
from tests.bench.pages import measure_pages
from tests.bench.peer_process import PEERS
from tests.bench.questions import measure_questions
from tests.bench.regions import measure_regions
from tests.bench.report import write_report
from tests.bench.side_by_side import measure_peers
from tests.bench.spending import measure_spending
from tests.bench.verifying import measure_books

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
PARTS = ("regions", "questions", "peers", "duckdb", "noise", "day", "ledger", "pages", "books")


def main() -> None:
    """The whole run, or the parts asked for; figures of other parts are kept from the last run."""
    asked = _asked()
    ARTIFACTS.mkdir(exist_ok=True)
    written = ARTIFACTS / ("bench-quick.json" if asked.quick else "bench.json")
    figures: dict[str, Any] = json.loads(written.read_text()) if written.exists() else {}
    print(f"{os.cpu_count()} cores; medians of interleaved runs")
    for part in asked.parts:
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            figures |= _measured(part, Path(folder), asked)
        written.write_text(json.dumps(figures, indent=2) + "\n")
    if not asked.quick:
        write_report(figures)


def _measured(part: str, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    match part:
        case "regions":
            figures: Any = [measure_regions(folder / f"regions-{rows}", rows) for rows in asked.rows]
        case "questions":
            figures = measure_questions(folder, asked.questions)
        case "peers":
            figures = measure_peers(folder, asked.peer_rows, asked.cap, asked.peers)
        case "duckdb":
            figures = [measure_against_duckdb(folder / f"duckdb-{rows}", rows) for rows in asked.duckdb_rows]
        case "noise":
            figures = measure_noise()
        case "ledger":
            figures = measure_spending(folder, asked.seconds)
        case "pages":
            figures = measure_pages(folder, asked.entries)
        case "books":
            figures = measure_books(folder, asked.entries)
        case _:
            figures = measure_day(folder, asked.peers)
    return {"against_duckdb" if part == "duckdb" else part: figures}


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="*", choices=PARTS, default=PARTS)
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--questions", type=int, default=1000)
    parser.add_argument("--peers", nargs="*", choices=tuple(PEERS), default=tuple(PEERS))
    parser.add_argument("--peer-rows", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--duckdb-rows", type=int, nargs="*", default=[10_000_000, 50_000_000])
    parser.add_argument("--cap", type=float, default=40.0)
    parser.add_argument("--seconds", type=float, default=20.0, help="that each number of clients spends of the ledger")
    parser.add_argument("--folder", help="where the tables are written (default: the system's temporary folder)")
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    if asked.quick:
        asked.entries = 20_000
        asked.rows, asked.questions, asked.cap, asked.seconds = [1_000_000], 200, 4.0, 3.0
        asked.peer_rows, asked.duckdb_rows = [100_000], [1_000_000]
        asked.parts = [part for part in asked.parts if part != "day"]
    return asked


if __name__ == "__main__":
    main()
