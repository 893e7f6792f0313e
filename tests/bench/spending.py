"""Spends a second of the books alone, on each store: reserve and post with an answer, so two durable commits and every check of a spend."""

import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from tests.support import postgres
from tests.support.books import ANSWER, NOW, caps, permit, plan, rho

CLIENTS = (1, 4, 64)
WARMING = 100
ALLOWED = permit(caps(rho(10**30)))
NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def measure_spending(folder: Path, seconds: float) -> dict[str, Any]:
    """The figures of each store with 1, 4 and 64 clients of one mediator; printed and returned."""
    rows: list[dict[str, Any]] = []
    missing = {}
    for store, name in NAMES.items():
        reason = postgres.why_not() if store == "postgresql" else None
        if reason is not None:
            missing[name] = reason
            continue
        with _place(store, folder) as place, Ledger.open(place) as ledger:
            for _ in range(WARMING):
                _spend(ledger, "warming")
            rows += [{"store": name} | _measured(ledger, clients, seconds) for clients in CLIENTS]
    for row in rows:
        print("  ".join(f"{name} {value:.1f}" if isinstance(value, float) else f"{name} {value}" for name, value in row.items()))
    return {"rows": rows, "missing": missing}


@contextmanager
def _place(store: str, folder: Path) -> Iterator[Place]:
    if store == "sqlite":
        yield folder / "books.sqlite"
    else:
        with postgres.cluster(on_disk=True) as running:
            yield running.fresh()


def _measured(ledger: Ledger, clients: int, seconds: float) -> dict[str, Any]:
    together = threading.Barrier(clients)

    def client(number: int) -> list[float]:
        together.wait()
        began, taken = time.perf_counter(), []
        while time.perf_counter() - began < seconds:
            start = time.perf_counter()
            _spend(ledger, f"plan-{number}")
            taken.append(time.perf_counter() - start)
        return taken

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        times = sorted(chain.from_iterable(pool.map(client, range(clients))))
    rate = len(times) / (time.perf_counter() - began)
    return {
        "clients": clients,
        "spends a second": rate,
        "p50 ms": 1000 * statistics.median(times),
        "p99 ms": 1000 * times[int(0.99 * len(times))],
    }


def _spend(ledger: Ledger, digest: str) -> None:
    ledger.post(ledger.reserve(plan(rho(1), digest), ALLOWED, 1, NOW), ANSWER, "pass", NOW)
