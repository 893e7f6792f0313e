"""The engine answers plans on the snapshot their permit names, from as many threads as ask."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from haven.engines.duckdb_engine import DuckDBEngine
from haven.engines.snapshot import database_of
from haven.errors import Fault
from tests.support.engine_world import SMALL, make_snapshot, permit, plan, worker_processes

BY_KEY = "SELECT k AS k0, sum(x)::BIGINT AS t0 FROM t GROUP BY k"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    make_snapshot(data)
    with duckdb.connect(str(database_of(make_snapshot(data, serial=2)))) as connection:
        connection.execute("UPDATE t SET x = x + 100")
    for i in range(3):
        make_snapshot(data, dataset=f"other{i}")
    return data


@pytest.fixture(scope="module")
def engine(data: Path) -> Iterator[DuckDBEngine]:
    with DuckDBEngine(data, SMALL) as engine:
        yield engine


def opened(table: Any) -> list[Any]:  # noqa: ANN401 - a seal is broken on purpose
    return list(zip(table._keys, *table._columns, strict=True))


def test_public_keys_are_all_answered(engine: DuckDBEngine) -> None:
    asked = plan(BY_KEY, (("a", "b", "c"),))
    assert opened(engine.execute(asked, permit(asked))) == [(("a",), 18), (("b",), 12), (("c",), 0)]


def test_private_keys_come_with_their_units(engine: DuckDBEngine) -> None:
    asked = plan("SELECT k AS k0, count(*) AS units_, sum(x)::BIGINT AS t0 FROM t GROUP BY k", (None,))
    table = engine.execute(asked, permit(asked))
    assert opened(table) == [((None,), 15), (("a",), 18), (("b",), 12)]
    assert table._units == [3, 4, 3]


def test_sixteen_threads_get_their_own_answers(engine: DuckDBEngine) -> None:
    def ask(i: int) -> list[Any]:
        asked = plan(f"SELECT (sum(x) + {i})::BIGINT AS t0 FROM t")  # noqa: S608 - a number of the test's own
        return opened(engine.execute(asked, permit(asked)))

    with ThreadPoolExecutor(16) as threads:
        assert list(threads.map(ask, range(64))) == [[((), 45 + i)] for i in range(64)]
    assert len(worker_processes()) <= SMALL.workers


def test_a_permit_for_another_plan_answers_nothing(engine: DuckDBEngine) -> None:
    asked = plan(BY_KEY, (("a",),))
    for wrong in ({"plan_digest": "another"}, {"dataset": "other0"}):
        with pytest.raises(Fault):
            engine.execute(asked, replace(permit(asked), **wrong))


def test_a_newer_snapshot_ends_the_workers_of_the_older(data: Path) -> None:
    before = len(worker_processes())
    asked = plan("SELECT sum(x)::BIGINT AS t0 FROM t")
    with DuckDBEngine(data, SMALL) as engine:
        engine.prewarm("d", 1)
        assert len(worker_processes()) == before + 2
        assert opened(engine.execute(asked, permit(asked, snapshot=2))) == [((), 1045)]
        assert len(worker_processes()) == before + 1
    assert len(worker_processes()) == before


def test_the_least_recently_used_snapshots_lose_their_workers(data: Path) -> None:
    before = len(worker_processes())
    with DuckDBEngine(data, replace(SMALL, snapshots=2)) as engine:
        for i in (0, 1, 2):
            asked = plan("SELECT count(*) AS t0 FROM t", dataset=f"other{i}")
            assert opened(engine.execute(asked, permit(asked))) == [((), 10)]
        assert len(worker_processes()) == before + 2


def test_a_retired_dataset_has_no_workers_until_it_is_asked_again(data: Path) -> None:
    before = len(worker_processes())
    asked = plan("SELECT count(*) AS t0 FROM t")
    with DuckDBEngine(data, SMALL) as engine:
        engine.execute(asked, permit(asked))
        engine.retire("d")
        assert len(worker_processes()) == before
        assert opened(engine.execute(asked, permit(asked))) == [((), 10)]


def test_a_closed_engine_answers_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    make_snapshot(tmp_path)
    before = len(worker_processes())
    engine = DuckDBEngine(tmp_path, SMALL)
    assert engine.has_room("d", 1)
    engine.prewarm("d", 1)
    engine.close()
    assert not engine.has_room("d", 1)
    asked = plan("SELECT 1::BIGINT AS t0")
    with pytest.raises(Fault):
        engine.execute(asked, permit(asked))
    assert len(worker_processes()) == before
    assert {path.name for path in tmp_path.iterdir()} == {"d", ".lock"}


def test_a_snapshot_that_is_not_there_cannot_be_prewarmed(engine: DuckDBEngine) -> None:
    with pytest.raises(Fault):
        engine.prewarm("nowhere", 1)


def test_a_worker_outlives_the_thread_that_first_asked(tmp_path: Path) -> None:
    make_snapshot(tmp_path)
    asked = plan("SELECT count(*) AS t0 FROM t")
    before = {process.pid for process in worker_processes()}
    with DuckDBEngine(tmp_path, SMALL) as engine:
        first = threading.Thread(target=engine.execute, args=(asked, permit(asked)))
        first.start()
        first.join()
        started = {process.pid for process in worker_processes()} - before
        assert opened(engine.execute(asked, permit(asked))) == [((), 10)]
        assert {process.pid for process in worker_processes()} - before == started
        assert len(started) == 1
