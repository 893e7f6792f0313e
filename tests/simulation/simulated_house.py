"""A haven in which every step can be stopped: real books, mediator and release desk, an engine that makes its rows up, a clock that jumps.

A process here is an open ledger with a mediator and a desk on it. Its ledger tells a `Watcher` before and after each act that is durable;
the watcher may let other clients go first there, or end the process.
"""

import functools
import json
import random
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

from haven.cli.facts import BookFacts
from haven.errors import question_fault
from haven.ledger.entries import Receipt, RecordedAnswer, Reservation, Serving
from haven.ledger.ledger import NOT_SERVING, Free, Ledger
from haven.ledger.registry import NewSnapshot, PolicyKind
from haven.ledger.writer import Transaction
from haven.mediator.mediator import Mediator
from haven.mediator.policies import Policies
from haven.policy.authorisation import Authorisation
from haven.policy.loader import parse_dataset_policy, parse_project_policy
from haven.policy.roles import Principal, Role
from haven.privacy.mechanisms import Noise
from haven.privacy.tables import ExactTable, NoisyTable
from haven.query.private_plan import PrivatePlan
from haven.release import ReleaseDesk
from haven.release.signing import make_key

START = datetime(2026, 3, 1, 9, tzinfo=UTC)
IN_DOUBT = timedelta(minutes=5)
ANNA, BEN = Principal("anna", Role.RESEARCHER), Principal("ben", Role.RESEARCHER)
CORA, CARL = Principal("cora", Role.CHECKER), Principal("carl", Role.CHECKER)
MIRA = Principal("mira", Role.CHECKER)  # a member of the project `liver`, so never its checker
KEEPER, SECOND = Principal("keeper", Role.CUSTODIAN), Principal("second", Role.CUSTODIAN)
PEOPLE = (ANNA, BEN, CORA, CARL, MIRA, KEEPER, SECOND)
DATASETS = {"clinic": "standard", "sister": "high", "open": "de-minimis"}
PROJECTS = {"liver": ("clinic", "open"), "both": ("clinic", "sister")}
TABLES = {"clinic": "persons", "sister": "members", "open": "places"}
EPSILON = 1.0


def dataset_policy(name: str, share: float = EPSILON) -> dict[str, Any]:
    """A dataset of the one population, with so much of its budget."""
    columns = {
        "age": {"type": "integer", "bounds": [0, 100]},
        "site": {"type": "category", "keys": ["north", "south", "west"]},
    }
    tier = DATASETS[name]
    risk = {"sensitivity": "open" if tier == "de-minimis" else "health", "identifiability": "pseudonymised", "vulnerable_groups": False}
    return {
        "dataset": name,
        "title": f"Dataset {name}",
        "custodian": KEEPER.name,
        "population": "people",
        "share": {"epsilon": share},
        "tables": {TABLES[name]: {"source": f"{name}.parquet", "unit_column": "id", "columns": columns}},
        "privacy": {"definition": "zcdp", "epsilon": EPSILON, "delta": 1e-6},
        "timing": "off",
        "consent": {"permission": "DUO:0000006"},
        "risk": risk | ({"tier": "high"} if tier == "high" else {}),
        "attribution": {"citation": f"{name} (2026)."},
    }


def project_policy(name: str, share: float) -> dict[str, Any]:
    """A project that may spend so much of each of its datasets."""
    people = [ANNA.name, BEN.name, MIRA.name] if name == "liver" else [ANNA.name, BEN.name]
    return {
        "project": name,
        "title": f"Project {name}",
        "researchers": people,
        "country": "NO",
        "ends": "2099-12-31",
        "purpose": {"kind": "disease", "disease": "MONDO:0013209"},
        "datasets": {dataset: {"epsilon": share} for dataset in PROJECTS[name]},
    }


