"""`haven serve`, `haven service`, `haven up`: the mediator and its pages alone, behind a hub, and the whole demonstration."""

import logging
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn
from fastapi import FastAPI

from haven.cli.console import out, print_table, say, spoken_errors
from haven.cli.demonstration import Account, create_demonstration
from haven.cli.house import IN_DOUBT, House, now, open_house
from haven.cli.options import DEFAULT_HOME, HomeOption
from haven.errors import Code, Fault, Refused
from haven.hub.config import SERVICE_PREFIX
from haven.hub.identity import HubIdentity
from haven.hub.launcher import Launcher
from haven.hub.listening import private_socket
from haven.hub.settings import HubSettings
from haven.ledger.registry import PolicyKind
from haven.settings import Home
from haven.web.app import create_app
from haven.web.identity import ChainIdentity, IdentityProvider, TokenIdentity
from haven.web.login import LocalLogin
from haven.web.parts import HomeKind, WebParts

SWEEP_SECONDS = 60.0
LOOK_SECONDS = 5.0
log = structlog.get_logger()


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8765,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """The mediator and its pages alone: API tokens and haven's own log-in, no hub."""
    set_up_logs()
    with spoken_errors(), open_house(home) as house, sweeping(house):
        identity = ChainIdentity((TokenIdentity(house.ledger.people), LocalLogin(house.ledger.people)))
        listener = public_socket(host, port)
        say(f"haven is at http://{host}:{port}/ (Ctrl-C stops it)")
        run_server(create_app(web_parts(house, identity, "")), listener)


def service(home: HomeOption = DEFAULT_HOME) -> None:
    """The mediator and its pages as a hub's service, on the Unix socket that the hub names. Started by the hub."""
    set_up_logs()
    with spoken_errors(), open_house(home) as house, sweeping(house):
        identity = ChainIdentity((HubIdentity.from_environment(house.ledger.people),))
        listener = private_socket(Path(os.environ["HAVEN_SERVICE_SOCKET"]))
        run_server(create_app(web_parts(house, identity, SERVICE_PREFIX.rstrip("/"))), listener)


def up(
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """The whole haven in the foreground: hub, sandboxes, mediator, pages. Makes the demonstration haven where there is none."""
    with spoken_errors():
        accounts: tuple[Account, ...] = ()
        if not Home(home).settings.exists():
            say("Making the demonstration haven from real data ...")
            accounts = create_demonstration(home)
        settings = HubSettings.for_home(home.resolve(), host=host, port=port)
        say(f"Starting hub, mediator and pages ({settings.walls}) ...")
        Launcher(settings).run(when_ready=lambda: _welcome(settings, accounts))
        say("Stopped; nothing is left running.")


def web_parts(house: House, identity: IdentityProvider, prefix: str) -> WebParts:
    """What the web is made of, for a house and a way to know people."""
    return WebParts(
        mediator=house.mediator,
        enquiries=house.enquiries,
        policies=house.policies,
        desk=house.desk,
        ledger=house.ledger,
        identity=identity,
        books=house.home.books,
        kind=HomeKind.BENCH if house.home.bench else HomeKind.NORMAL,
        title=house.home.settings.title,
        prefix=prefix,
        secret=secrets.token_bytes(32),
    )


@contextmanager
def sweeping(house: House) -> Iterator[None]:
    """While inside: engines are warm, the books are witnessed as they grow, and what a dead process left in doubt is booked as spent."""
    stop = threading.Event()

    def sweep() -> None:
        _prewarm(house)
        swept = time.monotonic()
        while not stop.wait(LOOK_SECONDS):
            try:
                _have_witnessed(house)
                if time.monotonic() - swept >= SWEEP_SECONDS:
                    swept = time.monotonic()
                    house.ledger.sweep(now(), IN_DOUBT)
            except Fault as fault:
                log.warning("sweep failed", code=str(fault.code))

    sweeper = threading.Thread(target=sweep, name="sweeper", daemon=True)
    sweeper.start()
    try:
        yield
    finally:
        stop.set()
        sweeper.join()


def set_up_logs() -> None:
    """Structured lines on stderr, without data: what happened, to which named thing, never a value or a researcher's text."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)


def run_server(app: FastAPI, listener: socket.socket) -> None:
    """Serve until a signal; requests under way have five seconds to end. No access log: an address can hold a name."""
    config = uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=5)
    uvicorn.Server(config).run(sockets=[listener])


def public_socket(host: str, port: int) -> socket.socket:
    """A listening TCP socket. Refused where the port is taken or the address is not this machine's."""
    try:
        listener = socket.create_server((host, port), backlog=1024)
    except OSError:
        raise Refused(Code.REQUEST_CONFLICT, f"Port {port} of {host} is not free.", "Choose another with --port.") from None
    # connections inherit it; without it an answer waits 40 ms for the acknowledgement of its headers
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _have_witnessed(house: House) -> None:
    """Have the books witnessed when it is time; where they are in doubt, look whether they still are."""
    notary = house.ledger.notary
    if notary is None:
        return
    if notary.doubt is not None:
        notary.examine(now())
    elif notary.due(now()):
        notary.checkpoint(now())


def _prewarm(house: House) -> None:
    for policy in house.policies.datasets():
        serial = house.ledger.registry.current_snapshot(policy.dataset)
        if serial is not None and house.ledger.registry.state(PolicyKind.DATASET, policy.dataset).reason == "":
            try:
                house.engine.prewarm(policy.dataset, serial)
            except Fault as fault:
                log.warning("an engine did not start", dataset=policy.dataset, code=str(fault.code))


def _welcome(settings: HubSettings, accounts: tuple[Account, ...]) -> None:
    out.print(f"\n[bold]haven is ready: {settings.address}[/]  (Ctrl-C stops it)")
    if accounts:
        rows = [(account.name, account.role, account.project or "", account.password) for account in accounts]
        print_table("Accounts (passwords are shown this once)", ["name", "role", "project", "password"], rows)
    say("Forgotten a password? `.venv/bin/haven user password NAME` sets a new one.")
    say(f"Researchers: {settings.address} opens JupyterLab; notebooks/01_first_question.ipynb is the place to start.")
    say(f"Custodians, checkers, auditors: {settings.address}{SERVICE_PREFIX}")
    say(f"The public register: {settings.address}{SERVICE_PREFIX}public/register")
