"""Answers and faults alike leave at the end of a slot: 50, 100, 200 … milliseconds after their question."""

import asyncio
import contextlib
import random

import pytest

from haven.engines.time_grid import TimeGrid, async_slot, slot


class Time:
    """A clock that only sleep moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds

    async def async_sleep(self, seconds: float) -> None:
        self.sleep(seconds)


@pytest.mark.parametrize(
    ("elapsed", "released"),
    [(0, 0.05), (0.0001, 0.05), (0.05, 0.05), (0.0500001, 0.1), (0.1, 0.1), (0.11, 0.2), (0.21, 0.4), (3.0, 3.2), (60, 102.4)],
)
def test_the_grid_doubles(elapsed: float, released: float) -> None:
    assert TimeGrid(50).release(elapsed) == pytest.approx(released, abs=1e-12)


def test_no_other_times_exist() -> None:
    draw = random.Random(3)  # noqa: S311 - test data
    boundaries = [0.007 * 2**k for k in range(20)]
    for elapsed in (draw.expovariate(1) for _ in range(2000)):
        assert TimeGrid(7).release(elapsed) == min(b for b in boundaries if b >= elapsed)


def test_off_adds_nothing() -> None:
    time = Time()
    assert TimeGrid(None).release(0.0123) == 0.0123
    with slot(TimeGrid(None), time.clock, time.sleep):
        time.now += 0.0123
    assert time.now == pytest.approx(1000.0123)


@pytest.mark.parametrize("slot_ms", [0, -1])
def test_a_slot_has_a_length(slot_ms: int) -> None:
    with pytest.raises(ValueError, match="millisecond"):
        TimeGrid(slot_ms)


@pytest.mark.parametrize(("took", "left_at"), [(0.001, 0.05), (0.049, 0.05), (0.07, 0.1), (0.05, 0.05)])
@pytest.mark.parametrize("fails", [False, True])
def test_answers_and_faults_leave_together(took: float, left_at: float, *, fails: bool) -> None:
    time = Time()
    with contextlib.suppress(LookupError), slot(TimeGrid(50), time.clock, time.sleep):
        time.now += took
        if fails:
            raise LookupError
    assert time.now - 1000 == pytest.approx(left_at)


@pytest.mark.parametrize("fails", [False, True])
def test_the_same_holds_without_holding_up_the_loop(*, fails: bool) -> None:
    time = Time()

    async def ask() -> None:
        async with async_slot(TimeGrid(50), time.clock, time.async_sleep):
            time.now += 0.06
            if fails:
                raise LookupError

    with contextlib.suppress(LookupError):
        asyncio.run(ask())
    assert time.now - 1000 == pytest.approx(0.1)


def test_a_cancelled_question_does_not_wait() -> None:
    time = Time()

    async def ask() -> None:
        async with async_slot(TimeGrid(50), time.clock, time.async_sleep):
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(ask())
    assert time.now == 1000.0


def test_the_real_clock_waits_out_the_slot() -> None:
    import time  # noqa: PLC0415 - the other tests have a clock of their own

    began = time.monotonic()
    with slot(TimeGrid(20)):
        pass
    assert 0.02 <= time.monotonic() - began < 1
