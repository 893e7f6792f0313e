"""The whole house, put together: the one place that knows every room. Entry points open it; rooms are handed what they need."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from haven.cli.appointing import appoint
from haven.cli.facts import BookFacts
from haven.cli.home import OpenHome, open_home
from haven.cli.keys import check_secret
from haven.cli.presence import present
from haven.engines.duckdb_engine import DuckDBEngine
from haven.errors import Fault
from haven.ledger.ledger import Ledger
from haven.mediator.enquiries import Enquiries
from haven.mediator.mediator import Mediator
from haven.mediator.policies import Policies
from haven.release.desk import ReleaseDesk

IN_DOUBT = timedelta(minutes=5)
"""A reservation older than this, longer than any question may take, is of a process that died: it is booked as spent."""


@dataclass(frozen=True, slots=True)
class House:
    """A haven's rooms, open."""

    home: OpenHome
    ledger: Ledger
    policies: Policies
    engine: DuckDBEngine
    mediator: Mediator
    enquiries: Enquiries
    desk: ReleaseDesk


def now() -> datetime:
    """The time, in UTC."""
    return datetime.now(UTC)


@contextmanager
def open_books(root: Path) -> Iterator[tuple[OpenHome, Ledger]]:
    """The home and its books, without an engine: for commands that ask no question."""
    home = open_home(root)
    with present(home.home.run), Ledger.open(home.books) as ledger:
        yield home, ledger


@contextmanager
def open_house(root: Path) -> Iterator[House]:
    """Everything. What a crash left in doubt is booked as spent before the first question.

    Where the books may not be the present ones, the house opens and answers nothing.
    """
    with open_books(root) as (home, ledger), DuckDBEngine(home.home.data) as engine:
        check_secret(home, ledger)
        ledger.sweep(now(), IN_DOUBT)
        policies = Policies(ledger.registry, ledger.people, bench=home.bench, data=home.home.data)
        mediator = Mediator(ledger, policies, engine, now)
        notary = appoint(home, ledger)
        notary.examine(now())
        desk = ReleaseDesk.open(ledger, home.home.releases, home.home.keys, BookFacts(ledger, policies))
        if notary.doubt is None:
            desk.conclude_all(now())
        try:
            yield House(home, ledger, policies, engine, mediator, Enquiries(ledger, policies), desk)
        finally:
            with suppress(Fault):  # what the witness was not told at the end, it is told at the next start
                notary.checkpoint(now())
