"""Accounts of people: names, roles, passwords and API tokens. Each act is one transaction with its entry in the chain.

Passwords are kept as Argon2id hashes (RFC 9106), tokens as SHA-256 digests of 256 random bits: neither can be read back. A name that
does not exist takes as long to refuse as a wrong password.
"""

import functools
import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import argon2
from sqlalchemy import Connection, Row, and_, bindparam, insert, select, update

from haven.errors import Code, Refused
from haven.ledger import standing
from haven.ledger.amounts import moment_of, stamp
from haven.ledger.days import Whose
from haven.ledger.events import Kind
from haven.ledger.noticing import append_refusal
from haven.ledger.prepared import Prepared, StoredRow
from haven.ledger.schema import states, tokens, users
from haven.ledger.spends import HOUSE
from haven.ledger.standing import USER, Standing, State
from haven.ledger.store import Store
from haven.ledger.writer import Transaction
from haven.policy.roles import Principal, Role

NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 1024
FREE_FAILURES = 5  # wrong passwords in a row before the first lock
FIRST_LOCK, LONGEST_LOCK = timedelta(minutes=1), timedelta(minutes=15)
TOKEN_PREFIX = "haven_"  # noqa: S105 - lets a secret scanner recognise a leaked token; it is no secret itself
LONGEST_TOKEN = 100

_PASSWORDS = argon2.PasswordHasher()


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


_PEOPLE = select(users, states.c.reason.label("suspended")).outerjoin(
    states, and_(states.c.kind == USER, states.c.name == users.c.name, states.c.state != State.ACTIVE.value)
)
_PERSON = _PEOPLE.where(users.c.name == bindparam("wanted"))
_PERSON_NOW = Prepared(_PERSON)
_TOKEN_HOLDER = Prepared(
    select(users.c.name, users.c.role, tokens.c.expires_at)
    .join(users, users.c.name == tokens.c.name)
    .outerjoin(states, and_(states.c.kind == USER, states.c.name == users.c.name, states.c.state != State.ACTIVE.value))
    .where(tokens.c.digest == bindparam("digest"), tokens.c.revoked_at.is_(None), states.c.name.is_(None))
)
_CHANGE_USER = update(users).where(users.c.name == bindparam("changed"))


