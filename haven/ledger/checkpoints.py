"""Checkpoints: signed heads of the Merkle tree, in C2SP tlog-checkpoint format, and the table that keeps those of these books.

A checkpoint says: the books of this origin had so many entries, and this was their root. Whoever keeps one can tell ever after whether
books that are shown to them still begin with those entries.
"""

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects.postgresql import insert

from haven.ledger import merkle, notes, tiles
from haven.ledger.amounts import moment_of, stamp
from haven.ledger.notes import NoteError, Signer, Verifier
from haven.ledger.prepared import Driver, Prepared
from haven.ledger.schema import checkpoints
from haven.ledger.writer import Transaction, read_head

_LINES = 3
_NEWEST = Prepared(select(checkpoints).order_by(checkpoints.c.size.desc()).limit(1))
_ADD = Prepared(insert(checkpoints).on_conflict_do_nothing(index_elements=[checkpoints.c.size]))
_ALL = select(checkpoints).order_by(checkpoints.c.size)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The books of `origin` had `size` entries, and their tree this `root` (32 bytes)."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The three lines that are signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"


@dataclass(frozen=True, slots=True)
class Kept:
    """A checkpoint in the books' own table, as its whole signed note."""

    size: int
    root: bytes
    note: str
    at: datetime


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note of a checkpoint; the key's name in it is the origin."""
    return notes.sign(checkpoint.text, checkpoint.origin, signer)


def read(note: str, public: str) -> Checkpoint:
    """The checkpoint in a note that the key `public` (64 hexadecimal digits) signed. NoteError where it is not one, or not signed so."""
    found = parsed(notes.text_of(note))
    notes.opened(note, Verifier(found.origin, public))
    return found


def parsed_note(note: str) -> Checkpoint:
    """The checkpoint in a note, whoever signed it. NoteError where it is none."""
    return parsed(notes.text_of(note))


def claims(note: str, origin: str) -> bool:
    """Whether `note`, whoever signed it, is about `origin`."""
    return note.startswith(f"{origin}\n")


def parsed(text: str) -> Checkpoint:
    """The checkpoint in a note's text. Extension lines are nobody's here and are passed over. NoteError where it is none."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) < _LINES or not all(lines):
        raise NoteError("It is no checkpoint.")
    origin, size, root = lines[:_LINES]
    try:
        found = Checkpoint(origin, int(size), base64.b64decode(root, validate=True))
    except (binascii.Error, ValueError):
        raise NoteError("It is no checkpoint.") from None
    # compared as text: a size or a root has one way to be written
    if len(found.root) != merkle.HASH_BYTES or found.size < 0 or found.text.split("\n")[:_LINES] != lines[:_LINES]:
        raise NoteError("It is no checkpoint.")
    return found


def head(driver: Driver, origin: str) -> Checkpoint:
    """What the books, as of the driver's transaction, would sign now."""
    size = read_head(driver).seq
    return at(driver, origin, size)


def at(driver: Driver, origin: str, size: int) -> Checkpoint:
    """What the books would have signed at `size`, which they have reached."""
    return Checkpoint(origin, size, merkle.root(size, tiles.tree(driver)))


def newest(driver: Driver) -> Kept | None:
    """The newest checkpoint that the books keep."""
    row = _NEWEST.first(driver, {})
    return None if row is None else Kept(row.size, bytes.fromhex(row.root), row.note, moment_of(row.at))


def kept(connection: Connection) -> Iterator[Kept]:
    """Every checkpoint that the books keep, the smallest first."""
    for row in connection.execute(_ALL):
        yield Kept(row.size, bytes.fromhex(row.root), row.note, moment_of(row.at))


def keep(tx: Transaction, checkpoint: Checkpoint, note: str, now: datetime) -> None:
    """Keep a signed checkpoint; nothing to do where one of its size is kept."""
    _ADD.run(tx.driver, {"size": checkpoint.size, "root": checkpoint.root.hex(), "note": note, "at": stamp(now)})


def kept_at_least(connection: Connection, size: int) -> Kept | None:
    """The smallest checkpoint kept that covers `size` entries."""
    row = connection.execute(_ALL.where(checkpoints.c.size >= bindparam("covers")).limit(1), {"covers": size}).first()
    return None if row is None else Kept(row.size, bytes.fromhex(row.root), row.note, moment_of(row.at))
