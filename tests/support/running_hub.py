"""A real hub for tests: launcher, gateway, proxy, JupyterHub and a tiny service, with accounts in real books."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haven.hub.launcher import Launcher
from haven.hub.session import HubSession
from haven.hub.settings import HubSettings
from haven.ledger.ledger import Ledger
from haven.policy.roles import Role

PASSWORD = "correct horse battery"  # noqa: S105 - accounts of a test
PEOPLE = {"ada": Role.RESEARCHER, "grace": Role.RESEARCHER, "carol": Role.CHECKER, "dan": Role.CUSTODIAN}
PROJECT = Path(__file__).resolve().parents[2]
READY = "ready"


@dataclass(frozen=True)
class RunningHub:
    """A hub that answers."""

    settings: HubSettings
    process: subprocess.Popen[str]

    @property
    def address(self) -> str:
        return self.settings.address

    def session(self, name: str) -> HubSession:
        session = HubSession(self.address, name)
        session.log_in(PASSWORD)
        return session

    def stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> int:
        """Its exit status, once it has ended."""
        status = self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status

    def log(self) -> str:
        return (self.settings.home / "hub" / "hub.log").read_text(errors="replace")


def why_not() -> str | None:
    """The true reason why no hub can run here, None where it can."""
    if not (PROJECT / ".venv-kernel" / "bin" / "python").exists():
        return "no kernel environment: run `make setup`"
    if not (PROJECT / "node_modules" / "configurable-http-proxy").is_dir():
        return "no proxy: run `make setup`"
    if os.geteuid() != 0:
        return "not root: the full sandbox needs it"
    return None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def make_home(folder: Path) -> Path:
    """A home with accounts in its books."""
    home = folder / "Home"  # a capital letter: socket URLs lower-case what they hold
    home.mkdir(mode=0o700)
    now = datetime.now(UTC)
    with Ledger.open(home / "books.sqlite") as ledger:
        for name, role in PEOPLE.items():
            ledger.people.add_user(name, role, actor="setup", now=now)
            ledger.people.set_password(name, PASSWORD, actor="setup", now=now)
    return home


def settings_for(home: Path, **chosen: object) -> HubSettings:
    fields: dict[str, object] = {"port": free_port(), "memory_mb": 768, "processes": 200, "home_mb": 32, "scratch_mb": 64}
    command = (sys.executable, str(PROJECT / "tests" / "support" / "tiny_service.py"))
    return HubSettings.for_home(home, **(fields | {"service_command": command} | chosen))


def start(settings: HubSettings, *before: str, python: str = sys.executable) -> RunningHub:
    """Start a hub in a process of its own, `before` in front of its command, and wait until it says that it is ready."""
    command = [*before, python, __file__, settings.model_dump_json()]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline().strip() != READY:
        process.stdout.close()
        process.wait(60)
        log = settings.home / "hub" / "hub.log"
        pytest.fail("the hub did not start:\n" + (log.read_text(errors="replace")[-4000:] if log.exists() else "no log"))
    return RunningHub(settings, process)


@pytest.fixture(scope="session")
def hub() -> Iterator[RunningHub]:
    """One hub for all modules that import this fixture; the one that started it stops it when the tests end."""
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    if _SHARED:
        yield _SHARED[0]
        return
    with tempfile.TemporaryDirectory(prefix="haven-hub-") as folder:
        _SHARED.append(start(settings_for(make_home(Path(folder)))))
        try:
            yield _SHARED[0]
        finally:
            _SHARED.pop().stop()


_SHARED: list[RunningHub] = []


def wait_for(what: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether the callable `what` becomes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.05)
    return False


if __name__ == "__main__":
    Launcher(HubSettings.model_validate_json(sys.argv[1])).run(when_ready=lambda: print(READY, flush=True))  # noqa: T201 - the word that `start` waits for
