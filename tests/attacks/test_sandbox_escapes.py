"""The escape suite: every probe is tried from a real kernel in a real sandbox, where it must be stopped, and outside, where it must work.

The control shows that a probe can detect what it looks for. Where this machine gives the control nothing to find, the probe is skipped with
that reason: being stopped there would prove nothing.
"""

import base64
import ctypes
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyseccomp
import pytest

from haven.hub.homes import Homes
from haven.hub.session import HubSession
from haven.ledger.ledger import Ledger
from tests.support import running_hub, sandbox_probes
from tests.support.running_hub import PROJECT, RunningHub, hub

__all__ = ["hub"]  # the fixture

pytestmark = [pytest.mark.hub, pytest.mark.timeout(240)]

NEWER_CALLS = {"statmount": 457, "listmount": 458}  # younger than this machine's libseccomp may be
VICTIM = "haven-victim-of-the-escape-suite"


@dataclass(frozen=True)
class Outcomes:
    inside: dict[str, dict[str, Any]]
    outside: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def outcomes(hub: RunningHub) -> Iterator[Outcomes]:
    with ExitStack() as stack:
        ada, grace = stack.enter_context(hub.session("ada")), stack.enter_context(hub.session("grace"))
        for session in (ada, grace):
            session.start_sandbox()
            session.start_kernel()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        context = stack.enter_context(host_context(hub, folder))
        tokens = {session.name: token_of(session) for session in (ada, grace)}
        outside = run_outside(hub, context, tokens, folder)
        yield Outcomes(inside=run_inside(ada, context, tokens), outside=outside)
        ada.stop_sandbox()
        grace.stop_sandbox()


@contextmanager
def host_context(hub: RunningHub, folder: Path) -> Iterator[dict[str, Any]]:
    """Things on the host that a sandbox must not reach, and where they are."""
    with ExitStack() as stack:
        tcp, tcp6, udp, abstract = (stack.enter_context(socket.socket(*kind)) for kind in _KINDS)
        tcp.bind(("0.0.0.0", 0))  # noqa: S104 - the machine's own address is what a sandbox is to try
        tcp6.bind(("::1", 0))
        udp.bind(("127.0.0.1", 0))
        name = f"haven-{os.getpid()}"
        abstract.bind("\0" + name)
        for listener in (tcp, tcp6, abstract):
            listener.listen(8)
        threading.Thread(target=_answer, args=(udp,), daemon=True).start()
        victim = subprocess.Popen([sys.executable, "-c", f"import time; time.sleep(300)  # {VICTIM}"])
        stack.callback(victim.wait)
        stack.callback(victim.kill)
        secret = folder / "secret"
        secret.write_text("of the host")
        secret.chmod(0o600)
        key = 0x4841_5645
        segment = ctypes.CDLL(None).shmget(key, 4096, 0o1666)
        stack.callback(ctypes.CDLL(None).shmctl, segment, 0, None)
        yield {
            "hub_port": hub.settings.port,
            "host_address": _own_address(),
            "tcp_port": tcp.getsockname()[1],
            "tcp6_port": tcp6.getsockname()[1],
            "udp_port": udp.getsockname()[1],
            "abstract": name,
            "host_name": socket.gethostname(),
            "victim_pid": victim.pid,
            "victim_mark": VICTIM,
            "shm_key": key,
            "paths": host_paths(hub, secret),
            "syscalls": numbers(),
            "other_uid": homes(hub).uid("grace"),
            "too_many_processes": 300,
            "too_much_memory": 1 << 30,
            "too_much_disk": 64 << 20,
            "too_much_scratch": 96 << 20,
            "environment": str(hub.settings.kernel_venv),
            "api_token": api_token(hub),
        }


_KINDS = (
    (socket.AF_INET, socket.SOCK_STREAM),
    (socket.AF_INET6, socket.SOCK_STREAM),
    (socket.AF_INET, socket.SOCK_DGRAM),
    (socket.AF_UNIX, socket.SOCK_STREAM),
)


def _answer(udp: socket.socket) -> None:
    while True:
        try:
            _, sender = udp.recvfrom(100)
            udp.sendto(b"answered", sender)
        except OSError:
            return