class People:
    """`ledger.people`."""

    def __init__(self, store: Store) -> None:
        """The people kept in `store`."""
        self._store = store

    def add_user(self, name: str, role: Role, *, actor: str, now: datetime, project: str | None = None) -> Person:
        """Open an account without a password. Refused for a name outside [a-z][a-z0-9_-]{0,30}, one that is taken, or the house's own."""
        if NAME.fullmatch(name) is None or name == HOUSE:
            raise Refused(
                Code.REQUEST_INVALID,
                "This cannot be the name of an account.",
                "Use 1 to 31 of a-z, 0-9, - and _, the first a letter.",
            )
        return self._store.write(lambda tx: _add_user(tx, Person(name, role, project, None), actor, now))

    def person(self, name: str) -> Person | None:
        """One account."""
        with self._store.glance() as driver:
            row = _PERSON_NOW.first(driver, {"wanted": name})
        return None if row is None else _person(row)

    def list_people(self) -> tuple[Person, ...]:
        """Every account, by name."""
        with self._store.read() as connection:
            return tuple(_person(row) for row in connection.execute(_PEOPLE.order_by(users.c.name)))

    def set_password(self, name: str, password: str, *, actor: str, now: datetime) -> None:
        """Set a password of 8 to 1024 characters and lift any lock."""
        if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
            raise Refused(
                Code.REQUEST_INVALID,
                f"A password has at least {SHORTEST_PASSWORD} characters.",
                "Three or four words in a row are easy to remember and hard to guess.",
            )
        hashed = _PASSWORDS.hash(password)
        self._store.write(lambda tx: _set_password(tx, name, hashed, actor, now))

    def verify_password(self, name: str, password: str, now: datetime) -> Principal | None:
        """Who this is, None where name and password do not go together, the account is suspended, or it is locked.

        After 5 failures in a row an account is locked for a minute, then twice as long each time, up to 15 minutes.
        """
        with self._store.read() as connection:
            row = connection.execute(_PERSON, {"wanted": name}).first()
        matches = _matches(row.password if row and row.password else _nobodys_hash(), password[: LONGEST_PASSWORD + 1])
        if row is None:
            return None
        return self._store.write(lambda tx: _log_in(tx, name, now, matches=matches and row.password is not None))

    def log_out(self, name: str, now: datetime) -> None:
        """Record that a person ended their session. Refused (NOT_FOUND) for an unknown name."""

        def work(tx: Transaction) -> None:
            _known(tx.connection, name)
            tx.append(Kind.LOGGED_OUT, name, {"name": name}, now)

        self._store.write(work)

    def suspend_user(self, name: str, reason: str, *, actor: str, now: datetime) -> None:
        """Stop an account: its password, its tokens and its questions, from this instant."""
        self._store.write(lambda tx: set_standing(tx, name, Standing(State.SUSPENDED, reason, now), actor))

    def resume_user(self, name: str, reason: str, *, actor: str, now: datetime) -> None:
        """Let a suspended account act again."""
        self._store.write(lambda tx: set_standing(tx, name, Standing(State.ACTIVE, reason, now), actor))

    def issue_token(self, name: str, now: datetime, *, actor: str | None = None, expires_at: datetime | None = None) -> str:
        """A new API token, given out this once and never readable again. `actor` is who asked for it, by default its holder."""
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        row = {
            "id": "t-" + secrets.token_hex(6),
            "digest": _token_digest(secret),
            "name": name,
            "issued_at": stamp(now),
            "expires_at": None if expires_at is None else stamp(expires_at),
        }
        self._store.write(lambda tx: _issue_token(tx, row, actor or name, now))
        return secret

    def principal_of_token(self, token: str, now: datetime) -> Principal | None:
        """Who holds this token, None where it is unknown, revoked, expired, or its holder suspended."""
        if len(token) > LONGEST_TOKEN:
            return None
        with self._store.glance() as driver:
            row = _TOKEN_HOLDER.first(driver, {"digest": _token_digest(token)})
        if row is None or (row.expires_at is not None and row.expires_at <= stamp(now)):
            return None
        return Principal(row.name, Role(row.role))

    def revoke_token(self, token_id: str, *, actor: str, now: datetime) -> None:
        """End a token, for good. Revoking it again changes nothing."""
        self._store.write(lambda tx: _revoke_token(tx, token_id, actor, now))

    def list_tokens(self, name: str) -> tuple[TokenInfo, ...]:
        """Every token ever issued to a person, the newest last."""
        statement = select(tokens).where(tokens.c.name == name).order_by(tokens.c.issued_at, tokens.c.id)
        with self._store.read() as connection:
            return tuple(_token_info(row) for row in connection.execute(statement))


def _person(row: StoredRow) -> Person:
    return Person(row.name, Role(row.role), row.project, row.suspended)


def _token_info(row: Row[Any]) -> TokenInfo:
    expires_at, revoked_at = (None if at is None else moment_of(at) for at in (row.expires_at, row.revoked_at))
    return TokenInfo(row.id, row.name, moment_of(row.issued_at), expires_at, revoked_at)


def _token_digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@functools.cache
def _nobodys_hash() -> str:
    """A hash that no password fits, to spend the same time on a name that does not exist."""
    return _PASSWORDS.hash(secrets.token_urlsafe(32))


def _matches(hashed: str, password: str) -> bool:
    try:
        return _PASSWORDS.verify(hashed, password.encode("utf-8", "surrogatepass"))
    except argon2.exceptions.VerifyMismatchError:
        return False


def _known(connection: Connection, name: str) -> Row[Any]:
    row = connection.execute(_PERSON, {"wanted": name}).first()
    if row is None:
        raise Refused(Code.NOT_FOUND, "There is no account of this name.", "See `haven user list` for the names.")
    return row


