"""A thousand distinct small questions over HTTP with the durable ledger: p50, p99, and questions a second with eight clients."""

import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from typing import Any

import httpx

from haven.cli.house import now, open_books
from haven.cli.options import OPERATOR
from tests.bench.regions import build_home

ROWS = 10_000
CLIENTS = 8
WARMING = 20


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
    asker = Asker(url, token)
    for sql in questions[:WARMING]:
        asker.ask(sql)
    alone = sorted(asker.ask(sql) for sql in questions[WARMING:count])
    began = time.perf_counter()
    shares = [questions[count + each :: CLIENTS] for each in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        together = sorted(chain.from_iterable(clients.map(lambda share: _ask_each(Asker(url, token), share), shares)))
    rate = len(together) / (time.perf_counter() - began)
    result = {
        "timing": words,
        "p50_ms": 1000 * statistics.median(alone),
        "p99_ms": 1000 * alone[int(0.99 * len(alone))],
        "questions_a_second": rate,
        f"p99_ms_with_{CLIENTS}_clients": 1000 * together[int(0.99 * len(together))],
        "load_average": os.getloadavg()[0],
    }
    print(f"\n{count} distinct small questions over HTTP, {words}")
    print("  " + json.dumps({name: round(value, 1) if isinstance(value, float) else value for name, value in result.items()}))
    return result


class Asker:
    """One client on one connection that stays open, with as little of its own as there can be: it runs on the cores that it measures."""

    def __init__(self, url: str, token: str) -> None:
        self._line = http.client.HTTPConnection(url.removeprefix("http://"))
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "Content-Type": "application/json"}

    def ask(self, sql: str) -> float:
        """Seconds from sending `sql` to having its whole answer."""
        body = json.dumps({"project": "bench", "sql": sql, "epsilon": "0.01"})
        began = time.perf_counter()
        self._line.request("POST", "/api/v1/queries", body, self._headers)
        response = self._line.getresponse()
        answer = response.read()
        took = time.perf_counter() - began
        if response.status != HTTPStatus.OK or json.loads(answer)["receipt"]["replayed"]:
            raise RuntimeError(response.status)
        return took


def _ask_each(asker: Asker, questions: Sequence[str]) -> list[float]:
    return [asker.ask(sql) for sql in questions]
