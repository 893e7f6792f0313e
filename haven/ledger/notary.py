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
from typing import Any

from haven.ledger import acceptance, checkpoints, proofs
from haven.ledger.acceptance import Acceptance
from haven.ledger.audit_log import Evidence
from haven.ledger.checkpoints import Kept
from haven.ledger.doubts import Cause, Doubt, refusal
from haven.ledger.prepared import Driver, driver_of
from haven.ledger.store import Store
from haven.ledger.vouching import Appointment, DoubtedError, LastReleased, Vouching
from haven.ledger.witness import WitnessFile
from haven.ledger.writer import read_head
from haven.privacy.budget import Price

__all__ = ["Appointment", "LastReleased", "Notary"]

log = logging.getLogger(__name__)
MOST_ENTRIES = 256
LONGEST_WAIT = timedelta(seconds=60)
AGAIN_S = 1.0  # how often books in doubt are looked at anew


@dataclass
class Notary:
    """One process's notary. Threads may share it."""

    store: Store
    appointment: Appointment
    vouching: Vouching = field(init=False)
    _doubt: Doubt | None = None
    _looked: float = 0.0
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        """Nothing is compared yet: `examine` does."""
        self.vouching = Vouching(self.store, self.appointment)

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
                self.vouching.vouch(now)
                self._doubt = None
            except DoubtedError as doubted:
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
                self.vouching.witness(now)
            except DoubtedError as doubted:
                self._say(doubted.doubt)
                if not doubted.doubt.passing:
                    self._doubt = doubted.doubt
                    return None
                self.vouching.sign(now)
            return self.vouching.last

    def due(self, now: datetime) -> bool:
        """Whether it is time for a checkpoint: 256 entries since the last, or any entry and a minute."""
        with self.store.glance() as driver:
            size = read_head(driver).seq
        last = self.vouching.last
        if last is None:
            return size > 0
        return size - last.size >= MOST_ENTRIES or (size > last.size and abs(now - last.at) >= LONGEST_WAIT)

    def origin(self) -> str:
        """The origin under which the books go on now."""
        with self.store.glance() as driver:
            return acceptance.origin_in(driver, self.appointment.origin)

    def evidence(self) -> Evidence:
        """What an audit of these books is to hold against them. A witness at an address answers `examine`, not an audit."""
        said = self.appointment
        witness = said.witness if isinstance(said.witness, WitnessFile) else None
        return Evidence(said.origin, said.signer.public, witness, None if said.released is None else said.released.last())

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

    @contextlib.contextmanager
    def _reading(self) -> Iterator[Driver]:
        with self.store.read() as connection:
            yield driver_of(connection)
