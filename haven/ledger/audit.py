"""The audit: recompute the chain and everything that the tables say from the entries alone, and name what does not agree.

It shares with the ledger only the chain's definition: totals are summed here again from the entries, in plain integers.
"""

import hashlib
import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, RowMapping, text

from haven.ledger import chain, reading
from haven.ledger.accounts import moved_by
from haven.ledger.amounts import stamp
from haven.ledger.database import Place
from haven.ledger.opening import look
from haven.ledger.prepared import driver_of
from haven.ledger.store import Store

MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found. `whole` means: the chain holds from the first entry to `head`, and every table agrees with it.

    `first_broken` is the number of the first entry that is wrong or that a table contradicts; None where none is, or where the damage
    cannot be tied to one entry. `problems` are sentences without data, at most 100.
    """

    entries: int
    head: str
    posted: int
    voided: int
    in_flight: int
    first_broken: int | None
    problems: tuple[str, ...]

    @property
    def whole(self) -> bool:
        """Nothing is wrong."""
        return not self.problems


def export(store: Store) -> Iterator[dict[str, Any]]:
    """Every entry as one JSON-ready object, the oldest first, streamed from one consistent snapshot."""
    with store.read() as connection:
        for entry in reading.all_entries(connection):
            yield {
                "seq": entry.seq,
                "kind": entry.kind,
                "actor": entry.actor,
                "at": stamp(entry.at),
                "detail": entry.detail,
                "prev_digest": entry.prev_digest,
                "digest": entry.digest,
            }


def audit_verify(place: Place) -> AuditReport:
    """Audit the books at `place`, in use or not, without changing them."""
    audit = _Audit()
    try:
        with look(place) as connection:
            audit.run(_Books(connection))
    except Exception:  # noqa: BLE001 - the boundary: in a damaged file anything may stand anywhere; that it is damaged is the finding
        audit.found("The file is damaged or is no haven's books.")
    return audit.report()


class _Books:
    """What an audit reads, from either store: rows with their columns by name."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        driver = driver_of(connection)
        self.in_a_file = isinstance(driver, sqlite3.Connection)
        if isinstance(driver, sqlite3.Connection):
            driver.text_factory = lambda raw: raw.decode("utf-8", "replace")  # what a damaged text says is compared like any other

    def each(self, statement: str) -> Iterable[RowMapping]:
        """Its rows, however many."""
        return self._connection.execute(text(statement), execution_options={"yield_per": 10_000}).mappings()

    def one(self, statement: str, value: object) -> RowMapping | None:
        """Its row for `:value`, None where there is none."""
        return self._connection.execute(text(statement), {"value": value}).mappings().first()

    def number(self, statement: str) -> object:
        """The one value it gives."""
        return self._connection.execute(text(statement)).scalar()


