"""Reading the books: receipts, recorded answers, spends, balances, days and entries. Never waits for the writer."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, select

from haven.errors import Code, Refused, question_fault
from haven.ledger import accounts, answers, rows
from haven.ledger.amounts import loaded, moment_of
from haven.ledger.entries import Balance, DaySpend, Entry, Receipt, RecordedAnswer, Replay, Spend, SpendState
from haven.ledger.prepared import Driver, Prepared, StoredRow, driver_of
from haven.ledger.schema import accounts as accounts_table
from haven.ledger.schema import answers as answers_table
from haven.ledger.schema import days, entries, spends
from haven.privacy.budget import Definition, Price

_SPENDS = select(
    spends,
    entries.c.digest.label("end_digest"),
    exists().where(answers_table.c.id == spends.c.id).label("answered"),
).outerjoin(entries, entries.c.seq == spends.c.end_entry)
_SPEND = _SPENDS.where(spends.c.id == bindparam("wanted"))
_REPLAY = Prepared(
    select(spends, entries.c.digest.label("end_digest"), answers_table.c.content)
    .join(answers_table, answers_table.c.id == spends.c.id)
    .join(entries, entries.c.seq == spends.c.end_entry)
    .where(
        spends.c.project == bindparam("project"),
        spends.c.dataset == bindparam("dataset"),
        spends.c.plan_digest == bindparam("plan_digest"),
        spends.c.snapshot == bindparam("snapshot"),
    )
    .order_by(spends.c.end_entry.desc())
    .limit(1)
)
_BY_KEY = Prepared(
    select(spends, entries.c.digest.label("end_digest"), answers_table.c.content)
    .outerjoin(answers_table, answers_table.c.id == spends.c.id)
    .outerjoin(entries, entries.c.seq == spends.c.end_entry)
    .where(
        spends.c.actor == bindparam("actor"),
        spends.c.project == bindparam("project"),
        spends.c.idempotency_key == bindparam("key"),
        spends.c.state != SpendState.VOID.value,
    )
)
_CONTENT = select(answers_table.c.content).where(answers_table.c.id == bindparam("wanted"))
_BALANCE = select(accounts_table).where(accounts_table.c.account == bindparam("account"))
_DAYS = (
    select(days.c.day, days.c.definition, days.c.spent_pico, days.c.spent_atto)
    .where(days.c.dataset == bindparam("dataset"))
    .order_by(days.c.day)
)
_ENTRIES = select(entries).order_by(entries.c.seq)


@dataclass(frozen=True, slots=True)
class Same:
    """What must be the same for an answer to be given again under its key: the whole request, on the same snapshot.

    Without a digest of the request on either side the plan stands for it: the same plan asked of the same rows at the same price.
    """

    plan_digest: str
    snapshot: int
    request: str | None = None

    def as_in(self, row: StoredRow) -> bool:
        """Whether the spend in a row of `spends` was for the same."""
        if self.request is None or row.request_digest is None:
            return bool((row.plan_digest, row.snapshot) == (self.plan_digest, self.snapshot))
        return bool((row.request_digest, row.snapshot) == (self.request, self.snapshot))


def replay(driver: Driver, project: str, dataset: str, plan_digest: str, snapshot: int) -> Replay | None:
    """The newest recorded answer of this plan on this snapshot within this project."""
    where = {"project": project, "dataset": dataset, "plan_digest": plan_digest, "snapshot": snapshot}
    row = _REPLAY.first(driver, where)
    return None if row is None else Replay(rows.receipt_of(row, replayed=True), answers.decode(row.content))


def earlier(driver: Driver, actor: str, project: str, key: str, same: Same) -> Replay | None:
    """The answer paid for under `key`, where it was for the `same`; see `Ledger.earlier`."""
    row = _BY_KEY.first(driver, {"actor": actor, "project": project, "key": key})
    if row is None:
        return None
    if not same.as_in(row):
        raise Refused(
            Code.REQUEST_CONFLICT,
            "This idempotency key was used for another question, or before the data changed.",
            "Use a new key for a new question.",
        )
    if row.state == SpendState.RESERVED:
        raise Refused(Code.REQUEST_CONFLICT, "The question under this idempotency key is still being answered.", "Ask again in a moment.")
    if row.content is None:
        raise question_fault()
    return Replay(rows.receipt_of(row, replayed=False), answers.decode(row.content))


def spend(connection: Connection, spend_id: str) -> Spend | None:
    """One spend by its number."""
    row = connection.execute(_SPEND, {"wanted": spend_id}).first()
    return None if row is None else rows.spend_of(row)


def receipt(connection: Connection, receipt_id: str) -> Receipt | None:
    """The receipt of a posted spend; None for an unknown number, and for one in flight or void."""
    row = connection.execute(_SPEND, {"wanted": receipt_id}).first()
    return None if row is None or row.state != SpendState.POSTED else rows.receipt_of(row, replayed=False)


def recorded(connection: Connection, receipt_id: str) -> RecordedAnswer | None:
    """The answer recorded under a receipt."""
    content = connection.execute(_CONTENT, {"wanted": receipt_id}).scalar()
    return None if content is None else answers.decode(content)


def recent(connection: Connection, where: dict[str, str], limit: int | None) -> tuple[Spend, ...]:
    """Spends whose columns equal `where`, the newest first."""
    statement = _SPENDS.where(*(spends.c[name] == value for name, value in where.items())).order_by(spends.c.reserve_entry.desc())
    return tuple(rows.spend_of(row) for row in connection.execute(statement.limit(limit)))


def balance(connection: Connection, account: str, definition: Definition) -> Balance:
    """One account's balance; zero in `definition` where nothing was ever taken from it."""
    row = connection.execute(_BALANCE, {"account": account}).first()
    return accounts.empty(definition) if row is None else accounts.balance_of(row)


