"""A worker holds nothing, reaches nothing, and does not outlive its parent."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from haven.engines.child import Child, WorkerLostError
from haven.engines.snapshot import database_of
from tests.support.engine_world import ENDLESS, SMALL, make_snapshot

ORPHAN = """
import sys, time
from pathlib import Path
from haven.engines.child import Child, WorkerLostError
from tests.support.engine_world import ENDLESS, SMALL
child = Child(Path(sys.argv[1]), Path(sys.argv[2]), SMALL)
child.ask("SELECT 1", time.monotonic() + 20)
print(child.pid, flush=True)
child.ask(ENDLESS, time.monotonic() + 60)
"""


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Child]:
    """A worker of a process with a secret in its environment and an inheritable file open."""
    monkeypatch.setenv("HAVEN_SECRET", "sesame")
    secret = tmp_path / "secret"
    secret.write_text("sesame")
    descriptor = os.open(secret, os.O_RDONLY)
    os.set_inheritable(descriptor, True)  # noqa: FBT003 - the signature of os
    database = database_of(make_snapshot(tmp_path))
    (tmp_path / "spill").mkdir()
    child = Child(database, tmp_path / "spill", SMALL)
    child.ask("SELECT 1", time.monotonic() + 20)
    yield child
    child.kill()
    os.close(descriptor)


def ask(child: Child, sql: str) -> bytes:
    return child.ask(sql, time.monotonic() + 20)


def test_it_holds_no_file_but_its_line_its_database_and_null(child: Child, tmp_path: Path) -> None:
    held = {str(descriptor.readlink()) for descriptor in Path(f"/proc/{child.pid}/fd").iterdir()}
    sockets = {name for name in held if name.startswith("socket:")}
    kernel = {name for name in held if name.startswith("anon_inode:")}
    assert held - sockets - kernel == {"/dev/null", str(tmp_path / "d" / "1" / "data.duckdb")}
    assert len(sockets) == 1


def test_it_knows_no_secret_of_its_parent(child: Child) -> None:
    process = psutil.Process(child.pid)
    assert set(process.environ()) - {"COVERAGE_PROCESS_CONFIG", "LC_CTYPE"} == {
        "PATH",
        "LANG",
        "TZ",
        "ARROW_DEFAULT_MEMORY_POOL",
        "OMP_NUM_THREADS",
    }
    assert "sesame" not in " ".join(process.cmdline())
    assert process.cwd() == "/"


def test_it_has_limits_and_a_process_group_of_its_own(child: Child) -> None:
    process = psutil.Process(child.pid)
    assert process.rlimit(psutil.RLIMIT_CORE) == (0, 0)
    assert process.rlimit(psutil.RLIMIT_NOFILE)[1] <= 128
    assert process.rlimit(psutil.RLIMIT_FSIZE) == (SMALL.spill, SMALL.spill)
    assert 0 < process.rlimit(psutil.RLIMIT_AS)[1] < 8 * 2**30
    assert 0 < process.rlimit(psutil.RLIMIT_CPU)[0] < 120
    assert os.getpgid(child.pid) == os.getsid(child.pid) == child.pid


def test_it_gains_no_privilege_and_cannot_be_traced_by_its_like(child: Child) -> None:
    status = Path(f"/proc/{child.pid}/status").read_text()
    assert "NoNewPrivs:\t1" in status
    # a process that may not be dumped belongs to root in /proc, whoever runs it; as root that cannot be seen
    if os.getuid() != 0:
        assert Path(f"/proc/{child.pid}/environ").stat().st_uid == 0


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('{home}/secret')",
        "SELECT * FROM glob('/etc/*')",
        "COPY t TO '{home}/out.csv'",
        "COPY t FROM '/etc/passwd'",
        "EXPORT DATABASE '{home}/out'",
        "ATTACH '{home}/other.duckdb'",
        "ATTACH ':memory:' AS m",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
        "CREATE TABLE mine AS SELECT 1",
        "CREATE TEMP TABLE mine AS SELECT 1",
        "INSERT INTO t VALUES ('z', 1)",
        "DELETE FROM t",
        "SET threads = 1",
        "RESET lock_configuration",
        "SET enable_external_access = true",
        "PRAGMA database_size",
        "CALL pragma_version()",
        "EXPLAIN ANALYZE SELECT * FROM t",
        "CREATE SECRET s (TYPE http)",
        "SELECT * FROM connection",
        "SELECT * FROM settings",
        "BEGIN",
    ],
)
def test_nothing_but_its_tables_is_within_reach(child: Child, tmp_path: Path, sql: str) -> None:
    before = {path.name for path in tmp_path.iterdir()}
    with pytest.raises(WorkerLostError):
        ask(child, sql.format(home=tmp_path))
    assert {path.name for path in tmp_path.iterdir()} == before
    assert child.alive
    assert ask(child, "SELECT count(*) FROM t")


def test_the_refused_statements_would_be_answered_by_an_open_database(tmp_path: Path) -> None:
    """The control of the test above: reading a file is something this DuckDB can do."""
    import duckdb  # noqa: PLC0415 - only the control opens a database here

    (tmp_path / "x.txt").write_text("sesame")
    assert duckdb.sql(f"SELECT content FROM read_text('{tmp_path}/x.txt')").fetchall() == [("sesame",)]  # noqa: S608 - the test's own path


def test_a_reply_larger_than_allowed_is_not_read(child: Child) -> None:
    with pytest.raises(WorkerLostError):
        ask(child, "SELECT repeat('x', 1000) FROM range(100000)")
    assert not child.alive


def test_it_dies_with_its_parent_even_in_the_middle_of_a_question(tmp_path: Path) -> None:
    database = database_of(make_snapshot(tmp_path))
    (tmp_path / "spill").mkdir()
    command = [sys.executable, "-c", ORPHAN, str(database), str(tmp_path / "spill")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as parent:
        assert parent.stdout is not None
        orphan = psutil.Process(int(parent.stdout.readline()))
        until = time.monotonic() + 20
        while orphan.cpu_times().user < 1.5:
            assert time.monotonic() < until
            time.sleep(0.01)
        parent.kill()
    orphan.wait(5)
    assert not orphan.is_running()


def test_it_ends_by_itself_when_its_parent_hangs_up(child: Child) -> None:
    assert ask(child, "SELECT count(*) FROM t")
    child._line.close()
    assert child._process.wait(10) == 0


def test_a_question_that_never_ends_is_ended_by_its_parent(child: Child) -> None:
    began = time.monotonic()
    with pytest.raises(WorkerLostError):
        child.ask(ENDLESS, began + 1)
    assert time.monotonic() - began < 3
    assert not psutil.pid_exists(child.pid)
