"""The facts behind the auditor's pages: how the books are, a search of their entries, one entry with its proof, and a month's report."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from fastapi import Query
from sqlalchemy import select

from haven.errors import Code, Refused
from haven.ledger.entries import Entry
from haven.ledger.events import Kind
from haven.ledger.reading import entry_of
from haven.ledger.schema import entries
from haven.ledger.timeline import Scope, timeline
from haven.ledger.vitals import Vitals, vitals_of
from haven.web.parts import WebParts
from haven.web.telling import EventLine, told

PAGE = 50
DECISIONS = (Kind.RELEASE_APPROVE, Kind.RELEASE_REJECT, Kind.RELEASE_RETURN)
REPORTED = (
    *(Kind.POLICY_ADDED, Kind.SNAPSHOT_ADDED, Kind.WITHDRAWAL_NOTED, Kind.WITHDRAWAL_APPLIED, Kind.STATE_CHANGED),
    *(Kind.PROPOSAL_OPENED, Kind.PROPOSAL_CONFIRMED, Kind.PROPOSAL_DECLINED, Kind.PROPOSAL_WITHDRAWN, Kind.BUDGET_CORRECTED),
    *(Kind.RELEASE_SUBMIT, *DECISIONS, Kind.RELEASE_SIGN, Kind.RELEASE_REVOKE, Kind.BOOKS_ACCEPTED, Kind.BOOKS_BACKED_UP),
)
"""What a report lists one by one; questions are summed."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an auditor looks for; "" is anything. `before` is the number below which to go on."""

    kind: Annotated[str, Query(max_length=200)] = ""
    actor: Annotated[str, Query(max_length=200)] = ""
    dataset: Annotated[str, Query(max_length=200)] = ""
    project: Annotated[str, Query(max_length=200)] = ""
    before: Annotated[int | None, Query(ge=1, le=2**62)] = None

    @property
    def scope(self) -> Scope:
        """Whose entries are looked through."""
        if self.actor:
            return Scope(actor=self.actor)
        if self.dataset or self.project:
            return Scope(datasets=frozenset({self.dataset} - {""}), projects=frozenset({self.project} - {""}))
        return Scope(everything=True)


@dataclass(frozen=True, slots=True)
class Found:
    """A page of entries in words, and where older ones begin."""

    lines: tuple[EventLine, ...]
    older: int | None


@dataclass(frozen=True, slots=True)
class EntryPage:
    """One entry in words and as it is kept; `proved` tells whether a proof can be made of it here."""

    entry: Entry
    words: str
    body: str
    next_digest: str | None
    proved: bool


@dataclass(frozen=True, slots=True)
class ReportLine:
    """What one project asked of one dataset in a month; the price in the population's own unit, in units of 10⁻¹²."""

    dataset: str
    project: str
    questions: int
    refused: int
    replayed: int
    unit: str
    spent_pico: int


@dataclass(frozen=True, slots=True)
class Report:
    """A month (`2026-11`) of a haven: questions in sums, everything else one by one, and how long reviews took in days."""

    month: str
    lines: tuple[ReportLine, ...]
    events: tuple[EventLine, ...]
    waited_days: tuple[float, ...]


def standing(parts: WebParts) -> tuple[Vitals, str]:
    """How the books are, and why they answer nothing, "" while they do."""
    doubt = None if parts.ledger.notary is None else parts.ledger.notary.doubt
    return vitals_of(parts.ledger), "" if doubt is None else doubt.cause.value


def search(parts: WebParts, wanted: Wanted) -> Found:
    """A page of what is wanted, newest first. Refused (REQUEST_INVALID) for a kind of entry that there is none of."""
    kind = _kind(wanted.kind) if wanted.kind else None
    with parts.ledger.read() as connection:
        shown = timeline(connection, wanted.scope, PAGE, before=wanted.before, kind=kind)
    return Found(tuple(map(told, shown.entries)), shown.older)


def number_of(parts: WebParts, asked: str) -> int:
    """The entry that `asked` names: its number, or the receipt whose last entry it is. Refused (NOT_FOUND) where there is none."""
    if asked.isascii() and asked.isdecimal() and len(asked) < 19:  # noqa: PLR2004 - what 64 bits hold
        return int(asked)
    receipt = parts.ledger.receipt(asked)
    if receipt is None:
        raise Refused(Code.NOT_FOUND, "There is no such entry or receipt.", "Write an entry's number, or a receipt as its answer shows it.")
    return receipt.entry