def _own_address() -> str:
    """This machine's address on its network; loopback's second address where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.2"


def homes(hub: RunningHub) -> Homes:
    chosen = hub.settings
    return Homes(chosen.places.state / "homes", chosen.first_uid, chosen.home_mb, quotas=True)


def host_paths(hub: RunningHub, secret: Path) -> dict[str, str]:
    places, home = hub.settings.places, hub.settings.home
    ada, grace = homes(hub).uid("ada"), homes(hub).uid("grace")
    paths = {
        "secret": secret,
        "home": home,
        "books": home / "books.sqlite",
        "gateway_key": places.gateway_key,
        "hub_database": places.state / "jupyterhub.sqlite",
        "cookie_secret": places.state / "cookie_secret",
        "other_home": places.state / "homes" / str(grace),
        "other_image": places.state / "homes" / f"{grace}.ext4",
        "uids": places.state / "homes" / "uids.json",
        "sandbox_files": places.sandbox(ada),
        "shadow": Path("/etc/shadow"),
        "hub_socket": places.hub_socket,
        "service_socket": places.service_socket,
        "proxy_socket": places.proxy_socket,
        "gateway_control": places.gateway_socket,
        "other_gateway": places.sandbox(grace) / "gateway" / "gw.sock",
        "other_server": places.sandbox(grace) / "server.sock",
        "own_server": places.sandbox(ada) / "server.sock",
    }
    return {name: str(path) for name, path in paths.items()}


def numbers() -> dict[str, int]:
    """System call numbers of this machine."""
    names = [*sandbox_probes.SYSCALLS, "socket", "clone", "ioctl", "getpid"]
    known = {name: pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) for name in names}
    return {name: number if number >= 0 else NEWER_CALLS[name] for name, number in known.items()}


def api_token(hub: RunningHub) -> str:
    with Ledger.open(hub.settings.home / "books.sqlite") as ledger:
        return ledger.people.issue_token("ada", datetime.now(UTC))


def token_of(session: HubSession) -> str:
    return session.run("import os; print(os.environ['JUPYTERHUB_API_TOKEN'], end='')").text


def run_inside(ada: HubSession, context: dict[str, Any], tokens: dict[str, str]) -> dict[str, dict[str, Any]]:
    """All probes, from a kernel."""
    here = {
        "gateway": "/run/haven/gw.sock",
        "direct": {},
        "control_gateway": "",
        "control_token": "",
        "scratch": "/home/user",
        "tmp": "/tmp",  # noqa: S108 - the sandbox's own
        "first_pid": 1,
    }
    given = json.dumps(context | here | {"own_token": tokens["ada"], "other_token": tokens["grace"]})
    files = {"probes.py": Path(sandbox_probes.__file__).read_text(), "context.json": given}
    sent = {name: base64.b64encode(text.encode()).decode() for name, text in files.items()}
    cell = f"""
import base64, json, pathlib, subprocess, sys
for name, text in {sent!r}.items():
    pathlib.Path('/home/user', name).write_bytes(base64.b64decode(text))
done = subprocess.run([sys.executable, '/home/user/probes.py', '/home/user/context.json'], capture_output=True, text=True)
print(done.stdout or done.stderr[-2000:])
"""
    result = ada.run(cell, timeout=180)
    assert result.ok, result
    return dict(json.loads(result.text))


def run_outside(hub: RunningHub, context: dict[str, Any], tokens: dict[str, str], folder: Path) -> dict[str, dict[str, Any]]:
    """The same, by root on the host: in mount and host-name namespaces of its own, so that nothing stays."""
    places = hub.settings.places
    there = {
        "gateway": str(places.sandbox(homes(hub).uid("ada")) / "gateway" / "gw.sock"),
        "direct": {"hub_socket": str(places.hub_socket), "service_socket": str(places.service_socket)},
        "control_gateway": context["paths"]["other_gateway"],
        "control_token": tokens["grace"],
        "scratch": str(folder),
        "tmp": str(folder),
        "first_pid": context["victim_pid"],  # a process of another's: the machine's own first process is left alone
    }
    # homes are mounted in the hub's own namespace only: the control needs something to find
    (Path(context["paths"]["other_home"]) / "file").write_text("control")
    given = folder / "context.json"
    given.write_text(json.dumps(context | there | {"own_token": tokens["grace"], "other_token": tokens["grace"]}))
    command = ["unshare", "--mount", "--uts", sys.executable, sandbox_probes.__file__, str(given)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=PROJECT, timeout=120)
    return dict(json.loads(done.stdout))


@pytest.mark.parametrize("name", sorted(sandbox_probes.PROBES))
def test_a_sandbox_stops(name: str, outcomes: Outcomes) -> None:
    control = outcomes.outside[name]
    if control["out"] is not True:
        pytest.skip(f"this machine has nothing for it to reach, even for root: {control['detail'] or 'no'}")
    inside = outcomes.inside[name]
    assert inside["out"] is False, f"{name} was not stopped: {inside}"


def test_the_report_of_the_escape_suite(outcomes: Outcomes, capsys: pytest.CaptureFixture[str]) -> None:
    shown = [name for name, outcome in outcomes.outside.items() if outcome["out"] is True]
    blocked = [name for name in shown if outcomes.inside[name]["out"] is False]
    report = {
        "blocked": len(blocked),
        "tried": len(shown),
        "without a control here": sorted(set(outcomes.outside) - set(shown)),
        "probes": {name: {"inside": outcomes.inside[name], "control": outcomes.outside[name]} for name in sorted(outcomes.inside)},
    }
    folder = running_hub.PROJECT / "artifacts"
    folder.mkdir(exist_ok=True)
    (folder / "escape.json").write_text(json.dumps(report, indent=1))
    with capsys.disabled():
        print(f"\nescape suite: {len(blocked)} blocked of {len(shown)} tried")  # noqa: T201 - the number is for its reader
    assert len(shown) >= 60
    assert blocked == shown
