"""Accounts of people: signatures; bodies follow."""

from dataclasses import dataclass
from datetime import datetime

from haven.policy.roles import Principal, Role


@dataclass(frozen=True, slots=True)
class Person:
    """An account. `suspended` holds the reason, None where the account is active."""

    name: str
    role: Role
    project: str | None
    suspended: str | None


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What may be shown of a token: never the token."""

    id: str
    name: str
    issued_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class People:
    """`ledger.people`."""

    def add_user(self, name: str, role: Role, *, actor: str, now: datetime, project: str | None = None) -> Person: ...
    def person(self, name: str) -> Person | None: ...
    def list_people(self) -> tuple[Person, ...]: ...
    def set_password(self, name: str, password: str, *, actor: str, now: datetime) -> None: ...
    def verify_password(self, name: str, password: str, now: datetime) -> Principal | None: ...
    def suspend_user(self, name: str, reason: str, *, actor: str, now: datetime) -> None: ...
    def resume_user(self, name: str, reason: str, *, actor: str, now: datetime) -> None: ...
    def issue_token(self, name: str, now: datetime, *, actor: str | None = None, expires_at: datetime | None = None) -> str: ...
    def principal_of_token(self, token: str, now: datetime) -> Principal | None: ...
    def revoke_token(self, token_id: str, *, actor: str, now: datetime) -> None: ...
    def list_tokens(self, name: str) -> tuple[TokenInfo, ...]: ...
