"""What must be true of the books after any step: a few dictionaries, kept by what clients and processes were told, and held to the file.

Nothing here asks haven: the file is read by a connection and SQL of its own.
"""

import hashlib
import sqlite3
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

LEFT = {"decided", "signed", "released", "revoked"}
NEEDED = {"clinic": 1, "sister": 2, "open": 0}
"""How many checkers must agree, by dataset: the tiers that the simulated policies declare."""
NO_CHECKERS = {"liver": {"mira", "anna", "ben"}, "both": {"anna", "ben"}}


@dataclass
class Known:
    """A spend that the books took: from which accounts, when, for whom, and what became of it as far as anyone was told."""

    pico: int
    accounts: tuple[str, ...]
    at: datetime
    process: str
    state: str = "reserved"
    told: str = ""
    in_doubt: bool = False


@dataclass(frozen=True)
class Maybe:
    """An act that was being written when the power went: the books may hold it or not."""

    act: str
    spend: str
    known: Known | None


@dataclass
class Model:
    """The plain model. `problems` is empty exactly while every promise is kept."""

    caps: dict[str, int] = field(default_factory=dict)
    stopped: set[str] = field(default_factory=set)
    spends: dict[str, Known] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    keys: dict[tuple[str, str, str], tuple[str, str]] = field(default_factory=dict)
    maybes: list[Maybe] = field(default_factory=list)
    approving: dict[str, set[str]] = field(default_factory=dict)
    decided: set[str] = field(default_factory=set)
    seen: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    books: sqlite3.Connection | None = None

    def look_at(self, file: Path | None) -> None:
        """Hold the books in `file` to the model from now on; None: let go of them."""
        if self.books is not None:
            self.books.close()
        self.books = None if file is None else sqlite3.connect(file, isolation_level=None)

    def ask(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        """Rows of the books."""
        assert self.books is not None
        return self.books.execute(statement, values).fetchall()

    def _one(self, statement: str, value: str) -> tuple[Any, ...] | None:
        return next(iter(self.ask(statement, value)), None)

    # what the books told a process

    def reserved(self, spend: str, known: Known, names: tuple[str, str, str]) -> None:
        """The books took a price. It fits in every cap in force at this moment, and nothing of it is stopped."""
        self.spends[spend] = known
        for account in known.accounts:
            taken = sum(one.pico for one in self.spends.values() if account in one.accounts and one.state != "void")
            if known.pico and taken > self.caps[account]:
                self.wrong(f"{account.split(':')[0]} is overspent")
        if self.stopped & set(names):
            self.wrong("a price was taken for what is stopped")

    def ended(self, spend: str, state: str) -> None:
        """A price was spent for good, or given back."""
        self.spends[spend].state = state

    def swept(self, now: datetime, older_than: timedelta) -> int:
        """A sweep posts exactly what is that far from now. How many."""
        doubtful = [one for one in self.spends.values() if one.state == "reserved" and abs(now - one.at) >= older_than]
        for one in doubtful:
            one.state = "posted"
        return len(doubtful)

    def killed(self, process: str) -> None:
        """A process is gone: what it had in flight and told nobody of is in doubt."""
        for one in self.spends.values():
            if one.process == process and not one.told and one.state != "void" and not one.in_doubt:
                one.in_doubt = True
                self.counts["in doubt"] += 1

    # what a client was told

    def answered(self, receipt: str, content_rows: str, key: tuple[str, str, str] | None, request: str) -> None:
        """An answer has reached its asker: it is durable, it is the one of before under its key, and it stays for ever."""
        row = self._one("SELECT s.state, a.content FROM spends s LEFT JOIN answers a ON a.id = s.id WHERE s.id = ?", receipt)
        if row is None or row[0] != "posted" or row[1] is None:
            self.wrong("an answer has no durable posted record")
            return
        self.answers[receipt] = hashlib.sha256(row[1].encode()).hexdigest()
        self.seen.setdefault(f"rows of {receipt}", content_rows)
        if self.seen[f"rows of {receipt}"] != content_rows:
            self.wrong("the same receipt was given with other rows")
        if receipt in self.spends:
            self.spends[receipt].told = "answer"
        if key is not None:
            earlier = self.keys.setdefault(key, (request, receipt))
            if earlier != (request, receipt):
                self.wrong("one idempotency key gave two receipts")

    def refused(self, spends: list[str]) -> None:
        """A client heard that nothing was spent: whatever was taken for it was given back."""
        for spend in spends:
            self.spends[spend].told = "refusal"
            if self.spends[spend].state != "void":
                self.wrong("a refusal left its price taken")

    def faulted(self, spends: list[str]) -> None:
        """A client heard a fault: its price is spent, or will be by the sweep."""
        for spend in spends:
            self.spends[spend].told = "fault"

    # what the file says

    def resolve(self, how: str) -> None:
        """After a power cut: what was being written is there or not; where all or none of it reached the disk, that is known."""
        for maybe in self.maybes:
            row = self._one("SELECT state FROM spends WHERE id = ?", maybe.spend)
            if maybe.known is not None:
                if (row is not None) != {"all": True, "none": False}.get(how, row is not None):
                    self.wrong("a reservation that was synced is lost, or one that was not is there")
                if row is not None:
                    maybe.known.in_doubt = True
                    self.counts["in doubt"] += 1
                    self.spends[maybe.spend] = maybe.known
            elif row is None or row[0] not in {"reserved", "posted" if maybe.act != "void" else "void"}:
                self.wrong("a spend is in a state that no act led to")
            else:
                self.spends[maybe.spend].state = row[0]
        self.maybes.clear()

    def check(self) -> None:
        """Everything that is promised of the books, now."""
        spends = {row[0]: row[1:] for row in self.ask("SELECT id, state, pico, idempotency_key, actor, project FROM spends")}
        accounts = {row[0]: int(row[1]) + int(row[2]) for row in self.ask("SELECT account, spent_pico, reserved_pico FROM accounts")}
        releases = self.ask("SELECT id, project, state FROM releases")
        made_of = self.ask("SELECT release, dataset FROM release_items")
        for name, known in self.spends.items():
            if name not in spends:
                self.wrong("a spend is lost")
            elif (spends[name][0], int(spends[name][1])) != (known.state, known.pico):
                self.wrong("a spend is not in the state that the books told")
        if any(int(row[1]) for name, row in spends.items() if name not in self.spends):
            self.wrong("the books hold a price that nobody was told of")
        for account in accounts.keys() | self.caps.keys():
            wanted = sum(one.pico for one in self.spends.values() if account in one.accounts and one.state != "void")
            if accounts.get(account, 0) != wanted:
                self.wrong("the total of an account is not the sum of its spends")
        used = Counter((row[3], row[4], row[2]) for row in spends.values() if row[2] is not None and row[0] != "void")
        if any(count > 1 for count in used.values()):
            self.wrong("one idempotency key was charged twice")
        self._check_releases(releases, made_of)

    def _check_releases(self, releases: list[tuple[str, str, str]], made_of: list[tuple[str, str | None]]) -> None:
        for release, project, state in releases:
            datasets = {dataset for name, dataset in made_of if name == release and dataset}
            needed = max((NEEDED[dataset] for dataset in datasets), default=1)
            if state in LEFT and len(self.approving.get(release, set()) - NO_CHECKERS[project]) < needed:
                self.wrong("a release was decided without its votes")
            if release in self.decided and state not in LEFT:
                self.wrong("a decision is lost")
            if self.seen.get(release) == "released" and state != "released":
                self.wrong("a release went back")
            self.seen[release] = state

    def check_answers(self) -> None:
        """Every answer that was ever given is recorded, as it was given."""
        rows = self.ask("SELECT a.id, a.content FROM answers a JOIN spends s ON s.id = a.id WHERE s.state = 'posted'")
        held = {name: hashlib.sha256(content.encode()).hexdigest() for name, content in rows}
        if any(held.get(name) != digest for name, digest in self.answers.items()):
            self.wrong("an answer that was given is lost")

    def check_overcount(self) -> None:
        """At the end, everything spent was answered, ended in a fault that its asker heard, or was in flight when its process died."""
        for one in self.spends.values():
            if one.state == "reserved":
                self.wrong("a reservation is still in flight after the last sweep")
            if one.state == "posted" and not one.told and not one.in_doubt:
                self.wrong("more is spent than was answered, failed, or in flight at a crash")

    def wrong(self, what: str) -> None:
        """A promise is broken."""
        if what not in self.problems:
            self.problems.append(what)
