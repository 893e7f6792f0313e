"""Answers leave on a grid of time: how long a question took is seen only as the slot in which its answer left.

Slots end at slot, 2·slot, 4·slot, … after the question arrived. An answer and a fault alike wait for the end of the slot they were
ready in, so a question of one plan class that stays within its usual slot tells nothing by its time, and any question at most
log₂(longest/slot) facts about it. Time is reduced, not closed: resource exhaustion and the slots themselves remain.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class TimeGrid:
    """A grid whose first slot is `slot_ms` milliseconds; None is off (bench homes only)."""

    slot_ms: int | None = 50

    def __post_init__(self) -> None:
        """A grid that exists is valid."""
        if self.slot_ms is not None and self.slot_ms < 1:
            raise ValueError("a slot lasts at least one millisecond")

    def release(self, elapsed: float) -> float:
        """Seconds after its arrival at which what took `elapsed` seconds may leave: the smallest slot·2ᵏ ≥ elapsed; `elapsed` when off."""
        if self.slot_ms is None:
            return elapsed
        released = self.slot_ms / 1000
        while released < elapsed:
            released *= 2
        return released


@contextmanager
def slot(grid: TimeGrid, clock: Clock = time.monotonic, sleep: Callable[[float], None] = time.sleep) -> Iterator[None]:
    """Whatever happens inside, an answer or an error, leaves at the end of its slot."""
    arrived = clock()
    try:
        yield
    finally:
        wait = _left(grid, arrived, clock())
        if wait > 0:
            sleep(wait)


@asynccontextmanager
async def async_slot(
    grid: TimeGrid, clock: Clock = time.monotonic, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> AsyncIterator[None]:
    """As `slot`, without holding up the event loop. A cancelled question does not wait: nothing of it leaves."""
    arrived = clock()
    try:
        yield
    except asyncio.CancelledError:
        raise
    except BaseException:
        await _pause(grid, arrived, clock, sleep)
        raise
    await _pause(grid, arrived, clock, sleep)


async def _pause(grid: TimeGrid, arrived: float, clock: Clock, sleep: Callable[[float], Awaitable[None]]) -> None:
    wait = _left(grid, arrived, clock())
    if wait > 0:
        await sleep(wait)


def _left(grid: TimeGrid, arrived: float, now: float) -> float:
    elapsed = now - arrived
    return grid.release(elapsed) - elapsed
