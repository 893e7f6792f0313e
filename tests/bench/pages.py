"""How long each of the custodian's pages takes over books of a million entries, over HTTP: `python -m tests.bench.pages`."""

import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx

from haven.ledger.registry import PolicyKind
from haven.policy.caps import caps_of
from haven.privacy.budget import Price
from tests.support import large_books, policy_files
from tests.support.large_books import Use
from tests.support.release_world import CUSTODIAN, NOW
from tests.support.web_world import DATASET, PROJECT, Web, build, serving, write_policy

ENTRIES = 1_000_000
TIMES = 15
MOST_MS = 300
PROJECTS = tuple(f"study-{number}" for number in range(10))
PEOPLE = tuple(f"researcher-{number}" for number in range(40))
SHARE = "/datasets/nafld/projects/study-0"
PAGES = (
    *("/datasets", "/alerts", "/datasets/nafld", "/datasets/nafld?days=365", "/datasets/nafld/questions"),
    *("/datasets/nafld/questions?project=study-3", "/datasets/nafld/questions?researcher=researcher-7"),
    *("/datasets/nafld/questions?project=study-3&researcher=researcher-3&before=5000", "/datasets/nafld/questions?before=1000"),
    *("/datasets/nafld/questions/q-0000000000000007", SHARE, f"{SHARE}?epsilon=2", "/datasets/nafld/policy", "/projects/study-0"),
    *("/researchers/researcher-0", "/proposals", "/datasets/nafld/burn-down.svg", "/datasets/nafld/questions-per-day.svg"),
)


def measure_pages(folder: Path, entries: int = ENTRIES) -> dict[str, Any]:
    """Medians in milliseconds by page, after one warm-up each, and how long the books took to write."""
    web = build(folder)
    began = time.perf_counter()
    _fill(web, entries)
    written = time.perf_counter() - began
    with serving(web), web.client(CUSTODIAN) as client:
        found = {page: _median_ms(client, page) for page in PAGES}
    return {"entries": entries, "written_s": written, "pages_ms": found}


def _fill(web: Web, entries: int) -> None:
    write_policy(web.world, PolicyKind.DATASET, policy_files.dataset_text(**{**DATASET, "privacy__epsilon": 40}))
    for place, name in enumerate(PROJECTS):
        people = [PEOPLE[(place + step) % len(PEOPLE)] for step in range(0, len(PEOPLE), 10)]
        grant = {"project": name, "title": name, "researchers": people, "datasets": {"nafld": {"epsilon": 30}}}
        write_policy(web.world, PolicyKind.PROJECT, policy_files.project_text(**{**PROJECT, **grant}))
    policies = web.parts.policies
    dataset, projects = policies.dataset("nafld"), {name: policies.project(name) for name in PROJECTS}
    caps = {name: caps_of(dataset, project) for name, project in projects.items()}
    price = Price(dataset.privacy.definition, caps["study-0"].dataset.pico // entries)
    told = large_books.facts(["number of rows"], ["region"], '"persons" AND ("age" > 40)')
    until = NOW + timedelta(days=3)
    people_of = {name: project.researchers for name, project in projects.items()}
    large_books.fill(web.world.ledger, Use("nafld", "nafld", people_of, caps, price, until, document=told), entries // 2)


def _median_ms(client: httpx.Client, page: str) -> float:
    taken = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        reply = client.get(page)
        taken.append(1000 * (time.perf_counter() - began))
        if reply.status_code != 200:
            msg = f"{page} is {reply.status_code}"
            raise RuntimeError(msg)
    return statistics.median(taken[1:])


def main() -> None:
    """Measure and print; the number of entries may be given."""
    entries = int(sys.argv[1]) if len(sys.argv) > 1 else ENTRIES
    with tempfile.TemporaryDirectory() as folder:
        figures = measure_pages(Path(folder), entries)
    print(f"{entries:,} entries, written in {figures['written_s']:.0f} s")
    for page, taken in figures["pages_ms"].items():
        print(f"{taken:8.1f} ms  {page}{'' if taken <= MOST_MS else '  TOO SLOW'}")


if __name__ == "__main__":
    main()
