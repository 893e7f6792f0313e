"""Plans, permits and answers for tests of the books: no data, no noise, only what the ledger reads of them."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from haven.ledger.database import Place
from haven.ledger.entries import RecordedAnswer
from haven.policy.authorisation import Authorisation, Caps, Footprint
from haven.policy.roles import Tier
from haven.privacy.budget import Definition, Price
from haven.privacy.tables import NoisyTable
from haven.query.private_plan import PrivatePlan

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FOOTPRINT = Footprint("nafld", frozenset({"persons"}), frozenset({"persons.age"}))
ANSWER = RecordedAnswer(NoisyTable((("a", 1, True, None), ("b", 2, False, None)), ((5, -7), (2**62, 0)), (9, 8)), {"errors": [1.5, None]})


def later(**parts: float) -> datetime:
    """NOW plus a timedelta."""
    return NOW + timedelta(**parts)


def rho(pico: int, atto_delta: int = 0) -> Price:
    """A loss under zCDP."""
    return Price(Definition.ZCDP, pico, atto_delta)


def caps(population: Price, dataset: Price | None = None, project: Price | None = None) -> Caps:
    """Three caps, each as wide as the population's where it is not given."""
    return Caps(population, dataset or population, project or population)


def permit(
    allowed: Caps,
    *,
    actor: str = "alice",
    project: str = "liver",
    dataset: str = "nafld",
    population: str = "nafld",
) -> Authorisation:
    """An authorisation with these caps."""
    return Authorisation(actor, project, dataset, population, FOOTPRINT, allowed, Tier.STANDARD, "policy-digest", (), (), date(2026, 3, 1))


def plan(price: Price, digest: str = "plan-digest", dataset: str = "nafld", population: str = "nafld") -> PrivatePlan:
    """A plan at this price."""
    return PrivatePlan(
        dataset=dataset,
        population=population,
        footprint=FOOTPRINT,
        sql="SELECT 1",
        keys=(),
        key_order=(),
        targets=(),
        noises=(),
        selection=None,
        outputs=(),
        having=None,
        order=(),
        offset=0,
        limit=None,
        price=price,
        digest=digest,
        warnings=(),
        words=(),
    )


@contextmanager
def outsider(place: Place) -> Iterator[Any]:
    """The books' database through its own driver, past everything that haven does; each statement is a transaction of its own."""
    if isinstance(place, Path):
        with closing(sqlite3.connect(place, isolation_level=None)) as connection:
            yield connection
    else:
        with psycopg.connect(place, autocommit=True) as connection:
            yield connection
