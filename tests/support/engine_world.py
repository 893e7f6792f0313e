"""Small snapshots for the engine, and plans and permits whose only content is SQL and keys."""

import contextlib
from dataclasses import replace
from pathlib import Path

import duckdb
import psutil

from haven.engines.limits import Limits
from haven.engines.snapshot import database_of
from haven.ledger.entries import Reservation
from haven.privacy.mechanisms import Sensitivity
from haven.privacy.tables import KeyValue
from haven.privacy.units import ContributionBound
from haven.query.private_plan import GroupKey, OutputType, PrivatePlan, Target
from tests.support.books import NOW, rho
from tests.support.books import plan as empty_plan

SMALL = Limits(deadline=20, memory=256 * 2**20, spill=64 * 2**20, reply=8 * 2**20, threads=2, workers=2)
# a cross join that no machine finishes within a test, and that DuckDB cannot answer from statistics
ENDLESS = "SELECT count(*)::BIGINT AS t0 FROM range(3000000) a, range(3000000) b WHERE hash(a.range + b.range) = 7"
Domain = tuple[KeyValue, ...] | None


def make_snapshot(data: Path, dataset: str = "d", serial: int = 1) -> Path:
    """A snapshot of one table `t`: ten rows with k in a, b, NULL and x from 0 to 9."""
    directory = data / dataset / str(serial)
    directory.mkdir(parents=True)
    with duckdb.connect(str(database_of(directory))) as connection:
        rows = "SELECT CASE range % 3 WHEN 0 THEN 'a' WHEN 1 THEN 'b' END AS k, range::INTEGER AS x FROM range(10)"
        connection.execute(f"CREATE TABLE t AS {rows}")
    return directory


def plan(sql: str, domains: tuple[Domain, ...] = (), targets: int = 1, dataset: str = "d") -> PrivatePlan:
    """A plan with one text key a domain and this many targets."""
    sensitivity = Sensitivity(ContributionBound(1, 1, 1), 1)
    return replace(
        empty_plan(rho(1), dataset=dataset),
        sql=sql,
        keys=tuple(GroupKey(f"k{i}", OutputType.TEXT, domain) for i, domain in enumerate(domains)),
        targets=tuple(Target(f"t{i}", 1.0, sensitivity, "") for i in range(targets)),
    )


def permit(asked: PrivatePlan, snapshot: int = 1) -> Reservation:
    """A permit for the plan."""
    return Reservation("r1", asked.digest, "policy", snapshot, asked.population, asked.dataset, "p", "alice", asked.price, NOW)


def worker_processes() -> list[psutil.Process]:
    """The living workers of this process."""
    found = []
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE and "worker.py" in " ".join(process.cmdline()):
                found.append(process)
    return found
