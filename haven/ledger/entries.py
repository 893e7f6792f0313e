"""The books' permits: a reservation is proof that a price is durably taken; a receipt, that it is spent for good."""

from dataclasses import dataclass
from datetime import datetime

from haven.privacy.budget import Price


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
class Receipt:
    """Proof that a reservation was posted: the spend, the record before it, and what was left afterwards."""

    id: str
    reservation: Reservation
    posted_at: datetime
    entry: int
    entry_digest: str
    left: Price
    replayed: bool = False
