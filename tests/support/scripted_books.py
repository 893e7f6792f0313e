"""One fixed sequence of spends in a process of its own, which a system call may kill or fail; then its books are held to what it said.

The child says a line for each thing that it was told is durable (`R id`, `P id`, `V id`, `S id`: reserved, answered, void, spent without an
answer) and `F` for each fault that it heard.
"""

import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from pathlib import Path

from haven.errors import Fault
from haven.ledger.audit import audit_verify
from haven.ledger.entries import Reservation
from haven.ledger.ledger import Ledger
from tests.support.books import ANSWER, NOW, caps, permit, plan, rho
from tests.support.fault_table import Row

ROOT = Path(__file__).resolve().parents[2]
CAP = 4
ACTS = "PVPFLPPP"
"""What becomes of each reservation: posted (P), void (V), ended in a fault (F), left in flight (L); the last ones find no budget left."""
CHILD = """
import pathlib, sys, types
tests = types.ModuleType("tests")
tests.__path__ = [sys.argv[1] + "/tests"]
sys.modules["tests"] = tests
from tests.support.scripted_books import spend_by_script
spend_by_script(pathlib.Path(sys.argv[2]))
"""
OPENER = """
import pathlib, sys
from haven.errors import Fault
from haven.ledger.ledger import Ledger
try:
    Ledger.open(pathlib.Path(sys.argv[2])).close()
except Fault:
    print("F")
"""


@dataclass
class Said:
    """What the child said, and how it ended."""

    words: dict[str, set[str]] = field(default_factory=lambda: {word: set() for word in "RPVS"})
    faults: int = 0
    killed: bool = False


def spend_by_script(path: Path) -> None:
    """The child: one thing after another, going on after a fault."""

    def say(word: str, spend: str) -> None:
        os.write(1, f"{word} {spend}\n".encode())

    def end(ledger: Ledger, act: str, taken: Reservation) -> None:
        if act == "V":
            ledger.void(taken, "the engine could not be started", NOW)
            say("V", taken.id)
        elif act == "F":
            ledger.post_fault(taken, NOW)
            say("S", taken.id)
        elif act == "P":
            ledger.post(taken, replace(ANSWER, document={"errors": ["x" * 5000]}), "pass", NOW)
            say("P", taken.id)

    try:
        ledger = Ledger.open(path)
    except Fault:
        say("F", "-")
        return
    for number, act in enumerate(ACTS):
        try:
            taken = ledger.reserve(plan(rho(1), f"d{number}"), permit(caps(rho(CAP))), 1, NOW)
            say("R", taken.id)
            end(ledger, act, taken)
        except Fault:
            say("F", "-")
        except Exception as error:  # noqa: BLE001 - the cap is met on purpose: its refusal is one word
            say("N", type(error).__name__)
    ledger.close()


@cache
def why_no_strace() -> str | None:
    """Why system calls cannot be failed here; None where they can."""
    strace = shutil.which("strace")
    if strace is None:
        return "strace is not installed"
    tried = subprocess.run([strace, "-f", "-qq", "-o", "/dev/null", "true"], check=False, capture_output=True)
    return None if tried.returncode == 0 else "this machine does not let strace trace"


def traced(program: str, path: Path, inject: str) -> Said:
    """Run `program` on the books at `path` with one system call injected, as `inject` says in strace's words."""
    call = inject.partition(":")[0]
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={inject}"]
    done = subprocess.run(
        [*command, sys.executable, "-c", program, str(ROOT), str(path)], cwd=ROOT, check=False, capture_output=True, timeout=120
    )
    return heard(done.stdout.decode(), killed=done.returncode != 0)


def heard(output: str, *, killed: bool) -> Said:
    """The lines that the child finished."""
    said = Said(killed=killed)
    for line in output.splitlines(keepends=True):
        word = line[:1]
        if word in said.words and line.endswith("\n"):
            said.words[word].add(line[2:].strip())
        said.faults += word == "F"
    return said


def calls(path: Path, program: str, call: str, log: Path) -> int:
    """How often the thread that does it most makes a system call while `program` runs undisturbed on the books at `path`."""
    command = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={call}"]
    subprocess.run([*command, sys.executable, "-c", program, str(ROOT), str(path)], cwd=ROOT, check=True, capture_output=True, timeout=120)
    threads = Counter(
        line.partition(" ")[0] for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if f" {call}(" in line
    )
    return max(threads.values(), default=0)


def judged(path: Path, said: Said) -> tuple[Row, list[str]]:
    """The books against what was said of them: the row's counts, and every promise that was broken."""
    problems = [f"before the sweep: {problem}" for problem in audit_verify(path).problems]
    row = Row(injected=1, answered=len(said.words["P"]), noticed=int(said.killed or said.faults > 0))
    with Ledger.open(path) as ledger:
        ledger.sweep(NOW, timedelta(0))
        spends = {spend.reservation.id: spend for spend in ledger.history("liver")}
        taken = ledger.population_balance("nafld").taken.pico
        ledger.void(ledger.reserve(plan(rho(0)), permit(caps(rho(CAP))), 1, NOW), "to see that life goes on", NOW)
    problems += [f"after the sweep: {problem}" for problem in audit_verify(path).problems]
    states = {name: (spend.state.value, spend.answered) for name, spend in spends.items()}
    wanted = {"P": ("posted", True), "V": ("void", False), "S": ("posted", False)}
    row.lost = sum(states.get(name) != state for word, state in wanted.items() for name in said.words[word])
    row.lost += len(said.words["R"] - states.keys())
    row.overspent = int(taken > CAP)
    row.in_doubt = sum(state == "posted" for state, _ in states.values()) - len(said.words["P"] | said.words["S"])
    in_flight = len(said.words["R"] - said.words["P"] - said.words["V"] - said.words["S"]) + said.faults + said.killed
    if not 0 <= row.in_doubt <= in_flight:
        problems.append("more is spent than was answered or in flight")
    if taken != sum(state == "posted" for state, _ in states.values()):
        problems.append("the total is not the number of posted spends")
    if row.lost or row.overspent:
        problems.append("a spend is lost, or a cap overspent")
    return row, problems
