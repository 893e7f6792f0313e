"""Books with a key and a witness of their own, in a folder: for tests of checkpoints, never of what is asked."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from haven.ledger.ledger import Ledger
from haven.ledger.notary import Appointment, LastReleased, Notary
from haven.ledger.witness import Witness, WitnessFile
from haven.release.signing import SigningKey, open_or_make_key
from tests.support.books import NOW

ORIGIN = "haven-test"


def key_in(folder: Path) -> SigningKey:
    """The folder's own signing key."""
    return open_or_make_key(folder / "keys")


def file_in(folder: Path) -> WitnessFile:
    """The folder's own witness."""
    return WitnessFile(folder / "witness.log", key_in(folder).public)


@contextmanager
def witnessed(folder: Path, witness: Witness | None = None, released: LastReleased | None = None) -> Iterator[tuple[Ledger, Notary]]:
    """The books in `folder` with their notary, examined."""
    with Ledger.open(folder / "books.sqlite") as ledger:
        notary = ledger.appoint(Appointment(key_in(folder), ORIGIN, witness or file_in(folder), released))
        notary.examine(NOW)
        yield ledger, notary


def view(ledger: Ledger, count: int) -> None:
    """Add `count` entries."""
    with ledger.transaction() as tx:
        for number in range(count):
            tx.append("desk.viewed", "carol", {"number": number}, NOW)


def put_back(saved: Path, folder: Path) -> None:
    """Put the books that were saved in the place of the present ones, as a restored backup does."""
    for companion in folder.glob("books.sqlite*"):
        companion.unlink()
    shutil.copy(saved, folder / "books.sqlite")