def entry_page(parts: WebParts, seq: int) -> EntryPage:
    """One entry. Refused (NOT_FOUND) where the books do not reach so far."""
    found = parts.ledger.entries_after(seq - 1, 2)
    if not found or found[0].seq != seq:
        raise Refused(Code.NOT_FOUND, "There is no entry of this number.", "Look for it in the list of entries.")
    entry, after = found[0], found[1].prev_digest if len(found) > 1 else None
    body = json.dumps(entry.detail, indent=2, ensure_ascii=False, default=str)
    return EntryPage(entry, told(entry).words, body, after, parts.ledger.notary is not None)


def proof_of(parts: WebParts, seq: int) -> dict[str, Any]:
    """The inclusion proof of an entry, which `haven audit check-proof` verifies without a haven. Refused where none can be made."""
    if parts.ledger.notary is None:
        raise Refused(Code.REQUEST_CONFLICT, "These books are not signed: nothing of them can be proved.", "Start the haven with its key.")
    try:
        return parts.ledger.notary.prove(seq)
    except ValueError:
        raise Refused(Code.NOT_FOUND, "There is no entry of this number.", "Look for it in the list of entries.") from None


def report_of(parts: WebParts, month: str) -> Report:
    """The report of a month. Refused (REQUEST_INVALID) for what is no month."""
    first, last = _bounds(month)
    events = _between(parts, first, last)
    return Report(month, _lines(parts, first, last), tuple(map(told, events)), _waits(events))


def _kind(name: str) -> Kind:
    try:
        return Kind(name)
    except ValueError:
        raise Refused(Code.REQUEST_INVALID, "There are no entries of this kind.", "Choose one from the list.") from None


def _bounds(month: str) -> tuple[date, date]:
    """The first day of the month and of the next."""
    try:
        first = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).date()
    except ValueError:
        raise Refused(Code.REQUEST_INVALID, "This is no month.", "Write it as 2026-11.") from None
    return first, (first + timedelta(days=31)).replace(day=1)


def _between(parts: WebParts, first: date, last: date) -> tuple[Entry, ...]:
    """The entries of a report in the order of their numbers, each kind by its index."""
    found: list[Entry] = []
    with parts.ledger.read() as connection:
        for kind in REPORTED:
            of_kind = select(entries).where(
                entries.c.kind == kind.value, entries.c.at >= first.isoformat(), entries.c.at < last.isoformat()
            )
            found += [entry_of(row) for row in connection.execute(of_kind.order_by(entries.c.seq))]
    return tuple(sorted(found, key=lambda entry: entry.seq))


def _lines(parts: WebParts, first: date, last: date) -> tuple[ReportLine, ...]:
    sums: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for name in parts.policies.now().datasets:
        for day in parts.ledger.days(name, first):
            if day.day < last:
                added = (day.questions, day.refused, day.replayed, day.spent.pico)
                line = sums[name, day.project, day.spent.definition.unit]
                line[:] = [a + b for a, b in zip(line, added, strict=True)]
    ordered = sorted(sums.items())
    return tuple(
        ReportLine(dataset, project, asked, refused, replayed, unit, pico)
        for (dataset, project, unit), (asked, refused, replayed, pico) in ordered
    )


def _waits(events: Iterable[Entry]) -> tuple[float, ...]:
    """Days from each submission of the month to the first decision after it."""
    submitted: dict[str, datetime] = {}
    waits: list[float] = []
    for entry in events:
        release = str(entry.detail.get("release", ""))
        if entry.kind == Kind.RELEASE_SUBMIT:
            submitted[release] = entry.at
        elif entry.kind in DECISIONS and release in submitted:
            waits.append((entry.at - submitted.pop(release)).total_seconds() / 86400)
    return tuple(waits)


def median(waits: Sequence[float]) -> float | None:
    """The middle of the waiting times; None of none."""
    ordered = sorted(waits)
    return ordered[len(ordered) // 2] if ordered else None
