"""kill -9, lost workers, full disks and two mediators at once: no answer without its spend, no spend lost, no cap passed."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from haven.cli.house import House, open_books, open_house
from haven.errors import QUESTION_FAULT, Code, Fault
from haven.ledger.audit import audit_verify
from haven.policy.caps import caps_of
from tests.support import served
from tests.support.fault_table import Row, record
from tests.support.house import OTTO, ask, spent
from tests.support.killed_service import PICO, kill_rounds
from tests.support.watched import watched

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
COUNT = "SELECT COUNT(*) AS n FROM persons"
TRIES = 100


@pytest.mark.parametrize(
    ("kills", "longest"),
    [pytest.param(10, 0.4, id="10-kills"), pytest.param(200, 1.0, marks=[pytest.mark.audit, pytest.mark.timeout(3600)], id="200-kills")],
)
def test_no_answer_is_without_its_posted_spend_after_kill_9(bench_home: Path, kills: int, longest: float) -> None:
    tally = kill_rounds(bench_home, kills, seed=20260301, longest=longest)
    counts = {name: value for name, value in asdict(tally).items() if name != "receipts"} | {"answered": len(tally.receipts)}
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "kills.json").write_text(json.dumps(counts, indent=2) + "\n", encoding="utf-8")
    print(counts)  # noqa: T201 - the audit's figures
    lost = tally.answered_without_a_posted_spend
    record(
        "kill -9 of the whole service, 4 clients", Row(tally.kills, len(tally.receipts), tally.posted - len(tally.receipts), lost, 0, kills)
    )
    assert tally.problems == []
    assert tally.answered_without_a_posted_spend == 0
    assert len(tally.receipts) >= kills
    assert tally.posted >= len(tally.receipts)


def test_a_worker_killed_in_a_burst_costs_only_constant_faults_and_the_next_question_is_answered(bench_home: Path) -> None:
    with served.serving(bench_home) as service, ThreadPoolExecutor(4) as clients, service.client() as client:
        client.post("/api/v1/queries", json=served.question(COUNT, epsilon="1"))  # starts a worker
        stop = threading.Event()

        def kill_workers() -> int:
            killed = 0
            while not stop.is_set():
                for pid in service.workers():
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                stop.wait(0.05)
            return killed

        with ThreadPoolExecutor(1) as killer:
            kills = killer.submit(kill_workers)
            bodies = [served.question(f"SELECT COUNT(*) AS n FROM persons WHERE age > {i}", epsilon="1") for i in range(60)]  # noqa: S608 - a question
            replies = list(clients.map(lambda body: client.post("/api/v1/queries", json=body), bodies))
            stop.set()
        assert kills.result() > 0
        lost = [reply.json() for reply in replies if reply.status_code != httpx.codes.OK]
        assert {(one["code"], one["detail"]) for one in lost} <= {(Code.FAULT_QUESTION.value, QUESTION_FAULT)}
        assert lost
        time.sleep(1)  # the last kill has reached its worker: from here on nothing is killed
        again = client.post("/api/v1/queries", json=served.question("SELECT SUM(age) AS s FROM persons", epsilon="1"))
        assert again.status_code == httpx.codes.OK
    with open_books(bench_home) as (_, ledger):
        history = ledger.history("aging")
        assert len(history) == 62
        assert sum(spend.answered for spend in history) == 62 - len(lost)
        assert ledger.balance("clinic", "clinic", "aging").spent.pico == sum(spend.reservation.price.pico for spend in history)
    record("engine worker killed, 4 clients", Row(kills.result(), 62 - len(lost), len(lost), 0, 0, kills.result()))
    assert audit_verify(bench_home / "books.sqlite").whole


def test_one_key_sent_again_and_again_is_one_receipt_and_one_price(bench_home: Path) -> None:
    """Four clients send one request under one key, and send it again after a kill -9 in the middle: nobody pays twice."""
    body = served.question(COUNT, epsilon="1", idempotency_key="the-only-one")
    replies: list[httpx.Response] = []
    token = served.token_of(bench_home, "anna")
    for _ in range(2):
        service = served.start(bench_home, token)
        with ThreadPoolExecutor(4) as clients, service.client() as client:
            replies += clients.map(lambda _, client=client: client.post("/api/v1/queries", json=body), range(TRIES // 2))
        service.kill()
    answers = [reply.json() for reply in replies if reply.status_code == httpx.codes.OK]
    others = {reply.json()["code"] for reply in replies if reply.status_code != httpx.codes.OK}
    with open_books(bench_home) as (_, ledger):
        (only,) = ledger.history("aging")
        balance = ledger.balance("clinic", "clinic", "aging")
    receipts = {answer["receipt"]["id"] for answer in answers}
    rows = {json.dumps(answer["rows"]) for answer in answers}
    overspent = int(balance.taken.pico != only.reservation.price.pico)
    record("one request sent 100 times under one key, over HTTP", Row(TRIES, len(answers), 0, len(receipts) - 1, overspent, len(replies)))
    assert others <= {Code.REQUEST_CONFLICT.value}  # while the first is still being answered
    assert len(answers) >= TRIES // 2
    assert (receipts, len(rows), overspent) == ({only.reservation.id}, 1, 0)
    assert audit_verify(bench_home / "books.sqlite").whole


def test_a_worker_lost_while_it_works_is_one_constant_fault(normal_house: House) -> None:
    """The worker is stopped before the question and killed while the mediator waits for it, so it surely dies mid-query."""
    ask(normal_house, COUNT, "0.1")
    pool = normal_house.engine._pools["clinic", 1]
    child = pool._slots.queue[-1]
    assert child is not None
    os.kill(child.pid, signal.SIGSTOP)
    killer = threading.Timer(0.3, os.kill, (child.pid, signal.SIGKILL))
    killer.start()
    before = spent(normal_house).pico
    with pytest.raises(Fault) as fault:
        ask(normal_house, "SELECT SUM(age) AS s FROM persons", "0.1")
    killer.join()
    assert str(fault.value) == QUESTION_FAULT
    assert spent(normal_house).pico > before
    assert ask(normal_house, "SELECT SUM(age) AS s FROM persons WHERE age > 3", "0.1").rows


def test_a_data_file_that_is_gone_is_one_constant_fault_and_spent(normal_house: House) -> None:
    (normal_house.home.home.data / "clinic" / "1" / "data.duckdb").unlink()
    with pytest.raises(Fault) as fault:
        ask(normal_house, COUNT, "0.1")
    assert str(fault.value) == QUESTION_FAULT
    assert spent(normal_house).pico > 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """An almost full file system of its own."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(place)], check=False, capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this machine lets nobody mount a tmpfs")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def _fill(place: Path) -> Path:
    """A file that takes every byte that is left."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    return filler


def _ask_until_fault(house: House) -> Fault | None:
    """The first fault of a series of small questions; the write-ahead log has room for a few."""
    for number in range(500):
        try:
            ask(house, f"SELECT COUNT(*) AS n FROM persons WHERE weight > {number}.5", "0.001")  # noqa: S608 - a question
        except Fault as fault:
            return fault
    return None


def test_a_full_disk_is_a_coded_fault_and_nothing_is_answered_unpaid(normal_home: Path, small_disk: Path) -> None:
    home = shutil.copytree(normal_home, small_disk / "home")
    with open_house(home) as house:
        paid = ask(house, COUNT, "0.01").receipt
        filler = _fill(small_disk)
        fault = _ask_until_fault(house)
        assert fault is not None
        assert fault.code in {Code.FAULT_LEDGER, Code.FAULT_QUESTION}
        watching, engine = watched(house)
        with pytest.raises(Fault) as reserving:
            ask(watching, "SELECT SUM(age) AS s FROM persons", "0.02")
        assert reserving.value.code is Code.FAULT_LEDGER
        assert engine.calls == []
        filler.unlink()
        assert ask(house, "SELECT SUM(age) AS s FROM persons", "0.02").rows
        assert house.enquiries.receipt(paid["id"], OTTO)["cost"] == paid["cost"]
    assert audit_verify(home / "books.sqlite").whole


ASKER = """
import sys, types, pathlib, threading, json
tests = types.ModuleType("tests"); tests.__path__ = [sys.argv[1] + "/tests"]; sys.modules["tests"] = tests
from haven.cli.house import open_house
from haven.errors import HavenError
from tests.support.house import ask
told, lock = [], threading.Lock()
def go(house, who):
    for number in range(30):
        sql = f"SELECT COUNT(*) AS n FROM persons WHERE weight > {sys.argv[3]}.{who}{number:03}"
        try:
            receipt = ask(house, sql, "0.12").receipt
            with lock:
                told.append((receipt["id"], receipt["cost"]["rho"]))
        except HavenError as error:
            with lock:
                told.append((error.code.value, None))
