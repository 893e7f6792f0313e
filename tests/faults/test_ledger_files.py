"""The file fails: full, read-only, locked, missing, damaged. One constant sentence, nothing half-done, and life afterwards."""

import random
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from haven.errors import Code, Fault
from haven.ledger.audit import audit_verify
from haven.ledger.entries import Reservation
from haven.ledger.failures import LEDGER_FAULT
from haven.ledger.ledger import Ledger
from tests.support.books import ANSWER, NOW, caps, permit, plan, rho
from tests.support.fault_table import Row, record

ALLOWED = permit(caps(rho(10**9)))
FLIPS = 150


def _take(ledger: Ledger) -> Reservation:
    return ledger.reserve(plan(rho(1)), ALLOWED, 1, NOW, question="SELECT count(*) FROM persons " + "-- " * 300)


def _mount(where: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(where)], check=True, capture_output=True)


@pytest.fixture(name="small_disk")
def _small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk with fresh books on it, and room for 128 KB more."""
    disk = tmp_path / "disk"
    disk.mkdir()
    Ledger.open(tmp_path / "books.sqlite").close()
    try:
        _mount(disk, f"size={(tmp_path / 'books.sqlite').stat().st_size // 1024 + 128}k,mode=0700")
    except (subprocess.CalledProcessError, FileNotFoundError):
        pytest.skip("mounting a small disk needs root")
    try:
        shutil.copy(tmp_path / "books.sqlite", disk / "books.sqlite")
        yield disk
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def _fill_the_disk(ledger: Ledger) -> tuple[list[Reservation], Fault]:
    taken: list[Reservation] = []
    for _ in range(10_000):
        try:
            taken.append(_take(ledger))
        except Fault as fault:
            return taken, fault
    pytest.fail("the disk never filled")


def test_a_full_disk_at_reserve_is_one_constant_sentence_and_takes_nothing(small_disk: Path) -> None:
    with Ledger.open(small_disk / "books.sqlite") as ledger:
        taken, fault = _fill_the_disk(ledger)
        assert (fault.code, str(fault)) == (Code.FAULT_LEDGER, LEDGER_FAULT)
        assert taken
        assert ledger.population_balance("nafld").reserved == rho(len(taken))
        assert {spend.reservation.id for spend in ledger.history("liver")} == {reservation.id for reservation in taken}


def test_a_full_disk_at_post_answers_nothing_and_the_sweep_posts_it_later(small_disk: Path) -> None:
    path = small_disk / "books.sqlite"
    with Ledger.open(path) as ledger:
        taken, _ = _fill_the_disk(ledger)
        long_answer = replace(ANSWER, document={"errors": ["x" * 20_000]})
        failed = []
        for reservation in taken:
            try:
                ledger.post(reservation, long_answer, "pass", NOW)
            except Fault as fault:
                assert fault.code is Code.FAULT_LEDGER  # noqa: PT017 - some posts may still fit: each is looked at
                failed.append(reservation.id)
        assert failed
        _mount(small_disk, "remount,size=8m")
        assert ledger.sweep(NOW, timedelta(0)) == len(failed)
        _take(ledger)
    report = audit_verify(path)
    assert (report.whole, report.posted, report.in_flight) == (True, len(taken), 1)


def test_a_disk_too_small_for_new_books_is_a_fault_and_they_open_once_there_is_room(small_disk: Path) -> None:
    (small_disk / "books.sqlite").unlink()
    (small_disk / "ballast").write_bytes(b"x" * 150_000)
    with pytest.raises(Fault) as fault:
        Ledger.open(small_disk / "books.sqlite")
    assert fault.value.code is Code.FAULT_LEDGER
    _mount(small_disk, "remount,size=8m")
    with Ledger.open(small_disk / "books.sqlite") as ledger:
        _take(ledger)
    assert audit_verify(small_disk / "books.sqlite").whole


def test_a_file_locked_by_someone_else_is_a_fault_after_the_wait_and_works_again_after(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    with Ledger.open(path, busy_timeout=timedelta(milliseconds=100)) as ledger:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Fault) as fault:
            _take(ledger)
        assert (fault.value.code, str(fault.value)) == (Code.FAULT_LEDGER, LEDGER_FAULT)
        assert ledger.population_balance("nafld").taken == rho(0)
        other.execute("ROLLBACK")
        other.close()
        _take(ledger)
    assert audit_verify(path).whole


@pytest.mark.parametrize("where", ["no/such/folder/books.sqlite", "."])
def test_a_path_that_cannot_be_a_file_is_a_fault(tmp_path: Path, where: str) -> None:
    with pytest.raises(Fault) as fault:
        Ledger.open(tmp_path / where)
    assert str(fault.value) == LEDGER_FAULT


def test_a_file_that_is_no_database_is_a_fault_and_stays_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    path.write_bytes(b"somebody's letter" * 100)
    with pytest.raises(Fault):
        Ledger.open(path)
    assert path.read_bytes() == b"somebody's letter" * 100


def test_a_read_only_disk_is_a_fault(small_disk: Path) -> None:
    with Ledger.open(small_disk / "books.sqlite") as ledger:
        _take(ledger)
    _mount(small_disk, "remount,ro")
    with pytest.raises(Fault) as fault:
        Ledger.open(small_disk / "books.sqlite")
    assert fault.value.code is Code.FAULT_LEDGER


def _contents(path: Path) -> list[str] | None:
    """Everything a reader of the books can see, None where SQLite itself cannot read them."""
    try:
        books = sqlite3.connect(path)
        books.text_factory = bytes
        try:
            tables = ("entries", "accounts", "spends", "answers", "policies", "states", "snapshots", "users")
            return [repr(books.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()) for table in tables]  # noqa: S608 - named above
        finally:
            books.close()
    except sqlite3.Error:
        return None


def test_a_flipped_bit_anywhere_in_the_chain_is_found(tmp_path: Path) -> None:
    """Flips at random places: one that changes what the entries say is always found, as is any that SQLite cannot read."""
    path, flipped = tmp_path / "books.sqlite", tmp_path / "flipped.sqlite"
    with Ledger.open(path) as ledger:
        for _ in range(20):
            ledger.post(_take(ledger), ANSWER, "pass", NOW)
    whole, original = path.read_bytes(), _contents(path)
    assert original is not None
    places, mattered = random.Random(7), 0  # noqa: S311 - places to flip, not secrets
    for _ in range(FLIPS):
        data = bytearray(whole)
        data[places.randrange(len(data))] ^= 1 << places.randrange(8)
        flipped.write_bytes(data)
        contents = _contents(flipped)
        if contents is None or contents[0] != original[0]:
            mattered += 1
            assert not audit_verify(flipped).whole
        for companion in tmp_path.glob("flipped.sqlite-*"):
            companion.unlink()
    record("bits of the file flipped (noticed: those that change what the entries say)", Row(FLIPS, 0, 0, 0, 0, mattered))
    assert mattered > 10
