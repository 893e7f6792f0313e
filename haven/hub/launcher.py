"""Starts a hub with its gateway, proxy and service in the foreground, and takes all of it down again.

Guaranteed: one hub on a home at a time; what an earlier, killed run has left is removed first; when `run` returns or raises, no process,
mount, control group, socket or namespace of the hub is left. The hub runs in a mount namespace of its own, so researchers' homes are
mounted for it alone. If hub or gateway ends by itself, everything ends: nothing runs half.
"""

import contextlib
import fcntl
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from haven.errors import Code, Fault, Refused
from haven.hub import leftovers
from haven.hub.environment import kernel_environment, node
from haven.hub.sandbox import Mode
from haven.hub.settings import HOME_VARIABLE, SETTINGS_VARIABLE, HubSettings

_START_SECONDS = 90.0
_STOP_SECONDS = 30.0
_STEP = 0.1


class Launcher:
    """One run of one hub. `log` is where the hub and its services write."""

    def __init__(self, settings: HubSettings) -> None:
        self.settings = settings
        self.places = settings.places
        self.log = self.places.state / "hub.log"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._stopping = False

    def run(self, when_ready: Callable[[], None] = lambda: None) -> None:
        """Start, call `when_ready` once everything answers, and stay until SIGINT or SIGTERM. Fault if a part ends by itself."""
        with self._lock(), self._signals():
            leftovers.clean(self.settings.home, self.places)  # before the check: a stale proxy would hold the port
            self._check()
            try:
                self._start()
                self._wait_until_ready()
                if not self._stopping:
                    when_ready()
                while not self._stopping:
                    self._check_alive()
                    time.sleep(_STEP)
            finally:
                self._stop()

    def stop(self) -> None:
        """Make `run` return; for signal handlers and other threads."""
        self._stopping = True

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Hold this home. Refused while another hub does."""
        for folder in (self.places.run, self.places.state):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.chmod(0o700)
        with self.places.lock.open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Refused(Code.REQUEST_CONFLICT, "A hub already runs on this home.", "Stop it first, or name another --home.") from None
            yield

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM stop the run; a handler, not SIG_IGN, so that what is started here answers to them too."""

        def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
            self.stop()

        before = {number: signal.signal(number, ask_to_stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _check(self) -> None:
        """Refuse early and plainly what would fail late."""
        if self.settings.mode is Mode.USER_NAMESPACE and os.geteuid() == 0:
            raise Refused(
                Code.HOME_INVALID, "As root, a user namespace would leave the sandbox root on this machine.", "Use the full sandbox."
            )
        if self.settings.mode is Mode.ROOT and os.geteuid() != 0:
            raise Refused(Code.HOME_INVALID, "The full sandbox needs root.", "Start as root, or choose the weaker user-namespace mode.")
        kernel_environment(self.settings.kernel_venv)
        node()
        if not (self.settings.project / "node_modules" / "configurable-http-proxy").is_dir():
            raise Refused(Code.HOME_INVALID, "The hub's proxy is not installed.", "Run `make setup`.")
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((self.settings.host, self.settings.port))
            except OSError:
                raise Refused(
                    Code.REQUEST_CONFLICT, f"Port {self.settings.port} is taken by another program.", "Choose another with --port."
                ) from None

    def _start(self) -> None:
        """The gateway, then the hub, which starts the proxy and the service."""
        places = self.places
        places.make_alias()
        (places.run / "sandboxes").mkdir(mode=0o700, exist_ok=True)
        _write_secret(places.gateway_key, secrets.token_urlsafe(32))
        _write_secret(places.settings_file, self.settings.model_dump_json(indent=1))
        self._spawn("gateway", [sys.executable, "-m", "haven.hub.gateway", "--settings", str(places.settings_file)])
        # a private mount namespace for the hub: homes are mounted there and nowhere else
        apart = ["unshare", "--mount", "--propagation", "private"] if self.settings.mode is Mode.ROOT else []
        self._spawn("hub", [*apart, sys.executable, "-m", "jupyterhub", "-f", str(self.settings.config_file)])

    def _spawn(self, name: str, command: list[str]) -> None:
        """Start a part of the hub: marked, writing to the log, asked to end if this process is killed."""
        environment = dict(os.environ) | {
            HOME_VARIABLE: str(self.settings.home),
            SETTINGS_VARIABLE: str(self.places.settings_file),
            "PYTHONUNBUFFERED": "1",
        }
        with self.log.open("ab") as log:
            os.fchmod(log.fileno(), 0o600)
            self._processes[name] = subprocess.Popen(  # noqa: S603 - haven's own programs
                ["setpriv", "--pdeathsig", "TERM", "--", *command],  # noqa: S607 - util-linux
                cwd=self.places.state,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C reaches the launcher alone, which stops the parts in order
            )

    def _check_alive(self) -> None:
        """Fault where a part has ended by itself."""
        for name, process in self._processes.items():
            if process.poll() is not None:
                raise Fault(Code.FAULT_SERVICE, f"The {name} ended by itself; the reason is at the end of hub/hub.log in the home.")

    def _wait_until_ready(self) -> None:
        """Until the hub answers through the proxy and the service answers on its socket."""
        deadline = time.monotonic() + _START_SECONDS
        while not self._stopping:
            self._check_alive()
            if self._hub_answers() and _service_answers(self.places.service_socket):
                return
            if time.monotonic() > deadline:
                raise Fault(Code.FAULT_SERVICE, "The hub did not answer in time; the reason is at the end of hub/hub.log in the home.")
            time.sleep(_STEP)

    def _hub_answers(self) -> bool:
        """Whether the public port leads to the hub."""
        connection = http.client.HTTPConnection(self.settings.host, self.settings.port, timeout=5)
        with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/hub/health")
            return connection.getresponse().status == http.client.OK
        return False

    def _stop(self) -> None:
        """The hub first, which ends its sandboxes, service and proxy in order; then the gateway; then whatever is still there."""
        for name in ("hub", "gateway"):
            if (process := self._processes.get(name)) is None:
                continue
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()
        leftovers.clean(self.settings.home, self.places)


def _service_answers(path: Path) -> bool:
    """Whether anything serves HTTP on this Unix socket: books that are in doubt have pages too, where custodians read why."""
    with socket.socket(socket.AF_UNIX) as probe, contextlib.suppress(OSError):
        probe.settimeout(5)
        probe.connect(str(path))
        probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: haven\r\nConnection: close\r\n\r\n")
        return probe.recv(12).startswith((b"HTTP/1.1 200", b"HTTP/1.1 503"))
    return False


def _write_secret(file: Path, text: str) -> None:
    """A file that only this user can read, from its first byte on."""
    file.unlink(missing_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
