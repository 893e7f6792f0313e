"""The registry: every version of every policy, the state of each dataset and project, and the snapshots of data.

A policy that once applied stays readable for ever, so what allowed an answer can be shown. `registry_version` counts all changes here:
a reader that parsed the policies may keep them until it moves.
"""

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from haven.errors import Code, Refused
from haven.ledger import standing
from haven.ledger.amounts import moment_of, stamp
from haven.ledger.prepared import Prepared
from haven.ledger.schema import counters, policies, snapshots
from haven.ledger.standing import Standing, State
from haven.ledger.store import Store
from haven.ledger.writer import Transaction

__all__ = ["PolicyKind", "Registry", "Standing", "State", "StoredPolicy"]


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


_CURRENT = (
    select(policies)
    .where(policies.c.kind == bindparam("kind"), policies.c.name == bindparam("name"))
    .order_by(policies.c.version.desc())
    .limit(1)
)
_NEWEST = (
    select(policies.c.kind, policies.c.name, func.max(policies.c.version).label("version"))
    .where(policies.c.kind == bindparam("kind"))
    .group_by(policies.c.kind, policies.c.name)
    .subquery()
)
_LIST = (
    select(policies)
    .join(_NEWEST, (policies.c.kind == _NEWEST.c.kind) & (policies.c.name == _NEWEST.c.name) & (policies.c.version == _NEWEST.c.version))
    .order_by(policies.c.name)
)
_BY_DIGEST = select(policies).where(policies.c.digest == bindparam("digest")).order_by(policies.c.entry).limit(1)
_SERIAL = select(func.max(snapshots.c.serial)).where(snapshots.c.dataset == bindparam("dataset"))
_VERSION = Prepared(select(counters.c.value).where(counters.c.name == "registry"))
_MOVE = update(counters).where(counters.c.name == "registry").values(value=counters.c.value + 1)


@dataclass(frozen=True, slots=True)
class NewSnapshot:
    """A snapshot to be recorded: its serial, its public salt, and its sealed fingerprint, which only goes into a commitment."""

    serial: int
    salt: bytes
    fingerprint: str


class Registry:
    """`ledger.registry`."""

    def __init__(self, store: Store) -> None:
        """The registry kept in `store`."""
        self._store = store

    def add_policy(self, kind: PolicyKind, name: str, text: str, digest: str, actor: str, now: datetime) -> StoredPolicy:
        """Add a version, which applies from now on; the current one where its digest is the same."""
        policy = StoredPolicy(kind, name, 1, text, digest, now, actor)
        return self._store.write(lambda tx: _add_policy(tx, policy))

    def current_policy(self, kind: PolicyKind, name: str) -> StoredPolicy | None:
        """The version that applies now."""
        with self._store.read() as connection:
            return _current(connection, kind, name)

    def list_policies(self, kind: PolicyKind) -> tuple[StoredPolicy, ...]:
        """The current version of each policy of this kind, by name."""
        with self._store.read() as connection:
            return tuple(_policy(row) for row in connection.execute(_LIST, {"kind": kind.value}))

    def policy_by_digest(self, digest: str) -> StoredPolicy | None:
        """The version with this digest, current or not: what allowed a past answer."""
        with self._store.read() as connection:
            row = connection.execute(_BY_DIGEST, {"digest": digest}).first()
        return None if row is None else _policy(row)

    def set_state(self, kind: PolicyKind, name: str, state: State, reason: str, actor: str, now: datetime) -> None:
        """Pause, suspend, revoke or resume (active); the next reservation obeys. Refused for an unknown name and without a reason."""
        self._store.write(lambda tx: _set_state(tx, kind, name, Standing(state, reason, now), actor))

    def state(self, kind: PolicyKind, name: str) -> Standing:
        """The present state; active where nothing was ever said."""
        with self._store.read() as connection:
            return standing.read(connection, kind.value, name)

    def add_snapshot(
        self, dataset: str, serial: int, salt: bytes, fingerprint: str, actor: str, now: datetime, *, under: str | None = None
    ) -> None:
        """Make `serial` the current snapshot. Refused unless it is above the last. The entry holds a salted commitment only.

        `under` is the digest of the policy that its rows were stored by: Refused where another applies by now, since a question's
        bounds are the policy's and the rows would not keep to them.
        """
        row = {"dataset": dataset, "serial": serial, "salt": salt, "fingerprint": fingerprint, "at": stamp(now)}
        self._store.write(lambda tx: _add_snapshot(tx, row, actor, now, under))

    def add_dataset(self, name: str, text: str, digest: str, snapshot: NewSnapshot, actor: str, now: datetime) -> StoredPolicy:
        """Add a policy and the snapshot stored by it, both or neither: no question meets the bounds of one and the rows of another."""
        policy = StoredPolicy(PolicyKind.DATASET, name, 1, text, digest, now, actor)
        row = {"dataset": name, **asdict(snapshot), "at": stamp(now)}
        return self._store.write(lambda tx: _add_dataset(tx, policy, row))

    def current_snapshot(self, dataset: str) -> int | None:
        """The serial of the newest snapshot, None before the first ingest."""
        with self._store.read() as connection:
            serial: int | None = connection.execute(_SERIAL, {"dataset": dataset}).scalar()
        return serial

    def registry_version(self) -> int:
        """A number that moves with every change of a policy, a state or a snapshot."""
        with self._store.glance() as driver:
            (row,) = _VERSION.all(driver, {})
        version: int = row.value
        return version


