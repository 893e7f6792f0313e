"""The books of one haven: reserve, then post or void; replay; balances; the audit chain.

Every method that writes returns only after its change, and the entry that records it, are durable; one that raises has changed nothing.
Any failure of the file itself is one constant Fault (FAULT_LEDGER). Safe to share between threads, and the books between processes.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from sqlalchemy import Connection

from haven.ledger import acceptance, accounts, answers, audit, corrections, days, offers, reading, registry, revocations, spends
from haven.ledger.accounts import Account, Spender
from haven.ledger.database import Place
from haven.ledger.entries import Asking, Balance, DaySpend, Entry, Receipt, Recorded, RecordedAnswer, Replay, Reservation, Serving, Spend
from haven.ledger.notary import Appointment, Notary
from haven.ledger.noticing import Noticed
from haven.ledger.people import People
from haven.ledger.permits import check_same_definition, new_reservation, reserve_under
from haven.ledger.proposals import Proposals
from haven.ledger.registry import Registry
from haven.ledger.store import Store
from haven.ledger.usage import DayUse, days_of
from haven.ledger.writer import Transaction
from haven.policy.authorisation import Authorisation, Caps
from haven.privacy.budget import Definition, Price

if TYPE_CHECKING:
    from haven.query.private_plan import PrivatePlan

DEFAULT_BUSY_TIMEOUT = timedelta(seconds=5)


NOT_SERVING = Serving()


@dataclass(frozen=True, slots=True)
class Free:
    """A question that earlier answers answer: its plan's digest, the permit to ask it, and the researcher's own text."""

    plan_digest: str
    definition: Definition
    authorisation: Authorisation
    snapshot: int
    question: str
    idempotency_key: str | None = None
    request: str | None = None


class Ledger:
    """The books at one place. `people`: accounts and tokens; `registry`: policies, states, snapshots; `proposals`: acts that need two."""

    def __init__(self, store: Store) -> None:
        """Use `open`."""
        self._store = store
        self.notary: Notary | None = None
        self.people = People(store)
        self.registry = Registry(store)
        self.noticed = Noticed(store)
        self.proposals = Proposals(store, {**registry.ACTS, **revocations.ACTS, **corrections.ACTS, **acceptance.ACTS})

    @classmethod
    def open(cls, place: Place, *, busy_timeout: timedelta = DEFAULT_BUSY_TIMEOUT) -> Self:
        """Open the books at `place`: created (a file with mode 0600) where there are none, brought forward where they are older.

        `place` is a file's path, or the address of a PostgreSQL database (Refused where that is not fit to keep books).

        Call `sweep(now, timedelta(0))` before the first question: whatever was in flight when the books were last closed is in doubt.
        """
        return cls(Store.open(place, busy_timeout))

    def appoint(self, appointment: Appointment) -> Notary:
        """Have these books signed and witnessed from now on; `examine` it before the first question."""
        self.notary = Notary(self._store, appointment)
        return self.notary

    def check_current(self, now: datetime) -> None:
        """Refused (BOOKS_BEHIND) while these books may not be the present ones. Books without a notary are not looked at."""
        if self.notary is not None:
            self.notary.check_current(now)

    def close(self) -> None:
        """Finish what is queued and let go of the file."""
        self._store.close()

    def __enter__(self) -> Self:
        """The ledger; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def reserve(
        self,
        plan: "PrivatePlan",
        authorisation: Authorisation,
        snapshot: int,
        now: datetime,
        idempotency_key: str | None = None,
        *,
        question: str = "",
        request: str | None = None,
    ) -> Reservation:
        """Take the plan's price durably from every account that has a cap on it, all or none. `question` is the researcher's own text.

        Refused: BUDGET_EXHAUSTED naming the narrowest cap that lacks and what it has left, BUDGET_INVALID for losses of another
        definition, POLICY_PAUSED and POLICY_SUSPENDED as of this instant, REQUEST_CONFLICT for a key that is taken (ask `earlier` first)
        and for a permit that was made under policies or a snapshot that no longer apply.
        """
        self.check_current(now)
        check_same_definition(plan.price, authorisation.caps)
        reservation = new_reservation(plan.digest, authorisation, snapshot, plan.price, now)
        asked = Asking(question, idempotency_key, request)
        return self._store.write(lambda tx: reserve_under(tx, reservation, authorisation, asked))

    def post(
        self, reservation: Reservation, answer: RecordedAnswer, verdict: str, now: datetime, serving: Serving = NOT_SERVING
    ) -> Receipt:
        """Spend the reservation for good and record its answer. The question's constant Fault where it was swept meanwhile."""
        content = answers.encode(answer)
        return self._store.write(lambda tx: spends.post(tx, reservation.id, content, verdict, now, serving))

    def post_free(self, free: Free, answer: RecordedAnswer, verdict: str, now: datetime, serving: Serving) -> Receipt:
        """Record an answer that was made of earlier ones alone and costs nothing: reserved at price 0 and posted, in one act.

        Refused as `reserve` refuses: what is stopped answers nothing, not even for free.
        """
        self.check_current(now)
        content = answers.encode(answer)
        reservation = new_reservation(free.plan_digest, free.authorisation, free.snapshot, Price(free.definition, 0), now)

        def book(tx: Transaction) -> Receipt:
            reserve_under(tx, reservation, free.authorisation, Asking(free.question, free.idempotency_key, free.request))
            return spends.post(tx, reservation.id, content, verdict, now, serving)

        return self._store.write(book)

    def post_fault(self, reservation: Reservation, now: datetime) -> Receipt:
        """Spend the reservation for good, without an answer; the first receipt where that was done before."""
        return self._store.write(lambda tx: spends.post_fault(tx, reservation.id, spends.FAULTED, None, now))

    def void(self, reservation: Reservation, cause: str, now: datetime) -> None:
        """Give the price back. Only for plan-only causes, before anything looked at a row; `cause` holds no datum."""
        self._store.write(lambda tx: spends.void(tx, reservation.id, cause, now))

    def sweep(self, now: datetime, older_than: timedelta) -> int:
        """Post, never void, every reservation at least `older_than` old (or that far in the future): unknown is spent. How many."""
        return self._store.write(lambda tx: spends.sweep(tx, now, older_than))

    def replay(self, project: str, dataset: str, plan_digest: str, snapshot: int) -> Replay | None:
        """The recorded answer of the same plan on the same snapshot, asked within the same project: free to give again."""
        with self._store.glance() as driver:
            return reading.replay(driver, project, dataset, plan_digest, snapshot)

    def earlier(
        self, actor: str, project: str, idempotency_key: str, plan_digest: str, snapshot: int, *, request: str | None = None
    ) -> Replay | None:
        """What was already paid for under this key: the same receipt and answer, not replayed; None for a new key.

        The same is the same `request` (a digest of its text, price and options) on the same snapshot. Refused (REQUEST_CONFLICT) where
        the key was for another one or is still being answered; the question's Fault where the first try ended in one.
        """
        with self._store.glance() as driver:
            return reading.earlier(driver, actor, project, idempotency_key, reading.Same(plan_digest, snapshot, request))

    def offers(self, project: str, dataset: str, snapshot: int, source: str, target: str) -> tuple[Recorded, ...]:
        """The recorded answers of this project over the rows that `source` names, on this snapshot, that hold `target` (digests)."""
        with self._store.glance() as driver:
            return offers.find(driver, project, dataset, snapshot, source, target)

    def balance(self, dataset: str, population: str, project: str | None = None, *, definition: Definition = Definition.ZCDP) -> Balance:
        """The project's account in the dataset, or the dataset's where no project is named. Zero in `definition` where untouched."""
        where = Spender(population, dataset, project or "")
        with self._store.read() as connection:
            return reading.balance(connection, accounts.dataset_of(where) if project is None else accounts.project_of(where), definition)

    def population_balance(self, population: str, *, definition: Definition = Definition.ZCDP) -> Balance:
        """The population's account, which every dataset of these people draws on."""
        with self._store.read() as connection:
            return reading.balance(connection, accounts.population_of(Spender(population, "")), definition)

    def account(self, name: str, *, definition: Definition = Definition.ZCDP) -> Balance:
        """One account by its name in the books (`haven.ledger.accounts`). Zero in `definition` where untouched."""
        with self._store.read() as connection:
            return reading.balance(connection, name, definition)

    def left(self, authorisation: Authorisation) -> Price:
        """The least that the caps leave on the permit's day, part by part, after everything spent and in flight."""
        where = Spender(authorisation.population, authorisation.dataset, authorisation.project, authorisation.actor)
        held = self.held(where, authorisation.caps, authorisation.day)
        return accounts.least_left([account.cap for account, _ in held], [balance for _, balance in held])

    def held(self, where: Spender, caps: Caps, day: date) -> tuple[tuple[Account, Balance], ...]:
        """The accounts that a spend on `day` would be taken from, from the population inward, each with its balance, of one moment."""
        found = accounts.accounts_of(where, caps, day)
        with self._store.read() as connection:
            balances = reading.balances(connection, [account.name for account in found], caps.population.definition)
        return tuple(zip(found, balances, strict=True))

    def receipt(self, receipt_id: str) -> Receipt | None:
        """The receipt of a posted spend."""
        with self._store.read() as connection:
            return reading.receipt(connection, receipt_id)

    def spend(self, receipt_id: str) -> Spend | None:
        """The spend, whatever its state, with the question's text: for its project, the dataset's custodian, and auditors."""
        with self._store.read() as connection:
            return reading.spend(connection, receipt_id)

    def recorded(self, receipt_id: str) -> RecordedAnswer | None:
        """The answer recorded under a receipt."""
        with self._store.read() as connection:
            return reading.recorded(connection, receipt_id)

    def recent(
        self, *, dataset: str | None = None, project: str | None = None, actor: str | None = None, limit: int = 50
    ) -> tuple[Spend, ...]:
        """The newest spends first, of this dataset, project and actor as far as they are named."""
        where = {"dataset": dataset, "project": project, "actor": actor}
        with self._store.read() as connection:
            return reading.recent(connection, _named(where), limit)

    def history(self, project: str) -> tuple[Spend, ...]:
        """Everything a project ever asked, the newest first."""
        with self._store.read() as connection:
            return reading.recent(connection, {"project": project}, None)

    def spend_series(self, dataset: str) -> tuple[DaySpend, ...]:
        """What was spent of a dataset on each day (UTC) on which anything was: the burn-down."""
        with self._store.read() as connection:
            return reading.spend_series(connection, dataset)

    def spent_since(self, since: date, definition: Definition, dataset: str, project: str | None = None) -> Price:
        """What was spent of a dataset for good, by a project where one is named, from the day `since` (UTC) on."""
        with self._store.glance() as driver:
            return days.spent_since(driver, definition, since, dataset, project)

    def days(self, dataset: str, since: date) -> tuple[DayUse, ...]:
        """What each person asked of a dataset for each project on each day (UTC) from `since` on, in the order of days."""
        with self._store.read() as connection:
            return days_of(connection, dataset, since)

    def entries(self, *, kind: str | None = None, actor: str | None = None, limit: int = 100) -> tuple[Entry, ...]:
        """The newest entries first, of this kind and actor as far as they are named."""
        with self._store.read() as connection:
            return reading.newest_entries(connection, _named({"kind": kind, "actor": actor}), limit)

    def entries_after(self, after: int, limit: int) -> tuple[Entry, ...]:
        """At most `limit` entries with numbers above `after`, the oldest first: to follow the books from where one left off."""
        with self._store.read() as connection:
            return reading.entries_after(connection, after, limit)

    def record(self, kind: str, actor: str, detail: Mapping[str, Any], now: datetime) -> Entry:
        """Add one entry for another room's act. `detail` holds no floats and no datum."""
        return self._store.write(lambda tx: tx.append(kind, actor, detail, now))

    def transaction(self) -> AbstractContextManager[Transaction]:
        """`with ledger.transaction() as tx:` write own tables on `tx.connection` and `tx.append(…)` the entry, atomically.

        Durable when the block is left; undone when it raises. Everyone else's writing waits, so keep the block short, and call no other
        writing method inside it (RuntimeError).
        """
        return self._store.transaction()

    def read(self) -> AbstractContextManager[Connection]:
        """A read-only connection on one consistent snapshot, for other rooms' own tables."""
        return self._store.read()

    def audit_export(self) -> Iterator[dict[str, Any]]:
        """Every entry as one JSON-ready object, the oldest first."""
        return audit.export(self._store)


def _named(where: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in where.items() if value is not None}
