"""The audit: recompute the chain, the Merkle tree and everything that the tables say from the entries alone; name what does not agree.

It shares with the ledger only the definitions of the chain and of the tree. One pass over the entries, in groups, whatever their number.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from haven.ledger import chain, reading
from haven.ledger.amounts import stamp
from haven.ledger.audit_log import Evidence, Log
from haven.ledger.audit_present import Present
from haven.ledger.audit_reading import Books
from haven.ledger.audit_schema import rules_hold
from haven.ledger.audit_spends import SPEND_COLUMNS, Sums, Told
from haven.ledger.database import Place
from haven.ledger.opening import look
from haven.ledger.store import Store

__all__ = ["MOST_PROBLEMS", "AuditReport", "Evidence", "audit_verify", "export"]

MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What an audit found. `whole` means: the chain holds from the first entry to `head`, and every table agrees with it.

    `first_broken` is the number of the first entry that is wrong or that a table contradicts; None where none is, or where the damage
    cannot be tied to one entry. `problems` are sentences without data, at most 100; `remarks` are what is odd and harms nothing. `root` is
    that of the Merkle tree, in hexadecimal.
    """

    entries: int
    head: str
    posted: int
    voided: int
    in_flight: int
    first_broken: int | None
    problems: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    root: str = ""

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


def audit_verify(place: Place, evidence: Evidence | None = None) -> AuditReport:
    """Audit the books at `place`, in use or not, without changing them.

    With `evidence`, the signatures of their checkpoints, the witness and the last release are held against them, too.
    """
    for lenient in (False, True):  # a file whose texts cannot be read as they are is read again: the first broken entry is to be named
        audit = _Audit(evidence)
        try:
            with ThreadPoolExecutor(1) as beside, look(place) as connection:
                sound = beside.submit(_is_sound, place)  # SQLite's own check, while the entries are read
                audit.run(Books(connection, lenient=lenient))
                if not sound.result():
                    audit.found("The file is damaged.")
            break
        except Exception:  # noqa: BLE001 - the boundary: in a damaged file anything may stand anywhere; that it is damaged is the finding
            audit.found("The file is damaged or is no haven's books.")
    return audit.report()


def _is_sound(place: Place) -> bool:
    """Whether a file's pages and indexes hold together; a server looks after its own."""
    with look(place) as connection:
        books = Books(connection)
        return not books.in_a_file or books.number("PRAGMA integrity_check(1)") == "ok"


