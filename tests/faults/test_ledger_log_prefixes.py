"""The write-ahead log cut anywhere, or with unsynced writes missing: the books are a whole prefix with all that was acknowledged."""

import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from haven.ledger.audit import audit_verify
from haven.ledger.ledger import Ledger
from tests.support.books import ANSWER, NOW, caps, permit, plan, rho
from tests.support.fault_table import Row, record

TRANSACTIONS = 200
CAP = 60
HEADER, FRAME, SECTOR = 32, 24 + 4096, 512


@dataclass(frozen=True)
class Written:
    """Books on disk with their log, every entry's digest in order, and after each transaction: the log's length and the newest entry."""

    books: bytes
    log: bytes
    digests: tuple[str, ...]
    synced: tuple[tuple[int, int], ...]

    def acknowledged(self, length: int) -> int:
        """How many entries had been acknowledged when so much of the log was synced."""
        return max((entries for size, entries in self.synced if size <= length), default=0)


@pytest.fixture(name="written", scope="module")
def _written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """Two hundred transactions whose log was never moved into the file: reserved, posted, void, failed, and refused at the cap."""
    path = tmp_path_factory.mktemp("written") / "books.sqlite"
    log = path.with_name("books.sqlite-wal")
    Ledger.open(path).close()
    synced: list[tuple[int, int]] = []
    with Ledger.open(path) as ledger:
        books = path.read_bytes()
        for number in range(TRANSACTIONS // 2):
            allowed = permit(caps(rho(10**6)))
            taken = ledger.reserve(plan(rho(1), f"d{number}"), allowed, 1, NOW)
            synced.append((log.stat().st_size, ledger.entries(limit=1)[0].seq))
            if number % 4 == 3:
                ledger.void(taken, "the engine could not be started", NOW)
            elif number % 10 == 5:
                ledger.post_fault(taken, NOW)
            else:
                ledger.post(taken, ANSWER, "pass", NOW)
            synced.append((log.stat().st_size, ledger.entries(limit=1)[0].seq))
        digests = tuple(entry.digest for entry in reversed(ledger.entries(limit=10**6)))
        content = log.read_bytes()
    assert len(synced) == TRANSACTIONS
    assert (len(content) - HEADER) % FRAME == 0
    return Written(books, content, digests, tuple(synced))


def _held(written: Written, log: bytes, folder: Path, row: Row, promised: int) -> None:
    """Open the books with this log: they are a prefix of at least `promised` entries, whole, and go on."""
    folder.mkdir()
    path = folder / "books.sqlite"
    path.write_bytes(written.books)
    path.with_name("books.sqlite-wal").write_bytes(log)
    with closing(sqlite3.connect(path)) as books:
        found = [digest for (digest,) in books.execute("SELECT digest FROM entries ORDER BY seq")]
        in_flight = books.execute("SELECT count(*) FROM spends WHERE state = 'reserved'").fetchone()[0]
        answers = books.execute("SELECT count(*) FROM answers").fetchone()[0]
    report = audit_verify(path)
    row.add(
        Row(
            injected=1,
            answered=answers,
            in_doubt=in_flight,
            lost=int(len(found) < promised or tuple(found) != written.digests[: len(found)] or not report.whole),
            noticed=int(report.entries == len(found)),
        )
    )
    shutil.rmtree(folder)


def _cuts(written: Written, *, every: bool) -> Iterator[int]:
    """At each boundary of two frames, and at random bytes; or at a few of each."""
    dice = random.Random(20260301)  # noqa: S311 - places to cut at, not secrets
    boundaries = list(range(HEADER, len(written.log) + 1, FRAME))
    yield from boundaries if every else dice.sample(boundaries, 60)
    yield from (dice.randrange(len(written.log)) for _ in range(1000 if every else 40))


long_too = pytest.mark.parametrize(
    "every", [pytest.param(False, id="some"), pytest.param(True, marks=[pytest.mark.audit, pytest.mark.timeout(3600)], id="every")]
)


@long_too
def test_a_log_cut_anywhere_is_a_prefix_with_all_that_was_acknowledged(written: Written, tmp_path: Path, *, every: bool) -> None:
    row = Row()
    for cut in _cuts(written, every=every):
        _held(written, written.log[:cut], tmp_path / "cut", row, written.acknowledged(cut))
    record("log cut at a frame or a byte, 200 transactions", row)
    assert (row.lost, row.noticed) == (0, row.injected)


@long_too
def test_dropped_unsynced_writes_of_a_transaction_take_nothing_with_them(written: Written, tmp_path: Path, *, every: bool) -> None:
    """The power goes while a transaction is written: of its sectors any may be missing, all before it were synced."""
    dice, row = random.Random(7), Row()  # noqa: S311 - sectors to lose, not secrets
    ends = [size for size, _ in written.synced]
    for place in range(1, TRANSACTIONS) if every else dice.sample(range(1, TRANSACTIONS), 25):
        for share in (0.0, 0.5, 0.9) if every else (0.7,):
            start, end = ends[place - 1], ends[place]
            log = bytearray(written.log[:end])
            for sector in range(start - start % SECTOR + SECTOR, end, SECTOR):
                if dice.random() >= share:
                    log[sector : sector + SECTOR] = bytes(len(log[sector : sector + SECTOR]))
            _held(written, bytes(log), tmp_path / "dropped", row, written.acknowledged(start))
    record("unsynced writes dropped, 200 transactions", row)
    assert (row.lost, row.noticed) == (0, row.injected)
