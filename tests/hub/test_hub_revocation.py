"""A person or project that is stopped in the books: the running kernel ends and its token opens nothing, well within a minute."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import httpx
import psutil
import pytest

from haven.errors import HavenError, Refused
from haven.hub.homes import Homes
from haven.hub.session import HubSession
from haven.ledger.ledger import Ledger
from haven.ledger.registry import PolicyKind
from haven.ledger.revocations import Revocable, propose_revocation
from haven.policy.roles import Role
from tests.support.policy_files import project, project_text
from tests.support.running_hub import PASSWORD, RunningHub, hub, wait_for

__all__ = ["hub"]  # the fixture

pytestmark = pytest.mark.hub

WITHIN_SECONDS = 60


@pytest.fixture(name="ledger")
def _ledger(hub: RunningHub) -> Iterator[Ledger]:
    """The books that the running hub reads, with a second custodian in them."""
    with Ledger.open(hub.settings.home / "books.sqlite") as ledger:
        if ledger.people.person("dora") is None:
            ledger.people.add_user("dora", Role.CUSTODIAN, actor="setup", now=datetime.now(UTC))
        yield ledger


def add_researcher(ledger: Ledger, name: str, of: str) -> None:
    now, policy = datetime.now(UTC), {"project": of, "researchers": [name]}
    ledger.people.add_user(name, Role.RESEARCHER, actor="setup", now=now, project=of)
    ledger.people.set_password(name, PASSWORD, actor="setup", now=now)
    ledger.registry.add_policy(PolicyKind.PROJECT, of, project_text(**policy), project(**policy).digest, "dan", now)


def running(hub: RunningHub, name: str) -> list[int]:
    """The processes of a person's sandbox."""
    chosen = hub.settings
    uid = Homes(chosen.places.state / "homes", chosen.first_uid, chosen.home_mb, quotas=True).uid(name)
    return [process.pid for process in psutil.process_iter(["uids"]) if uid in (process.info["uids"] or ())]


def check_stopped(hub: RunningHub, ledger: Ledger, session: HubSession, stop: Callable[[], object]) -> None:
    """`stop` what runs in `session`: its processes end, its token is refused, and the books say so."""
    session.start_sandbox()
    session.start_kernel()
    token = session.run("import os; print(os.environ['JUPYTERHUB_API_TOKEN'], end='')").text
    known = f"{hub.address}/hub/api/user"
    assert httpx.get(known, headers={"Authorization": f"token {token}"}).status_code == 200
    assert running(hub, session.name)
    began = time.monotonic()
    stop()
    assert wait_for(lambda: running(hub, session.name) == [], WITHIN_SECONDS)
    left = WITHIN_SECONDS - (time.monotonic() - began)
    assert wait_for(lambda: httpx.get(known, headers={"Authorization": f"token {token}"}).status_code == 403, left)
    assert wait_for(lambda: any(entry.detail["name"] == session.name for entry in ledger.entries(kind="sandbox.ended")), 10)
    with pytest.raises(HavenError):
        session.start_sandbox()
    assert running(hub, session.name) == []


@pytest.mark.timeout(240)
def test_a_revoked_researchers_kernel_ends_and_its_token_is_refused_within_a_minute(hub: RunningHub, ledger: Ledger) -> None:
    add_researcher(ledger, "hana", "harbour")

    def stop() -> None:
        propose_revocation(ledger.proposals, Revocable.USER, "hana", "misuse", actor="dan", now=datetime.now(UTC))

    with hub.session("hana") as hana:
        check_stopped(hub, ledger, hana, stop)
    with HubSession(hub.address, "hana") as again, pytest.raises(Refused):
        again.log_in(PASSWORD)


@pytest.mark.timeout(240)
def test_a_revoked_projects_kernel_ends_and_its_token_is_refused_within_a_minute(hub: RunningHub, ledger: Ledger) -> None:
    add_researcher(ledger, "ines", "island")

    def stop() -> None:
        propose_revocation(ledger.proposals, Revocable.PROJECT, "island", "misuse", actor="dan", now=datetime.now(UTC))

    with hub.session("ines") as ines:
        check_stopped(hub, ledger, ines, stop)
