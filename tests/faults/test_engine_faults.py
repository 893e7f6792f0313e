"""Whatever happens to a worker, the asker hears one constant sentence, and the next question is answered."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from haven.engines.duckdb_engine import DuckDBEngine
from haven.engines.snapshot import database_of
from haven.errors import QUESTION_FAULT, Fault
from tests.support.engine_world import ENDLESS, SMALL, make_snapshot, permit, plan, worker_processes


@pytest.fixture
def data(tmp_path: Path) -> Path:
    make_snapshot(tmp_path)
    return tmp_path


@pytest.fixture
def engine(data: Path) -> Iterator[DuckDBEngine]:
    with DuckDBEngine(data, SMALL) as engine:
        yield engine


def faults(engine: DuckDBEngine, sql: str) -> None:
    """`sql` ends in the one fault, which says nothing else and hides nothing behind it."""
    asked = plan(sql)
    with pytest.raises(Fault) as fault:
        engine.execute(asked, permit(asked))
    assert (str(fault.value), fault.value.code) == (QUESTION_FAULT, "fault.question")
    assert fault.value.__cause__ is None
    assert fault.value.__suppress_context__


def count(engine: DuckDBEngine) -> int:
    """The table's rows, asked of the engine."""
    asked = plan("SELECT count(*) AS t0 FROM t")
    table: Any = engine.execute(asked, permit(asked))
    ((rows,),) = table._columns
    return int(rows)


def wait_for(condition: Callable[[], object]) -> None:
    """Until the condition holds; the test's own time limit ends it otherwise."""
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.01)


def busy() -> list[psutil.Process]:
    return [p for p in worker_processes() if p.cpu_times().user > 1.5]


def test_a_worker_killed_in_the_middle_of_a_question(engine: DuckDBEngine) -> None:
    def kill() -> None:
        wait_for(busy)
        busy()[0].kill()

    killer = threading.Thread(target=kill)
    killer.start()
    faults(engine, ENDLESS)
    killer.join()
    assert count(engine) == 10


def test_a_worker_killed_while_idle(engine: DuckDBEngine) -> None:
    assert count(engine) == 10
    for worker in worker_processes():
        worker.kill()
    faults(engine, "SELECT count(*) AS t0 FROM t")
    assert count(engine) == 10


def test_a_deadline_kills_the_worker_and_frees_the_machine(data: Path) -> None:
    with DuckDBEngine(data, replace(SMALL, deadline=1.5)) as engine:
        engine.prewarm("d", 1)
        old = {p.pid for p in worker_processes()}
        began = time.monotonic()
        faults(engine, ENDLESS)
        assert time.monotonic() - began < 10
        new = {p.pid for p in worker_processes()}
        assert len(old & new) == 1
        assert len(new) == 2
        assert count(engine) == 10


def test_a_deadline_covers_the_wait_for_a_worker(data: Path) -> None:
    with DuckDBEngine(data, replace(SMALL, deadline=1.5, workers=1)) as engine, ThreadPoolExecutor(3) as threads:
        began = time.monotonic()
        for each in [threads.submit(faults, engine, ENDLESS) for _ in range(3)]:
            each.result()
        assert time.monotonic() - began < 10
        assert count(engine) == 10


def test_questions_beyond_the_waiting_line_are_seen_before_they_are_paid(data: Path) -> None:
    with DuckDBEngine(data, replace(SMALL, deadline=3, workers=1, waiting=2)) as engine, ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(faults, engine, ENDLESS) for _ in range(3)]
        wait_for(lambda: not engine.has_room("d", 1))
        for each in asked:
            each.result()
        assert engine.has_room("d", 1)


def test_more_than_memory_and_disk_allow(engine: DuckDBEngine) -> None:
    faults(engine, "SELECT count(*) AS t0 FROM (SELECT DISTINCT range::VARCHAR || repeat('x', 200) FROM range(20000000))")
    assert count(engine) == 10


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1 // 0 + error('secret-cell')::BIGINT AS t0",
        "SELECT 'secret-cell'::BIGINT AS t0",
        "SELECT nothing FROM nowhere",
        "SELEC",
        "",
        "SELECT 1::BIGINT AS t0; SELECT 2::BIGINT AS t0",
        "SELECT 1 AS t0",
        "SELECT NULL::BIGINT AS t0",
        "SELECT 1::BIGINT AS t9",
        "SELECT range AS t0 FROM range(3)",
        "SELECT repeat('x', 100) AS t0 FROM range(1000000)",
    ],
)
def test_a_question_that_fails_or_answers_in_another_shape(engine: DuckDBEngine, sql: str, caplog: pytest.LogCaptureFixture) -> None:
    faults(engine, sql)
    assert count(engine) == 10
    assert "secret-cell" not in caplog.text


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "noise"])
def test_a_damaged_snapshot(data: Path, damage: str) -> None:
    database = database_of(data / "d" / "1")
    whole = database.read_bytes()
    if damage == "missing":
        database.unlink()
    else:
        database.write_bytes({"empty": b"", "cut": whole[: len(whole) // 3], "noise": os.urandom(len(whole))}[damage])
    with DuckDBEngine(data, SMALL) as engine:
        faults(engine, "SELECT count(*) AS t0 FROM t")
        database.write_bytes(whole)
        assert count(engine) == 10


def test_a_snapshot_that_does_not_exist(engine: DuckDBEngine) -> None:
    asked = plan("SELECT count(*) AS t0 FROM t")
    with pytest.raises(Fault) as fault:
        engine.execute(asked, permit(asked, snapshot=99))
    assert str(fault.value) == QUESTION_FAULT


def test_no_process_can_be_started(engine: DuckDBEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "secret-cell")

    with monkeypatch.context() as patch:
        patch.setattr("haven.engines.child.subprocess.Popen", none_left)
        faults(engine, "SELECT count(*) AS t0 FROM t")
    assert count(engine) == 10


def test_a_stopped_worker_is_lost_at_the_deadline(data: Path) -> None:
    with DuckDBEngine(data, replace(SMALL, deadline=1.5, workers=1)) as engine:
        engine.prewarm("d", 1)
        (worker,) = worker_processes()
        os.kill(worker.pid, signal.SIGSTOP)
        faults(engine, "SELECT count(*) AS t0 FROM t")
        assert not psutil.pid_exists(worker.pid)
        assert count(engine) == 10
