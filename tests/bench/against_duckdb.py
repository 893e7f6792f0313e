"""haven beside the non-private query of the same engine on the same stored file: what privacy costs in time.

Three take turns: the non-private query, the query that haven makes of it (bounded, on the grid) run in the same connection, and the
whole question through the mediator, slots off. The second over the first is what privacy costs the engine at any size; what the third
adds to the second is the fixed cost of a question. Medians of the turns are compared. A question that is refused is shown with its
reason, and counts as missed.
"""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from haven.cli.house import House, open_house
from haven.errors import Refused
from tests.bench.homes import ask, generated, make_home, stored
from tests.bench.shared_data import policies, write_tables

DATASET = "shared-zcdp"
TURNS = 7
CAP_S = 60.0
SCAN_GOAL, PERSON_GOAL, MEDIAN_GOAL = 1.2, 2.0, 1.0


@dataclass(frozen=True)
class Contest:
    """One question asked both ways, and the ratio it should keep within."""

    name: str
    sql: str
    goal: float = SCAN_GOAL
    options: Mapping[str, int] = field(default_factory=dict)


PER_PERSON = "(SELECT id, COUNT(*) AS k, SUM(value) AS total, MAX(value) AS top FROM visits GROUP BY id) AS persons"
CONTESTS = (
    Contest("scan: COUNT with a filter", "SELECT COUNT(*) AS n FROM people WHERE age > 65 AND x < 500"),
    Contest("scan: SUM and AVG", "SELECT SUM(x) AS s, AVG(x) AS m FROM people"),
    Contest("group by 16 regions", "SELECT region, COUNT(*) AS n, AVG(x) AS m, SUM(x) AS s FROM people GROUP BY region"),
    Contest("group by region and sex", "SELECT region, sex, COUNT(*) AS n, AVG(x) AS m FROM people GROUP BY region, sex"),
    Contest("group by age, 81 groups", "SELECT age, COUNT(*) AS n FROM people GROUP BY age"),
    Contest(
        "ages in tens by CASE",
        "SELECT CASE WHEN age < 40 THEN 'young' WHEN age < 65 THEN 'middle' ELSE 'old' END AS band, AVG(x) AS m FROM people GROUP BY 1",
    ),
    Contest("bounded COUNT by code", "SELECT code, COUNT(*) AS n FROM visits GROUP BY code"),
    Contest("bounded SUM by code", "SELECT code, SUM(value) AS s FROM visits GROUP BY code"),
    Contest("bounded SUM, 3 rows a person", "SELECT SUM(value) AS s FROM visits", options={"rows_per_unit": 3}),
    Contest("persons by code", "SELECT code, COUNT(DISTINCT id) AS n FROM visits GROUP BY code"),
    Contest(
        "persons by site (private keys)", "SELECT site, COUNT(DISTINCT id) AS n FROM visits GROUP BY site", options={"groups_per_unit": 2}
    ),
    Contest("join to persons", "SELECT region, COUNT(*) AS n, SUM(value) AS s FROM visits JOIN people USING (id) GROUP BY region"),
    Contest(
        "join, filtered on persons",
        "SELECT code, AVG(value) AS m FROM visits JOIN people USING (id) WHERE age > 65 AND sex = 'f' GROUP BY code",
    ),
    Contest("per person: mean of counts", f"SELECT AVG(k) AS m FROM {PER_PERSON}", PERSON_GOAL),
    Contest("per person: sums and highest", f"SELECT AVG(total) AS m, AVG(top) AS h, COUNT(*) AS n FROM {PER_PERSON}", PERSON_GOAL),
    Contest("variance", "SELECT VAR_POP(x) AS v FROM people"),
    Contest("standard deviation by region", "SELECT region, STDDEV_SAMP(x) AS d FROM people GROUP BY region"),
    Contest("median (exact in DuckDB)", "SELECT MEDIAN(x) AS q FROM people", MEDIAN_GOAL),
    Contest("median by region (exact in DuckDB)", "SELECT region, MEDIAN(x) AS q FROM people GROUP BY region", MEDIAN_GOAL),
    Contest("three quantiles", "SELECT QUANTILE_CONT(x, [0.25, 0.5, 0.75]) AS q FROM people", MEDIAN_GOAL),
)


def measure_against_duckdb(folder: Path, rows: int, contests: Sequence[Contest] = CONTESTS) -> dict[str, Any]:
    """Wall seconds of each contest at `rows` rows a table; printed and returned."""
    began = time.perf_counter()
    write_tables(folder, rows)
    home = make_home(folder, {DATASET: policies()[DATASET]})
    ingest = time.perf_counter() - began
    print(f"\nhaven against non-private DuckDB, {rows:,} rows a table (written and ingested in {ingest:.0f} s)")
    with open_house(home) as house:
        plain = _plain(house)
        results = [_contest(house, plain, contest) for contest in contests]
        plain.close()
    return {"rows": rows, "ingest_s": ingest, "contests": results}


def _plain(house: House) -> duckdb.DuckDBPyConnection:
    """The stored file as an analyst without privacy would read it: the unit column under the name that questions use."""
    plain = duckdb.connect()
    plain.execute(f"ATTACH '{stored(house, DATASET)}' AS held (READ_ONLY)")
    for table in ("people", "visits"):
        plain.execute(f"CREATE VIEW {table} AS SELECT unit_ AS id, * EXCLUDE (unit_) FROM held.{table}")
    return plain


def _contest(house: House, plain: duckdb.DuckDBPyConnection, contest: Contest) -> dict[str, Any]:
    sql = contest.sql
    for table in ("people", "visits"):
        for word in ("FROM", "JOIN"):
            sql = sql.replace(f"{word} {table}", f'{word} "{DATASET}".{table}')
    result: dict[str, Any] = {"name": contest.name, "goal": contest.goal}
    try:
        private = generated(house, sql, options=contest.options)
        held = plain.cursor()
        held.execute("USE held")
        runs: dict[str, Callable[[], object]] = {
            "plain": lambda: plain.execute(contest.sql).fetchall(),
            "query": lambda: held.execute(private).to_arrow_table(),
            "haven": lambda: ask(house, sql, options=contest.options),
        }
        walls = _in_turns(runs)
    except Refused as refusal:
        print(f"  {contest.name:36} not answered: {refusal.reason}")
        return result | {"why": refusal.reason}
    result |= {name: statistics.median(each) for name, each in walls.items()}
    for name, of in (("query_ratio", "query"), ("ratio", "haven")):
        result[name] = statistics.median(mine / theirs for mine, theirs in zip(walls[of], walls["plain"], strict=True))
    met = "" if result["ratio"] <= contest.goal else f"   goal {contest.goal} missed"
    times = " ".join(f"{1000 * result[name]:9.1f} ms" for name in runs)
    print(f"  {contest.name:36} {times} {result['query_ratio']:6.2f} x {result['ratio']:6.2f} x{met}")
    return result


def _in_turns(runs: Mapping[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of each, taking turns; the first turn warms up and is not counted."""
    walls: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(TURNS + 1):
        for name, run in runs.items():
            began = time.perf_counter()
            run()
            if turn:
                walls[name].append(time.perf_counter() - began)
        if sum(map(sum, walls.values())) > CAP_S:
            break
    return walls
