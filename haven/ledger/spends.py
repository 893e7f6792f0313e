"""Reserve, then post or void: the only ways a price moves. Each is one act in one transaction, with its entry in the chain.

A reservation is taken from every account that has a cap on it at once, before anything looks at a row. It ends once: posted (spent
for good) or void (only where nothing was looked at). What is in doubt is posted: unknown is spent.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, bindparam, insert, or_, select, update

from haven.errors import Code, Refused, question_fault
from haven.ledger import accounts, answers, days, offers, rows
from haven.ledger.accounts import Spender
from haven.ledger.amounts import moment_of, stamp, stored
from haven.ledger.days import Whose
from haven.ledger.entries import Asking, Balance, Receipt, Reservation, Serving, SpendState
from haven.ledger.prepared import Prepared, StoredRow
from haven.ledger.renewals import WITHDRAWAL
from haven.ledger.schema import answers as answers_table
from haven.ledger.schema import entries, policies, snapshots, spends, states
from haven.ledger.writer import Transaction
from haven.policy.authorisation import Authorisation, Caps
from haven.privacy.budget import Price

HOUSE = "haven"  # the actor of what no person does: the sweeper
SWEPT = "swept"
FAULTED = "fault"

_STOPPING = {"dataset": "dataset", "project": "project", "user": "user", WITHDRAWAL: "dataset"}
"""The kinds of standing that may stop a question, and whose name each goes by."""
_STOPPED = Prepared(
    select(states.c.kind).where(
        states.c.state != "active",
        or_(*(and_(states.c.kind == kind, states.c.name == bindparam(whose)) for kind, whose in _STOPPING.items())),
    )
)
_KEY_TAKEN = Prepared(
    select(spends.c.id).where(
        spends.c.actor == bindparam("actor"),
        spends.c.project == bindparam("project"),
        spends.c.idempotency_key == bindparam("key"),
        spends.c.state != SpendState.VOID.value,
    )
)
_NEWER_SNAPSHOT = Prepared(
    select(snapshots.c.serial).where(snapshots.c.dataset == bindparam("dataset"), snapshots.c.serial > bindparam("planned_on")).limit(1)
)
_IN_FORCE = Prepared(
    select(
        *(
            select(policies.c.digest)
            .where(policies.c.kind == kind, policies.c.name == bindparam(kind))
            .order_by(policies.c.version.desc())
            .limit(1)
            .scalar_subquery()
            .label(kind)
            for kind in ("dataset", "project")
        )
    )
)
_TAKE = Prepared(insert(spends))
_FIND = Prepared(
    select(spends, entries.c.digest.label("end_digest"))
    .outerjoin(entries, entries.c.seq == spends.c.end_entry)
    .where(spends.c.id == bindparam("wanted"))
)
_END = Prepared(
    update(spends).where(spends.c.id == bindparam("ended")), ("state", "outcome", "end_entry", "ended_at", "left_pico", "left_atto")
)
_ANSWER = Prepared(insert(answers_table))
_IN_FLIGHT = Prepared(select(spends.c.id, spends.c.reserved_at).where(spends.c.state == SpendState.RESERVED.value))


def reserve(tx: Transaction, reservation: Reservation, caps: Caps, asked: Asking) -> Reservation:
    """Take the price from every account that has a cap on it, or Refused and nothing is taken."""
    _check_not_stopped(tx, reservation)
    _check_snapshot_is_current(tx, reservation)
    if asked.key is not None:
        _check_key_is_new(tx, reservation, asked.key)
    price, held = reservation.price, accounts.accounts_of(spender(reservation), caps, reservation.reserved_at)
    names = [account.name for account in held]
    balances = accounts.load(tx.driver, names, price.definition)
    accounts.check_fits(price, held, balances)
    accounts.save(tx.driver, names, [replace(balance, reserved=balance.reserved + price) for balance in balances])
    entry = tx.append("spend.reserved", reservation.actor, rows.reservation_detail(reservation, held), reservation.reserved_at)
    _TAKE.run(tx.driver, rows.spend_row(reservation, held, asked, entry.seq))
    days.count(tx.driver, whose(reservation), days.ASKED, price.definition, reservation.reserved_at)
    return reservation


def spender(reservation: Reservation) -> Spender:
    """On whose accounts a reservation is."""
    return Spender(reservation.population, reservation.dataset, reservation.project, reservation.actor)


def whose(spend: Reservation | StoredRow) -> Whose:
    """Whose day a reservation, or a row of `spends`, belongs to."""
    return Whose(spend.dataset, spend.project, spend.actor)


def post(tx: Transaction, spend_id: str, content: str, verdict: str, now: datetime, serving: Serving) -> Receipt:
    """Spend for good and record `content`, the answer. The question's Fault where it was posted without one meanwhile, or is void."""
    row = _find(tx, spend_id)
    if row.state != SpendState.RESERVED:
        raise question_fault()
    receipt = _settle(tx, row, verdict, now, answer=answers.digest(content), made_from=serving.made_from)
    _ANSWER.run(tx.driver, {"id": spend_id, "content": content})
    if serving.offer is not None:
        offers.add(tx.driver, row, serving.offer)
    return receipt