def build_template(folder: Path) -> Path:
    """Closed books with policies, people and snapshots, and the desk's key: what every run begins with."""
    folder.mkdir(parents=True, exist_ok=True)
    with Ledger.open(folder / "books.sqlite") as ledger:
        for person in PEOPLE:
            ledger.people.add_user(person.name, person.role, actor="setup", now=START)
        for name in DATASETS:
            text = json.dumps(dataset_policy(name))
            snapshot = NewSnapshot(1, b"salt of sixteen.", "f" * 64)
            ledger.registry.add_dataset(name, text, parse_dataset_policy(text, "p.yaml", bench=True).digest, snapshot, "setup", START)
        for name in PROJECTS:
            text = json.dumps(project_policy(name, 0.8))
            digest = parse_project_policy(text, "p.yaml", bench=True).digest
            ledger.registry.add_policy(PolicyKind.PROJECT, name, text, digest, "setup", START)
        facts = BookFacts(ledger, Policies(ledger.registry, ledger.people, bench=True))
        make_key(folder / "keys")
        ReleaseDesk.open(ledger, folder / "releases", folder / "keys", facts)
    return folder


# a text says the same for ever, and a run reads the same few texts again and again
parsed_dataset = functools.lru_cache(1000)(parse_dataset_policy)
parsed_project = functools.lru_cache(1000)(parse_project_policy)


class Watcher(Protocol):
    """What is told of each durable act of a process."""

    def pause(self, _process: "Process", where: str) -> None:
        """A moment at which anything else may happen first."""

    def booked(self, process: "Process", act: str, spend: Reservation) -> None:
        """The act on a spend has returned from the books."""

    def looked(self, reservation: Reservation) -> None:
        """The engine is about to look at rows."""


class SteppedLedger(Ledger):
    """Books that stop before and after each durable act."""

    process: "Process"

    @contextmanager
    def _around(self, act: str) -> Iterator[None]:
        self.process.pause(f"before {act}")
        yield
        self.process.pause(f"after {act}")

    def reserve(
        self,
        plan: PrivatePlan,
        authorisation: Authorisation,
        snapshot: int,
        now: datetime,
        idempotency_key: str | None = None,
        *,
        question: str = "",
        request: str | None = None,
    ) -> Reservation:
        with self._around("reserve"):
            taken = super().reserve(plan, authorisation, snapshot, now, idempotency_key, question=question, request=request)
            self.process.booked("reserve", taken)
        return taken

    def post(
        self, reservation: Reservation, answer: RecordedAnswer, verdict: str, now: datetime, serving: Serving = NOT_SERVING
    ) -> Receipt:
        with self._around("post"):
            receipt = super().post(reservation, answer, verdict, now, serving)
            self.process.booked("post", reservation)
        return receipt

    def post_free(self, free: Free, answer: RecordedAnswer, verdict: str, now: datetime, serving: Serving) -> Receipt:
        with self._around("post free"):
            return super().post_free(free, answer, verdict, now, serving)

    def post_fault(self, reservation: Reservation, now: datetime) -> Receipt:
        with self._around("post fault"):
            receipt = super().post_fault(reservation, now)
            self.process.booked("fault", reservation)
        return receipt

    def void(self, reservation: Reservation, cause: str, now: datetime) -> None:
        with self._around("void"):
            super().void(reservation, cause, now)
            self.process.booked("void", reservation)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        with self._around("act of the desk"), super().transaction() as tx:
            yield tx


@dataclass
class MadeUpEngine:
    """Makes rows up, is slow, fails now and then, and ends what is cancelled. Deterministic in `dice`."""

    dice: random.Random
    process: "Process"
    looked: Callable[[Reservation], None]
    cancelled: set[str] = field(default_factory=set)

    def execute(self, plan: PrivatePlan, reservation: Reservation) -> ExactTable:
        self.looked(reservation)
        for _ in range(self.dice.choice((0, 1, 1, 3))):
            self.process.pause("engine")
        if reservation.id in self.cancelled or self.dice.random() < 0.08:
            raise question_fault()
        keys = plan.public_keys() or ()
        return ExactTable(keys, [[self.dice.randrange(100, 10_000) for _ in keys] for _ in plan.targets])

    def has_room(self, dataset: str, snapshot: int) -> bool:
        del dataset, snapshot
        return self.dice.random() > 0.03

    def cancel(self, reservation: Reservation) -> None:
        self.cancelled.add(reservation.id)


