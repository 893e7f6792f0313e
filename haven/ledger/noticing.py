"""What is noticed without changing anything: attempts that were refused, and who looked at what. Bounded: once a day for each.

A hostile asker may try a million times a day: each try is counted on its day, and the first of each code makes an entry. So the chain grows
by at most one entry for each person, code, project and dataset a day, and nobody can hide an act behind noise of their own.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from sqlalchemy import bindparam, select

from haven.errors import Code
from haven.ledger import chain, days
from haven.ledger.amounts import stamp
from haven.ledger.days import Whose
from haven.ledger.events import Kind
from haven.ledger.prepared import Prepared
from haven.ledger.schema import entries
from haven.ledger.store import Store
from haven.ledger.writer import Transaction
from haven.privacy.budget import Definition

NEWEST = 256
"""How far back a process that has just begun looks for what was noticed today; beyond that a thing may be noticed twice in a day."""
_NEWEST = Prepared(
    select(entries.c.actor, entries.c.at, entries.c.body)
    .where(entries.c.kind == bindparam("the_kind"))
    .order_by(entries.c.seq.desc())
    .limit(NEWEST)
)
_Once = tuple[str, str, str, str]


@dataclass(slots=True)
class Noticed:
    """`ledger.noticed`. What this process has noticed today is remembered, so that a second look at it costs no reading of the books."""

    store: Store
    _today: str = field(default="", init=False)
    _known: set[_Once] = field(default_factory=set, init=False)
    _lock: Lock = field(default_factory=Lock, init=False)

    def once(self, kind: Kind, actor: str, detail: Mapping[str, Any], now: datetime) -> bool:
        """Record `detail` unless the same was recorded today (UTC) of the same actor; whether it was recorded now. Durable on return."""
        key = _key(kind, actor, detail, now)
        if self._is_known(key):
            return False
        recorded = self.store.write(lambda tx: _append_once(tx, kind, actor, detail, now))
        self._remember(key)
        return recorded

    def refused(self, whose: Whose, code: Code, now: datetime, definition: Definition = Definition.ZCDP) -> None:
        """Count a refused attempt on its day, and record the first of its code that day: its code alone, never what was asked.

        `whose` names what is known to exist, and is empty where what was named is not. The first is durable on return; a count of a later
        one may be lost in a crash.
        """
        key = _key(Kind.ATTEMPT_REFUSED, whose.actor, _refusal(whose, code), now)

        def count(tx: Transaction) -> None:
            days.count(tx.driver, whose, days.REFUSED, definition, now)

        if self._is_known(key):
            self.store.later(count)
            return
        self.store.write(lambda tx: append_refusal(tx, whose, code, now, definition))
        self._remember(key)

    def replayed(self, whose: Whose, receipt: str, definition: Definition, now: datetime) -> None:
        """Count an answer that was given again for nothing, and record the first time that day. Nothing is spent, so nobody waits."""
        detail = {"id": receipt, "project": whose.project, "dataset": whose.dataset}
        key = _key(Kind.ANSWER_REPLAYED, whose.actor, detail, now)
        known = self._is_known(key)

        def count(tx: Transaction) -> None:
            days.count(tx.driver, whose, days.REPLAYED, definition, now)
            if not known:
                _append_once(tx, Kind.ANSWER_REPLAYED, whose.actor, detail, now)

        self.store.later(count)
        self._remember(key)

    def _is_known(self, key: _Once) -> bool:
        with self._lock:
            return key in self._known

    def _remember(self, key: _Once) -> None:
        day = key[0]
        with self._lock:
            if day != self._today:
                self._today = day
                self._known = set()
            self._known.add(key)


def append_refusal(tx: Transaction, whose: Whose, code: Code, now: datetime, definition: Definition = Definition.ZCDP) -> None:
    """`Noticed.refused` inside a transaction."""
    days.count(tx.driver, whose, days.REFUSED, definition, now)
    _append_once(tx, Kind.ATTEMPT_REFUSED, whose.actor, _refusal(whose, code), now)


def _refusal(whose: Whose, code: Code) -> dict[str, str]:
    return {"project": whose.project, "dataset": whose.dataset, "code": code.value}


def _append_once(tx: Transaction, kind: Kind, actor: str, detail: Mapping[str, Any], now: datetime) -> bool:
    """Append unless the books hold the same of today: another process, or this one before it was started anew, may have."""
    since = stamp(now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0))
    said = chain.canonical(detail)
    of_today = (row for row in _NEWEST.all(tx.driver, {"the_kind": kind.value}) if row.actor == actor and row.at >= since)
    if any(chain.canonical(json.loads(row.body)["detail"]) == said for row in of_today):
        return False
    tx.append(kind.value, actor, detail, now)
    return True


def _key(kind: Kind, actor: str, detail: Mapping[str, Any], now: datetime) -> _Once:
    return now.astimezone(UTC).date().isoformat(), kind.value, actor, chain.canonical(detail)