@dataclass
class _Audit:
    seq: int = 0
    head: str = chain.GENESIS
    posted: int = 0
    voided: int = 0
    answered: int = 0
    policies: int = 0
    first_broken: int | None = None
    problems: list[str] = field(default_factory=list)
    in_flight: dict[str, dict[str, Any]] = field(default_factory=dict)
    # (account, definition) -> [spent pico, spent atto, reserved pico, reserved atto]
    totals: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))
    states: dict[tuple[str, str], str] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)

    def found(self, problem: str, seq: int | None = None) -> None:
        if self.first_broken is None:
            self.first_broken = seq
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)

    def report(self) -> AuditReport:
        return AuditReport(self.seq, self.head, self.posted, self.voided, len(self.in_flight), self.first_broken, tuple(self.problems))

    def run(self, books: _Books) -> None:
        for row in books.each("SELECT * FROM entries ORDER BY seq"):
            if not self._links(row):
                self.found(f"Entry {self.seq + 1} does not continue the chain.", self.seq + 1)
                return
            self.seq, self.head = row["seq"], row["digest"]
            check = _CHECKS.get(row["kind"])
            if check is not None:
                check(self, books, json.loads(row["body"])["detail"])
        self._compare_tables(books)
        if books.in_a_file and books.number("PRAGMA integrity_check(1)") != "ok":
            self.found("The file is damaged.")

    def _links(self, row: RowMapping) -> bool:
        """Whether this is the next entry, whole, and every column says what its body says."""
        if row["seq"] != self.seq + 1 or row["prev_digest"] != self.head or row["digest"] != chain.link(self.head, row["body"]):
            return False
        body = json.loads(row["body"])
        said = {name: body.get(name) for name in ("seq", "kind", "actor", "at")}
        return said == {name: row[name] for name in said}

    def _contradicted(self, what: str) -> None:
        self.found(f"Entry {self.seq} is contradicted by {what}.", self.seq)

    # one method a kind of entry that a table must agree with

    def reserve(self, books: _Books, detail: dict[str, Any]) -> None:
        self.in_flight[detail["id"]] = detail
        pico, atto = _units(detail["price"])
        for account, cap in moved_by(detail):
            total = self.totals[account, detail["price"]["definition"]]
            total[2] += pico
            total[3] += atto
            if cap is not None and (total[0] + total[2] > cap[0] or total[1] + total[3] > cap[1]):
                self.found(f"Entry {self.seq} takes more than a cap left.", self.seq)
        row = books.one("SELECT * FROM spends WHERE id = :value", detail["id"])
        told = ("project", "dataset", "population", "snapshot", "plan_digest", "policy_digest")
        if (
            row is None
            or row["reserve_entry"] != self.seq
            or any(row[name] != detail[name] for name in told)
            or (row["definition"], int(row["pico"]), int(row["atto"])) != (detail["price"]["definition"], pico, atto)
        ):
            self._contradicted("the spends")

    def post(self, books: _Books, detail: dict[str, Any]) -> None:
        self.posted += 1
        self._ended(books, detail["id"], "posted", spent=True)
        content = books.one("SELECT content FROM answers WHERE id = :value", detail["id"])
        digest = None if content is None else hashlib.sha256(content["content"].encode("utf-8")).hexdigest()
        self.answered += content is not None
        if digest != detail["answer"]:
            self._contradicted("the recorded answers")

    def void(self, books: _Books, detail: dict[str, Any]) -> None:
        self.voided += 1
        self._ended(books, detail["id"], "void", spent=False)

    def corrected(self, _: _Books, detail: dict[str, Any]) -> None:
        pico, atto = _units(detail["price"])
        for account, _cap in moved_by(detail):
            total = self.totals[account, detail["price"]["definition"]]
            total[0] += pico
            total[1] += atto

    def _ended(self, books: _Books, spend_id: str, state: str, *, spent: bool) -> None:
        reserved = self.in_flight.pop(spend_id, None)
        if reserved is None:
            self.found(f"Entry {self.seq} ends what was not in flight.", self.seq)
            return
        pico, atto = _units(reserved["price"])
        for account, _ in moved_by(reserved):
            total = self.totals[account, reserved["price"]["definition"]]
            total[2] -= pico
            total[3] -= atto
            total[0] += pico * spent
            total[1] += atto * spent
        row = books.one("SELECT state, end_entry FROM spends WHERE id = :value", spend_id)
        if row is None or (row["state"], row["end_entry"]) != (state, self.seq):
            self._contradicted("the spends")

    def policy(self, books: _Books, detail: dict[str, Any]) -> None:
        self.policies += 1
        row = books.one("SELECT text, digest FROM policies WHERE entry = :value", self.seq)
        said = (detail["text_sha256"], detail["digest"])
        if row is None or (hashlib.sha256(row["text"].encode("utf-8")).hexdigest(), row["digest"]) != said:
            self._contradicted("the policies")

    def snapshot(self, books: _Books, detail: dict[str, Any]) -> None:
        row = books.one("SELECT salt, fingerprint FROM snapshots WHERE entry = :value", self.seq)
        if row is None or hashlib.sha256(row["salt"] + row["fingerprint"].encode("utf-8")).hexdigest() != detail["commitment"]:
            self._contradicted("the snapshots")

    def state(self, _: _Books, detail: dict[str, Any]) -> None:
        self.states[detail["kind"], detail["name"]] = detail["state"]

    def user(self, _: _Books, detail: dict[str, Any]) -> None:
        self.roles[detail["name"]] = detail["role"]

    def _compare_tables(self, books: _Books) -> None:
        """What holds of a whole table, once every entry was read."""
        kept = {(row["account"], row["definition"]): [int(row[name]) for name in _TOTALS] for row in books.each("SELECT * FROM accounts")}
        for account in sorted(kept.keys() | self.totals.keys()):
            if kept.get(account) != self.totals.get(account):
                self.found("The total of an account is not the sum of its entries.")
        if {(row["kind"], row["name"]): row["state"] for row in books.each("SELECT * FROM states")} != self.states:
            self.found("The states of datasets, projects or people are not what the entries say.")
        if {row["name"]: row["role"] for row in books.each("SELECT name, role FROM users")} != self.roles:
            self.found("The accounts of people are not what the entries say.")
        counts = {"spends": self.posted + self.voided + len(self.in_flight), "answers": self.answered, "policies": self.policies}
        for table, count in counts.items():
            if books.number(f"SELECT count(*) FROM {table}") != count:  # noqa: S608 - the names stand above
                self.found(f"There are rows in {table} that no entry tells of.")
        flying = {row["id"] for row in books.each("SELECT id FROM spends WHERE state = 'reserved'")}
        if flying != self.in_flight.keys():
            self.found("The spends in flight are not those that the entries left open.")


_TOTALS = ("spent_pico", "spent_atto", "reserved_pico", "reserved_atto")
_CHECKS: dict[str, Callable[[_Audit, _Books, dict[str, Any]], None]] = {
    "spend.reserved": _Audit.reserve,
    "spend.posted": _Audit.post,
    "spend.void": _Audit.void,
    "budget.corrected": _Audit.corrected,
    "policy.added": _Audit.policy,
    "snapshot.added": _Audit.snapshot,
    "state.changed": _Audit.state,
    "user.added": _Audit.user,
}


def _units(price: dict[str, str]) -> tuple[int, int]:
    return int(price["pico"]), int(price["atto_delta"])
