"""The summary of days: what each person asked of each dataset for each project on each day (UTC), kept beside every act that changes it.

Pages and forecasts read it, never a million spends. It says what the entries say, in a form that is quick to ask: a question counts on the
day it was asked, its price on the day it was spent for good.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.dialects.postgresql import insert

from haven.ledger.amounts import loaded, stored
from haven.ledger.prepared import Driver, Prepared
from haven.ledger.schema import days
from haven.privacy.budget import Definition, Price


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose day it is: a person's, in a project, with a dataset. A correction that names no project or person leaves them empty."""

    dataset: str
    project: str
    actor: str


@dataclass(frozen=True, slots=True)
class Tally:
    """What to add to a day: questions that reserved a price (or were free), that were refused, and that were answered from the record."""

    questions: int = 0
    refused: int = 0
    replayed: int = 0


ASKED, REFUSED, REPLAYED, NOTHING = Tally(questions=1), Tally(refused=1), Tally(replayed=1), Tally()
_COUNTERS = ("questions", "refused", "replayed")
_KEY = (days.c.dataset, days.c.day, days.c.project, days.c.actor)
_INSERT = insert(days)
_MORE = {name: days.c[name] + _INSERT.excluded[name] for name in _COUNTERS}
_COUNT = Prepared(_INSERT.on_conflict_do_update(index_elements=_KEY, set_=_MORE))
_SPENT = Prepared(
    select(days.c.spent_pico, days.c.spent_atto).where(*(column == bindparam(f"the_{column.name}") for column in _KEY)),
)
_SPEND = Prepared(
    _INSERT.on_conflict_do_update(
        index_elements=_KEY, set_={name: _INSERT.excluded[name] for name in ("definition", "spent_pico", "spent_atto")}
    )
)


_OF_PROJECT = Prepared(
    select(days.c.spent_pico, days.c.spent_atto).where(
        days.c.project == bindparam("the_project"), days.c.day >= bindparam("since"), days.c.dataset == bindparam("the_dataset")
    )
)
_OF_DATASET = Prepared(
    select(days.c.spent_pico, days.c.spent_atto).where(days.c.dataset == bindparam("the_dataset"), days.c.day >= bindparam("since"))
)


def spent_since(driver: Driver, definition: Definition, since: date, dataset: str, project: str | None = None) -> Price:
    """What was spent of a dataset for good, by a project where one is named, from the day `since` (UTC) on."""
    where = {"the_dataset": dataset, "since": since.isoformat()}
    found = _OF_DATASET.all(driver, where) if project is None else _OF_PROJECT.all(driver, where | {"the_project": project})
    return Price(definition, sum(loaded(row.spent_pico) for row in found), sum(loaded(row.spent_atto) for row in found))


def count(driver: Driver, whose: Whose, tally: Tally, definition: Definition, now: datetime) -> None:
    """Add `tally` to the day that `now` lies in."""
    _COUNT.run(driver, _row(whose, tally, Price(definition, 0), now))


def spend(driver: Driver, whose: Whose, price: Price, now: datetime) -> None:
    """Add `price` to what was spent on the day that `now` lies in. Nothing to do for a price of nothing."""
    if not (price.pico or price.atto_delta):
        return
    row = _row(whose, NOTHING, price, now)
    before = _SPENT.first(driver, {f"the_{column.name}": row[column.name] for column in _KEY})
    if before is not None:
        # amounts are summed here: they may be wider than any number of the database
        row |= {
            "spent_pico": stored(loaded(before.spent_pico) + price.pico),
            "spent_atto": stored(loaded(before.spent_atto) + price.atto_delta),
        }
    _SPEND.run(driver, row)


def _row(whose: Whose, tally: Tally, price: Price, now: datetime) -> dict[str, Any]:
    return {
        "dataset": whose.dataset,
        "day": now.astimezone(UTC).date().isoformat(),
        "project": whose.project,
        "actor": whose.actor,
        "definition": price.definition.value,
        "questions": tally.questions,
        "refused": tally.refused,
        "replayed": tally.replayed,
        "spent_pico": stored(price.pico),
        "spent_atto": stored(price.atto_delta),
    }
