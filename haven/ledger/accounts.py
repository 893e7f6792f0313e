"""Accounts: the running totals of everything that has a cap, and whether one more spend fits in all of them at once.

A spend is taken from the accounts of its population, its dataset and its project's share, and, where the project's grant has such caps,
from its researcher's and its period's. Everything here runs inside a transaction that holds the write lock, so what was read is still
true when it is written.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from haven.errors import Code, Refused
from haven.ledger.amounts import in_words, loaded, stored
from haven.ledger.entries import Balance
from haven.ledger.prepared import Driver, Prepared, StoredRow
from haven.ledger.schema import accounts
from haven.policy.authorisation import Caps
from haven.privacy.budget import Definition, Price


class Account(NamedTuple):
    """One account of a spend: its `name` in the books, the cap it must stay within, and its `holder` in words.

    `renews` is the day (UTC) on which the next period begins, for a period's account alone.
    """

    name: str
    cap: Price
    holder: str
    renews: date | None = None


class Spender(NamedTuple):
    """On whose account a spend is. No part may hold ":" or "/", so no two accounts share a name."""

    population: str
    dataset: str
    project: str = ""
    actor: str = ""


def population_of(where: Spender) -> str:
    """The name of the population's account."""
    return f"population:{where.population}"


def dataset_of(where: Spender) -> str:
    """The name of the dataset's account."""
    return f"dataset:{where.dataset}"


def project_of(where: Spender) -> str:
    """The name of the account of a project's share of a dataset."""
    return f"project:{where.project}/{where.dataset}"


def researcher_of(where: Spender) -> str:
    """The name of a researcher's own account within a project's share."""
    return f"researcher:{where.actor}/{where.project}/{where.dataset}"


def accounts_of(where: Spender, caps: Caps, moment: datetime | date) -> tuple[Account, ...]:
    """The accounts that a spend at `moment` is taken from, from the population inward."""
    share = f"the project {where.project}'s share of {where.dataset}"
    found = [
        Account(population_of(where), caps.population, f"the population {where.population}"),
        Account(dataset_of(where), caps.dataset, f"the dataset {where.dataset}"),
        Account(project_of(where), caps.project, share),
    ]
    if caps.researcher is not None:
        found.append(Account(researcher_of(where), caps.researcher, f"{where.actor}'s own part of {share}"))
    if caps.period is not None:
        span = caps.period.length.span(moment.astimezone(UTC).date() if isinstance(moment, datetime) else moment)
        name = f"period:{where.project}/{where.dataset}/{span.name}"
        found.append(Account(name, caps.period.cap, f"this {caps.period.length.words}'s part of {share}", span.next_begins))
    return tuple(found)


def moved_by(detail: Mapping[str, Any]) -> tuple[tuple[str, tuple[int, int] | None], ...]:
    """The accounts that a spend's or a correction's entry moves, each with the cap (pico, atto) it had then; a correction keeps to none.

    Entries of earlier versions name the three caps that there were; since then they list every account.
    """
    if "accounts" in detail:
        return tuple((name, None) for name in detail["accounts"])
    caps = detail["caps"]
    if isinstance(caps, Mapping):
        where = Spender(detail["population"], detail["dataset"], detail["project"])
        names = {"population": population_of(where), "dataset": dataset_of(where), "project": project_of(where)}
        return tuple((names[level], (int(caps[level]["pico"]), int(caps[level]["atto_delta"]))) for level in names)
    return tuple((name, (int(pico), int(atto))) for name, pico, atto in caps)


MOST = 5  # accounts of one spend
_PLACES = tuple(f"account_{place}" for place in range(MOST))
_LOAD = Prepared(select(accounts).where(accounts.c.account.in_([bindparam(place) for place in _PLACES])))
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


def load(driver: Driver, names: Sequence[str], definition: Definition) -> list[Balance]:
    """The balances of `names` (1 to 5), in their order. Refused where one was opened under another definition: losses do not convert."""
    # an account that is asked for twice is found once
    wanted = dict(zip(_PLACES, [*names, *[names[0]] * (MOST - len(names))], strict=True))
    found = {row.account: balance_of(row) for row in _LOAD.all(driver, wanted)}
    balances = [found.get(name) or empty(definition) for name in names]
    if any(balance.spent.definition is not definition for balance in balances):
        raise Refused(
            Code.BUDGET_INVALID,
            "Budget was already spent here under another privacy definition, and losses of two definitions do not add.",
            "Ask your data custodian to restore the definition that the population began with.",
        )
    return balances


def save(driver: Driver, names: Iterable[str], balances: Iterable[Balance]) -> None:
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


def least_left(caps: Sequence[Price], balances: Iterable[Balance]) -> Price:
    """The least that the caps leave, part by part, after everything spent and in flight."""
    lefts = [cap.minus(balance.taken) for cap, balance in zip(caps, balances, strict=True)]
    return Price(caps[0].definition, min(left.pico for left in lefts), min(left.atto_delta for left in lefts))


def check_fits(price: Price, held: Sequence[Account], balances: Sequence[Balance]) -> None:
    """Refused (BUDGET_EXHAUSTED) unless `price` fits in all caps at once, naming the holder with the least left that it does not fit in."""
    lacking = [pair for pair in zip(held, balances, strict=True) if not pair[0].cap.covers(pair[1].taken + price)]
    if lacking:
        raise _exhausted(price, *min(reversed(lacking), key=_left))


def _left(pair: tuple[Account, Balance]) -> tuple[int, int]:
    left = pair[0].cap.minus(pair[1].taken)
    return left.pico, left.atto_delta


def _exhausted(price: Price, account: Account, balance: Balance) -> Refused:
    left, with_delta = account.cap.minus(balance.taken), bool(price.atto_delta or balance.spent.atto_delta)
    if not account.cap.covers(balance.spent):
        spent, allowed = (in_words(amount, with_delta=with_delta) for amount in (balance.spent, account.cap))
        return Refused(
            Code.BUDGET_EXHAUSTED,
            f"More was spent of {account.holder} ({spent}) than its policy now allows ({allowed}), so no question is answered from it.",
            "Ask your data custodian; answers already given can be repeated for free.",
        )
    reason = f"This question costs {in_words(price)}, and {account.holder} has {in_words(left, with_delta=with_delta)} left."
    return Refused(Code.BUDGET_EXHAUSTED, reason, _suggestion(price, account, balance, with_delta=with_delta))


def _suggestion(price: Price, account: Account, balance: Balance, *, with_delta: bool) -> str:
    left = account.cap.minus(balance.taken)
    if account.cap.covers(balance.spent + price):
        return "Other questions in flight hold the rest: wait a moment and ask again, or ask with a smaller budget."
    smaller = f"sk with at most {in_words(left, with_delta=with_delta)}" if left.pico and (left.atto_delta or not with_delta) else None
    if account.renews is not None:
        first = f"A{smaller}, or wait: the" if smaller else "The"
        return f"{first} next period begins on {account.renews} (UTC); answers already given can be repeated for free."
    if smaller:
        return f"A{smaller}, or ask your data custodian for a larger share."
    return "Ask your data custodian for a larger share; answers already given can be repeated for free."
