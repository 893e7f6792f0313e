"""What is left of a privacy budget: of a dataset, or of a project's share of one, cap by cap, and how long it will last."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from haven.ledger.accounts import Account, Spender, least_left
from haven.ledger.entries import Balance
from haven.ledger.ledger import Ledger
from haven.mediator.outlook import forecast_json, rate_of, share_left
from haven.mediator.receipts import amounts
from haven.policy.authorisation import Caps
from haven.policy.caps import cap_of, caps_of, total_of
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.forecast import Forecast, soonest
from haven.policy.project_policy import ProjectPolicy

POPULATION = "population"
OUTER = (POPULATION, "dataset")
"""The levels that hold everybody's spending."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which budget, of which day (UTC): a dataset's, or a project's share of it, for its member `asker` where one is named.

    `people` are the datasets that draw on the same population, for the rate at which it is spent; the dataset itself always counts.
    """

    policy: DatasetPolicy
    day: date
    project: ProjectPolicy | None = None
    asker: str = ""
    people: tuple[str, ...] = ()


def budget_line(ledger: Ledger, wanted: Wanted) -> dict[str, Any]:
    """A budget's line, JSON-ready: total, spent (with what is in flight) and left.

    `left` is what the next question may still cost: the least that all caps leave, part by part, as a receipt's `remaining` is. Where
    others have spent of the same people it is less than total minus spent. `caps` has a line for each cap, from the widest inward, of a
    project's those on its own spending. `overspent` is true where a cap was lowered below what is spent of it: nothing is answered then.
    """
    held, policy = _held(ledger, wanted), wanted.policy
    total, balance = _of_the_line(held, wanted)
    left = least_left([account.cap for account, _ in held], [each for _, each in held])
    own = [pair for pair in held if wanted.project is None or level_of(pair[0]) not in OUTER]
    return {
        "dataset": policy.dataset,
        "definition": str(left.definition),
        "total": amounts(total.cap, policy),
        "spent": amounts(balance.taken, policy),
        "left": amounts(left, policy),
        "share_left": share_left(left, total.cap),
        "forecast": forecast_json(soonest(_forecasts(ledger, held, wanted))),
        "overspent": any(_is_overspent(*pair) for pair in held),
        "caps": [_cap(*pair, policy) for pair in own],
    }


def overspent(ledger: Ledger, policy: DatasetPolicy, day: date) -> str | None:
    """Why a dataset answers no question although nobody stopped it: more is spent of it, or of its people, than its policy now allows."""
    for account, balance in _held(ledger, Wanted(policy, day)):
        if _is_overspent(account, balance):
            return f"More was spent of {account.holder} than its policy now allows."
    return None


def level_of(account: Account) -> str:
    """The level of an account: population, dataset, project, researcher or period."""
    return account.name.partition(":")[0]


def _held(ledger: Ledger, wanted: Wanted) -> tuple[tuple[Account, Balance], ...]:
    policy, project = wanted.policy, wanted.project
    if project is None:
        caps = Caps(total_of(policy.privacy), cap_of(policy), cap_of(policy))
        return ledger.held(Spender(policy.budget_owner, policy.dataset), caps, wanted.day)[: len(OUTER)]
    caps = caps_of(policy, project)
    if wanted.asker not in project.researchers:
        caps = Caps(caps.population, caps.dataset, caps.project, None, caps.period)
    return ledger.held(Spender(policy.budget_owner, policy.dataset, project.project, wanted.asker), caps, wanted.day)


def _of_the_line(held: tuple[tuple[Account, Balance], ...], wanted: Wanted) -> tuple[Account, Balance]:
    """The cap that the line is about: the dataset's own, or the project's."""
    return held[len(OUTER) - (wanted.project is None)]


def _forecasts(ledger: Ledger, held: tuple[tuple[Account, Balance], ...], wanted: Wanted) -> Iterator[Forecast]:
    """The forecast of each cap that lasts, at the rate of those whose spending it holds; a period's begins anew before it could be one."""
    own = (wanted.policy.dataset,)
    for account, balance in held:
        if account.renews is not None:
            continue
        datasets = tuple(dict.fromkeys((*own, *wanted.people))) if level_of(account) == POPULATION else own
        project = None if wanted.project is None or level_of(account) in OUTER else wanted.project.project
        yield rate_of(ledger, account.cap.minus(balance.taken), wanted.day, datasets, project)


def _is_overspent(account: Account, balance: Balance) -> bool:
    return not account.cap.covers(balance.spent)


def _cap(account: Account, balance: Balance, policy: DatasetPolicy) -> dict[str, Any]:
    """One cap, JSON-ready: whose, what it allows, what is taken and left of it and, of a period, when the next begins."""
    return {
        "of": account.holder,
        "level": level_of(account),
        "total": amounts(account.cap, policy),
        "spent": amounts(balance.taken, policy),
        "left": amounts(account.cap.minus(balance.taken), policy),
        "renews": None if account.renews is None else account.renews.isoformat(),
    }
