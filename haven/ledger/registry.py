"""The registry: every version of every policy, the state of each dataset and project, and the snapshots of data.

A policy that once applied stays readable for ever, so what allowed an answer can be shown. `registry_version` counts all changes here:
a reader that parsed the policies may keep them until it moves.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from haven.errors import Code, Refused
from haven.ledger import standing
from haven.ledger.amounts import moment_of, stamp
from haven.ledger.prepared import Prepared
from haven.ledger.proposals import Act, Proposal, ProposalState
from haven.ledger.schema import counters, policies, proposals, snapshots
from haven.ledger.standing import Standing, State
from haven.ledger.store import Store
from haven.ledger.writer import Transaction

__all__ = [
    "ACTS",
    "ANY",
    "Following",
    "NewSnapshot",
    "PolicyKind",
    "Registry",
    "Standing",
    "State",
    "StoredPolicy",
    "loosening_detail",
    "set_standing",
]

ANY = "any"
"""Whatever version applies: a change that was compared with none."""
LOOSENED = "policy.loosened"


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
_CONSENTS = (
    select(proposals.c.id, proposals.c.detail)
    .where(
        proposals.c.kind == LOOSENED,
        proposals.c.subject == bindparam("subject"),
        proposals.c.state == ProposalState.CONFIRMED.value,
        proposals.c.decided_entry > bindparam("since"),
    )
    .order_by(proposals.c.decided_entry.desc())
)
_MOVE = update(counters).where(counters.c.name == "registry").values(value=counters.c.value + 1)


@dataclass(frozen=True, slots=True)
class NewSnapshot:
    """A snapshot to be recorded: its serial, its public salt, and its sealed fingerprint, which only goes into a commitment."""

    serial: int
    salt: bytes
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Following:
    """What a version follows: the digest of the one that it was compared with (None for none), and whether it loosens that one."""

    over: str | None
    loosens: bool = False


ANY_VERSION = Following(ANY)


class Registry:
    """`ledger.registry`."""

    def __init__(self, store: Store) -> None:
        """The registry kept in `store`."""
        self._store = store

    def add_policy(
        self, kind: PolicyKind, name: str, text: str, digest: str, actor: str, now: datetime, *, over: str | None = ANY
    ) -> StoredPolicy:
        """Add a version, which applies from now on; the current one where its digest is the same.

        `over` is the digest of the version that this one was compared with, None for none: Refused (REQUEST_CONFLICT) where another
        applies by now.
        """
        policy = StoredPolicy(kind, name, 1, text, digest, now, actor)
        return self._store.write(lambda tx: _add_policy(tx, policy, over=over))

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
        self._store.write(lambda tx: set_standing(tx, kind, name, Standing(state, reason, now), actor))

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

    def add_dataset(
        self,
        name: str,
        text: str,
        digest: str,
        snapshot: NewSnapshot,
        actor: str,
        now: datetime,
        *,
        following: Following = ANY_VERSION,
    ) -> StoredPolicy:
        """Add a policy and the snapshot stored by it, both or neither: no question meets the bounds of one and the rows of another.

        Refused (REQUEST_CONFLICT) where another version applies than the one it follows, and (POLICY_SECOND) where it loosens that one
        and two custodians did not agree to this very change.
        """
        policy = StoredPolicy(PolicyKind.DATASET, name, 1, text, digest, now, actor)
        row = {"dataset": name, **asdict(snapshot), "at": stamp(now)}
        return self._store.write(lambda tx: _add_dataset(tx, policy, row, following))

    def consent(self, kind: PolicyKind, name: str, digest: str) -> str | None:
        """The proposal by which two custodians agreed that this version may follow the present one; None where they did not."""
        with self._store.read() as connection:
            return _consent(connection, kind, name, digest)

    def versions(self, kind: PolicyKind, name: str) -> tuple[StoredPolicy, ...]:
        """Every version there ever was, the oldest first."""
        statement = select(policies).where(policies.c.kind == kind.value, policies.c.name == name).order_by(policies.c.version)
        with self._store.read() as connection:
            return tuple(_policy(row) for row in connection.execute(statement))

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


def _add_policy(tx: Transaction, policy: StoredPolicy, *, over: str | None = ANY, proposal: str | None = None) -> StoredPolicy:
    current = _current(tx.connection, policy.kind, policy.name)
    if current is not None and current.digest == policy.digest:
        return current
    if over not in {ANY, None if current is None else current.digest}:
        raise _moved_on()
    row = {"kind": policy.kind.value, "name": policy.name, "version": current.version + 1 if current else 1, "digest": policy.digest}
    text_digest = hashlib.sha256(policy.text.encode("utf-8")).hexdigest()
    agreed = {} if proposal is None else {"proposal": proposal}
    entry = tx.append("policy.added", policy.actor, {**row, "text_sha256": text_digest} | agreed, policy.at)
    tx.connection.execute(insert(policies), row | {"text": policy.text, "actor": policy.actor, "at": stamp(policy.at), "entry": entry.seq})
    tx.connection.execute(_MOVE)
    return StoredPolicy(policy.kind, policy.name, int(row["version"]), policy.text, policy.digest, policy.at, policy.actor)


def set_standing(tx: Transaction, kind: PolicyKind, name: str, new: Standing, actor: str) -> None:
    """`Registry.set_state` inside a transaction."""
    if _current(tx.connection, kind, name) is None:
        raise Refused(Code.NOT_FOUND, f"There is no {kind.value} {name} in this haven.", f"See the list of {kind.value}s for its name.")
    standing.change(tx, kind.value, name, new, actor)
    tx.connection.execute(_MOVE)


def _moved_on() -> Refused:
    return Refused(
        Code.REQUEST_CONFLICT,
        "Another version of this policy came into force since this one was compared with it.",
        "Look at the difference to the present version, and decide again.",
    )


def loosening_detail(kind: PolicyKind, name: str, *, before: str, digest: str, text: str, reads_again: bool) -> dict[str, Any]:
    """The detail of a proposal `policy.loosened` on the subject `KIND:NAME`.

    `before` and `digest` are the versions' digests. With `reads_again` the version changes what is stored: the consent then lets the
    version be registered with rows read anew, once; else the version applies as soon as it is confirmed.
    """
    return {"kind": kind.value, "name": name, "before": before, "digest": digest, "text": text, "reads_again": reads_again}


def _loosen(tx: Transaction, proposal: Proposal, now: datetime) -> None:
    """What a confirmed `policy.loosened` does. Refused where the version that it was compared with applies no more."""
    detail = proposal.detail
    kind, name, before = PolicyKind(detail["kind"]), str(detail["name"]), str(detail["before"])
    current = _current(tx.connection, kind, name)
    if current is None or current.digest != before:
        raise _moved_on()
    if not detail["reads_again"]:
        policy = StoredPolicy(kind, name, 1, str(detail["text"]), str(detail["digest"]), now, proposal.proposed_by)
        _add_policy(tx, policy, over=before, proposal=proposal.id)


ACTS: Mapping[str, Act] = MappingProxyType({LOOSENED: _loosen})
"""What confirmed proposals about policies do."""


def _consent(connection: Connection, kind: PolicyKind, name: str, digest: str) -> str | None:
    """An agreement is for one change of one version: it counts no more once any version came into force after it."""
    row = connection.execute(_CURRENT, {"kind": kind.value, "name": name}).first()
    if row is None:
        return None
    for found in connection.execute(_CONSENTS, {"subject": f"{kind.value}:{name}", "since": row.entry}):
        detail = json.loads(found.detail)
        if (detail["before"], detail["digest"]) == (row.digest, digest):
            return str(found.id)
    return None


def _add_dataset(tx: Transaction, policy: StoredPolicy, row: dict[str, Any], following: Following) -> StoredPolicy:
    proposal = _consent(tx.connection, policy.kind, policy.name, policy.digest) if following.loosens else None
    if following.loosens and proposal is None:
        raise Refused(
            Code.POLICY_SECOND,
            "This version loosens the policy, and no second custodian agreed to it.",
            "Propose it with `haven dataset add POLICY.yaml --as CUSTODIAN`; another custodian confirms it.",
        )
    added = _add_policy(tx, policy, over=following.over, proposal=proposal)
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
