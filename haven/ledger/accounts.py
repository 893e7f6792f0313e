"""Accounts: the running totals of each population, dataset and project, and whether one more spend fits in all three.

A project's account is its share of one dataset. Everything here runs inside a transaction that holds the write lock, so what was read
is still true when it is written.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import bindparam, or_, select
from sqlalchemy.dialects.sqlite import insert

from haven.errors import Code, Refused
from haven.ledger.amounts import in_words, loaded, stored
from haven.ledger.entries import Balance
from haven.ledger.prepared import Driver, Prepared, StoredRow
from haven.ledger.schema import accounts
from haven.policy.authorisation import Caps
from haven.privacy.budget import Definition, Price


class Trio(NamedTuple):
    """The three accounts that a spend is taken from, by name."""

    population: str
    dataset: str
    project: str

    @classmethod
    def of(cls, population: str, dataset: str, project: str) -> "Trio":
        """The names in the books. No part of them may hold ":" or "/", so no two accounts share one."""
        return cls(f"population:{population}", f"dataset:{dataset}", f"project:{project}/{dataset}")


_LOAD = Prepared(select(accounts).where(or_(*(accounts.c.account == bindparam(name) for name in Trio._fields))))
_INSERT = insert(accounts)
_SAVE = Prepared(
    _INSERT.on_conflict_do_update(
        index_elements=[accounts.c.account],
        set_={name: _INSERT.excluded[name] for name in ("spent_pico", "spent_atto", "reserved_pico", "reserved_atto")},
    )
)


def empty(definition: Definition) -> Balance:
    """The balance of an account from which nothing was ever taken."""
    return Balance(Price(definition, 0), Price(definition, 0))


def balance_of(row: StoredRow) -> Balance:
    """The balance in one row of `accounts`."""
    definition = Definition(row.definition)
    spent = Price(definition, loaded(row.spent_pico), loaded(row.spent_atto))
    return Balance(spent, Price(definition, loaded(row.reserved_pico), loaded(row.reserved_atto)))


def load(driver: Driver, names: Trio, definition: Definition) -> list[Balance]:
    """The balances of `names`, in their order. Refused where an account was opened under another definition: losses do not convert."""
    found = {row.account: balance_of(row) for row in _LOAD.all(driver, names._asdict())}
    balances = [found.get(name) or empty(definition) for name in names]
    if any(balance.spent.definition is not definition for balance in balances):
        raise Refused(
            Code.BUDGET_INVALID,
            "Budget was already spent here under another privacy definition, and losses of two definitions do not add.",
            "Ask your data custodian to restore the definition that the population began with.",
        )
    return balances


def save(driver: Driver, names: Trio, balances: Iterable[Balance]) -> None:
    """Write the balances of `names`, in their order."""
    _SAVE.run_each(driver, [_row(name, balance) for name, balance in zip(names, balances, strict=True)])


def _row(name: str, balance: Balance) -> dict[str, str]:
    return {
        "account": name,
        "definition": balance.spent.definition.value,
        "spent_pico": stored(balance.spent.pico),
        "spent_atto": stored(balance.spent.atto_delta),
        "reserved_pico": stored(balance.reserved.pico),
        "reserved_atto": stored(balance.reserved.atto_delta),
    }


def least_left(caps: Caps, balances: Iterable[Balance]) -> Price:
    """The least that the three caps leave, part by part, after everything spent and in flight."""
    lefts = [cap.minus(balance.taken) for cap, balance in zip(_ordered(caps), balances, strict=True)]
    return Price(caps.population.definition, min(left.pico for left in lefts), min(left.atto_delta for left in lefts))


def _ordered(caps: Caps) -> tuple[Price, Price, Price]:
    return caps.population, caps.dataset, caps.project


def check_fits(price: Price, caps: Caps, balances: list[Balance], holders: tuple[str, str, str]) -> None:
    """Refused (BUDGET_EXHAUSTED) unless `price` fits in all three caps at once, naming the narrowest holder that it does not fit in."""
    for cap, balance, holder in reversed(list(zip(_ordered(caps), balances, holders, strict=True))):
        if not cap.covers(balance.taken + price):
            raise _exhausted(price, cap, balance, holder)


def _exhausted(price: Price, cap: Price, balance: Balance, holder: str) -> Refused:
    left = cap.minus(balance.taken)
    with_delta = bool(price.atto_delta)
    if cap.covers(balance.spent + price):
        suggestion = "Other questions in flight hold the rest: wait a moment and ask again, or ask with a smaller budget."
    elif left.pico and (left.atto_delta or not with_delta):
        suggestion = f"Ask with at most {in_words(left, with_delta=with_delta)}, or ask your data custodian for a larger share."
    else:
        suggestion = "Ask your data custodian for a larger share; answers already given can be repeated for free."
    reason = f"This question costs {in_words(price)}, and {holder} has {in_words(left, with_delta=with_delta)} left."
    return Refused(Code.BUDGET_EXHAUSTED, reason, suggestion)
