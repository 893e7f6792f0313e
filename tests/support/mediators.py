"""Several mediators' books at once: processes with many clients each that spend of one budget, and what they were told.

Each child says one line for every outcome: `R id price` reserved, `P id` posted, `F id` posted without an answer, `V id` void, `X` refused.
"""

import os
import random
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta

from haven.errors import Code, Refused
from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from haven.policy.authorisation import Authorisation
from tests.support.books import ANSWER, NOW, caps, permit, plan, rho
from tests.support.children import ROOT, child

DEAREST = 3
PATIENCE = timedelta(seconds=60)  # 64 clients of another process may stand before one


@dataclass
class Heard:
    """What the children were told, by the spend's number."""

    reserved: dict[str, int] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    refused: int = 0
    errors: str = ""


def spend_together(place: Place, budget: int, processes: int, clients: int, requests: int) -> Heard:
    """`requests` in all, from `clients` threads in each of `processes`, on one budget of `budget` units."""
    share = requests // (processes * clients)
    code = "from tests.support.mediators import spend; spend({place!r}, {budget}, {clients}, {share}, {seed})"
    children = [
        subprocess.Popen(
            child(code.format(place=str(place), budget=budget, clients=clients, share=share, seed=seed)),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for seed in range(processes)
    ]
    heard = Heard()
    with ThreadPoolExecutor(processes) as pool:
        for out, err in pool.map(subprocess.Popen.communicate, children):
            heard.errors += err
            for line in out.splitlines():
                _note(heard, line.split())
    return heard


def _note(heard: Heard, words: list[str]) -> None:
    match words:
        case ["R", number, price]:
            heard.reserved[number] = int(price)
        case ["X"]:
            heard.refused += 1
        case [state, number]:
            heard.ended[number] = state


def spend(place: str, budget: int, clients: int, share: int, seed: int) -> None:
    """A child: its clients begin together, and each asks `share` times."""
    allowed, together = permit(caps(rho(budget))), threading.Barrier(clients)
    with Ledger.open(place, busy_timeout=PATIENCE) as ledger:

        def client(number: int) -> None:
            chances = random.Random(seed * 1000 + number)  # noqa: S311 - prices and ends, not secrets
            together.wait()
            for _ in range(share):
                _ask(ledger, allowed, chances)

        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(client, range(clients)))


def _ask(ledger: Ledger, allowed: Authorisation, chances: random.Random) -> None:
    price = chances.randint(1, DEAREST)
    try:
        reservation = ledger.reserve(plan(rho(price), f"d{chances.random()}"), allowed, 1, NOW)
    except Refused as refusal:
        if refusal.code is not Code.BUDGET_EXHAUSTED:
            raise
        _say("X")
        return
    _say(f"R {reservation.id} {price}")
    end = chances.random()
    if end < 0.7:
        ledger.post(reservation, ANSWER, "pass", NOW)
        _say(f"P {reservation.id}")
    elif end < 0.8:
        ledger.post_fault(reservation, NOW)
        _say(f"F {reservation.id}")
    else:
        ledger.void(reservation, "the engine could not be started", NOW)
        _say(f"V {reservation.id}")


def _say(line: str) -> None:
    os.write(1, f"{line}\n".encode())
