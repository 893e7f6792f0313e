"""The parent's end of a worker: start it with nothing in its hands, ask it, kill it when its time is up."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from haven.engines.limits import Limits
from haven.engines.worker import ANSWERED, REPLY, REQUEST

WORKER = Path(__file__).with_name("worker.py")
# the child's whole environment; the last name lets a test run measure the child's coverage
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "UTC", "ARROW_DEFAULT_MEMORY_POOL": "system", "OMP_NUM_THREADS": "1"}
PASSED_ON = ("COVERAGE_PROCESS_CONFIG",)


class WorkerLostError(Exception):
    """The worker did not answer in time, died, or failed: it says no more, since more would depend on rows."""


class Child:
    """One worker process. It answers one question at a time; `alive` is false once it has been lost.

    The thread that starts it must outlive it: the kernel kills a child when the thread that made it ends.
    """

    def __init__(self, database: Path, spill_directory: Path, limits: Limits) -> None:
        settings = {
            "parent": os.getpid(),
            "database": str(database),
            "spill_directory": str(spill_directory),
            "memory": limits.memory,
            "spill": limits.spill,
            "threads": limits.threads,
            "deadline": limits.deadline,
        }
        self.alive = True
        self.spill_directory = spill_directory
        self._most = limits.reply
        self._line, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = _start(theirs, settings)
            except OSError:
                self._line.close()
                raise

    @property
    def pid(self) -> int:
        """The worker's process id, which is also its process group."""
        return self._process.pid

    def ask(self, sql: str, deadline: float) -> bytes:
        """The Arrow IPC stream that answers `sql`, before `deadline` (of time.monotonic).

        Raises WorkerLostError; the worker is then killed, unless it said itself that it had failed.
        """
        text = sql.encode()
        try:
            self._line.settimeout(_left(deadline))
            self._line.sendall(REQUEST.pack(len(text)) + text)
            status, size = REPLY.unpack(self._receive(REPLY.size, deadline))
            body = self._receive(size, deadline)
        except (OSError, WorkerLostError):
            self.kill()
            raise WorkerLostError from None
        if status != ANSWERED:
            raise WorkerLostError
        return bytes(body)

    def _receive(self, size: int, deadline: float) -> bytearray:
        if size > self._most:
            raise WorkerLostError
        body = bytearray(size)
        view = memoryview(body)
        while view:
            self._line.settimeout(_left(deadline))
            got = self._line.recv_into(view)
            if not got:
                raise WorkerLostError
            view = view[got:]
        return body

    def interrupt(self) -> None:
        """End the worker from another thread than the one that asks it, which then finds it lost. Only while it is being asked."""
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def kill(self) -> None:
        """End the worker and all of its process group at once, and collect it. Killing twice is harmless."""
        self.alive = False
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._line.close()


def _start(line: socket.socket, settings: Mapping[str, object]) -> "subprocess.Popen[bytes]":
    """The process: its line is file 0, and it inherits nothing else."""
    return subprocess.Popen(  # noqa: S603 - haven's own program, by path, with settings of this process alone
        [sys.executable, "-I", str(WORKER), json.dumps(settings)],
        stdin=line.fileno(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        close_fds=True,
        start_new_session=True,
        cwd="/",
        env=_environment(os.environ),
    )


def _environment(inherited: Mapping[str, str]) -> dict[str, str]:
    return ENVIRONMENT | {name: inherited[name] for name in PASSED_ON if name in inherited}


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise WorkerLostError
    return left