def _current(connection: Connection, kind: PolicyKind, name: str) -> StoredPolicy | None:
    row = connection.execute(_CURRENT, {"kind": kind.value, "name": name}).first()
    return None if row is None else _policy(row)


def _policy(row: Row[Any]) -> StoredPolicy:
    return StoredPolicy(PolicyKind(row.kind), row.name, row.version, row.text, row.digest, moment_of(row.at), row.actor)


def _add_policy(tx: Transaction, policy: StoredPolicy) -> StoredPolicy:
    current = _current(tx.connection, policy.kind, policy.name)
    if current is not None and current.digest == policy.digest:
        return current
    row = {"kind": policy.kind.value, "name": policy.name, "version": current.version + 1 if current else 1, "digest": policy.digest}
    text_digest = hashlib.sha256(policy.text.encode("utf-8")).hexdigest()
    entry = tx.append("policy.added", policy.actor, {**row, "text_sha256": text_digest}, policy.at)
    tx.connection.execute(insert(policies), row | {"text": policy.text, "actor": policy.actor, "at": stamp(policy.at), "entry": entry.seq})
    tx.connection.execute(_MOVE)
    return StoredPolicy(policy.kind, policy.name, int(row["version"]), policy.text, policy.digest, policy.at, policy.actor)


def _set_state(tx: Transaction, kind: PolicyKind, name: str, new: Standing, actor: str) -> None:
    if _current(tx.connection, kind, name) is None:
        raise Refused(Code.NOT_FOUND, f"There is no {kind.value} {name} in this haven.", f"See the list of {kind.value}s for its name.")
    standing.change(tx, kind.value, name, new, actor)
    tx.connection.execute(_MOVE)


def _add_dataset(tx: Transaction, policy: StoredPolicy, row: dict[str, Any]) -> StoredPolicy:
    added = _add_policy(tx, policy)
    _add_snapshot(tx, row, policy.actor, policy.at, policy.digest)
    return added


def _add_snapshot(tx: Transaction, row: dict[str, Any], actor: str, now: datetime, under: str | None) -> None:
    policy = _current(tx.connection, PolicyKind.DATASET, row["dataset"])
    if under is not None and (policy is None or policy.digest != under):
        raise Refused(Code.REQUEST_CONFLICT, "The policy changed while this snapshot was made under the one before.", "Do it again.")
    current = tx.connection.execute(_SERIAL, {"dataset": row["dataset"]}).scalar()
    if row["serial"] <= (current or 0):
        raise Refused(Code.REQUEST_CONFLICT, "A newer snapshot of this dataset is recorded already.", "Ingest again for the next number.")
    # a digest of personal data stays on the custodian's side; the salted commitment proves later which one it was
    commitment = hashlib.sha256(row["salt"] + row["fingerprint"].encode("utf-8")).hexdigest()
    detail = {"dataset": row["dataset"], "serial": row["serial"], "commitment": commitment}
    entry = tx.append("snapshot.added", actor, detail, now)
    tx.connection.execute(insert(snapshots), row | {"entry": entry.seq})
    tx.connection.execute(_MOVE)