def post_fault(tx: Transaction, spend_id: str, outcome: str, actor: str | None, now: datetime) -> Receipt:
    """Spend for good without an answer; the first receipt where it is posted already. The question's Fault where it is void."""
    row = _find(tx, spend_id)
    if row.state == SpendState.POSTED:
        return rows.receipt_of(row, replayed=False)
    if row.state == SpendState.VOID:
        raise question_fault()
    return _settle(tx, row, outcome, now, actor=actor)


def void(tx: Transaction, spend_id: str, cause: str, now: datetime) -> None:
    """Give the price back. Nothing to do where it is void already; the question's Fault where it was posted meanwhile."""
    row = _find(tx, spend_id)
    if row.state == SpendState.POSTED:
        raise question_fault()
    if row.state == SpendState.RESERVED:
        _move(tx, row, spent=False)
        entry = tx.append("spend.void", row.actor, {"id": row.id, "cause": cause}, now)
        _END.run(tx.driver, _ending(row, SpendState.VOID, cause, entry.seq, now))


def sweep(tx: Transaction, now: datetime, older_than: timedelta) -> int:
    """Post every reservation at least `older_than` away from `now`, either way: a clock that was set back hides none. How many."""
    doubtful = [row.id for row in _IN_FLIGHT.all(tx.driver, {}) if abs(now - moment_of(row.reserved_at)) >= older_than]
    for spend_id in doubtful:
        post_fault(tx, spend_id, SWEPT, HOUSE, now)
    return len(doubtful)


def _settle(
    tx: Transaction,
    row: StoredRow,
    outcome: str,
    now: datetime,
    *,
    answer: str | None = None,
    actor: str | None = None,
    made_from: tuple[str, ...] = (),
) -> Receipt:
    left = accounts.least_left(*_move(tx, row, spent=True))
    detail: dict[str, Any] = {"id": row.id, "outcome": outcome, "answer": answer}
    entry = tx.append("spend.posted", actor or row.actor, detail | ({"made_from": list(made_from)} if made_from else {}), now)
    _END.run(tx.driver, _ending(row, SpendState.POSTED, outcome, entry.seq, now, left))
    days.spend(tx.driver, whose(row), rows.price_in(row), now)
    return Receipt(row.id, rows.reservation_of(row), now, entry.seq, entry.digest, left)


def _move(tx: Transaction, row: StoredRow, *, spent: bool) -> tuple[list[Price], list[Balance]]:
    """Take the price out of what the accounts hold reserved, into what they have spent or back to the cap. Their caps and balances."""
    price, caps = rows.price_in(row), rows.caps_of(row)
    names = list(caps)
    balances = [_released(balance, price) for balance in accounts.load(tx.driver, names, price.definition)]
    if spent:
        balances = [replace(balance, spent=balance.spent + price) for balance in balances]
    accounts.save(tx.driver, names, balances)
    return list(caps.values()), balances


