"""A real `haven serve` in a process of its own, asked over HTTP, and killed at will."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

from haven.cli.house import now, open_books

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0


@dataclass
class Served:
    """A running service: its process, where it listens, and a researcher's token."""

    process: subprocess.Popen[bytes]
    url: str
    token: str

    def client(self) -> httpx.Client:
        """An HTTP client with the token."""
        return httpx.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {self.token}", "Accept": "application/json"}, timeout=PATIENCE
        )

    def kill(self) -> None:
        """SIGKILL, as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def workers(self) -> list[int]:
        """The process ids of its engine workers."""
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False).stdout.split()
        return [int(pid) for pid in found if b"worker.py" in _command_line(pid)]


def _command_line(pid: str) -> bytes:
    """Of a process that may have ended meanwhile: then nothing."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def token_of(home: Path, name: str) -> str:
    """A new API token of a person of the haven."""
    with open_books(home) as (_, ledger):
        return ledger.people.issue_token(name, now(), actor="operator")


def start(home: Path, token: str) -> Served:
    """Start `haven serve` on a free port and wait until it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "haven.cli.main", "serve", "--port", str(port), "--home", str(home)]
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=said, env=os.environ | {"COLUMNS": "200"})
        served = Served(process, f"http://127.0.0.1:{port}", token)
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            healthy = _healthy(served)
            assert process.poll() is None, f"haven serve ended at once: {_end_of(said)}"
            if healthy:
                return served
            time.sleep(0.02)
        served.kill()
        raise AssertionError(f"haven serve did not answer in time: {_end_of(said)}")


def _healthy(served: Served) -> bool:
    try:
        # 503 where the books are in doubt: it runs, and says so
        return httpx.get(f"{served.url}/healthz", timeout=5).status_code in {httpx.codes.OK, httpx.codes.SERVICE_UNAVAILABLE}
    except httpx.HTTPError:
        return False


def _end_of(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode("utf-8", "replace")[-2000:]


@contextmanager
def serving(home: Path, name: str = "anna") -> Iterator[Served]:
    """A running service on `home`; it is stopped as Ctrl-C would stop it."""
    served = start(home, token_of(home, name))
    try:
        yield served
    finally:
        if served.process.poll() is None:
            served.process.send_signal(signal.SIGINT)
            served.process.wait(PATIENCE)


def question(sql: str, **parts: Any) -> dict[str, Any]:  # noqa: ANN401 - a message's own
    """The body of a question of the project `aging`."""
    return {"project": "aging", "sql": sql, **parts}
