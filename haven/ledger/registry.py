"""Policies, states and snapshots: signatures; bodies follow."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class PolicyKind(StrEnum):
    DATASET = "dataset"
    PROJECT = "project"


class State(StrEnum):
    ACTIVE = "active"
    PAUSED = "paused"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class StoredPolicy:
    kind: PolicyKind
    name: str
    version: int
    text: str
    digest: str
    at: datetime
    actor: str


@dataclass(frozen=True, slots=True)
class Standing:
    state: State
    reason: str
    since: datetime | None


class Registry:
    """`ledger.registry`."""

    def add_policy(self, kind: PolicyKind, name: str, text: str, digest: str, actor: str, now: datetime) -> StoredPolicy: ...
    def current_policy(self, kind: PolicyKind, name: str) -> StoredPolicy | None: ...
    def list_policies(self, kind: PolicyKind) -> tuple[StoredPolicy, ...]: ...
    def policy_by_digest(self, digest: str) -> StoredPolicy | None: ...
    def set_state(self, kind: PolicyKind, name: str, state: State, reason: str, actor: str, now: datetime) -> None: ...
    def state(self, kind: PolicyKind, name: str) -> Standing: ...
    def add_snapshot(self, dataset: str, serial: int, salt: bytes, fingerprint: str, actor: str, now: datetime) -> None: ...
    def current_snapshot(self, dataset: str) -> int | None: ...
    def registry_version(self) -> int: ...
