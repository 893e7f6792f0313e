"""The workers of one snapshot: at most a stated number, started on use, each lost one replaced at once; questions queue with a deadline."""

import queue
import secrets
import shutil
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from haven.engines.child import Child, WorkerLostError
from haven.engines.limits import Limits

Holding = Callable[[Child], AbstractContextManager[None]]
"""What a worker is held in while it is asked."""


class Pool:
    """Workers on `database`. Safe to use from many threads at once.

    `spawner` is one thread that lives as long as the pool: the kernel kills a worker when the thread that started it ends.
    """

    def __init__(self, database: Path, spill: Path, limits: Limits, spawner: ThreadPoolExecutor) -> None:
        self._database = database
        self._spill = spill
        self._limits = limits
        self._spawner = spawner
        self._lock = threading.Lock()
        self._waiting = 0
        self._closed = False
        # last in, first out: a worker that has just answered is warmer than one that was never started
        self._slots: queue.LifoQueue[Child | None] = queue.LifoQueue()
        for _ in range(limits.workers):
            self._slots.put(None)

    @property
    def has_room(self) -> bool:
        """False when as many questions wait as may."""
        return self._waiting < self._limits.waiting

    def ask(self, sql: str, deadline: float, held: Holding | None = None) -> bytes:
        """The Arrow IPC stream that answers `sql` before `deadline` (of time.monotonic). Raises WorkerLostError.

        `held` is entered with the worker before it is asked, and left before it may be given to another question.
        """
        child = self._take(deadline)
        try:
            child = child if child is not None and child.alive else self._start()
            with nullcontext() if held is None else held(child):
                return child.ask(sql, deadline)
        finally:
            self._give_back(child)

    def prewarm(self, deadline: float) -> None:
        """Start every worker, each on its own thread, and wait until each has answered. Raises WorkerLostError where one cannot."""
        with ThreadPoolExecutor(self._limits.workers) as threads:
            barrier = threading.Barrier(self._limits.workers)
            list(threads.map(lambda _: self._warm(barrier, deadline), range(self._limits.workers)))

    def close(self) -> None:
        """Kill every idle worker at once, and each of the others when it has answered."""
        with self._lock:
            self._closed = True
            idle = self._drained()
            for _ in idle:
                self._slots.put(None)
        for child in idle:
            self._discard(child)

    def _drained(self) -> list[Child | None]:
        idle = []
        while True:
            try:
                idle.append(self._slots.get_nowait())
            except queue.Empty:
                return idle

    def _warm(self, barrier: threading.Barrier, deadline: float) -> None:
        child = self._take(deadline)
        try:
            barrier.wait(max(0.0, deadline - time.monotonic()))
            child = child if child is not None and child.alive else self._start()
            child.ask("SELECT 1", deadline)
        except threading.BrokenBarrierError:
            raise WorkerLostError from None
        finally:
            self._give_back(child)

    def _take(self, deadline: float) -> Child | None:
        with self._lock:
            self._waiting += 1
        try:
            return self._slots.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise WorkerLostError from None
        finally:
            with self._lock:
                self._waiting -= 1

    def _give_back(self, child: Child | None) -> None:
        """Return a worker to the queue; a lost one is replaced at once, so that the next asker does not wait for what this one caused."""
        if child is not None and not child.alive:
            self._discard(child)
            try:
                child = self._start()
            except WorkerLostError:
                child = None
        with self._lock:
            self._slots.put(None if self._closed else child)
            leaving = child if self._closed else None
        self._discard(leaving)

    def _start(self) -> Child:
        directory = self._spill / secrets.token_hex(8)
        try:
            directory.mkdir(mode=0o700)
            return self._spawner.submit(Child, self._database, directory, self._limits).result()
        except (OSError, RuntimeError):  # no process, no disk, or the spawner has been shut down
            raise WorkerLostError from None

    @staticmethod
    def _discard(child: Child | None) -> None:
        if child is not None:
            child.kill()
            shutil.rmtree(child.spill_directory, ignore_errors=True)
