"""`haven demo`: the whole journey without a person: notebook, mediator, release desk, checker's browser, bundle, verification."""

import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from haven.cli.checker import approve, browser, browser_path, log_in
from haven.cli.console import say, spoken_errors
from haven.cli.demonstration import Account, create_demonstration
from haven.cli.share import shared
from haven.errors import Code, Fault
from haven.hub.config import SERVICE_PREFIX
from haven.hub.launcher import Launcher
from haven.hub.session import CellResult, HubSession
from haven.hub.settings import HubSettings
from haven.ledger.audit import audit_verify
from haven.release.signing import PUBLIC_NAME
from haven.release.verify import verify_bundle
from haven.settings import Home

NOTEBOOKS = ("01_first_question.ipynb", "02_asking_for_a_release.ipynb", "03_several_tables.ipynb")
LATEST_RELEASE = "import haven\nprint(haven.connect().releases()[0].id)"


def demo() -> None:
    """Walk the whole journey on a fresh demonstration haven; exit 0 only if every station happened."""
    with spoken_errors(), tempfile.TemporaryDirectory(prefix="haven-demo-") as folder:
        browser_path()
        Journey(Path(folder)).walk()
        say("The whole journey was walked.")


class Journey:
    """One walk, in a folder of its own. Each station prints its time; one that does not happen raises."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder / "home")
        self.bundle = folder / "bundle.zip"
        self.accounts: dict[str, Account] = {}
        self.settings = HubSettings.for_home(self.home.root, port=_free_port())
        self.release = ""

    def walk(self) -> None:
        """Every station, in order."""
        with station("the demonstration haven is made from real data"):
            self.accounts = {account.name: account for account in create_demonstration(self.home.root)}
        launcher = Launcher(self.settings)
        began = time.monotonic()
        failures: list[BaseException] = []

        def visit() -> None:
            say(f"{time.monotonic() - began:7.1f} s  hub, gateway, mediator and pages are up")
            try:
                self._visit()
            except BaseException as failure:  # noqa: BLE001 - carried out of the launcher, which must take everything down first
                failures.append(failure)
            launcher.stop()

        launcher.run(when_ready=visit)
        if failures:
            raise failures[0]
        with station("the bundle is verified offline"):
            report = verify_bundle(self.bundle, (self.home.keys / PUBLIC_NAME).read_text(encoding="utf-8").strip())
            _must(report.whole and report.authentic is True, "the bundle is not whole, or not this haven's")
        with station("the books are verified"):
            _must(audit_verify(self.home.books).whole, "the books are not whole")

    def _visit(self) -> None:
        researcher, checker = self.accounts["researcher1"], self.accounts["checker1"]
        with HubSession(self.settings.address, researcher.name) as session:
            with station(f"{researcher.name} logs in and gets a sandbox"):
                session.log_in(researcher.password)
                session.start_sandbox()
                session.start_kernel()
            for notebook in NOTEBOOKS:
                with station(f"{notebook} runs in the sandbox"):
                    _check_cells(session.run_notebook(shared("notebooks") / notebook))
            with station("the request is at the release desk"):
                asked = session.run(LATEST_RELEASE)
                _must(asked.ok, "no request reached the desk")
                self.release = asked.text.strip()
            with station(f"{checker.name} approves it in a browser"):
                self._approve(checker)
            with station(f"{researcher.name} takes the signed bundle out"):
                self.bundle.write_bytes(_bundle(session, self.release))
            with station("the sandbox is stopped"):
                session.stop_sandbox()

    def _approve(self, checker: Account) -> None:
        with browser() as opened:
            page = opened.new_page()
            log_in(page, self.settings.address, checker.name, checker.password)
            approve(page, self.settings.address + SERVICE_PREFIX, self.release, "Noised tables of large groups; the note names no one.")


@contextmanager
def station(words: str) -> Iterator[None]:
    """Print what happened and how long it took; nothing is printed of what did not."""
    began = time.monotonic()
    yield
    say(f"{time.monotonic() - began:7.1f} s  {words}")


def _check_cells(results: list[CellResult]) -> None:
    for number, result in enumerate(results, 1):
        _must(result.ok, f"code cell {number} of the notebook failed with {result.error[0] if result.error else 'no reply'}")


def _bundle(session: HubSession, release: str) -> bytes:
    reply = session.client.get(f"{session.address}{SERVICE_PREFIX}releases/{release}/bundle.zip")
    _must(reply.status_code == httpx.codes.OK, "the bundle was not handed out")
    return reply.content


def _must(happened: bool, otherwise: str) -> None:  # noqa: FBT001 - a condition, not a switch
    if not happened:
        raise Fault(Code.FAULT_SERVICE, f"The journey ended early: {otherwise}.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