def balances(connection: Connection, names: Sequence[str], definition: Definition) -> list[Balance]:
    """The balances that a spend is taken from, as of one moment."""
    return accounts.load(driver_of(connection), names, definition)


def spend_series(connection: Connection, dataset: str) -> tuple[DaySpend, ...]:
    """What was spent for good on each day (UTC) on which anything was, in order."""
    by_day: dict[str, Price] = {}
    for row in connection.execute(_DAYS, {"dataset": dataset}):
        spent = Price(Definition(row.definition), loaded(row.spent_pico), loaded(row.spent_atto))
        by_day[row.day] = by_day[row.day] + spent if row.day in by_day else spent
    return tuple(DaySpend(date.fromisoformat(day), spent) for day, spent in by_day.items() if spent.pico or spent.atto_delta)


def newest_entries(connection: Connection, where: dict[str, str], limit: int) -> tuple[Entry, ...]:
    """Entries whose columns equal `where`, the newest first."""
    statement = select(entries).where(*(entries.c[name] == value for name, value in where.items()))
    return tuple(entry_of(row) for row in connection.execute(statement.order_by(entries.c.seq.desc()).limit(limit)))


def all_entries(connection: Connection) -> Iterator[Entry]:
    """Every entry, the oldest first, streamed."""
    return map(entry_of, connection.execution_options(yield_per=1000).execute(_ENTRIES))


def entries_after(connection: Connection, after: int, limit: int) -> tuple[Entry, ...]:
    """At most `limit` entries with numbers above `after`, the oldest first."""
    return tuple(map(entry_of, connection.execute(_ENTRIES.where(entries.c.seq > after).limit(limit))))


def entry_of(row: Row[Any]) -> Entry:
    """The entry in a row of `entries`."""
    body = json.loads(row.body)
    return Entry(row.seq, row.kind, row.actor, moment_of(row.at), body["detail"], row.prev_digest, row.digest)
