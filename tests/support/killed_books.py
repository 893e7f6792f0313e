"""Kill a spending process at random moments, again and again, and hold its books against what it had told the outside.

The child says one line for each thing it was told durable: `R id` reserved, `P id` posted, `V id` void. It is killed with SIGKILL while
several threads spend. After each kill the books are audited, opened, swept, and audited again.
"""

import os
import random
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from datetime import timedelta

from haven.ledger.audit import audit_verify
from haven.ledger.database import Place
from haven.ledger.entries import SpendState
from haven.ledger.ledger import Ledger
from tests.support.books import ANSWER, NOW, caps, permit, plan, rho
from tests.support.children import ROOT, child

THREADS = 4
CHILD = "from tests.support.killed_books import spend_until_killed; spend_until_killed({place!r})"


@dataclass
class Told:
    """What the children said before they died, by state, and what went wrong with the books they left."""

    said: dict[str, set[str]] = field(default_factory=lambda: {"R": set(), "P": set(), "V": set()})
    problems: list[str] = field(default_factory=list)
    swept: int = 0


def spend_until_killed(place: Place) -> None:
    """The child: spend without end, saying each thing once it is durable."""
    ledger = Ledger.open(place)

    def _say(word: str, spend_id: str) -> None:
        os.write(1, f"{word} {spend_id}\n".encode())

    def _spend() -> None:
        for number in range(10**9):
            reservation = ledger.reserve(plan(rho(1), f"d{number % 7}"), permit(caps(rho(10**30))), 1, NOW)
            _say("R", reservation.id)
            if number % 5 == 4:
                ledger.void(reservation, "the engine could not be started", NOW)
                _say("V", reservation.id)
            else:
                ledger.post(reservation, ANSWER, "pass", NOW)
                _say("P", reservation.id)

    threads = [threading.Thread(target=_spend, daemon=True) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def kill_rounds(place: Place, rounds: int, seed: int) -> Told:
    """Start, kill and check `rounds` times; `seed` decides the moments."""
    moments, told = random.Random(seed), Told()  # noqa: S311 - moments to kill at, not secrets
    for _ in range(rounds):
        spender = subprocess.Popen(child(CHILD.format(place=str(place))), cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert spender.stdout is not None
        lines = [spender.stdout.readline()]
        killer = threading.Timer(moments.uniform(0.0, 0.2), spender.send_signal, (signal.SIGKILL,))
        killer.start()
        lines += spender.stdout
        spender.wait()
        killer.join()
        spender.stdout.close()
        for line in lines:
            if line.endswith("\n"):
                word, spend_id = line.split()
                told.said[word].add(spend_id)
        _check(place, told)
    return told


def _check(place: Place, told: Told) -> None:
    told.problems += audit_verify(place).problems
    with Ledger.open(place) as ledger:
        told.swept += ledger.sweep(NOW, timedelta(0))
        for spend in ledger.history("liver"):
            if spend.state is SpendState.RESERVED:
                told.problems.append("a reservation is still in flight after the sweep")
        states = {spend.reservation.id: spend for spend in ledger.history("liver")}
        spent = ledger.population_balance("nafld")
    for spend_id in told.said["P"]:
        if spend_id not in states or states[spend_id].state is not SpendState.POSTED or not states[spend_id].answered:
            told.problems.append("a spend that was answered is not posted")
    for spend_id in told.said["V"]:
        if spend_id not in states or states[spend_id].state is not SpendState.VOID:
            told.problems.append("a spend that was given back is not void")
    if not told.said["R"] <= states.keys():
        told.problems.append("a reservation that was granted is lost")
    if spent.taken != rho(sum(spend.state is SpendState.POSTED for spend in states.values())):
        told.problems.append("the total is not the number of posted spends")
    told.problems += audit_verify(place).problems