with open_house(pathlib.Path(sys.argv[2])) as house:
    threads = [threading.Thread(target=go, args=(house, who)) for who in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
print(json.dumps(told))
"""


def test_two_mediators_on_one_home_never_overspend_and_their_receipts_add_up(normal_home: Path) -> None:
    root = str(Path(__file__).resolve().parents[2])
    command = [sys.executable, "-c", ASKER, root, str(normal_home)]
    both = [subprocess.Popen([*command, str(number)], cwd=root, stdout=subprocess.PIPE) for number in (41, 42)]
    told = [line for process in both for line in json.loads(process.communicate(timeout=120)[0])]
    receipts = {number: int(Decimal(rho) * PICO) for number, rho in told if rho is not None}
    refusals = {code for code, rho in told if rho is None}
    with open_books(normal_home) as (_, ledger), open_house(normal_home) as house:
        cap = caps_of(house.policies.dataset("clinic"), house.policies.project("aging")).project
        balance = ledger.balance("clinic", "clinic", "aging")
    assert refusals == {Code.BUDGET_EXHAUSTED.value}
    assert len(told) == 240
    assert balance.spent.pico == sum(receipts.values())
    assert balance.reserved.pico == 0
    cheapest = min(receipts.values())
    assert cap.pico - cheapest < balance.spent.pico <= cap.pico
    assert audit_verify(normal_home / "books.sqlite").whole