def _add_user(tx: Transaction, person: Person, actor: str, now: datetime) -> Person:
    if tx.connection.execute(_PERSON, {"wanted": person.name}).first() is not None:
        raise Refused(Code.REQUEST_CONFLICT, f"There is an account {person.name} already.", "Choose another name.")
    row = {"name": person.name, "role": person.role.value, "project": person.project}
    tx.connection.execute(insert(users), row | {"added_at": stamp(now)})
    tx.append(Kind.USER_ADDED, actor, row, now)
    return person


def _set_password(tx: Transaction, name: str, hashed: str, actor: str, now: datetime) -> None:
    _known(tx.connection, name)
    tx.connection.execute(_CHANGE_USER, {"changed": name, "password": hashed, "failures": 0, "locked_until": None})
    tx.append(Kind.PASSWORD_SET, actor, {"name": name}, now)


def _log_in(tx: Transaction, name: str, now: datetime, *, matches: bool) -> Principal | None:
    """Decide inside the transaction, so that guesses made at the same moment count one after another."""
    row = _known(tx.connection, name)
    if row.suspended is not None or _locked(row.locked_until, now):
        # a try at a stopped or locked account: one entry a day, however many there are
        code = Code.AUTH_INVALID if row.suspended is None else Code.POLICY_SUSPENDED
        append_refusal(tx, Whose("", "", name), code, now)
        return None
    if not matches:
        _count_failure(tx, name, row.failures + 1, now)
        return None
    tx.connection.execute(_CHANGE_USER, {"changed": name, "failures": 0, "locked_until": None})
    tx.append(Kind.LOGGED_IN, name, {"name": name}, now)
    return Principal(name, Role(row.role))


def _locked(locked_until: str | None, now: datetime) -> bool:
    """Locked, unless the end lies further off than any lock: then the clock was set back, and nobody waits for it to return."""
    return locked_until is not None and now < moment_of(locked_until) <= now + LONGEST_LOCK


def _count_failure(tx: Transaction, name: str, failures: int, now: datetime) -> None:
    locked_until = None
    if failures >= FREE_FAILURES:
        locked_until = stamp(now + min(LONGEST_LOCK, FIRST_LOCK * 2 ** min(failures - FREE_FAILURES, 10)))
    tx.connection.execute(_CHANGE_USER, {"changed": name, "failures": failures, "locked_until": locked_until})
    tx.append(Kind.LOGIN_FAILED, name, {"name": name, "locked": locked_until is not None}, now)
    if locked_until is not None:
        tx.append(Kind.LOCKED, HOUSE, {"name": name, "until": locked_until}, now)


def set_standing(tx: Transaction, name: str, new: Standing, actor: str) -> None:
    """Stop an account or let it act again, inside a transaction."""
    _known(tx.connection, name)
    standing.change(tx, USER, name, new, actor)


def _issue_token(tx: Transaction, row: dict[str, Any], actor: str, now: datetime) -> None:
    _known(tx.connection, row["name"])
    tx.connection.execute(insert(tokens), row)
    tx.append(Kind.TOKEN_ISSUED, actor, {"id": row["id"], "name": row["name"], "expires_at": row["expires_at"]}, now)


def _revoke_token(tx: Transaction, token_id: str, actor: str, now: datetime) -> None:
    row = tx.connection.execute(select(tokens).where(tokens.c.id == token_id)).first()
    if row is None:
        raise Refused(Code.NOT_FOUND, "There is no token of this number.", "See the list of the account's tokens.")
    if row.revoked_at is None:
        tx.connection.execute(update(tokens).where(tokens.c.id == token_id), {"revoked_at": stamp(now)})
        tx.append(Kind.TOKEN_REVOKED, actor, {"id": token_id, "name": row.name}, now)


def revoke_tokens(tx: Transaction, name: str, actor: str, now: datetime) -> None:
    """End every token of a person that is not ended, each with its entry, inside a transaction."""
    alive = select(tokens.c.id).where(tokens.c.name == name, tokens.c.revoked_at.is_(None)).order_by(tokens.c.issued_at, tokens.c.id)
    for row in tx.connection.execute(alive).all():
        _revoke_token(tx, row.id, actor, now)
