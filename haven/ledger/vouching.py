"""Whether books are the present ones: held against the checkpoint that they keep, the last signed release, and their witness.

Where all agree, the head is signed and the witness holds it. Where one does not, `DoubtedError` says why.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from haven.ledger import acceptance, checkpoints, merkle, tiles
from haven.ledger.checkpoints import Checkpoint, Kept
from haven.ledger.doubts import Cause, Doubt
from haven.ledger.events import Kind
from haven.ledger.notes import NoteError, Signer
from haven.ledger.prepared import Driver, Prepared, driver_of
from haven.ledger.schema import counters
from haven.ledger.store import Store
from haven.ledger.witness import ConflictError, InconsistentError, LostError, StrangerError, UnreachableError, Witness, WitnessError
from haven.ledger.writer import Transaction, read_head

log = logging.getLogger(__name__)
HOUSE = "haven"
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


class DoubtedError(Exception):
    """Ends an examination."""

    def __init__(self, doubt: Doubt) -> None:
        super().__init__(doubt.cause.value)
        self.doubt = doubt


@dataclass
class Vouching:
    """One process's comparing and signing; its callers take turns. `last` is the newest checkpoint that it knows of."""

    store: Store
    appointment: Appointment
    last: Kept | None = None

    def vouch(self, now: datetime) -> None:
        """Hold the books against all that is known of them, then have them witnessed. DoubtedError where something does not agree."""
        self._compare_kept()
        self._compare_released()
        self._begin()
        self._compare_later()
        self.witness(now)

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
        """DoubtedError unless the books continue the checkpoint in `note`."""
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

    def witness(self, now: datetime) -> None:
        """Sign the head and have the witness hold it. DoubtedError where it does not agree, or cannot be asked."""
        for _ in range(_TRIES):
            with contextlib.suppress(ConflictError):  # another process of this haven was faster
                self.last = self._witness_once(now)
                return
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
            if self.last is not None and self.last.size == head.size == held == told:
                return self.last
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
                tx.append(Kind.WITNESS_BEHIND, HOUSE, {"origin": head.origin, "told": told, "holds": held}, now)
            checkpoints.keep(tx, head, note, now)
            _TELL.run(tx.driver, {"name": _counter(head.origin), "value": head.size})

        self.store.write(keep)
        return Kept(head.size, head.root, note, now)

    def sign(self, now: datetime) -> None:
        """Sign and keep the head, unwitnessed."""
        with self._reading() as driver:
            head = checkpoints.head(driver, acceptance.origin_in(driver, self.appointment.origin))
        if head.size:
            note = checkpoints.sign(head, self.appointment.signer)
            self.store.write(lambda tx: checkpoints.keep(tx, head, note, now))
            self.last = Kept(head.size, head.root, note, now)

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

    def _doubted(self, cause: Cause, driver: Driver, origin: str, witnessed: int | None = None) -> DoubtedError:
        return DoubtedError(Doubt(cause, read_head(driver).seq, witnessed, origin))

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
