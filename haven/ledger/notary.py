"""The notary of open books: signs their head, has it witnessed, and says whether these books are the present ones.

Guaranteed: while the books are shorter than what the witness or the last signed release knows, or no continuation of it, or nobody can
tell, `check_current` refuses. Only a decision of two custodians ends that (`haven.ledger.acceptance`), or, where the witness was merely
out of reach, its return.
"""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from haven.ledger import acceptance, checkpoints, merkle, proofs, tiles
from haven.ledger.acceptance import Acceptance
from haven.ledger.checkpoints import Checkpoint, Kept
from haven.ledger.doubts import Cause, Doubt, refusal
from haven.ledger.notes import NoteError, Signer
from haven.ledger.prepared import Driver, Prepared, driver_of
from haven.ledger.schema import counters
from haven.ledger.store import Store
from haven.ledger.witness import ConflictError, InconsistentError, LostError, StrangerError, UnreachableError, Witness, WitnessError
from haven.ledger.writer import Transaction, read_head
from haven.privacy.budget import Price

log = logging.getLogger(__name__)
HOUSE = "haven"
MOST_ENTRIES = 256
LONGEST_WAIT = timedelta(seconds=60)
AGAIN_S = 1.0  # how often books in doubt are looked at anew
_AHEAD = 3  # origins after the present one under which a witness is asked for these books
_TRIES = 5

_TOLD = Prepared(select(counters.c.value).where(counters.c.name == bindparam("wanted")))
_INSERT = insert(counters)
_TELL = Prepared(_INSERT.on_conflict_do_update(index_elements=[counters.c.name], set_={"value": _INSERT.excluded.value}))


class LastReleased(Protocol):
    """Where the checkpoint of the last signed release is found, outside the books."""

    def last(self) -> str | None:
        """Its signed note, None where nothing was released."""


@dataclass(frozen=True, slots=True)
class Appointment:
    """Who signs, under which first origin, who witnesses, and where the last release's checkpoint is found."""

    signer: Signer
    origin: str
    witness: Witness
    released: LastReleased | None = None


class _Doubted(Exception):
    """Ends an examination."""

    def __init__(self, doubt: Doubt) -> None:
        super().__init__(doubt.cause.value)
        self.doubt = doubt


