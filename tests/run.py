"""Every test, with branch coverage per room: `make test`. Ends with one line `N passed, N failed, N skipped`.

Three runs: what may run side by side on all cores; the simulation, unmeasured, since its clients are greenlets, after which coverage sees
nothing more of its process; then what needs the machine to itself (the real hub, sandbox and browser).
"""

import json
import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ET  # the reports are pytest's own, written a moment ago
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ARTIFACTS = ROOT / "artifacts"
STRICT_ROOMS = ("privacy", "query", "policy", "ledger", "disclosure", "release")
STRICT_PERCENT = 95.0
SIMULATION = "tests/simulation"
WORKERS = ["-n", str(min(4, os.cpu_count() or 1))]
MEASURED, PLAIN = ["-m", "coverage", "run", "-m", "pytest"], ["-m", "pytest"]
RUNS = (
    (
        "side by side",
        MEASURED,
        [*WORKERS, "--dist", "loadfile", "-m", "not hub and not browser and not audit", f"--ignore={SIMULATION}", "tests"],
    ),
    ("the simulation", PLAIN, [*WORKERS, "-m", "not audit", SIMULATION]),
    ("one at a time", MEASURED, ["-m", "(hub or browser) and not audit", f"--ignore={SIMULATION}", "tests"]),
)


def main() -> int:
    ARTIFACTS.mkdir(exist_ok=True)
    for stale in ROOT.glob(".coverage.*"):
        stale.unlink()
    counts: dict[str, int] = defaultdict(int)
    failed_runs = [name for name, how, options in RUNS if not _run(name, [*how, *options], counts)]
    short = _coverage()
    for room, percent in short:
        print(f"coverage of {room} is {percent:.1f} %: below {STRICT_PERCENT:.0f} %")
    counts["failed"] = counts["failed"] or len(failed_runs) + len(short)
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped")
    return 1 if counts["failed"] else 0


def _run(name: str, options: list[str], counts: dict[str, int]) -> bool:
    report = ARTIFACTS / f"junit-{name.replace(' ', '-')}.xml"
    report.unlink(missing_ok=True)
    started = time.monotonic()
    command = [sys.executable, *options, "-q", f"--junitxml={report}"]
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    print(f"tests {name}: {time.monotonic() - started:.0f} s")
    suites = ET.parse(report).getroot().iter("testsuite") if report.exists() else []
    for suite in suites:
        tests, failed, skipped = (int(suite.get(key, 0)) for key in ("tests", "failures", "skipped"))
        failed += int(suite.get("errors", 0))
        counts["failed"] += failed
        counts["skipped"] += skipped
        counts["passed"] += tests - failed - skipped
    return code == 0


def _coverage() -> list[tuple[str, float]]:
    """Print each room's branch coverage; the strict rooms that fall short."""
    subprocess.run([sys.executable, "-m", "coverage", "combine", "-q"], cwd=ROOT, check=True)
    subprocess.run([sys.executable, "-m", "coverage", "json", "-q", "-o", str(ARTIFACTS / "coverage.json")], cwd=ROOT, check=True)
    files = json.loads((ARTIFACTS / "coverage.json").read_text())["files"]
    seen: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for name, entry in files.items():
        room = Path(name).parts[1] if len(Path(name).parts) > 2 else "haven"
        summary = entry["summary"]
        seen[room][0] += summary["covered_lines"] + summary["covered_branches"]
        seen[room][1] += summary["num_statements"] + summary["num_branches"]
    percent = {room: 100 * covered / total for room, (covered, total) in seen.items() if total}
    for room in sorted(percent):
        print(f"coverage {room:12} {percent[room]:5.1f} %{'  (at least 95)' if room in STRICT_ROOMS else ''}")
    return [(room, percent.get(room, 0.0)) for room in STRICT_ROOMS if percent.get(room, 0.0) < STRICT_PERCENT]


if __name__ == "__main__":
    sys.exit(main())
