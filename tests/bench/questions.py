"""A thousand distinct small questions over HTTP with the durable ledger: p50, p99, and questions a second with eight clients."""

import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from haven.cli.house import now, open_books
from haven.cli.options import OPERATOR
from tests.bench.regions import build_home

ROWS = 10_000
CLIENTS = 8


def measure_questions(folder: Path, count: int) -> list[dict[str, Any]]:
    """The figures without and with the default slot; printed and returned."""
    home = build_home(folder / "questions", ROWS)
    with open_books(home) as (_, ledger):
        token = ledger.people.issue_token("bencher", now(), actor=OPERATOR)
    with serving(home) as url:
        return [
            _measure(url, token, name, count, words) for name, words in (("regions-off", "timing off"), ("regions-slot", "slots of 50 ms"))
        ]


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """A real `haven serve` in a process of its own; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "haven.cli.main", "serve", "--home", str(home), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ))
    try:
        _wait(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _wait(url: str) -> None:
    for _ in range(300):
        try:
            if httpx.get(url).status_code == httpx.codes.OK:
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise TimeoutError(url)


def _measure(url: str, token: str, dataset: str, count: int, words: str) -> dict[str, Any]:
    questions = [f'SELECT COUNT(*) AS n FROM "{dataset}".people WHERE x < {1 + 998 * k / (3 * count):.6f}' for k in range(3 * count)]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}", "Accept": "application/json"}, timeout=60) as client:
        for sql in questions[:20]:
            _ask(client, sql)
        alone = sorted(_ask(client, sql) for sql in questions[20:count])
        began = time.perf_counter()
        with ThreadPoolExecutor(CLIENTS) as clients:
            together = sorted(clients.map(lambda sql: _ask(client, sql), questions[count:]))
        rate = len(together) / (time.perf_counter() - began)
    result = {
        "timing": words,
        "p50_ms": 1000 * statistics.median(alone),
        "p99_ms": 1000 * alone[int(0.99 * len(alone))],
        "questions_a_second": rate,
        "p99_ms_with_8_clients": 1000 * together[int(0.99 * len(together))],
    }
    print(f"\n{count} distinct small questions over HTTP, {words}")
    print("  " + json.dumps({name: round(value, 1) if isinstance(value, float) else value for name, value in result.items()}))
    return result


def _ask(client: httpx.Client, sql: str) -> float:
    began = time.perf_counter()
    client.post("/api/v1/queries", json={"project": "bench", "sql": sql, "epsilon": "0.01"}).raise_for_status()
    return time.perf_counter() - began
