"""Rows of `spends` and the values they stand for."""

import json
from collections.abc import Sequence
from typing import Any

from haven.ledger.accounts import Account, moved_by
from haven.ledger.amounts import loaded, moment_of, stamp, stored
from haven.ledger.entries import Asking, Receipt, Reservation, Spend, SpendState
from haven.ledger.prepared import StoredRow
from haven.privacy.budget import Definition, Price


def price_json(price: Price) -> dict[str, str]:
    """A price in an entry: decimal strings, since other readers of JSON round large integers."""
    return {"definition": price.definition.value, "pico": str(price.pico), "atto_delta": str(price.atto_delta)}


def price_of(value: dict[str, str]) -> Price:
    """The inverse of `price_json`."""
    return Price(Definition(value["definition"]), int(value["pico"]), int(value["atto_delta"]))


def price_in(row: StoredRow) -> Price:
    """The price of the spend in a row of `spends`."""
    return Price(Definition(row.definition), loaded(row.pico), loaded(row.atto))


def caps_json(held: Sequence[Account]) -> list[list[str]]:
    """The accounts of a spend in an entry, each with its cap: name, units of 10⁻¹² and of 10⁻¹⁸."""
    return [[account.name, str(account.cap.pico), str(account.cap.atto_delta)] for account in held]


def caps_of(row: StoredRow) -> dict[str, Price]:
    """The accounts that the spend in a row of `spends` is taken from, by name, each with the cap it had then."""
    where = {"population": row.population, "dataset": row.dataset, "project": row.project}
    definition = Definition(row.definition)
    return {name: Price(definition, *cap) for name, cap in moved_by(where | {"caps": json.loads(row.caps)}) if cap is not None}


def reservation_detail(reservation: Reservation, held: Sequence[Account]) -> dict[str, Any]:
    """What the chain says of a reservation. The question's text is not in it: auditors read the chain, and a text may hold a literal."""
    return {
        "id": reservation.id,
        "project": reservation.project,
        "dataset": reservation.dataset,
        "population": reservation.population,
        "snapshot": reservation.snapshot,
        "plan_digest": reservation.plan_digest,
        "policy_digest": reservation.policy_digest,
        "price": price_json(reservation.price),
        "caps": caps_json(held),
    }


def spend_row(reservation: Reservation, held: Sequence[Account], asked: Asking, entry: int) -> dict[str, Any]:
    """A new row of `spends`, in flight since entry `entry`."""
    return {
        "id": reservation.id,
        "state": SpendState.RESERVED.value,
        "actor": reservation.actor,
        "project": reservation.project,
        "dataset": reservation.dataset,
        "population": reservation.population,
        "snapshot": reservation.snapshot,
        "plan_digest": reservation.plan_digest,
        "policy_digest": reservation.policy_digest,
        "definition": reservation.price.definition.value,
        "pico": stored(reservation.price.pico),
        "atto": stored(reservation.price.atto_delta),
        "caps": json.dumps(caps_json(held)),
        "question": asked.question,
        "idempotency_key": asked.key,
        "request_digest": asked.request,
        "reserved_at": stamp(reservation.reserved_at),
        "reserve_entry": entry,
        "ended_at": None,
        "end_entry": None,
        "outcome": "",
        "left_pico": None,
        "left_atto": None,
    }


def reservation_of(row: StoredRow) -> Reservation:
    """The reservation in a row of `spends`."""
    return Reservation(
        id=row.id,
        plan_digest=row.plan_digest,
        policy_digest=row.policy_digest,
        snapshot=row.snapshot,
        population=row.population,
        dataset=row.dataset,
        project=row.project,
        actor=row.actor,
        price=price_in(row),
        reserved_at=moment_of(row.reserved_at),
    )


def receipt_of(row: StoredRow, *, replayed: bool) -> Receipt:
    """The receipt in a posted row of `spends` joined with the digest of its last entry."""
    left = Price(Definition(row.definition), loaded(row.left_pico), loaded(row.left_atto))
    return Receipt(row.id, reservation_of(row), moment_of(row.ended_at), row.end_entry, row.end_digest, left, replayed)


def spend_of(row: StoredRow) -> Spend:
    """The spend in a row of `spends` joined with the number of its answers."""
    ended_at = None if row.ended_at is None else moment_of(row.ended_at)
    return Spend(reservation_of(row), SpendState(row.state), row.question, ended_at, row.outcome, row.answered)
