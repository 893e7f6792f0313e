"""The service as a process, and the command line as another: a question from a terminal over HTTP, and an end that leaves nothing."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import psutil
import pytest

from haven.cli.house import open_books
from haven.errors import Code
from haven.ledger.audit import audit_verify
from tests.support import served
from tests.support.house import copy_home

SITES = "SELECT site, COUNT(*) AS n FROM persons GROUP BY site"
COUNT = "SELECT COUNT(*) AS n FROM persons"


@pytest.fixture(scope="module")
def service(normal_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[served.Served, Path]]:
    home = copy_home(normal_template, tmp_path_factory.mktemp("served") / "home")
    with served.serving(home) as running:
        yield running, home


def haven(*words: str, token: str | None = None) -> subprocess.CompletedProcess[str]:
    """One command line, in a process of its own."""
    environment = os.environ | {"COLUMNS": "200"} | ({} if token is None else {"HAVEN_TOKEN": token})
    command = [sys.executable, "-m", "haven.cli.main", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=120)


def _query(running: served.Served, *words: str) -> subprocess.CompletedProcess[str]:
    return haven("query", *words, "--project", "aging", "--url", running.url, token=running.token)


def test_a_question_from_a_terminal_over_http_says_what_the_interface_says(service: tuple[served.Served, Path]) -> None:
    running, _ = service
    preview = _query(running, SITES, "--epsilon", "0.2", "--preview", "--json")
    assert preview.returncode == 0, preview.stderr
    asked = _query(running, SITES, "--epsilon", "0.2", "--json")
    assert asked.returncode == 0, asked.stderr
    told = json.loads(asked.stdout)
    assert told["receipt"]["cost"] == json.loads(preview.stdout)["cost"]
    with running.client() as client:
        same = client.post("/api/v1/queries", json=served.question(SITES, epsilon="0.2")).json()
        receipt = client.get(f"/api/v1/receipts/{told['receipt']['id']}").json()
        budget = client.get("/api/v1/projects/aging/budget").json()["datasets"][0]
    assert (told["columns"], told["rows"], told["errors"]) == (same["columns"], same["rows"], same["errors"])
    assert same["receipt"]["replayed"]
    assert receipt["cost"] == told["receipt"]["cost"]
    assert budget["spent"]["rho"] == told["receipt"]["cost"]["rho"]
    assert budget["left"] == told["receipt"]["remaining"]
    words = _query(running, SITES, "--epsilon", "0.2")
    assert "north" in words.stdout
    assert "free" in words.stdout


def test_refusals_over_http_end_with_code_2_and_faults_with_3(service: tuple[served.Served, Path]) -> None:
    running, _ = service
    row = _query(running, "SELECT age FROM persons", "--epsilon", "0.1")
    assert (row.returncode, Code.QUERY_ROWS.value in row.stderr) == (2, True)
    wrong = haven("query", COUNT, "--project", "aging", "--epsilon", "0.1", "--url", running.url, "--token", "no-such-token")
    assert (wrong.returncode, "auth." in wrong.stderr) == (2, True)
    nobody = haven("query", COUNT, "--project", "aging", "--epsilon", "0.1", "--url", "http://127.0.0.1:9", "--token", "t")
    assert (nobody.returncode, Code.FAULT_SERVICE.value in nobody.stderr) == (3, True)
    assert all("Traceback" not in one.stderr for one in (row, wrong, nobody))


def test_what_the_operator_types_counts_for_the_running_service_at_once(service: tuple[served.Served, Path]) -> None:
    running, home = service
    assert haven("dataset", "pause", "clinic", "--reason", "a recount", "--home", str(home)).returncode == 0
    with running.client() as client:
        refusal = client.post("/api/v1/queries", json=served.question(COUNT, epsilon="0.1"))
        assert refusal.json()["code"] == Code.POLICY_PAUSED.value
        assert haven("dataset", "resume", "clinic", "--home", str(home)).returncode == 0
        assert client.post("/api/v1/queries", json=served.question(COUNT, epsilon="0.1")).status_code == httpx.codes.OK
        units = home / "units.txt"
        units.write_text("person-001\n", encoding="utf-8")
        assert haven("dataset", "withdraw", "clinic", "--units", str(units), "--home", str(home)).returncode == 0
        again = client.post("/api/v1/queries", json=served.question(COUNT, epsilon="0.1")).json()["receipt"]
    assert (again["snapshot"], again["replayed"]) == (2, False)


def test_stopped_as_by_ctrl_c_the_service_leaves_no_process_and_no_spilled_byte(normal_home: Path) -> None:
    running = served.start(normal_home, served.token_of(normal_home, "anna"))
    with running.client() as client:
        receipt = client.post("/api/v1/queries", json=served.question(COUNT, epsilon="0.1")).json()["receipt"]
    children = psutil.Process(running.process.pid).children(recursive=True)
    assert children
    running.process.send_signal(signal.SIGINT)
    running.process.wait(30)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert list((normal_home / "data").glob(".spill-*")) == []
    with open_books(normal_home) as (_, ledger):
        spent = ledger.balance("clinic", "clinic", "aging")
    assert (Decimal(spent.spent.pico).scaleb(-12), spent.reserved.pico) == (Decimal(receipt["cost"]["rho"]), 0)
    assert audit_verify(normal_home / "books.sqlite").whole


def test_killed_outright_its_workers_end_too(normal_home: Path) -> None:
    running = served.start(normal_home, served.token_of(normal_home, "anna"))
    with running.client() as client:
        client.post("/api/v1/queries", json=served.question(COUNT, epsilon="0.1"))
    workers = [psutil.Process(pid) for pid in running.workers()]
    assert workers
    running.kill()
    give_up = time.monotonic() + 10
    while any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers) and time.monotonic() < give_up:
        time.sleep(0.05)
    assert not any(worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE for worker in workers)
