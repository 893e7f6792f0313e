"""The whole web application over real books, policies, people and release desk, served by a real server in a thread."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import httpx
import uvicorn
from fastapi import FastAPI

from haven.ledger.entries import RecordedAnswer
from haven.ledger.registry import PolicyKind
from haven.mediator.enquiries import Enquiries
from haven.mediator.policies import Policies
from haven.policy.caps import caps_of
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.loader import parse_dataset_policy, parse_project_policy
from haven.policy.roles import Principal, Role
from haven.web.app import create_app
from haven.web.identity import ChainIdentity, TokenIdentity
from haven.web.login import LocalLogin
from haven.web.parts import HomeKind, WebParts
from tests.support import books, policy_files, release_world
from tests.support.release_world import AUDITOR, AUTHOR, CHECKER, CUSTODIAN, SECOND, STRANGER

if TYPE_CHECKING:
    from haven.mediator.mediator import Mediator

PASSWORD = "correct horse battery staple"  # noqa: S105 - a test's own
TLS = ssl.create_default_context()  # made once: reading the certificates takes longer than a page
OTHER_CUSTODIAN = Principal("keeper", Role.CUSTODIAN)
PEOPLE = (AUTHOR, STRANGER, CHECKER, SECOND, CUSTODIAN, OTHER_CUSTODIAN, AUDITOR)
DATASET = {"dataset": "nafld", "title": "Liver disease & controls", "custodian": CUSTODIAN.name}
OTHER = {"dataset": "other", "title": "Somebody else's", "custodian": OTHER_CUSTODIAN.name}
PROJECT = {
    "project": "liver",
    "title": "Liver fibrosis",
    "lay_summary": "We study how livers <heal>.",
    "researchers": [AUTHOR.name, "colin"],
    "datasets": {"nafld": {"epsilon": 1}},
}


@dataclass
class Web:
    """The application, what stands behind it, and where it listens."""

    app: FastAPI
    world: release_world.World
    parts: WebParts
    address: str = ""

    def client(self, principal: Principal | None = None) -> httpx.Client:
        """A browser without scripts; logged in as `principal` where one is given."""
        client = httpx.Client(base_url=self.address, follow_redirects=False, verify=TLS, timeout=30)
        if principal is not None:
            login = cast("LocalLogin", cast("ChainIdentity", self.parts.identity).providers[-1])
            client.cookies.set("haven_session", login.sessions.begin(principal.name, self.parts.clock()))
        return client


def give_password(web: Web, person: Principal = CHECKER) -> None:
    """Let a person log in with PASSWORD."""
    web.world.ledger.people.set_password(person.name, PASSWORD, actor="operator", now=release_world.NOW)


def ask(web: Web, question: str, pico: int, at: datetime, *, actor: str = AUTHOR.name, document: dict[str, Any] | None = None) -> None:
    """Put a question of this price into the books, at that time, its answer with this document beside it."""
    policies, ledger = web.parts.policies, web.parts.ledger
    allowed = caps_of(policies.dataset("nafld"), policies.project("liver"))
    plan = books.plan(books.rho(pico), digest=question)
    reservation = ledger.reserve(plan, books.permit(allowed, actor=actor), 1, at, question=question)
    recorded = books.ANSWER if document is None else RecordedAnswer(books.ANSWER.noisy, document)
    ledger.post(reservation, recorded, "pass", at)


def write_policy(world: release_world.World, kind: PolicyKind, text: str) -> None:
    """Put a version of a policy in force, as the operator would."""
    parse = parse_dataset_policy if kind is PolicyKind.DATASET else parse_project_policy
    policy = parse(text, "policy.yaml")
    name = policy.dataset if isinstance(policy, DatasetPolicy) else policy.project
    world.ledger.registry.add_policy(kind, name, text, policy.digest, CUSTODIAN.name, release_world.NOW)


def build(folder: Path, *, prefix: str = "", kind: HomeKind = HomeKind.NORMAL) -> Web:
    """The application with its books at `folder`."""
    world = release_world.build(folder)
    now = release_world.NOW
    for described in (DATASET, OTHER):
        write_policy(world, PolicyKind.DATASET, policy_files.dataset_text(**described))
    write_policy(world, PolicyKind.PROJECT, policy_files.project_text(**PROJECT))
    for person in PEOPLE:
        world.ledger.people.add_user(person.name, person.role, actor="operator", now=now)
    policies = Policies(world.ledger.registry, world.ledger.people, bench=kind is HomeKind.BENCH)
    login = LocalLogin(world.ledger.people, prefix, clock=_clock)
    parts = WebParts(
        mediator=cast("Mediator", None),
        enquiries=Enquiries(world.ledger, policies),
        policies=policies,
        desk=world.desk,
        ledger=world.ledger,
        identity=ChainIdentity((TokenIdentity(world.ledger.people, _clock), login)),
        books=folder / "books.sqlite",
        kind=kind,
        title="A test haven",
        prefix=prefix,
        clock=_clock,
    )
    return Web(create_app(parts), world, parts)


def _clock() -> datetime:
    return release_world.NOW + timedelta(days=3)


@contextmanager
def serving(web: Web) -> Iterator[Web]:
    """The application on a local port."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(web.app, log_level="critical", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        web.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield web
    finally:
        server.should_exit = True
        thread.join()
        listener.close()
        web.world.ledger.close()