def _released(balance: Balance, price: Price) -> Balance:
    # built in full, not with Price.minus: that one stops at 0, and books that do not add up must stop here
    held = balance.reserved
    return replace(balance, reserved=Price(price.definition, held.pico - price.pico, held.atto_delta - price.atto_delta))


def _ending(row: StoredRow, state: SpendState, outcome: str, entry: int, now: datetime, left: Price | None = None) -> dict[str, Any]:
    return {
        "ended": row.id,
        "state": state.value,
        "outcome": outcome,
        "end_entry": entry,
        "ended_at": stamp(now),
        "left_pico": None if left is None else stored(left.pico),
        "left_atto": None if left is None else stored(left.atto_delta),
    }


def _find(tx: Transaction, spend_id: str) -> StoredRow:
    """The row of a reservation. A reservation that these books never made is no permit: the question's Fault."""
    row = _FIND.first(tx.driver, {"wanted": spend_id})
    if row is None:
        raise question_fault()
    return row


def _check_not_stopped(tx: Transaction, reservation: Reservation) -> None:
    where = {"dataset": reservation.dataset, "project": reservation.project, "user": reservation.actor}
    stopped = {row.kind for row in _STOPPED.all(tx.driver, where)}
    if "user" in stopped:
        raise Refused(Code.POLICY_SUSPENDED, "Your account is suspended.", "Ask your data custodian why, and what would lift it.")
    if "project" in stopped:
        raise Refused(
            Code.POLICY_SUSPENDED,
            f"The project {reservation.project} is suspended, so no question of it is answered.",
            "Ask your data custodian why, and what would lift it.",
        )
    if "dataset" in stopped:
        raise Refused(
            Code.POLICY_PAUSED,
            f"The dataset {reservation.dataset} is paused, so no question about it is answered.",
            "Ask again once its custodian has resumed it; nothing was spent.",
        )
    if WITHDRAWAL in stopped:
        raise Refused(
            Code.POLICY_PAUSED,
            f"The dataset {reservation.dataset} answers no question until its data are renewed.",
            "The catalogue says when that is due; nothing was spent.",
        )


def _check_snapshot_is_current(tx: Transaction, reservation: Reservation) -> None:
    """Nobody who has withdrawn is in an answer that is reserved after their withdrawal, however the question was timed."""
    where = {"dataset": reservation.dataset, "planned_on": reservation.snapshot}
    if _NEWER_SNAPSHOT.first(tx.driver, where) is not None:
        raise Refused(
            Code.REQUEST_CONFLICT,
            f"The dataset {reservation.dataset} was renewed while the question was planned.",
            "Ask again: it will be answered from the present snapshot; nothing was spent.",
        )


def check_policies_apply(tx: Transaction, permit: Authorisation) -> None:
    """Refused (REQUEST_CONFLICT) where another version of a policy applies than the permit was made under.

    A budget that was lowered, or a consent that was narrowed, holds from its entry on, however a question was timed.
    """
    if not permit.project_digest:
        return
    applies = _IN_FORCE.first(tx.driver, {"dataset": permit.dataset, "project": permit.project})
    if applies is None or (applies.dataset, applies.project) != (permit.policy_digest, permit.project_digest):
        raise Refused(
            Code.REQUEST_CONFLICT,
            f"The policy of {permit.dataset} or of the project {permit.project} changed while the question was planned.",
            "Ask again: it will be planned under the present policies; nothing was spent.",
        )


def _check_key_is_new(tx: Transaction, reservation: Reservation, key: str) -> None:
    where = {"actor": reservation.actor, "project": reservation.project, "key": key}
    if _KEY_TAKEN.first(tx.driver, where) is not None:
        raise Refused(
            Code.REQUEST_CONFLICT,
            "This idempotency key was used before.",
            "Send the same request again for the same receipt, or a new key for a new question.",
        )
