"""The versions of policies as rows of the books, inside a transaction: what applies, what came when, and how one more is added."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from haven.errors import Code, Refused
from haven.ledger.amounts import moment_of, stamp
from haven.ledger.events import Kind
from haven.ledger.schema import counters, policies
from haven.ledger.writer import Transaction

ANY = "any"
"""Whatever version applies: a change that was compared with none."""


class PolicyKind(StrEnum):
    """Whose policy it is."""

    DATASET = "dataset"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    """One version of a policy, as its author wrote it; versions count from 1."""

    kind: PolicyKind
    name: str
    version: int
    text: str
    digest: str
    at: datetime
    actor: str


CURRENT = (
    select(policies)
    .where(policies.c.kind == bindparam("kind"), policies.c.name == bindparam("name"))
    .order_by(policies.c.version.desc())
    .limit(1)
)
MOVED = update(counters).where(counters.c.name == "registry").values(value=counters.c.value + 1)


def current(connection: Connection, kind: PolicyKind, name: str) -> StoredPolicy | None:
    """The version that applies now."""
    row = connection.execute(CURRENT, {"kind": kind.value, "name": name}).first()
    return None if row is None else policy_of(row)


def policy_of(row: Row[Any]) -> StoredPolicy:
    """The version in a row of `policies`."""
    return StoredPolicy(PolicyKind(row.kind), row.name, row.version, row.text, row.digest, moment_of(row.at), row.actor)


def add(tx: Transaction, policy: StoredPolicy, *, over: str | None = ANY, proposal: str | None = None) -> StoredPolicy:
    """Add a version with its entry, which names the `proposal` by which two agreed to it; the present one where it says the same.

    Refused (REQUEST_CONFLICT) where another applies than `over`, the one that it was compared with.
    """
    present = current(tx.connection, policy.kind, policy.name)
    if present is not None and present.digest == policy.digest:
        return present
    if over not in {ANY, None if present is None else present.digest}:
        raise moved_on()
    row = {"kind": policy.kind.value, "name": policy.name, "version": present.version + 1 if present else 1, "digest": policy.digest}
    text_digest = hashlib.sha256(policy.text.encode("utf-8")).hexdigest()
    agreed = {} if proposal is None else {"proposal": proposal}
    entry = tx.append(Kind.POLICY_ADDED, policy.actor, {**row, "text_sha256": text_digest} | agreed, policy.at)
    tx.connection.execute(insert(policies), row | {"text": policy.text, "actor": policy.actor, "at": stamp(policy.at), "entry": entry.seq})
    tx.connection.execute(MOVED)
    return StoredPolicy(policy.kind, policy.name, int(row["version"]), policy.text, policy.digest, policy.at, policy.actor)


def moved_on() -> Refused:
    """The refusal of a version that was compared with one that applies no more."""
    return Refused(
        Code.REQUEST_CONFLICT,
        "Another version of this policy came into force since this one was compared with it.",
        "Look at the difference to the present version, and decide again.",
    )
