"""A flipped bit anywhere in the file of the books is noticed, or changes nothing that the books say."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from haven.ledger.audit import Evidence, audit_verify
from haven.ledger.entries import Offer, OfferedColumn, Serving
from haven.ledger.registry import PolicyKind, State
from haven.policy.roles import Role
from tests.support.books import ANSWER, NOW, caps, later, permit, plan, rho
from tests.support.witnessed import ORIGIN, file_in, key_in, view, witnessed

FLIPS, LONG = 250, 10_000
ALLOWED = permit(caps(rho(1000, 10)))
# what no entry tells of, table by table; "*" is the whole table. Entries are read by auditors, and so hold neither questions nor secrets
UNTOLD = {
    "spends": {"question", "idempotency_key", "request_digest"},
    "users": {"password", "failures", "locked_until"},
    "tokens": {"digest"},
    "days": {"definition", "refused", "replayed", "spent_pico", "spent_atto"},
    "snapshots": {"units"},
    "checkpoints": {"at"},
    "offers": {"*"},
    "counters": {"*"},
}


@pytest.fixture(name="folder", scope="module")
def _folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books with something in every table of the ledger's, and a full tile, in one whole file."""
    folder = tmp_path_factory.mktemp("flips")
    serving = Serving(Offer("source", (("site", 3),), "bounds", ((0, OfferedColumn("target", "discrete Gaussian", 3.5)),)))
    with witnessed(folder) as (ledger, notary):
        ledger.registry.add_policy(PolicyKind.DATASET, "nafld", "dataset: nafld\n" * 40, "digest", "custodian", NOW)
        ledger.registry.add_snapshot("nafld", 1, b"salt" * 4, "fingerprint", "custodian", NOW)
        ledger.registry.set_state(PolicyKind.DATASET, "nafld", State.PAUSED, "an incident", "custodian", NOW)
        ledger.registry.set_state(PolicyKind.DATASET, "nafld", State.ACTIVE, "resolved", "custodian", NOW)
        for name, role in (("alice", Role.RESEARCHER), ("carol", Role.CUSTODIAN), ("keeper", Role.CUSTODIAN)):
            ledger.people.add_user(name, role, actor="operator", now=NOW)
        ledger.people.issue_token("alice", NOW)
        taken = [
            ledger.reserve(plan(rho(n, 1), f"d{n}"), ALLOWED, 1, later(minutes=n), f"key-{n}", question="SELECT 1") for n in range(1, 7)
        ]
        ledger.post(taken[0], ANSWER, "pass", later(hours=1), serving)
        ledger.post(taken[1], ANSWER, "pass", later(hours=1))
        ledger.post_fault(taken[2], later(days=1))
        ledger.void(taken[3], "the engine could not be started", later(hours=1))
        notary.checkpoint(NOW)
        view(ledger, 256)
        notary.checkpoint(later(minutes=1))
    with closing(sqlite3.connect(folder / "books.sqlite")) as books:
        books.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


def _told(path: Path) -> dict[str, list[tuple[object, ...]]] | None:
    """Everything that the books say and entries vouch for; None where SQLite itself cannot read them."""
    try:
        with closing(sqlite3.connect(path)) as books:
            books.text_factory = bytes
            names = [name.decode() for (name,) in books.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
            told = {name: _rows(books, name) for name in names if UNTOLD.get(name) != {"*"}}
            return told | {"": sorted(books.execute("SELECT type, name, sql FROM sqlite_master"), key=repr)}
    except (sqlite3.Error, UnicodeDecodeError):
        return None


def _rows(books: sqlite3.Connection, table: str) -> list[tuple[object, ...]]:
    cursor = books.execute(f'SELECT * FROM "{table}" ORDER BY rowid')  # noqa: S608 - a name that the file itself gives
    kept = [place for place, (name, *_) in enumerate(cursor.description) if name not in UNTOLD.get(table, set())]
    return [tuple(row[place] for place in kept) for row in cursor]


def _flip(folder: Path, flipped: Path, count: int, seed: int) -> tuple[int, int]:
    """Flip one bit `count` times, each in a fresh copy: how many were noticed, and how many changed nothing."""
    whole, original = (folder / "books.sqlite").read_bytes(), _told(folder / "books.sqlite")
    evidence = Evidence(ORIGIN, key_in(folder).public, file_in(folder))
    assert audit_verify(folder / "books.sqlite", evidence).whole
    assert original is not None
    places, noticed, harmless = random.Random(seed), 0, 0  # noqa: S311 - places to flip, not secrets
    for _ in range(count):
        data = bytearray(whole)
        place, bit = places.randrange(len(data)), places.randrange(8)
        data[place] ^= 1 << bit
        flipped.write_bytes(data)
        if not audit_verify(flipped, evidence).whole:
            noticed += 1
        else:
            harmless += 1
            assert _told(flipped) == original, f"bit {bit} of byte {place} changed what the books say, and nobody noticed"
        for companion in flipped.parent.glob(f"{flipped.name}-*"):
            companion.unlink()
    return noticed, harmless


def test_a_flipped_bit_is_noticed_or_changes_nothing(folder: Path, tmp_path: Path) -> None:
    noticed, harmless = _flip(folder, tmp_path / "flipped.sqlite", FLIPS, 11)
    assert noticed > FLIPS // 3
    assert noticed + harmless == FLIPS


@pytest.mark.audit
@pytest.mark.timeout(3600)
def test_ten_thousand_flipped_bits_are_noticed_or_change_nothing(folder: Path, tmp_path: Path) -> None:
    noticed, harmless = _flip(folder, tmp_path / "flipped.sqlite", LONG, 12)
    assert (noticed + harmless, noticed > LONG // 3) == (LONG, True)


@pytest.mark.parametrize("seed", range(3))
def test_a_flipped_bit_of_the_witness_is_noticed_or_changes_nothing(folder: Path, tmp_path: Path, seed: int) -> None:
    """Checkpoints that cannot be read are counted; those that can be read are the haven's own, whatever was flipped."""
    places = random.Random(seed)  # noqa: S311 - places to flip
    witness = file_in(folder)
    whole, held = witness.path.read_bytes(), witness.held()
    for _ in range(60):
        data = bytearray(whole)
        data[places.randrange(len(data))] ^= 1 << places.randrange(8)
        flipped = type(witness)(tmp_path / "flipped.log", witness.public)
        flipped.path.write_bytes(data)
        assert flipped.held() == held or flipped.unreadable() > 0
        assert set(flipped.held()) <= set(held)
