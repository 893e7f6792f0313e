"""The books of one haven: reserve, then post or void; replay; balances; the audit chain."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from haven.ledger.entries import Balance, DaySpend, Entry, Receipt, RecordedAnswer, Replay, Reservation, Spend
from haven.ledger.people import People
from haven.ledger.registry import Registry
from haven.ledger.writer import Transaction
from haven.policy.authorisation import Authorisation
from haven.query.private_plan import PrivatePlan


@dataclass(frozen=True)
class Ledger:
    people: People
    registry: Registry

    @classmethod
    def open(cls, path: Path, *, busy_timeout: timedelta = timedelta(seconds=5)) -> "Ledger":
        """Open (create, migrate forward) the books at `path`. Call `sweep(now, timedelta(0))` once after, before the first question."""
        raise NotImplementedError

    def close(self) -> None:
        """Finish what is queued and let go of the file. Also a context manager: `with Ledger.open(path) as ledger`."""
        raise NotImplementedError

    def reserve(  # noqa: PLR0913 - a permit names all that it permits
        self,
        plan: PrivatePlan,
        authorisation: Authorisation,
        snapshot: int,
        now: datetime,
        idempotency_key: str | None = None,
        *,
        question: str = "",
    ) -> Reservation:
        """Durable before it returns. `question` is the researcher's own text. Refused: BUDGET_EXHAUSTED, BUDGET_INVALID, POLICY_PAUSED,
        POLICY_SUSPENDED, REQUEST_CONFLICT (the idempotency key is taken: call `earlier` first). Fault: FAULT_LEDGER."""
        raise NotImplementedError

    def post(self, reservation: Reservation, answer: RecordedAnswer, verdict: str, now: datetime) -> Receipt:
        """Spent for good, the answer recorded. The question's constant Fault when it was already swept."""
        raise NotImplementedError

    def post_fault(self, reservation: Reservation, now: datetime) -> Receipt:
        """Spent for good, without an answer. Posting a fault twice gives the first receipt."""
        raise NotImplementedError

    def void(self, reservation: Reservation, cause: str, now: datetime) -> None:
        """Give the price back: only before station 6, only from `reserved`."""
        raise NotImplementedError

    def sweep(self, now: datetime, older_than: timedelta) -> int:
        """Post (never void) reservations in doubt; how many."""
        raise NotImplementedError

    def replay(self, project: str, dataset: str, plan_digest: str, snapshot: int) -> Replay | None:
        """The recorded answer of the same plan on the same snapshot, for free."""
        raise NotImplementedError

    def earlier(self, actor: str, project: str, idempotency_key: str, plan_digest: str, snapshot: int) -> Replay | None:
        """The answer already paid for under this key (`receipt.replayed` False: the same receipt, no second charge), None if the key is new.
        Refused REQUEST_CONFLICT: other question, or still being answered. The question's Fault where the first try ended in one."""
        raise NotImplementedError

    def balance(self, dataset: str, population: str, project: str | None = None) -> Balance:
        """`project` given: the project's account in the dataset; else the dataset's. See `population_balance`."""
        raise NotImplementedError

    def receipt(self, receipt_id: str) -> Receipt | None: ...
    def spend(self, receipt_id: str) -> Spend | None: ...
    def recorded(self, receipt_id: str) -> RecordedAnswer | None: ...
    def recent(self, *, dataset: str | None = None, project: str | None = None, actor: str | None = None, limit: int = 50) -> tuple[Spend, ...]: ...
    def history(self, project: str) -> tuple[Spend, ...]: ...
    def spend_series(self, dataset: str) -> tuple[DaySpend, ...]: ...
    def entries(self, *, kind: str | None = None, actor: str | None = None, limit: int = 100) -> tuple[Entry, ...]: ...

    def record(self, kind: str, actor: str, detail: Mapping[str, Any], now: datetime) -> Entry:
        """One audit entry of another room's act. `detail`: strings, integers, booleans, None, lists, objects; no floats, no datum."""
        raise NotImplementedError

    def transaction(self) -> AbstractContextManager[Transaction]:
        """`with ledger.transaction() as tx: tx.connection.execute(…); tx.append(kind, actor, detail, now)`: durable when the block is left;
        an exception undoes all of it. Keep it short: it is the one writer. No other writing ledger call inside the block."""
        raise NotImplementedError

    def read(self) -> AbstractContextManager[Any]:
        """A read-only SQLAlchemy Connection on a consistent snapshot: for other rooms' own tables."""
        raise NotImplementedError

    def audit_export(self) -> Iterator[dict[str, Any]]: ...