@dataclass
class Notary:
    """One process's notary. Threads may share it."""

    store: Store
    appointment: Appointment
    _doubt: Doubt | None = None
    _looked: float = 0.0
    _last: Kept | None = None
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def doubt(self) -> Doubt | None:
        """Why nothing is answered, as of the last examination; None where everything is."""
        return self._doubt

    def check_current(self, now: datetime) -> None:
        """Refused (BOOKS_BEHIND, one constant sentence) while the books are in doubt. Looks anew at most once a second."""
        if self._doubt is not None:
            with self._lock:
                if self._doubt is not None and time.monotonic() - self._looked >= AGAIN_S:
                    self.examine(now)
            if self._doubt is not None:
                raise refusal()

    def examine(self, now: datetime) -> Doubt | None:
        """Compare the books with their own checkpoints, the last release and the witness; sign and have witnessed where all agree."""
        with self._lock:
            try:
                self._compare_kept()
                self._compare_released()
                self._begin()
                self._compare_later()
                self._last = self._witnessed(now)
                self._doubt = None
            except _Doubted as doubted:
                self._say(doubted.doubt)
                self._doubt = doubted.doubt
            self._looked = time.monotonic()
            return self._doubt

    def checkpoint(self, now: datetime) -> Kept | None:
        """Sign the head and have it witnessed, durable when this returns; the newest checkpoint, None for empty books or books in doubt.

        A witness that is out of reach stops nothing while the haven runs: the checkpoint is kept, and witnessed with the next.
        """
        with self._lock:
            if self._doubt is not None:
                return None
            try:
                self._last = self._witnessed(now)
            except _Doubted as doubted:
                self._say(doubted.doubt)
                if not doubted.doubt.passing:
                    self._doubt = doubted.doubt
                    return None
                self._last = self._signed(now)
            return self._last

    def due(self, now: datetime) -> bool:
        """Whether it is time for a checkpoint: 256 entries since the last, or any entry and a minute."""
        with self.store.glance() as driver:
            size = read_head(driver).seq
        last = self._last
        if last is None:
            return size > 0
        return size - last.size >= MOST_ENTRIES or (size > last.size and abs(now - last.at) >= LONGEST_WAIT)

    def origin(self) -> str:
        """The origin under which the books go on now."""
        with self.store.glance() as driver:
            return acceptance.origin_in(driver, self.appointment.origin)

    def prove(self, entry: int) -> dict[str, Any]:
        """The inclusion proof of one entry in the books as they stand. ValueError where there is no such entry."""
        with self.store.read() as connection:
            driver = driver_of(connection)
            origin = acceptance.origin_in(driver, self.appointment.origin)
            return proofs.inclusion(driver, entry, origin, read_head(driver).seq, self.appointment.signer)

    def prove_growth(self, old: int, size: int) -> dict[str, Any]:
        """The consistency proof between two sizes of the books. ValueError where they never had them."""
        with self.store.read() as connection:
            driver = driver_of(connection)
            if size > read_head(driver).seq:
                msg = "the books have not grown that far"
                raise ValueError(msg)
            return proofs.consistency(driver, old, size, acceptance.origin_in(driver, self.appointment.origin), self.appointment.signer)

    def terms(self, charges: Mapping[str, Price]) -> Acceptance:
        """What two custodians would accept now, charging `charges` to populations. ValueError where there is no doubt."""
        doubt = self._doubt
        if doubt is None:
            msg = "there is no doubt about these books"
            raise ValueError(msg)
        with self._reading() as driver:
            head, kept = checkpoints.head(driver, acceptance.successor(doubt.origin)), checkpoints.newest(driver)
        agreed = 0 if kept is None or doubt.cause is Cause.DAMAGED else kept.size
        told = (doubt.cause.value, head.size, head.root.hex(), doubt.witnessed, agreed, head.origin)
        return Acceptance(*told, self.appointment.signer.public, charges)

    def _say(self, doubt: Doubt) -> None:
        if doubt != self._doubt:
            log.error("the books are in doubt: %s", doubt.cause.value)

    def _compare_kept(self) -> None:
        """The books against the newest checkpoint that they keep themselves."""
        with self._reading() as driver:
            kept, origin = checkpoints.newest(driver), acceptance.origin_in(driver, self.appointment.origin)
            if kept is None or kept.size <= acceptance.last_entry(driver):
                return
            if not checkpoints.claims(kept.note, origin):
                raise self._doubted(Cause.KEY, driver, origin)
            self._compare(driver, kept.note, origin, Cause.DAMAGED)

    def _compare_released(self) -> None:
        """The books against the checkpoint of the last release, which may be from before an acceptance but never from after a later one."""
        note = None if self.appointment.released is None else self.appointment.released.last()
        if note is None:
            return
        with self._reading() as driver:
            origin = acceptance.origin_in(driver, self.appointment.origin)
            if checkpoints.claims(note, origin):
                self._compare(driver, note, origin, Cause.RELEASED)
            elif not any(checkpoints.claims(note, earlier) for earlier in acceptance.origins(driver, self.appointment.origin)):
                raise self._doubted(Cause.RELEASED, driver, origin)

    def _compare(self, driver: Driver, note: str, origin: str, cause: Cause) -> None:
        """_Doubted unless the books continue the checkpoint in `note`."""
        try:
            found = checkpoints.read(note, self.appointment.signer.public)
        except NoteError:
            raise self._doubted(Cause.KEY, driver, origin) from None
        if found.size > read_head(driver).seq or checkpoints.at(driver, origin, found.size) != found:
            raise self._doubted(cause, driver, origin, found.size)

    def _compare_later(self) -> None:
        """Books from before an acceptance that the witness knows of are older than it, whatever their length."""
        with self._reading() as driver:
            origin = acceptance.origin_in(driver, self.appointment.origin)
            later = [acceptance.successor(origin, steps) for steps in range(1, _AHEAD + 1)]
            with self._asking(driver, origin):
                known = [(name, size) for name in later if (size := self._seen(driver, name))]
            if known:
                raise self._doubted(Cause.BEHIND, driver, known[-1][0], known[-1][1])

    def _witnessed(self, now: datetime) -> Kept | None:
        """The head, signed and held by the witness. _Doubted where the witness does not agree, or cannot be asked."""
        for _ in range(_TRIES):
            with contextlib.suppress(ConflictError):  # another process of this haven was faster
                return self._witness_once(now)
        with self._reading() as driver:
            raise self._doubted(Cause.UNREACHABLE, driver, acceptance.origin_in(driver, self.appointment.origin))

    def _witness_once(self, now: datetime) -> Kept | None:
        with self._reading() as driver:
            origin = acceptance.origin_in(driver, self.appointment.origin)
            told = _told(driver, origin)
            with self._asking(driver, origin):
                held = self._held(driver, origin, told)
        # read after the witness was asked: what another process had witnessed before is in the books by now
        with self._reading() as driver:
            head = checkpoints.head(driver, origin)
            if held > head.size:
                raise self._doubted(Cause.BEHIND, driver, origin, held)
            if head.size == 0:
                return None
            if self._last is not None and self._last.size == head.size == held == told:
                return self._last
            note = checkpoints.sign(head, self.appointment.signer)
            path = merkle.consistency(held, head.size, tiles.tree(driver)) if held else ()
            lines = self._add(driver, origin, note, held, path)
        if held < told:
            log.error("the witness holds less than it was told")
        return self._keep(head, note + lines, now, told, held)

    def _add(self, driver: Driver, origin: str, note: str, held: int, path: tuple[bytes, ...]) -> str:
        with self._asking(driver, origin, held):
            try:
                return self.appointment.witness.add(note, held, path)
            except ConflictError as conflict:
                if conflict.size == held:  # the same size, another root
                    raise InconsistentError(str(conflict)) from None
                raise

    def _begin(self) -> None:
        """Make a place for books that were never witnessed; afterwards a witness that is not there is a lost one."""
        with self._reading() as driver:
            origin = acceptance.origin_in(driver, self.appointment.origin)
            kept = checkpoints.newest(driver)
            if not _told(driver, origin) and (kept is None or not checkpoints.claims(kept.note, origin)):
                with self._asking(driver, origin):
                    self.appointment.witness.begin()

    def _held(self, driver: Driver, origin: str, told: int) -> int:
        """The size that the witness holds. LostError where it was told more than it remembers anything of."""
        held = self._seen(driver, origin)
        if told and not held:
            raise LostError("The witness has forgotten these books.")
        return held

    def _seen(self, driver: Driver, origin: str) -> int:
        probe = checkpoints.at(driver, origin, min(1, read_head(driver).seq))
        return self.appointment.witness.seen(checkpoints.sign(probe, self.appointment.signer))

    def _keep(self, head: Checkpoint, note: str, now: datetime, told: int, held: int) -> Kept:
        def keep(tx: Transaction) -> None:
            if held < told:
                tx.append("witness.behind", HOUSE, {"origin": head.origin, "told": told, "holds": held}, now)
            checkpoints.keep(tx, head, note, now)
            _TELL.run(tx.driver, {"name": _counter(head.origin), "value": head.size})

        self.store.write(keep)
        return Kept(head.size, head.root, note, now)

    def _signed(self, now: datetime) -> Kept | None:
        with self._reading() as driver:
            head = checkpoints.head(driver, acceptance.origin_in(driver, self.appointment.origin))
        if head.size == 0:
            return None
        note = checkpoints.sign(head, self.appointment.signer)
        self.store.write(lambda tx: checkpoints.keep(tx, head, note, now))
        return Kept(head.size, head.root, note, now)

    @contextlib.contextmanager
    def _asking(self, driver: Driver, origin: str, held: int | None = None) -> Iterator[None]:
        """What a witness says no with, as a doubt. ConflictError goes on: it is to be tried again."""
        try:
            yield
        except ConflictError:
            raise
        except InconsistentError:
            raise self._doubted(Cause.FORKED, driver, origin, held) from None
        except StrangerError:
            raise self._doubted(Cause.KEY, driver, origin) from None
        except LostError:
            raise self._doubted(Cause.LOST, driver, origin) from None
        except (UnreachableError, WitnessError):
            raise self._doubted(Cause.UNREACHABLE, driver, origin) from None

    def _doubted(self, cause: Cause, driver: Driver, origin: str, witnessed: int | None = None) -> _Doubted:
        return _Doubted(Doubt(cause, read_head(driver).seq, witnessed, origin))

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Driver]:
        with self.store.read() as connection:
            yield driver_of(connection)


def _counter(origin: str) -> str:
    return f"witnessed {origin}"


def _told(driver: Driver, origin: str) -> int:
    """The size of the newest checkpoint that the witness was told of and agreed to."""
    row = _TOLD.first(driver, {"wanted": _counter(origin)})
    return 0 if row is None else int(row.value)
