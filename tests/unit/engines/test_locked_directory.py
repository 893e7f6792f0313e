"""A sweep removes what dead processes left, and nothing that lives."""

import subprocess
import sys
from pathlib import Path

import pytest

from haven.engines.locked_directory import locked_directory, sweep

HOLD = """
import os, signal, sys
from pathlib import Path
from haven.engines.locked_directory import locked_directory
with locked_directory(Path(sys.argv[1]), ".b-") as path:
    (path / "half").write_text("rows")
    print(path, flush=True)
    sys.stdin.read()
"""


def test_it_is_private_and_gone_afterwards(tmp_path: Path) -> None:
    with locked_directory(tmp_path / "new", ".b-") as path:
        assert path.stat().st_mode & 0o777 == 0o700
        sweep(tmp_path / "new", ".b-")
        assert path.is_dir()
    assert not path.exists()


def test_an_error_removes_it_too(tmp_path: Path) -> None:
    def fail() -> None:
        with locked_directory(tmp_path, ".b-") as path:
            (path / "half").write_text("rows")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]


def test_what_a_living_process_holds_stays_and_what_a_killed_one_left_goes(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        path = Path(other.stdout.readline().strip())
        sweep(tmp_path, ".b-")
        assert (path / "half").exists()
        other.kill()
        other.wait()
        assert (path / "half").exists()
        sweep(tmp_path, ".b-")
    assert not path.exists()
    assert (tmp_path / "mine").is_dir()
