"""Clocks that jump, and locks that others hold: what is spent does not depend on the time, and nothing is answered without its record."""

import itertools
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from haven.errors import Code, Fault
from haven.ledger.audit import audit_verify
from haven.ledger.entries import SpendState
from haven.ledger.ledger import Ledger
from tests.support.books import ANSWER, NOW, caps, permit, plan, rho
from tests.support.fault_table import Row, record

CAP = 3
IN_DOUBT = timedelta(minutes=5)
JUMPS = (timedelta(days=-365), timedelta(seconds=-1), timedelta(0), timedelta(seconds=1), timedelta(days=365))


def test_no_jump_of_the_clock_loses_or_adds_a_spend(tmp_path: Path) -> None:
    """The clock jumps between reserving, posting and sweeping, each way: the sweep posts exactly what is far from its now."""
    row = Row()
    for number, (at_post, at_sweep) in enumerate(itertools.product(JUMPS, JUMPS)):
        path = tmp_path / f"{number}.sqlite"
        with Ledger.open(path) as ledger:
            left, posted = (ledger.reserve(plan(rho(1), name), permit(caps(rho(CAP))), 1, NOW) for name in ("left", "posted"))
            ledger.post(posted, ANSWER, "pass", NOW + at_post)
            swept = ledger.sweep(NOW + at_sweep, IN_DOUBT)
            assert swept == (abs(at_sweep) >= IN_DOUBT)
            state = next(spend.state for spend in ledger.history("liver") if spend.reservation.id == left.id)
            assert state is (SpendState.POSTED if swept else SpendState.RESERVED)
            assert ledger.population_balance("nafld").taken == rho(2)
            ledger.reserve(plan(rho(1), "third"), permit(caps(rho(CAP))), 1, NOW + at_post + at_sweep)
            answered = ledger.recorded(posted.id) == ANSWER
            taken = ledger.population_balance("nafld").taken.pico
        whole = audit_verify(path).whole
        row.add(Row(1, int(answered), swept, int(taken < CAP or not answered), int(taken > CAP), int(whole)))
    record("clock jumps of a year or a second, either way", row)
    assert (row.lost, row.overspent, row.noticed) == (0, 0, len(JUMPS) ** 2)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.parametrize("act", ["reserve", "post", "post fault", "void", "sweep"])
def test_a_lock_held_past_the_wait_is_heard_and_changes_nothing(tmp_path: Path, act: str) -> None:
    path = tmp_path / "books.sqlite"
    with Ledger.open(path, busy_timeout=timedelta(milliseconds=50)) as ledger:
        taken = ledger.reserve(plan(rho(1)), permit(caps(rho(CAP))), 1, NOW)
        acts = {
            "reserve": lambda: ledger.reserve(plan(rho(1)), permit(caps(rho(CAP))), 1, NOW),
            "post": lambda: ledger.post(taken, ANSWER, "pass", NOW),
            "post fault": lambda: ledger.post_fault(taken, NOW),
            "void": lambda: ledger.void(taken, "the engine could not be started", NOW),
            "sweep": lambda: ledger.sweep(NOW, timedelta(0)),
        }
        with _locked(path), pytest.raises(Fault) as fault:
            acts[act]()
        assert fault.value.code is Code.FAULT_LEDGER
        assert ledger.population_balance("nafld").reserved == rho(1)
        assert ledger.recorded(taken.id) is None
        swept = ledger.sweep(NOW, timedelta(0))
        assert swept == 1
    record(f"locked by another process at {act}", Row(1, 0, swept, 0, 0, int(audit_verify(path).whole)))
