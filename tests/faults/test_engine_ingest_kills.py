"""kill -9 at any moment of an ingest leaves no snapshot, and the next ingest sweeps what it left."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from haven.engines.snapshot import snapshots_in
from tests.support.sources import ingested, table, write_source

INGEST = """
import sys
from pathlib import Path
from haven.engines.ingest import ingest
from tests.support.sources import SECRET, table
declared = table(source="x.parquet", unit_column="id", rows_per_unit=9, columns={"x": {"type": "number", "bounds": [0, 10]}})
home = Path(sys.argv[1])
ingest({"t": declared}, home, home / "dataset", SECRET, lambda step: print(step.done, flush=True))
"""
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("killed")
    write_source(home / "x.parquet", pa.table({"id": [i % 70000 for i in range(300000)], "x": [i % 1000 / 100 for i in range(300000)]}))
    return home


@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_a_kill_during_each_step_leaves_no_snapshot(source: Path, step: int) -> None:
    draw = random.Random(step)  # noqa: S311 - a moment to die
    dataset = source / "dataset"
    before = len(snapshots_in(dataset))
    with subprocess.Popen([sys.executable, "-c", INGEST, str(source)], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        while process.stdout.readline().strip() != str(step):
            assert process.poll() is None
        time.sleep(draw.random() * 0.02)
        process.kill()
    left = {path.name for path in dataset.iterdir()}
    assert any(name.startswith(".building-") for name in left) or len(snapshots_in(dataset)) == before + 1
    declared = table(source="x.parquet", unit_column="id", rows_per_unit=9, columns={"x": {"type": "number", "bounds": [0, 10]}})
    after = ingested({"t": declared}, source, source)
    assert all(path.name.isdecimal() or path.name == ".lock" for path in dataset.iterdir())
    # whatever exists is whole: every snapshot has the same content
    assert {snapshot.fingerprint for snapshot in snapshots_in(dataset)} == {after.fingerprint}


def test_a_refused_ingest_of_one_process_leaves_that_of_another_alone(source: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", INGEST, str(source)], stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "0"
        with pytest.raises(Exception, match="does not exist"):
            ingested({"t": table(source="gone.csv", unit_column="id", columns={"x": {"type": "boolean"}})}, source, source)
        assert process.wait() == 0
