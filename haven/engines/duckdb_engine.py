"""Exact answers from DuckDB: a permit goes in, a sealed table comes out, and every failure is the same one sentence."""

import logging
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from haven.engines.child import Child, WorkerLostError
from haven.engines.limits import Limits
from haven.engines.locked_directory import locked_directory
from haven.engines.pool import Pool
from haven.engines.sealing import seal
from haven.engines.snapshot import database_of
from haven.errors import Fault, question_fault
from haven.ledger.entries import Reservation
from haven.privacy.tables import ExactTable
from haven.query.private_plan import PrivatePlan

SPILL = ".spill-"
MOST_CANCELLED = 1000
"""Cancelled executions that are remembered: each is wanted only until its worker is free."""
log = logging.getLogger(__name__)


class Engine(Protocol):
    """What computes exact answers. It asks for a reservation, so nothing is looked at that is not paid for."""

    def execute(self, plan: PrivatePlan, reservation: Reservation) -> ExactTable:
        """The sealed exact answer of `plan` on the snapshot that `reservation` names. Raises the question's fault, and nothing else."""

    def has_room(self, dataset: str, snapshot: int) -> bool:
        """False when it could not take one more question of this snapshot: ask before reserving, and refuse rather than spend."""

    def cancel(self, reservation: Reservation) -> None:
        """End the execution under `reservation`, if it has not ended: it then raises the question's fault."""


class DuckDBEngine:
    """Executes plans on the snapshots under `data` (`data/DATASET/SERIAL/`), each in killable child processes of its own.

    Safe to use from many threads at once. Use it as a context, or close it: then no process and no spilled byte of it is left.
    """

    def __init__(self, data: Path, limits: Limits | None = None) -> None:
        self._data = data
        self._limits = limits or Limits()
        self._stack = ExitStack()
        self._spill = self._stack.enter_context(locked_directory(data, SPILL))
        self._spawner = ThreadPoolExecutor(1, thread_name_prefix="engine-spawner")
        self._pools: OrderedDict[tuple[str, int], Pool] = OrderedDict()
        self._asked: dict[str, Child] = {}
        self._cancelled: deque[str] = deque(maxlen=MOST_CANCELLED)
        self._lock = threading.Lock()
        self._closed = False

    def execute(self, plan: PrivatePlan, reservation: Reservation) -> ExactTable:
        """The sealed exact answer of `plan` on the snapshot that `reservation` names. Raises the question's fault, and nothing else."""
        if (plan.digest, plan.dataset) != (reservation.plan_digest, reservation.dataset):
            log.error("engine fault: the reservation is for another plan")
            raise question_fault()
        deadline = time.monotonic() + self._limits.deadline
        try:
            stream = self._pool(plan.dataset, reservation.snapshot).ask(plan.sql, deadline, lambda child: self._held(child, reservation))
            return seal(stream, plan)
        except (WorkerLostError, Fault):
            log.error("engine fault: no answer from a worker of %s", plan.dataset)  # noqa: TRY400 - a traceback may hold data
            raise question_fault() from None

    def has_room(self, dataset: str, snapshot: int) -> bool:
        """False when as many questions wait for this snapshot as may, or when closed: ask before reserving, refuse rather than spend."""
        with self._lock:
            pool = self._pools.get((dataset, snapshot))
            return not self._closed and (pool is None or pool.has_room)

    def cancel(self, reservation: Reservation) -> None:
        """End the execution under `reservation`, if it has not ended: it then raises the question's fault."""
        with self._lock:
            self._cancelled.append(reservation.id)
            child = self._asked.get(reservation.id)
            if child is not None:
                child.interrupt()

    @contextmanager
    def _held(self, child: Child, reservation: Reservation) -> Iterator[None]:
        """While the block lasts, cancelling the reservation ends this worker. Raises WorkerLostError where it was cancelled before."""
        with self._lock:
            if reservation.id in self._cancelled:
                raise WorkerLostError
            self._asked[reservation.id] = child
        try:
            yield
        finally:
            with self._lock:
                self._asked.pop(reservation.id, None)

    def prewarm(self, dataset: str, snapshot: int) -> None:
        """Start the workers of a snapshot, so that its first question does not wait for them. Raises the question's fault."""
        try:
            self._pool(dataset, snapshot).prewarm(time.monotonic() + self._limits.deadline)
        except WorkerLostError:
            raise question_fault() from None

    def retire(self, dataset: str) -> None:
        """End every worker of a dataset (paused, withdrawn from, or removed). The next question starts new ones."""
        with self._lock:
            pools = [self._pools.pop(key) for key in list(self._pools) if key[0] == dataset]
        for pool in pools:
            pool.close()

    def close(self) -> None:
        """End every worker and remove what they spilled."""
        with self._lock:
            self._closed = True
            pools = list(self._pools.values())
            self._pools.clear()
        for pool in pools:
            pool.close()
        self._spawner.shutdown()
        self._stack.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def _pool(self, dataset: str, snapshot: int) -> Pool:
        """The pool of a snapshot. Earlier snapshots of its dataset, and the least recently used beyond the limit, lose their workers."""
        with self._lock:
            if self._closed:
                raise question_fault()
            key = (dataset, snapshot)
            pool = self._pools.get(key)
            if pool is None:
                pool = Pool(database_of(self._data / dataset / str(snapshot)), self._spill, self._limits, self._spawner)
                self._pools[key] = pool
            self._pools.move_to_end(key)
            leaving = _leaving(list(self._pools), key, self._limits.snapshots)
            gone = [self._pools.pop(k) for k in leaving]
        for each in gone:
            each.close()
        return pool


def _leaving(keys: list[tuple[str, int]], key: tuple[str, int], most: int) -> list[tuple[str, int]]:
    """Which of `keys`, least recently used first, lose their workers now that `key` is asked."""
    superseded = [other for other in keys if other[0] == key[0] and other[1] < key[1]]
    staying = [other for other in keys if other not in superseded and other != key]
    return superseded + staying[: max(0, len(staying) + 1 - most)]
