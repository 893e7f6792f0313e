"""Corrections of what the books say was lost: a new entry, proposed by one custodian with a reason and confirmed by another.

Guaranteed: a correction only adds to what is spent. Nothing is rewritten and nothing is given back: an answer that saw data has lost what
it lost. It keeps to no cap, since the loss has happened; an account that it takes beyond its cap answers no question from then on.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from haven.errors import Code, Refused
from haven.ledger import accounts, days
from haven.ledger.accounts import Spender
from haven.ledger.days import Whose
from haven.ledger.proposals import Act, Proposal
from haven.ledger.rows import price_json, price_of
from haven.ledger.writer import Transaction
from haven.privacy.budget import Price

KIND = "budget.correction"


@dataclass(frozen=True, slots=True)
class Correction:
    """A loss that was not booked: of a dataset's people, and where they are named of a project's share and of a researcher's part of it."""

    where: Spender
    price: Price

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts it is added to. A period's is not among them: the loss is not of this period."""
        names = [accounts.population_of(self.where), accounts.dataset_of(self.where)]
        if self.where.project:
            names.append(accounts.project_of(self.where))
        if self.where.actor:
            names.append(accounts.researcher_of(self.where))
        return tuple(names)

    @property
    def detail(self) -> dict[str, Any]:
        """What a proposal of it holds. Refused where there is no loss, and for a researcher of no project."""
        if not (self.price.pico or self.price.atto_delta):
            raise Refused(Code.REQUEST_INVALID, "A correction of nothing changes nothing.", "Say how much was lost.")
        if self.where.actor and not self.where.project:
            raise Refused(Code.REQUEST_INVALID, "A researcher's part is of a project's share.", "Name the project too.")
        return {**self.where._asdict(), "price": price_json(self.price)}

    @classmethod
    def of(cls, detail: Mapping[str, Any]) -> "Correction":
        """The inverse of `detail`."""
        return cls(Spender(*(detail[name] for name in Spender._fields)), price_of(detail["price"]))


def correct(tx: Transaction, proposal: Proposal, now: datetime) -> None:
    """The act of a confirmed proposal. Refused where losses of another definition are booked already."""
    correction = Correction.of(proposal.detail)
    names, price = correction.accounts, correction.price
    balances = accounts.load(tx.driver, names, price.definition)
    accounts.save(tx.driver, names, [replace(balance, spent=balance.spent + price) for balance in balances])
    where = correction.where
    days.spend(tx.driver, Whose(where.dataset, where.project, where.actor), price, now)
    told = {"proposal": proposal.id, "accounts": list(names), "price": price_json(price), "reason": proposal.reason}
    tx.append("budget.corrected", proposal.decided_by or proposal.proposed_by, told | {"dataset": where.dataset}, now)


ACTS: Mapping[str, Act] = MappingProxyType({KIND: correct})
"""What a confirmed proposal of a correction does."""