class _Audit:
    def __init__(self, evidence: Evidence | None) -> None:
        self.seq, self.head = 0, chain.GENESIS
        self.first_broken: int | None = None
        self.problems: list[str] = []
        self.remarks: list[str] = []
        self.sums = Sums(self.found)
        self.log = Log(self.found, self.remarks.append, evidence)
        self.present = Present()
        self.answered = self.policies = 0

    def found(self, problem: str, seq: int | None = None) -> None:
        if self.first_broken is None:
            self.first_broken = seq
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)

    def report(self) -> AuditReport:
        sums = self.sums
        root, told = self.log.root(), (tuple(self.problems), tuple(self.remarks))
        return AuditReport(self.seq, self.head, sums.posted, sums.voided, len(sums.in_flight), self.first_broken, *told, root)

    def run(self, books: Books) -> None:
        self.log.begin(books)
        for group in books.entries():
            told = self._read(group)
            self._compare_rows(books, told)
            if len(told) < len(group):
                self.found(f"Entry {self.seq + 1} does not continue the chain.", self.seq + 1)
                return
        self._compare_tables(books)
        self.log.compare(books)
        if not rules_hold(books):
            self.found("The file's own rules (tables, indexes, triggers) are not those of this version.")

    def _read(self, group: Sequence[Any]) -> list[Told]:
        """The group's entries as far as they continue the chain, added to the tree."""
        read: list[Told] = []
        for seq, kind, actor, at, body, previous, digest in group:
            if seq != self.seq + 1 or previous != self.head or digest != chain.link(previous, body):
                return read
            said, end = _DECODED(body)
            if end != len(body) or (said["seq"], said["kind"], said["actor"], said["at"]) != (seq, kind, actor, at):
                return read
            self.seq, self.head = seq, digest
            self.log.add(body)
            read.append(Told(seq, kind, actor, at, said["detail"]))
        return read

    def _compare_rows(self, books: Books, group: list[Told]) -> None:
        """Hold the rows that a group of entries tells of against them, entry by entry."""
        of_spends = [told for told in group if told.kind in _SPENDS]
        spends = books.those(SPEND_COLUMNS, "spends", "id", {told.detail["id"] for told in of_spends})
        posted = [told.detail["id"] for told in of_spends if told.kind == "spend.posted"]
        answers = {name: _digest(row.content) for name, row in books.those("id, content", "answers", "id", posted).items()}
        policies = books.those("entry, kind, name, version, text, digest, actor, at", "policies", "entry", _of(group, "policy.added"))
        snapshots = books.those("entry, dataset, serial, salt, fingerprint, at", "snapshots", "entry", _of(group, "snapshot.added"))
        for told in group:
            if told.kind in _SPENDS:
                self._spend(told, spends.get(told.detail["id"]), answers)
            elif told.kind == "policy.added":
                self._policy(told, policies.get(told.seq))
            elif told.kind == "snapshot.added":
                self._snapshot(told, snapshots.get(told.seq))
            elif told.kind == "budget.corrected":
                self.sums.correct(told)
            else:
                self.present.note(told)
                self.log.accepted(told)

    def _spend(self, told: Told, row: Any, answers: dict[str, str]) -> None:  # noqa: ANN401 - a row of the database
        if told.kind == "spend.reserved":
            self.sums.reserve(told, row)
            return
        spent = told.kind == "spend.posted"
        self.sums.end(told, row, spent=spent)
        if spent:
            answer = answers.get(told.detail["id"])
            self.answered += answer is not None
            if answer != told.detail["answer"]:
                self.sums.contradicted(told, "the recorded answers")

    def _policy(self, told: Told, row: Any) -> None:  # noqa: ANN401 - the same
        self.policies += 1
        said = tuple(told.detail[name] for name in ("kind", "name", "version", "text_sha256", "digest"))
        if row is None or (row.kind, row.name, row.version, _digest(row.text), row.digest) != said or (row.actor, row.at) != told[2:4]:
            self.sums.contradicted(told, "the policies")

    def _snapshot(self, told: Told, row: Any) -> None:  # noqa: ANN401 - the same
        said = tuple(told.detail[name] for name in ("dataset", "serial", "commitment"))
        if row is None or (row.dataset, row.serial, _commitment(row)) != said or row.at != told.at:
            self.sums.contradicted(told, "the snapshots")

    def _compare_tables(self, books: Books) -> None:
        """What holds of a whole table, once every entry was read."""
        sums = self.sums
        kept = {(row["account"], row["definition"]): [int(row[name]) for name in _TOTALS] for row in books.each("SELECT * FROM accounts")}
        for account in sorted(kept.keys() | sums.totals.keys()):
            if kept.get(account) != sums.totals.get(account):
                self.found("The total of an account is not the sum of its entries.")
        counts = {"spends": sums.posted + sums.voided + len(sums.in_flight), "answers": self.answered, "policies": self.policies}
        for table, count in counts.items():
            if books.number(f"SELECT count(*) FROM {table}") != count:  # noqa: S608 - the names stand above
                self.found(f"There are rows in {table} that no entry tells of.")
        flying = {row["id"] for row in books.each("SELECT id FROM spends WHERE state = 'reserved'")}
        if flying != sums.in_flight.keys():
            self.found("The spends in flight are not those that the entries left open.")
        if books.has("days") and not _days_agree(books, sums):
            self.found("What the summary of days says was asked and spent is not what the entries say.")
        for problem in self.present.problems(books):
            self.found(problem)


_DECODED = json.JSONDecoder().raw_decode
_TOTALS = ("spent_pico", "spent_atto", "reserved_pico", "reserved_atto")
_SPENDS = frozenset({"spend.reserved", "spend.posted", "spend.void"})


def _of(group: list[Told], kind: str) -> list[int]:
    return [told.seq for told in group if told.kind == kind]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _commitment(row: Any) -> str:  # noqa: ANN401 - a row of the database
    return hashlib.sha256(row.salt + row.fingerprint.encode("utf-8")).hexdigest()


def _days_agree(books: Books, sums: Sums) -> bool:
    """Whether the summary of days has each day's questions, and each dataset's spends in all."""
    asked, spent = Counter[tuple[str, str, str, str]](), defaultdict[str, list[int]](lambda: [0, 0])
    for row in books.each("SELECT dataset, day, project, actor, questions, spent_pico, spent_atto FROM days"):
        asked[row["dataset"], row["day"], row["project"], row["actor"]] += row["questions"]
        total = spent[row["dataset"]]
        total[0] += int(row["spent_pico"])
        total[1] += int(row["spent_atto"])
    return asked == sums.asked and {name: one for name, one in spent.items() if any(one)} == {
        name: one for name, one in sums.datasets.items() if any(one)
    }
