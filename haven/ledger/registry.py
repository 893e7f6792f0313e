"""The registry: every version of every policy, the state of each dataset and project, and the snapshots of data.

A policy that once applied stays readable for ever, so what allowed an answer can be shown. `registry_version` counts all changes here:
a reader that parsed the policies may keep them until it moves.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import bindparam, func, insert, select

from haven.errors import Code, Refused
from haven.ledger import loosenings, policy_versions, renewals, standing
from haven.ledger.amounts import stamp
from haven.ledger.events import Kind
from haven.ledger.loosenings import ACTS, LOOSENED, loosening_detail
from haven.ledger.policy_versions import ANY, MOVED, PolicyKind, StoredPolicy, policy_of
from haven.ledger.prepared import Prepared
from haven.ledger.schema import counters, policies, snapshots
from haven.ledger.standing import Standing, State
from haven.ledger.store import Store
from haven.ledger.writer import Transaction

__all__ = [
    "ACTS",
    "ANY",
    "LOOSENED",
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


@dataclass(frozen=True, slots=True)
class NewSnapshot:
    """A snapshot to be recorded: its serial, its public salt, and its sealed fingerprint, which only goes into a commitment.

    `withdrawn` says that a list of withdrawn people was applied to it, whether or not anyone on the list was in the data. `units` is the
    sealed digest of the set of persons, for the custodian alone; "" where it is not known.
    """

    serial: int
    salt: bytes
    fingerprint: str
    withdrawn: bool = False
    units: str = ""


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
        return self._store.write(lambda tx: policy_versions.add(tx, policy, over=over))

    def current_policy(self, kind: PolicyKind, name: str) -> StoredPolicy | None:
        """The version that applies now."""
        with self._store.read() as connection:
            return policy_versions.current(connection, kind, name)

    def list_policies(self, kind: PolicyKind) -> tuple[StoredPolicy, ...]:
        """The current version of each policy of this kind, by name."""
        with self._store.read() as connection:
            return tuple(policy_of(row) for row in connection.execute(_LIST, {"kind": kind.value}))

    def policy_by_digest(self, digest: str) -> StoredPolicy | None:
        """The version with this digest, current or not: what allowed a past answer."""
        with self._store.read() as connection:
            row = connection.execute(_BY_DIGEST, {"digest": digest}).first()
        return None if row is None else policy_of(row)

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
        self.renew(dataset, NewSnapshot(serial, salt, fingerprint), actor, now, under=under)

    def renew(self, dataset: str, snapshot: NewSnapshot, actor: str, now: datetime, *, under: str | None = None) -> None:
        """`add_snapshot`, with an entry of its own where a list of withdrawn people was applied; never how many they were."""
        self._store.write(lambda tx: _add_snapshot(tx, dataset, snapshot, actor, now, under))

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
        return self._store.write(lambda tx: _add_dataset(tx, policy, snapshot, following))

    def consent(self, kind: PolicyKind, name: str, digest: str) -> str | None:
        """The proposal by which two custodians agreed that this version may follow the present one; None where they did not."""
        with self._store.read() as connection:
            return loosenings.consent(connection, kind, name, digest)

    def versions(self, kind: PolicyKind, name: str) -> tuple[StoredPolicy, ...]:
        """Every version there ever was, the oldest first."""
        statement = select(policies).where(policies.c.kind == kind.value, policies.c.name == name).order_by(policies.c.version)
        with self._store.read() as connection:
            return tuple(policy_of(row) for row in connection.execute(statement))

    def current_snapshot(self, dataset: str) -> int | None:
        """The serial of the newest snapshot, None before the first ingest."""
        with self._store.read() as connection:
            serial: int | None = connection.execute(_SERIAL, {"dataset": dataset}).scalar()
        return serial

    def renewed_at(self, dataset: str) -> datetime | None:
        """When the current snapshot was made, None before the first."""
        with self._store.read() as connection:
            return renewals.renewed_at(connection, dataset)

    def note_withdrawal(self, dataset: str, due: date, actor: str, now: datetime, *, stops: bool) -> None:
        """Record that a list of withdrawn people waits for the snapshot of `due`; never how many. `stops`: no answer until then."""
        self._store.write(lambda tx: _note_withdrawal(tx, dataset, due, actor, now, stops=stops))

    def waiting(self, dataset: str) -> Standing:
        """Whether a withdrawal has stopped the dataset until it is renewed: paused, or active."""
        with self._store.read() as connection:
            return standing.read(connection, renewals.WITHDRAWAL, dataset)

    def same_people(self) -> tuple[tuple[str, ...], ...]:
        """Groups of datasets whose current snapshots are of the very same persons: for custodians, and nobody else."""
        with self._store.read() as connection:
            return renewals.same_people(connection)

    def registry_version(self) -> int:
        """A number that moves with every change of a policy, a state or a snapshot."""
        with self._store.glance() as driver:
            (row,) = _VERSION.all(driver, {})
        version: int = row.value
        return version


def set_standing(tx: Transaction, kind: PolicyKind, name: str, new: Standing, actor: str) -> None:
    """`Registry.set_state` inside a transaction."""
    if policy_versions.current(tx.connection, kind, name) is None:
        raise Refused(Code.NOT_FOUND, f"There is no {kind.value} {name} in this haven.", f"See the list of {kind.value}s for its name.")
    standing.change(tx, kind.value, name, new, actor)
    tx.connection.execute(MOVED)


def _note_withdrawal(tx: Transaction, dataset: str, due: date, actor: str, now: datetime, *, stops: bool) -> None:
    renewals.note(tx, dataset, due, actor, now, stops=stops)
    tx.connection.execute(MOVED)


def _add_dataset(tx: Transaction, policy: StoredPolicy, snapshot: NewSnapshot, following: Following) -> StoredPolicy:
    proposal = loosenings.consent(tx.connection, policy.kind, policy.name, policy.digest) if following.loosens else None
    if following.loosens and proposal is None:
        raise Refused(
            Code.POLICY_SECOND,
            "This version loosens the policy, and no second custodian agreed to it.",
            "Propose it with `haven dataset add POLICY.yaml --as CUSTODIAN`; another custodian confirms it.",
        )
    added = policy_versions.add(tx, policy, over=following.over, proposal=proposal)
    _add_snapshot(tx, policy.name, snapshot, policy.actor, policy.at, policy.digest)
    return added


def _add_snapshot(tx: Transaction, dataset: str, snapshot: NewSnapshot, actor: str, now: datetime, under: str | None) -> None:
    policy = policy_versions.current(tx.connection, PolicyKind.DATASET, dataset)
    if under is not None and (policy is None or policy.digest != under):
        raise Refused(Code.REQUEST_CONFLICT, "The policy changed while this snapshot was made under the one before.", "Do it again.")
    current = tx.connection.execute(_SERIAL, {"dataset": dataset}).scalar()
    if snapshot.serial <= (current or 0):
        raise Refused(Code.REQUEST_CONFLICT, "A newer snapshot of this dataset is recorded already.", "Ingest again for the next number.")
    # a digest of personal data stays on the custodian's side; the salted commitment proves later which one it was
    commitment = hashlib.sha256(snapshot.salt + snapshot.fingerprint.encode("utf-8")).hexdigest()
    told = {"dataset": dataset, "serial": snapshot.serial}
    entry = tx.append(Kind.SNAPSHOT_ADDED, actor, told | {"commitment": commitment}, now)
    if snapshot.withdrawn:
        tx.append(Kind.WITHDRAWAL_APPLIED, actor, told, now)
    row = told | {"salt": snapshot.salt, "fingerprint": snapshot.fingerprint, "at": stamp(now), "entry": entry.seq}
    tx.connection.execute(insert(snapshots), row | {"units": snapshot.units or None})
    renewals.lift(tx, dataset, actor, now)
    tx.connection.execute(MOVED)
