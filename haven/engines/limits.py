"""What a question may use of the machine. Public, fixed before any question is asked, and the same for every question of a haven."""

import os
from dataclasses import dataclass, field

GIB = 2**30


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _share_of_memory() -> int:
    """A quarter of the machine's memory, at least 1 GiB: two workers leave half of it to the rest."""
    return max(GIB, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 4)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one worker process, and how many of them there are.

    `deadline` is in seconds of wall time and covers the wait for a free worker; past it the worker is killed. `memory` (of DuckDB's
    buffers), `spill` (to disk) and `reply` are bytes. `threads` are a worker's; `workers` is how many one snapshot has at most,
    `snapshots` how many snapshots have living workers, `waiting` how many questions may wait for a worker of one snapshot.
    """

    deadline: float = 60.0
    memory: int = field(default_factory=_share_of_memory)
    spill: int = 16 * GIB
    reply: int = GIB // 2
    threads: int = field(default_factory=_cores)
    workers: int = 2
    snapshots: int = 8
    waiting: int = 32
