"""Kill a whole `haven serve` at random moments under several clients, and hold its books against every receipt that a client got."""

import random
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import httpx

from haven.cli.house import now, open_books
from haven.ledger.audit import audit_verify
from tests.support import served
from tests.support.house import ANNA

CLIENTS = 4
PICO = Decimal(10) ** 12


@dataclass
class Tally:
    """What clients were told, and what the books said afterwards."""

    receipts: dict[str, int] = field(default_factory=dict)
    kills: int = 0
    asked: int = 0
    answered_without_a_posted_spend: int = 0
    posted: int = 0
    swept: int = 0
    problems: list[str] = field(default_factory=list)


def kill_rounds(home: Path, rounds: int, seed: int, longest: float) -> Tally:
    """Start, ask, kill and check `rounds` times. `seed` decides the moments, each at most `longest` seconds after the first answer."""
    moments, tally = random.Random(seed), Tally()  # noqa: S311 - moments to kill at, not secrets
    token = served.token_of(home, ANNA.name)
    for number in range(rounds):
        service = served.start(home, token)
        first, over = threading.Event(), threading.Event()
        clients = [threading.Thread(target=_ask, args=(service, tally, first, over, (number, i))) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        first.wait(30)
        over.wait(moments.uniform(0, longest))
        service.kill()
        over.set()
        for client in clients:
            client.join()
        tally.kills += 1
        _check(home, tally)
    return tally


def _ask(service: served.Served, tally: Tally, first: threading.Event, over: threading.Event, me: tuple[int, int]) -> None:
    """Distinct questions until the service dies; a receipt counts from the moment that its bytes are here."""
    with service.client() as client:
        number = 0
        while not over.is_set():
            number += 1
            age = (me[1] * 1000 + number) % 90
            sql = f"SELECT COUNT(*) AS n FROM persons WHERE age > {age} AND weight <> {me[0]}.{number}{me[1]}"  # noqa: S608 - a question
            try:
                tally.asked += 1
                answer = client.post("/api/v1/queries", json=served.question(sql, epsilon="1"))
            except httpx.HTTPError:
                return
            assert answer.status_code == httpx.codes.OK, answer.text
            receipt = answer.json()["receipt"]
            tally.receipts[receipt["id"]] = int(Decimal(receipt["cost"]["rho"]) * PICO)
            first.set()


def _check(home: Path, tally: Tally) -> None:
    """The books as they were left, and again after the sweep that a new start makes."""
    tally.problems += audit_verify(home / "books.sqlite").problems
    with open_books(home) as (_, ledger):
        tally.swept += ledger.sweep(now(), timedelta(0))
        missing = [number for number in tally.receipts if ledger.receipt(number) is None or ledger.recorded(number) is None]
        tally.answered_without_a_posted_spend += len(missing)
        tally.posted = len(ledger.history("aging"))
        spent = ledger.balance("clinic", "clinic", "aging")
    if spent.spent.pico < sum(tally.receipts.values()):
        tally.problems.append("less is spent than receipts say")
    if spent.reserved.pico:
        tally.problems.append("a reservation is still in flight after the sweep")
    tally.problems += audit_verify(home / "books.sqlite").problems
