"""The region job: COUNT, AVG and SUM in 16 groups at ε = 1, against the non-private query of the same engine on the same file."""

import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from haven.cli.house import House, open_house
from haven.mediator.answers import Question
from haven.policy.roles import Principal, Role
from tests.bench.homes import make_home, stored

REGIONS = [f"r{number:02}" for number in range(16)]
SQL = "SELECT region, COUNT(*) AS n, AVG(x) AS mean, SUM(x) AS total FROM people GROUP BY region"
RUNS = 9

DATASET = """\
dataset: {name}
title: The region job
custodian: bench
tables:
  people:
    source: people.parquet
    unit_column: id
    columns:
      region: {{type: category, keys: [{keys}]}}
      x: {{type: number, bounds: [0, 1000]}}
privacy: {{definition: zcdp, epsilon: 1000000, delta: 1e-6}}
{timing}
consent: {{permission: DUO:0000042}}
"""


def build_home(folder: Path, rows: int) -> Path:
    """A bench home with the job's data twice: one dataset without slots, one with the default slot."""
    folder.mkdir(parents=True)
    duckdb.sql(
        f"COPY (SELECT i AS id, 'r' || lpad((hash(i) % 16)::VARCHAR, 2, '0') AS region, (hash(i * 7) % 1000000) / 1000.0 AS x "
        f"FROM range({rows}) t(i)) TO '{folder / 'people.parquet'}' (FORMAT parquet)"
    )
    names = {"regions-off": "timing: off", "regions-slot": "timing: {slot_ms: 50}"}
    return make_home(folder, {name: DATASET.format(name=name, timing=timing, keys=", ".join(REGIONS)) for name, timing in names.items()})


def measure_regions(folder: Path, rows: int) -> dict[str, Any]:
    """Wall time and error of the job at `rows` rows; printed and returned."""
    with open_house(build_home(folder, rows)) as house:
        plain = duckdb.connect(str(stored(house, "regions-off")), read_only=True)
        exact = {row[0]: row[1:] for row in plain.execute(SQL).fetchall()}
        jobs: dict[str, Callable[[], object]] = {
            "non-private": lambda: plain.execute(SQL).fetchall(),
            "haven": lambda: _ask(house, "regions-off"),
            "haven, default slot": lambda: _ask(house, "regions-slot"),
        }
        walls = _interleaved(jobs)
        errors = _errors(house, exact)
        plain.close()
    base = walls["non-private"]
    result = {"rows": rows, "wall_s": walls, "beyond_15_ms_ratio": max(0.0, walls["haven"] - 0.015) / base, "mean_relative_error": errors}
    print(f"\nregion job, {rows:,} rows, 16 groups, epsilon 1")
    for name, wall in walls.items():
        print(f"  {name:22} {wall * 1000:9.1f} ms  {wall / base:6.2f} x")
    print(f"  haven less 15 ms       {result['beyond_15_ms_ratio']:.2f} x the non-private query (goal 1.2 at 10 M rows)")
    print("  mean relative error    " + ", ".join(f"{name} {error:.1e}" for name, error in errors.items()))
    return result


def _ask(house: House, dataset: str) -> dict[str, tuple[Any, ...]]:
    sql = SQL.replace("FROM people", f'FROM "{dataset}".people')
    answer = house.mediator.ask(Question("bench", sql, epsilon=Decimal(1), replay=False), Principal("bencher", Role.RESEARCHER))
    return {str(row[0]): row[1:] for row in answer.rows}


def _errors(house: House, exact: dict[str, tuple[Any, ...]]) -> dict[str, float]:
    answers = [_ask(house, "regions-off") for _ in range(20)]
    names = ("COUNT", "AVG", "SUM")
    return {
        name: statistics.fmean(abs(answer[key][i] - exact[key][i]) / abs(exact[key][i]) for answer in answers for key in exact)
        for i, name in enumerate(names)
    }


def _interleaved(jobs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median wall seconds of each job, the jobs taking turns, after one turn that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(RUNS + 1):
        for name, job in jobs.items():
            began = time.perf_counter()
            job()
            if turn:
                times[name].append(time.perf_counter() - began)
    return {name: statistics.median(each) for name, each in times.items()}
