"""Log-in to the hub with haven's own accounts: what the books say of a person is what the hub believes.

Guaranteed: only researchers may start sandboxes; a suspended account can neither log in nor start one; a wrong password and an unknown
name get the same answer. The books themselves slow the guessing of passwords; here only so many are checked at once that the hub stays
quick.
"""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol

from jupyterhub.auth import Authenticator
from tornado.web import HTTPError
from traitlets import Any as AnyTrait
from traitlets import default

from haven.ledger.people import Person
from haven.policy.roles import Principal, Role

_AT_ONCE = 2  # a password check takes all of one CPU on purpose


class Accounts(Protocol):
    """The part of the books that log-in needs (`haven.ledger.people.People`)."""

    def verify_password(self, name: str, password: str, now: datetime) -> Principal | None:
        """The person who has this password."""

    def person(self, name: str) -> Person | None:
        """The account of this name."""


class HavenAuthenticator(Authenticator):
    """JupyterHub's hook. `open_accounts` is called once, in the hub's process."""

    open_accounts = AnyTrait(help="A callable that opens the accounts.").tag(config=True)
    accounts = AnyTrait()

    @default("accounts")
    def _open(self) -> Accounts:
        opened: Accounts = self.open_accounts()
        return opened

    _turn = AnyTrait()

    @default("_turn")
    def _new_turn(self) -> asyncio.Semaphore:
        return asyncio.Semaphore(_AT_ONCE)

    async def authenticate(self, handler: object, data: dict[str, str]) -> dict[str, Any] | None:  # noqa: ARG002 - JupyterHub's signature
        """The person who logs in, with their role as their group; None for a wrong name or password alike."""
        name, password = data.get("username", ""), data.get("password", "")
        async with self._turn:
            check = partial(self.accounts.verify_password, name, password, datetime.now(UTC))
            principal: Principal | None = await asyncio.to_thread(check)
        if principal is None:
            return None
        return {"name": principal.name, "groups": [principal.role.value]}

    def check_may_spawn(self, name: str) -> None:
        """Raise a 403 for the browser unless `name` is an active researcher."""
        person: Person | None = self.accounts.person(name)
        if person is None or person.suspended is not None:
            raise HTTPError(403, "This account cannot start a sandbox now. Ask your data custodian.")
        if person.role is not Role.RESEARCHER:
            raise HTTPError(403, "Only researchers have a sandbox. Your work is on haven's pages.")

    def pre_spawn_start(self, user: Any, spawner: object) -> None:  # noqa: ANN401, ARG002 - JupyterHub's own objects
        """JupyterHub asks before every start, whoever asked for it."""
        self.check_may_spawn(user.name)

    async def refresh_user(self, user: Any, handler: object = None, **_: object) -> bool:  # noqa: ANN401, ARG002 - the same
        """JupyterHub asks every few minutes: an account that is suspended or gone is logged out."""
        person: Person | None = self.accounts.person(user.name)
        return person is not None and person.suspended is None

    def project_of(self, name: str) -> str | None:
        """The project a researcher's notebooks start with, where they have one."""
        person: Person | None = self.accounts.person(name)
        return person.project if person else None
