"""When a budget will be spent if spending goes on as it did lately. Pure, in integers: a forecast holds no float and promises nothing."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from haven.privacy.budget import Price

WINDOW = timedelta(days=30)
HORIZON = timedelta(days=365)
NEVER = "nothing was spent in the last 30 days"
LATER = "at the rate of the last 30 days, not exhausted within a year"
SPENT = "exhausted: nothing is left"


@dataclass(frozen=True, slots=True)
class Forecast:
    """The day (UTC) on which nothing will be left, today where nothing is; None where that is not within a year. `words` say it."""

    exhausted: date | None
    words: str


def since(today: date) -> date:
    """The first of the 30 days that end with `today`: what was spent from then on is the present rate."""
    return today - WINDOW + timedelta(days=1)


def forecast(spent: Price, left: Price, today: date) -> Forecast:
    """The first day by whose end `left` is spent, where `spent` is what the last 30 days (today's among them) came to.

    The delta for selections counts too: questions with private keys end with it.
    """
    if not left.pico:
        return Forecast(today, SPENT)
    if not (spent.pico or spent.atto_delta):
        return Forecast(None, NEVER)
    days = _days(spent.pico, left.pico)
    selections = _days(spent.atto_delta, left.atto_delta)
    if days is None and selections is None:
        return Forecast(None, LATER)
    if selections is not None and (days is None or selections < days):
        day = today + timedelta(days=selections)
        return Forecast(day, f"at the rate of the last 30 days, the delta for private keys is exhausted on {day}")
    day = today + timedelta(days=days or 0)
    return Forecast(day, f"at the rate of the last 30 days, exhausted on {day}")


def soonest(forecasts: Iterable[Forecast]) -> Forecast:
    """Of the forecasts of several caps on the same spending, the one that comes first; the first given among equals."""
    found = list(forecasts)
    dated = [one for one in found if one.exhausted is not None]
    if dated:
        return min(dated, key=lambda one: one.exhausted or date.max)
    return next((one for one in found if one.words != NEVER), found[0])


def _days(spent: int, left: int) -> int | None:
    """⌈left · 30 / spent⌉ where that is within a year."""
    if not spent:
        return None
    days = -(-left * WINDOW.days // spent)
    return days if days <= HORIZON.days else None
