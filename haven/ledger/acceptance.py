"""Accepting books that their witness contradicts: decided by two custodians, recorded in those books, and paid for.

What stood in the lost entries nobody knows but their number. Each of them may have spent, so what was left to spend is charged to every
population unless the custodians state the amount that was lost. The books then go on under a new origin: the witness keeps what it saw of
the old one for ever, and no checkpoint contradicts an earlier one of its own origin.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from haven.errors import Code, Refused
from haven.ledger import accounts
from haven.ledger.accounts import Spender
from haven.ledger.prepared import Driver, Prepared
from haven.ledger.proposals import Act, Proposal
from haven.ledger.rows import price_json, price_of
from haven.ledger.schema import entries
from haven.ledger.writer import Transaction
from haven.privacy.budget import Price

KIND = "books.acceptance"
ENTRY = "books.accepted"
_ALL = select(entries.c.seq, entries.c.body).where(entries.c.kind == ENTRY).order_by(entries.c.seq.desc())
_LAST, _EVERY = Prepared(_ALL.limit(1)), Prepared(_ALL)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What is decided: to go on with books of `entries` entries and this `root` though their witness saw `witnessed` (None: unknown).

    Up to `agreed` entries a checkpoint of the books' own shows them to be those of before. `origin` is the one under which they go on,
    `public` the key that signs from now on, `doubt` why the question arose. `charges` are added to what each population has spent.
    """

    doubt: str
    entries: int
    root: str
    witnessed: int | None
    agreed: int
    origin: str
    public: str
    charges: Mapping[str, Price]

    @property
    def detail(self) -> dict[str, Any]:
        """What a proposal of it holds, and the entry beside who decided."""
        told = {name: getattr(self, name) for name in _TOLD}
        return told | {"charges": {name: price_json(price) for name, price in sorted(self.charges.items())}}

    @classmethod
    def of(cls, detail: Mapping[str, Any]) -> "Acceptance":
        """The inverse of `detail`."""
        charges = {name: price_of(price) for name, price in detail["charges"].items()}
        return cls(**{name: detail[name] for name in _TOLD}, charges=charges)


_TOLD = ("doubt", "entries", "root", "witnessed", "agreed", "origin", "public")


def origin_in(driver: Driver, first: str) -> str:
    """The origin under which the books go on: `first`, unless two custodians accepted older books since."""
    row = _LAST.first(driver, {})
    return first if row is None else str(_detail(row.body)["origin"])


def origins(driver: Driver, first: str) -> list[str]:
    """Every origin that these books went by, the present one first."""
    return [*(str(_detail(row.body)["origin"]) for row in _EVERY.all(driver, {})), first]


def last_entry(driver: Driver) -> int:
    """The number of the last entry that accepted the books, 0 where none did."""
    row = _LAST.first(driver, {})
    return 0 if row is None else int(row.seq)


def successor(origin: str, steps: int = 1) -> str:
    """The origin of books that go on after `steps` acceptances: after NAME comes NAME/2, then NAME/3."""
    name, slash, number = origin.rpartition("/")
    if slash and number.isdecimal():
        return f"{name}/{int(number) + steps}"
    return f"{origin}/{1 + steps}"


def accept(tx: Transaction, proposal: Proposal, now: datetime) -> None:
    """The act of a confirmed proposal. Refused where the books were accepted meanwhile: that decision was about other books."""
    acceptance = Acceptance.of(proposal.detail)
    row = _LAST.first(tx.driver, {})
    if row is not None and row.seq > acceptance.entries:
        raise Refused(
            Code.REQUEST_CONFLICT, "These books were accepted meanwhile.", "Look whether they still need it, and propose it anew."
        )
    second = proposal.decided_by or proposal.proposed_by
    tx.append(ENTRY, second, acceptance.detail | {"proposal": proposal.id, "reason": proposal.reason}, now)
    for population, price in sorted(acceptance.charges.items()):
        _charge(tx, population, price, proposal, second, now)


def _charge(tx: Transaction, population: str, price: Price, proposal: Proposal, actor: str, now: datetime) -> None:
    if not (price.pico or price.atto_delta):
        return
    name = accounts.population_of(Spender(population, ""))
    (balance,) = accounts.load(tx.driver, (name,), price.definition)
    accounts.save(tx.driver, (name,), [replace(balance, spent=balance.spent + price)])
    told = {"proposal": proposal.id, "accounts": [name], "price": price_json(price), "reason": proposal.reason, "dataset": ""}
    tx.append("budget.corrected", actor, told, now)


def _detail(body: str) -> dict[str, Any]:
    detail: dict[str, Any] = json.loads(body)["detail"]
    return detail


ACTS: Mapping[str, Act] = MappingProxyType({KIND: accept})
"""What a confirmed proposal to accept the books does."""
