"""What the books hold: permits (a reservation, a receipt), recorded answers, balances, spends and entries. Frozen values, no I/O.

A reservation is proof that a price is durably taken; a receipt, that it is spent for good.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from haven.privacy.budget import Price
from haven.privacy.tables import NoisyTable


@dataclass(frozen=True, slots=True)
class Reservation:
    """Proof that `price` is durably reserved in population, dataset and project. An engine cannot be called without one."""

    id: str
    plan_digest: str
    policy_digest: str
    snapshot: int
    population: str
    dataset: str
    project: str
    actor: str
    price: Price
    reserved_at: datetime


@dataclass(frozen=True, slots=True)
class Asking:
    """What a reservation is for, beside its plan: the researcher's own text, and the key under which it may be sent again.

    `request` is a digest of all that was sent under the key: text, price and options.
    """

    question: str = ""
    key: str | None = None
    request: str | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a reservation was posted: the spend, the record before it, and what was left afterwards.

    `left` is the least that population, dataset and project leave, part by part, after everything spent and everything in flight.
    A receipt's number is its reservation's.
    """

    id: str
    reservation: Reservation
    posted_at: datetime
    entry: int
    entry_digest: str
    left: Price
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class RecordedAnswer:
    """A noised answer as it was given: the noisy integers, and a JSON object of whatever else its reader was shown."""

    noisy: NoisyTable
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class OfferedColumn:
    """One noisy column as other questions may use it: the digest of its target, its mechanism, and its scale in grid units."""

    target: str
    mechanism: str
    scale: float


@dataclass(frozen=True, slots=True)
class Offer:
    """What a recorded answer may serve beside its own question.

    `source` names the rows, `bounds` which of them count, `keys` each public key with its number of values, in order: all but the
    numbers are digests. `columns` are positions in the noisy table.
    """

    source: str
    keys: tuple[tuple[str, int], ...]
    bounds: str
    columns: tuple[tuple[int, OfferedColumn], ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A receipt's number and what its answer offers."""

    id: str
    offer: Offer


@dataclass(frozen=True, slots=True)
class Serving:
    """How an answer is posted beside its content: what it offers to others, and the numbers of the receipts it was made from."""

    offer: Offer | None = None
    made_from: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Replay:
    """A recorded answer and its receipt (`replayed` is true): to give it again costs nothing."""

    receipt: Receipt
    answer: RecordedAnswer


@dataclass(frozen=True, slots=True)
class Balance:
    """What one account has `spent` for good and holds `reserved` for questions in flight."""

    spent: Price
    reserved: Price

    @property
    def taken(self) -> Price:
        """Spent and reserved: what a cap must cover."""
        return self.spent + self.reserved


class SpendState(StrEnum):
    """Where a spend stands. `reserved` ends in `posted` or `void`, once."""

    RESERVED = "reserved"
    POSTED = "posted"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Spend:
    """One question in the books, for those who may read it: its project, the dataset's custodian, an auditor.

    `question` is the researcher's text. `outcome` is the verdict of a posted spend, the cause of a void one, "" while in flight.
    """

    reservation: Reservation
    state: SpendState
    question: str
    ended_at: datetime | None
    outcome: str
    answered: bool


@dataclass(frozen=True, slots=True)
class DaySpend:
    """What was posted on one day (UTC)."""

    day: date
    spent: Price


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the chain: `digest` = SHA-256(previous digest ‖ canonical body), and the body names seq, kind, actor, time, detail."""

    seq: int
    kind: str
    actor: str
    at: datetime
    detail: Mapping[str, Any]
    prev_digest: str
    digest: str
