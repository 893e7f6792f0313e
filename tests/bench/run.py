"""Speed and accuracy, measured side by side in one run: `make bench`. Prints tables and writes artifacts/bench.json.

`--rows 1000000 10000000` sizes of the region job; `--questions 1000` distinct small questions over HTTP.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from tests.bench.questions import measure_questions
from tests.bench.regions import measure_regions

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="*", default=[1_000_000, 10_000_000])
    parser.add_argument("--questions", type=int, default=1000)
    asked = parser.parse_args()
    ARTIFACTS.mkdir(exist_ok=True)
    print(f"{os.cpu_count()} cores; medians of interleaved runs")
    with tempfile.TemporaryDirectory() as folder:
        regions = [measure_regions(Path(folder) / f"regions-{rows}", rows) for rows in asked.rows]
        questions = measure_questions(Path(folder), asked.questions) if asked.questions else []
    (ARTIFACTS / "bench.json").write_text(json.dumps({"regions": regions, "questions": questions}, indent=2) + "\n")


if __name__ == "__main__":
    main()
