"""How far a budget will go: the share of it that is left, and the day on which it will be spent at the present rate. JSON-ready."""

from datetime import date
from typing import Any

from haven.ledger.ledger import Ledger
from haven.policy.authorisation import Authorisation
from haven.policy.forecast import Forecast, forecast, since
from haven.privacy.budget import Price


def share_left(left: Price, total: Price) -> float:
    """The part of `total` that is left, in the unit that adds, in [0, 1]."""
    return min(1.0, left.pico / total.pico) if total.pico else 0.0


def forecast_json(found: Forecast) -> dict[str, Any]:
    """A forecast as it travels: the day as text, None where there is none, and the words."""
    return {"exhausted": None if found.exhausted is None else found.exhausted.isoformat(), "words": found.words}


def outlook(ledger: Ledger, permit: Authorisation, price: Price) -> dict[str, Any]:
    """What the receipt of an answer at `price`, which is reserved already, says of its project's share.

    The part of it that the narrowest cap leaves, and when that will be spent at the project's own rate.
    """
    left, day = ledger.left(permit), permit.day
    spent = ledger.spent_since(since(day), left.definition, permit.dataset, permit.project) + price
    return {"share_left": share_left(left, permit.caps.project), "forecast": forecast_json(forecast(spent, left, day))}


def rate_of(ledger: Ledger, left: Price, day: date, datasets: tuple[str, ...], project: str | None = None) -> Forecast:
    """The forecast of a cap that has `left`, on what was spent of these datasets (by a project) in the last 30 days."""
    spent = Price(left.definition, 0)
    for dataset in datasets:
        spent += ledger.spent_since(since(day), left.definition, dataset, project)
    return forecast(spent, left, day)
