"""Witnesses keep the newest checkpoint of these books where the haven cannot rewrite it, and take none that does not continue it.

A witness is a file that only grows, which should lie on another disk or machine, or an address that speaks C2SP tlog-witness. Both
check the same: the signature, and a consistency proof from the last checkpoint they hold.
"""

import contextlib
import fcntl
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from haven.ledger import checkpoints, merkle
from haven.ledger.checkpoints import Checkpoint
from haven.ledger.notes import NoteError

TAIL_BYTES = 64 * 1024
_DASH = "\u2014 "
_LINE = re.compile(r"[^\n]*\n|[^\n]+")


class WitnessError(Exception):
    """Something that keeps a witness from agreeing. Its text is a constant sentence."""


class UnreachableError(WitnessError):
    """The witness cannot be asked now: it may be, later."""


class LostError(WitnessError):
    """The witness is not where it was."""


class StrangerError(WitnessError):
    """What the witness holds of this origin was signed by another key."""


class ConflictError(WitnessError):
    """The witness holds another size than was supposed, or another root of the same size."""

    def __init__(self, size: int) -> None:
        """It holds `size` entries of the origin."""
        super().__init__("The witness holds another checkpoint.")
        self.size = size


class InconsistentError(WitnessError):
    """The proof does not show that the checkpoint continues what the witness holds."""


class Witness(Protocol):
    """Where the newest checkpoint is kept out of the haven's reach. All methods raise WitnessError."""

    def seen(self, probe: str) -> int:
        """The size of the newest checkpoint it holds of the origin of `probe`; 0 where it holds none. Changes nothing.

        `probe` is a signed checkpoint of the first entry alone, which every tree of these books begins with; of none in empty books.
        """

    def begin(self) -> None:
        """Make a place for books that were never witnessed; nothing where there is one, or where that is not the haven's to do."""

    def add(self, note: str, old: int, proof: Sequence[bytes]) -> str:
        """Hold the checkpoint in `note`, once it is shown to continue what it holds at size `old`. Its cosignature lines, or nothing."""


def check_continues(last: Checkpoint | None, new: Checkpoint, old: int, proof: Sequence[bytes]) -> None:
    """What every witness checks before it holds `new`. ConflictError, InconsistentError."""
    held = 0 if last is None else last.size
    if held != old:
        raise ConflictError(held)
    if last is not None and old == new.size and last.root != new.root:
        raise ConflictError(held)
    old_root = merkle.EMPTY if last is None else last.root
    if not merkle.consistent(old, old_root, new.size, new.root, proof):
        raise InconsistentError("The checkpoint does not continue what the witness holds.")


@dataclass(frozen=True, slots=True)
class WitnessFile:
    """The witness in a file: signed checkpoints one after the other, each added durably, none ever changed.

    `public` is the key that must have signed them. What cannot be read in it (a line torn by a crash, a damaged byte) is passed over, and
    counted by `unreadable`.
    """

    path: Path
    public: str

    def seen(self, probe: str) -> int:
        """The size of the newest checkpoint of the probe's origin."""
        with self._open() as descriptor:
            last = self._last(descriptor, self._read(probe).origin)
        return 0 if last is None else last.size

    def begin(self) -> None:
        """Make the file, mode 0600, where there is none. LostError where its folder is not there: another disk may not be mounted."""
        try:
            os.close(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            _sync_folder(self.path.parent)
        except FileNotFoundError:
            raise LostError("The witness is not where it was.") from None
        except OSError:
            raise UnreachableError("The witness could not be made.") from None

    def add(self, note: str, old: int, proof: Sequence[bytes]) -> str:
        """Add a checkpoint at the end, on the disk before this returns; nothing where it is the last one already."""
        new = self._read(note)
        with self._open(writing=True) as descriptor:
            last = self._last(descriptor, new.origin)
            check_continues(last, new, old, proof)
            if last is None or last.size != new.size:
                self._append(descriptor, note)
        return ""

    def unreadable(self) -> int:
        """How many records cannot be read, or were signed by nobody known."""
        with self._open() as descriptor:
            return sum(self._ours(note) is None for note in records(_read_from(descriptor, 0)))

    def held(self) -> list[Checkpoint]:
        """Every checkpoint in it that the key signed, in order."""
        with self._open() as descriptor:
            return [found for note in records(_read_from(descriptor, 0)) if (found := self._ours(note)) is not None]

    def _last(self, descriptor: int, origin: str) -> Checkpoint | None:
        """The newest checkpoint of `origin`: from the file's end where it stands there, else from all of it."""
        for start in (max(0, os.fstat(descriptor).st_size - TAIL_BYTES), 0):
            known = [note for note in records(_read_from(descriptor, start)) if note.startswith(f"{origin}\n")]
            ours = [found for note in known if (found := self._ours(note)) is not None]
            if ours:
                return max(ours, key=lambda found: found.size)
            if start == 0 and known:
                raise StrangerError("What the witness holds of these books was signed by another key.")
        return None

    def _ours(self, note: str) -> Checkpoint | None:
        try:
            return checkpoints.read(note, self.public)
        except NoteError:
            return None

    def _read(self, note: str) -> Checkpoint:
        try:
            return checkpoints.read(note, self.public)
        except NoteError:
            raise StrangerError("The checkpoint is not signed by the key that the witness knows.") from None

    def _append(self, descriptor: int, note: str) -> None:
        end = _read_from(descriptor, max(0, os.fstat(descriptor).st_size - 2))
        gap = "" if end in {"", "\n\n"} else "\n\n"  # what a crash tore is left as it is, and ended
        content = f"{gap}{note}\n".encode()
        if os.write(descriptor, content) != len(content):
            raise UnreachableError("The witness could not be written.")
        os.fsync(descriptor)

    @contextlib.contextmanager
    def _open(self, *, writing: bool = False) -> Iterator[int]:
        """The file, locked against other writers. LostError where it is missing, UnreachableError where it cannot be used."""
        flags = os.O_RDWR | os.O_APPEND if writing else os.O_RDONLY
        try:
            descriptor = os.open(self.path, flags | os.O_CLOEXEC)
        except FileNotFoundError:
            raise LostError("The witness is not where it was.") from None
        except OSError:
            raise UnreachableError("The witness could not be opened.") from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if writing else fcntl.LOCK_SH)
            yield descriptor
        except OSError:
            raise UnreachableError("The witness could not be read or written.") from None
        finally:
            os.close(descriptor)


def records(text: str) -> Iterator[str]:
    """The notes that follow each other in `text`, each with its signature lines; what is no note comes out as it is."""
    note: list[str] = []
    signed = gap = False
    for line in _LINE.findall(text):
        if note and (signed or gap) and not line.startswith(_DASH):
            yield "".join(note)
            note, signed, gap = [], False, False
        if line == "\n" and not note:
            continue
        note.append(line)
        gap = line == "\n"
        signed = signed or line.startswith(_DASH)
    if note:
        yield "".join(note)


def _read_from(descriptor: int, start: int) -> str:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size - start, start).decode("utf-8", "replace")


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
