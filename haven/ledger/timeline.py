"""The entries that a person may read, newest first, a page at a time: a researcher's own, those of a custodian's datasets, or all.

A page costs the same however many entries there are: it looks at a bounded number of them and says where to go on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, select

from haven.ledger.entries import Entry
from haven.ledger.events import Kind
from haven.ledger.reading import entries_after, entry_of
from haven.ledger.schema import entries, spends

MOST_LOOKED_AT = 2000
_OF_A_SPEND = frozenset({Kind.SPEND_POSTED.value, Kind.SPEND_VOID.value})


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose events: everything, or what `actor` did and was done to their account, and what concerns `datasets` and `projects`."""

    everything: bool = False
    actor: str | None = None
    datasets: frozenset[str] = field(default_factory=frozenset)
    projects: frozenset[str] = field(default_factory=frozenset)

    def sees(self, entry: Entry, dataset_of_spend: Mapping[str, str]) -> bool:
        """Whether the entry is in the scope; `dataset_of_spend` tells of spends, whose endings name none."""
        return self.everything or self._is_theirs(entry) or self._concerns(entry, dataset_of_spend)

    def _is_theirs(self, entry: Entry) -> bool:
        if self.actor is None:
            return False
        about_account = entry.kind.startswith(("user.", "token.", "sandbox.")) or _is_of(entry, "user")
        return entry.actor == self.actor or (about_account and entry.detail.get("name") == self.actor)

    def _concerns(self, entry: Entry, dataset_of_spend: Mapping[str, str]) -> bool:
        detail = entry.detail
        if entry.kind in _OF_A_SPEND:
            return dataset_of_spend.get(str(detail.get("id"))) in self.datasets
        if detail.get("dataset"):
            return detail["dataset"] in self.datasets
        if detail.get("project"):
            return detail["project"] in self.projects
        kind, _, name = str(detail.get("subject", "")).partition(":")
        for what, names in (("dataset", self.datasets), ("project", self.projects)):
            if (kind == what and name in names) or (_is_of(entry, what) and detail.get("name") in names):
                return True
        return False


@dataclass(frozen=True, slots=True)
class Timeline:
    """A page: the entries, newest first, and the number below which to go on; None where there are no older ones."""

    entries: tuple[Entry, ...]
    older: int | None


def timeline(connection: Connection, scope: Scope, limit: int, *, before: int | None = None, kind: Kind | None = None) -> Timeline:
    """At most `limit` entries of the scope with numbers below `before`. A page may be short, and even empty, and still have older ones."""
    asked = _NEWEST if before is None else _NEWEST.where(entries.c.seq < before)
    asked = asked if kind is None else asked.where(entries.c.kind == kind.value)
    looked_at, floor = _looked_at(connection, scope, asked)
    known = {} if scope.everything else _datasets_of(connection, looked_at)
    seen = [entry for entry in looked_at if scope.sees(entry, known)]
    if len(seen) > limit:
        return Timeline(tuple(seen[:limit]), seen[limit - 1].seq)
    return Timeline(tuple(seen), floor)


def following(connection: Connection, scope: Scope, after: int, limit: int) -> tuple[Entry, ...]:
    """At most `limit` entries of the scope with numbers above `after`, the oldest first."""
    seen: list[Entry] = []
    while len(seen) < limit:
        looked_at = entries_after(connection, after, MOST_LOOKED_AT)
        known = _datasets_of(connection, looked_at)
        seen += [entry for entry in looked_at if scope.sees(entry, known)]
        if len(looked_at) < MOST_LOOKED_AT:
            break
        after = looked_at[-1].seq
    return tuple(seen[:limit])


def _looked_at(connection: Connection, scope: Scope, asked: Select[Any]) -> tuple[list[Entry], int | None]:
    """The newest entries that may be in the scope, and the number above which none is missing; None where none at all is.

    For one person's own, two indexes are read: what they did, and the few kinds that are done to accounts.
    """
    ways = [asked]
    if scope.actor is not None and not (scope.datasets or scope.projects or scope.everything):
        ways = [asked.where(entries.c.actor == scope.actor), asked.where(entries.c.kind.in_(_ABOUT_ACCOUNTS))]
    found: dict[int, Entry] = {}
    floors = []
    for way in ways:
        read = [entry_of(row) for row in connection.execute(way)]
        found |= {entry.seq: entry for entry in read}
        floors += [read[-1].seq] if len(read) == MOST_LOOKED_AT else []
    floor = max(floors, default=None)
    return [found[seq] for seq in sorted(found, reverse=True) if floor is None or seq >= floor], floor


_NEWEST = select(entries).order_by(entries.c.seq.desc()).limit(MOST_LOOKED_AT)
_ABOUT_ACCOUNTS = tuple(
    kind.value
    for kind in (
        Kind.USER_ADDED,
        Kind.PASSWORD_SET,
        Kind.LOCKED,
        Kind.TOKEN_ISSUED,
        Kind.TOKEN_REVOKED,
        Kind.STATE_CHANGED,
        Kind.SANDBOX_ENDED,
    )
)


def _is_of(entry: Entry, what: str) -> bool:
    return entry.kind in {Kind.STATE_CHANGED.value, Kind.POLICY_ADDED.value} and entry.detail.get("kind") == what


def _datasets_of(connection: Connection, looked_at: Iterable[Entry]) -> dict[str, str]:
    """The dataset of each spend that ends among these entries."""
    wanted = [str(entry.detail.get("id")) for entry in looked_at if entry.kind in _OF_A_SPEND]
    found: dict[str, Any] = {}
    for first in range(0, len(wanted), 500):
        some = wanted[first : first + 500]
        found |= {row.id: row.dataset for row in connection.execute(select(spends.c.id, spends.c.dataset).where(spends.c.id.in_(some)))}
    return found