class Process:
    """One running mediator with its desk, on books that others may have open too."""

    def __init__(self, name: str, home: Path, dice: random.Random, clock: Callable[[], datetime], watcher: Watcher) -> None:
        self.name, self.dice, self.watcher, self.alive, self.starting = name, dice, watcher, True, True
        self.ledger = SteppedLedger.open(home / "books.sqlite")
        self.ledger.process = self
        self.policies = Policies(self.ledger.registry, self.ledger.people, bench=True)
        self.engine = MadeUpEngine(dice, self, watcher.looked)
        self.mediator = Mediator(self.ledger, self.policies, self.engine, clock)
        facts = BookFacts(self.ledger, self.policies)
        self.desk = ReleaseDesk.open(self.ledger, home / "releases", home / "keys", facts)
        self.ledger.sweep(clock(), IN_DOUBT)
        self.desk.conclude_all(clock())
        self.starting = False

    def pause(self, where: str) -> None:
        """Let anything happen here, once the process has started."""
        if not self.starting:
            self.watcher.pause(self, where)

    def booked(self, act: str, spend: Reservation) -> None:
        """Tell the watcher."""
        self.watcher.booked(self, act, spend)

    def settle(self) -> None:
        """Return once everything that nobody waits for is written: an empty transaction behind it in the queue."""
        with Ledger.transaction(self.ledger):
            pass

    def close(self) -> None:
        """Drop everything that the process holds in memory."""
        self.alive = False
        self.ledger.close()


def power_cut(home: Path, to: Path, log_before: bytes | None, dice: random.Random) -> str:
    """The disk as a power cut leaves it, copied to `to`: "all" of what was written last is there, "none", or "part" of its sectors.

    `log_before` is the write-ahead log as it was when last synced; None where everything written was synced.
    """
    shutil.copytree(home / "releases", to / "releases")
    shutil.copytree(home / "keys", to / "keys")
    shutil.copy(home / "books.sqlite", to / "books.sqlite")
    log = home / "books.sqlite-wal"
    after = log.read_bytes() if log.exists() else b""
    if log_before is None or log_before == after:
        (to / log.name).write_bytes(after)
        return "all"
    kept, how = _survivors(log_before, after, dice)
    (to / log.name).write_bytes(kept)
    return how


def _survivors(before: bytes, after: bytes, dice: random.Random) -> tuple[bytes, str]:
    """Which of the unsynced 512-byte sectors reached the disk: in any order, any of them."""
    padded = before + bytes(max(0, len(after) - len(before)))
    changed = [place for place in range(0, len(after), 512) if padded[place : place + 512] != after[place : place + 512]]
    wish = dice.choice(("all", "none", "part", "part", "first", "last lost"))
    if wish == "first":
        kept = set(changed[: dice.randrange(len(changed) + 1)])
    elif wish == "last lost":
        kept = set(changed[:-1])
    else:
        kept = {"all": set(changed), "none": set()}.get(wish) or {place for place in changed if wish == "part" and dice.random() < 0.7}
    content = bytearray(padded[: len(after)])
    for place in kept:
        content[place : place + 512] = after[place : place + 512]
    if not kept:
        return before, "none"
    return bytes(content), "all" if len(kept) == len(changed) else "part"


@contextmanager
def determined(dice: random.Random) -> Iterator[None]:
    """Inside, random names and noise come from `dice`, and a policy is parsed once: the same seed is the same run."""

    def noise(exact: ExactTable, noises: Sequence[Noise], selection: object) -> NoisyTable:
        del selection
        drawn = tuple(tuple(value + dice.randrange(-20, 21) for value in column) for column in exact._columns)
        assert len(drawn) == len(noises)
        return NoisyTable(exact._keys, drawn)

    with (
        mock.patch("secrets.token_bytes", lambda count=32: dice.randbytes(count)),
        mock.patch("haven.mediator.mediator.add_noise", noise),
        mock.patch("haven.mediator.policies.parse_dataset_policy", parsed_dataset),
        mock.patch("haven.mediator.policies.parse_project_policy", parsed_project),
        mock.patch("haven.mediator.policy_changes.parse_dataset_policy", parsed_dataset),
        mock.patch("haven.mediator.policy_changes.parse_project_policy", parsed_project),
    ):
        yield
