"""The whole journey, for real: hub, sandbox, a researcher's notebooks, release desk, a checker's browser, bundle, verification."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIONS = (
    "demonstration haven is made",
    "mediator and pages are up",
    "gets a sandbox",
    "01_first_question.ipynb runs in the sandbox",
    "02_asking_for_a_release.ipynb runs in the sandbox",
    "03_several_tables.ipynb runs in the sandbox",
    "request is at the release desk",
    "approves it in a browser",
    "takes the signed bundle out",
    "sandbox is stopped",
    "bundle is verified offline",
    "books are verified",
)


@pytest.mark.hub
@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed here")
@pytest.mark.skipif(not (ROOT / ".venv-kernel/bin/python").exists(), reason="the kernels' environment is not here: make setup brings it")
def test_the_demonstration_walks_every_station_and_leaves_nothing_behind() -> None:
    before = _mounts()
    demo = subprocess.run(
        [sys.executable, "-m", "haven.cli.main", "demo"], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert demo.returncode == 0, demo.stdout + demo.stderr
    walked = [line for line in demo.stdout.splitlines() if re.match(r"\s*[\d.]+ s  ", line)]
    assert [station for station, line in zip(STATIONS, walked, strict=True) if station not in line] == []
    assert _mounts() == before
    assert "haven-demo-" not in subprocess.run(["ps", "axe", "-o", "args"], capture_output=True, text=True, check=True).stdout


def _mounts() -> set[str]:
    return {line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if "haven" in line}
