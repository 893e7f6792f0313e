"""Log-in to the hub with haven's own accounts: what the books say of a person is what the hub believes.

Guaranteed: only researchers may start sandboxes; a suspended account can neither log in nor start one, and neither can one whose every
project is stopped; a running sandbox of either has a reason to end at once; a wrong password and an unknown name get the same answer.
The books themselves slow the guessing of passwords; here only so many are checked at once that the hub stays quick.
"""

import asyncio
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.login import LogoutHandler
from tornado.web import HTTPError
from traitlets import Any as AnyTrait
from traitlets import default

from haven.hub.accounts import Accounts
from haven.policy.roles import Principal, Role

if TYPE_CHECKING:
    from haven.ledger.people import Person

_AT_ONCE = 2  # a password check takes all of one CPU on purpose


class RecordedLogout(LogoutHandler):
    """Logging out of the hub, with its entry in the books."""

    async def handle_logout(self) -> None:
        """JupyterHub calls it once the person is logged out."""
        user = self.current_user
        if user is not None:
            await asyncio.to_thread(self.authenticator.accounts.log_out, user.name, datetime.now(UTC))


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

    def get_handlers(self, app: object) -> list[tuple[str, type]]:
        """JupyterHub's hook: these pages come before its own."""
        return [*super().get_handlers(app), ("/logout", RecordedLogout)]

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
        if self.accounts.stopped_projects(name) and not self.accounts.active_projects(name):
            raise HTTPError(403, "Your project is stopped, so there is nothing to ask for it. Ask your data custodian.")

    def pre_spawn_start(self, user: Any, spawner: object) -> None:  # noqa: ANN401, ARG002 - JupyterHub's own objects
        """JupyterHub asks before every start, whoever asked for it."""
        self.check_may_spawn(user.name)

    async def refresh_user(self, user: Any, handler: object = None, **_: object) -> bool:  # noqa: ANN401, ARG002 - the same
        """JupyterHub asks every few minutes: an account that is suspended or gone is logged out."""
        person: Person | None = self.accounts.person(user.name)
        return person is not None and person.suspended is None

    def why_to_end(self, name: str, projects: frozenset[str]) -> str | None:
        """Why a sandbox of `name`, begun while `projects` were theirs to ask for, must end now; None where it may go on."""
        person: Person | None = self.accounts.person(name)
        if person is None or person.suspended is not None:
            return "the account was stopped"
        stopped = sorted(projects & self.accounts.stopped_projects(name))
        return f"the project {stopped[0]} was stopped" if stopped else None

    def project_of(self, name: str) -> str | None:
        """The project a researcher's notebooks start with, where they have one."""
        person: Person | None = self.accounts.person(name)
        return person.project if person else None
