"""A peer in an environment of its own: made by `make peers` from a hashed lock, spoken to by lines of JSON."""

import json
import select
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / ".venv-peers"
PEERS = {"smartnoise": "SmartNoise SQL", "qrlew": "Qrlew", "opendp_polars": "OpenDP Polars", "pipelinedp": "PipelineDP"}


class PeerGone(Exception):
    """The peer's process ended or did not answer in time."""


class Peer:
    """One peer's process, until it is left or does not answer in time."""

    def __init__(self, name: str) -> None:
        self.name = name
        command = [str(ENVIRONMENTS / name / "bin" / "python"), str(Path(__file__).parent / "peers" / f"{name}_runner.py")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1
        )

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Ends the process."""
        self.end()

    def end(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()

    def load(self, folder: Path, timeout_s: float = 600) -> None:
        """Reads `people.parquet` and `visits.parquet` of a folder. Raises PeerGone."""
        self.load_tables({name: str(folder / f"{name}.parquet") for name in ("people", "visits")}, timeout_s)

    def load_tables(self, paths: Mapping[str, str], timeout_s: float = 600) -> None:
        """Reads tables from Parquet files. Raises PeerGone."""
        self._say({"load": dict(paths)}, timeout_s)

    def ask(self, told: dict[str, Any], noise: str, runs: int, timeout_s: float) -> dict[str, Any]:
        """The runner's answer (see peers/protocol.py). Raises PeerGone."""
        return self._say({"query": told, "noise": noise, "runs": runs}, timeout_s)

    def _say(self, line: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(line) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise PeerGone("its process ended") from None
        ready, _, _ = select.select([self._process.stdout], [], [], timeout_s)
        if not ready:
            self._process.kill()
            raise PeerGone(f"no answer within {timeout_s:.0f} s")
        answer = self._process.stdout.readline()
        if not answer:
            raise PeerGone("its process ended")
        return dict(json.loads(answer))


def installed() -> dict[str, str | None]:
    """Each peer's name with None where it can run, else the reason why it cannot."""
    return {name: _missing(name) for name in PEERS}


def _missing(name: str) -> str | None:
    if (ENVIRONMENTS / name / ".made").exists():
        return None
    failure = ENVIRONMENTS / f"{name}.failed"
    lines = [line.strip() for line in failure.read_text().splitlines() if line.strip()] if failure.exists() else []
    return f"could not be installed: {lines[-1][:200]}" if lines else "not installed (make peers)"
