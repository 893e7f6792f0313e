"""kill -9 at every write and sync of a sequence of spends and of a migration; a disk full, failing or read-only from each of them on."""

import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from haven.ledger.audit import audit_verify
from haven.ledger.ledger import Ledger
from haven.ledger.opening import present_revision
from tests.support.fault_table import Row, record
from tests.support.scripted_books import ACTS, CHILD, OPENER, calls, judged, traced, why_no_strace

OLD = Path(__file__).resolve().parents[1] / "unit" / "ledger" / "released" / "0003.sql"
SHORT = 2
SAID = (
    "SELECT seq, body, digest FROM entries ORDER BY seq",
    "SELECT id, state, pico, atto, caps, outcome FROM spends ORDER BY id",
    "SELECT * FROM answers ORDER BY id",
    "SELECT account, spent_pico, reserved_pico FROM accounts ORDER BY account",
)
AUDIT = [pytest.mark.audit, pytest.mark.timeout(4 * 3600)]
short_and_long = pytest.mark.parametrize("every", [pytest.param(False, id="some"), pytest.param(True, marks=AUDIT, id="every")])

pytestmark = [pytest.mark.skipif(why_no_strace() is not None, reason=why_no_strace() or "")]


def _places(count: int, *, every: bool) -> Sequence[int]:
    """Each place from the first to the last, or a few of them spread over all."""
    return range(1, count + 1) if every else sorted({1 + count * (2 * step + 1) // (2 * SHORT) for step in range(SHORT)})


def _at_each(tmp_path: Path, inject: str, *, every: bool) -> tuple[Row, list[str]]:
    """The script with a system call disturbed at each place: counts, and every broken promise with its place."""
    template, books, total, problems = tmp_path / "template.sqlite", tmp_path / "books.sqlite", Row(), []
    Ledger.open(template).close()
    shutil.copy(template, books)
    count = calls(books, CHILD, inject.partition(":")[0], tmp_path / "trace")
    assert count > len(ACTS)
    for place in _places(count, every=every):
        _fresh(template, books)
        row, broken = judged(books, traced(CHILD, books, inject.format(place)))
        total.add(row)
        problems += [f"{inject.format(place)}: {problem}" for problem in broken]
    return total, problems


def _fresh(template: Path, books: Path) -> None:
    for companion in books.parent.glob(f"{books.name}-*"):
        companion.unlink()
    shutil.copy(template, books)


@short_and_long
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_killed_at_a_write_or_a_sync_the_books_lose_nothing(tmp_path: Path, call: str, *, every: bool) -> None:
    total, problems = _at_each(tmp_path, call + ":signal=KILL:when={}", every=every)
    record(f"kill -9 at each {call} of 8 spends", total)
    assert problems == []
    assert (total.lost, total.overspent, total.noticed) == (0, 0, total.injected)


@short_and_long
@pytest.mark.parametrize(
    ("fault", "inject"),
    [
        ("disk full from each write on", "pwrite64:error=ENOSPC:when={}+"),
        ("disk full from each sync on", "fdatasync:error=ENOSPC:when={}+"),
        ("disk failing at each sync, once", "fdatasync:error=EIO:when={}"),
        ("file system read-only from each write on", "pwrite64:error=EROFS:when={}+"),
    ],
)
def test_a_failing_disk_is_heard_and_the_books_lose_nothing(tmp_path: Path, fault: str, inject: str, *, every: bool) -> None:
    total, problems = _at_each(tmp_path, inject, every=every)
    record(fault, total)
    assert problems == []
    assert (total.lost, total.overspent) == (0, 0)


@short_and_long
@pytest.mark.parametrize("call", ["pwrite64", "fdatasync"])
def test_a_migration_killed_at_a_write_or_a_sync_leaves_old_books_or_new_ones(tmp_path: Path, call: str, *, every: bool) -> None:
    template, books, total = tmp_path / "template.sqlite", tmp_path / "books.sqlite", Row()
    with closing(sqlite3.connect(template)) as old:
        old.executescript(OLD.read_text(encoding="utf-8"))
    said = _said(template)
    _fresh(template, books)
    count = calls(books, OPENER, call, tmp_path / "trace")
    assert count > 0
    found = set()
    for place in _places(count, every=every):
        _fresh(template, books)
        child = traced(OPENER, books, f"{call}:signal=KILL:when={place}")
        found.add(_revision(books))
        lost = int(_said(books) != said)
        Ledger.open(books).close()
        lost += int(_said(books) != said or _revision(books) != present_revision())
        total.add(Row(injected=1, lost=lost, noticed=int(child.killed and audit_verify(books).whole)))
    record(f"kill -9 at each {call} of a migration", total)
    assert found <= {"0003", present_revision()}
    assert (total.lost, total.noticed) == (0, total.injected)


def _said(path: Path) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as books:
        return [books.execute(statement).fetchall() for statement in SAID]


def _revision(path: Path) -> str:
    with closing(sqlite3.connect(path)) as books:
        return str(books.execute("SELECT version_num FROM alembic_version").fetchone()[0])
