"""The weaker mode, where the hub is not root: a user namespace in place of a host user id. What it gives, and what it says it does not."""

import base64
import json
import os
import site
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyseccomp
import pytest

from haven.hub.sandbox import Mode
from haven.hub.session import HubSession
from tests.support import running_hub, sandbox_probes

SYSTEM_PYTHON = Path("/usr/bin", f"python{sys.version_info.major}.{sys.version_info.minor}")
UID = 65_432


def why_not() -> str | None:
    """The true reason why a hub of another user cannot be tried here."""
    if (reason := running_hub.why_not()) is not None:
        return reason
    if not SYSTEM_PYTHON.exists():
        return "the system has no Python of this version that another user may run"
    if any(not parent.stat().st_mode & 0o005 for parent in running_hub.PROJECT.parents):
        return "another user cannot read this checkout"
    return None


pytestmark = [pytest.mark.hub, pytest.mark.skipif(why_not() is not None, reason=why_not() or "")]

STOPPED = (
    "syscall_",
    "network_",
    "socket_",
    "new_",
    "read_secret",
    "read_home",
    "read_books",
    "read_shadow",
    "read_sys",
    "read_host_accounts",
)
STOPPED += ("write_programs", "write_root", "write_configuration", "write_environment", "become_root", "hold_capabilities", "make_a_device")
STOPPED += ("gain_privileges_by_exec", "run_without_a_filter", "type_into", "signal_a_host_process", "see_other_processes", "open_devices")


def environment_for_others(folder: Path) -> Path:
    """The kernels' environment on the system's own Python, which any user may read."""
    venv = folder / "kernel"
    subprocess.run(["cp", "--archive", "--link", running_hub.PROJECT / ".venv-kernel", venv], check=True)
    (venv / "bin" / "python").unlink()
    (venv / "bin" / "python").symlink_to(SYSTEM_PYTHON)
    (venv / "pyvenv.cfg").unlink()  # a hard link: the original must not change
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    return venv


@pytest.fixture(scope="module")
def ada() -> Iterator[tuple[HubSession, Path]]:
    beside = running_hub.PROJECT / "artifacts"  # hard links stay on one file system
    beside.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="haven-other-", dir=beside) as name:
        folder = Path(name)
        folder.chmod(0o755)
        venv = environment_for_others(folder)
        home = running_hub.make_home(folder)
        for path in (home, *home.rglob("*")):
            os.chown(path, UID, UID)
        settings = running_hub.settings_for(home, kernel_venv=venv, mode=Mode.USER_NAMESPACE)
        paths = f"PYTHONPATH={sysconfig.get_path('purelib')}:{running_hub.PROJECT}"
        other = ["setpriv", "--reuid", str(UID), "--regid", str(UID), "--clear-groups", "env", "-i", "PATH=/usr/bin:/bin", paths]
        command = (str(SYSTEM_PYTHON), str(running_hub.PROJECT / "tests" / "support" / "tiny_service.py"))
        given = settings.model_copy(update={"service_command": ("/usr/bin/env", paths, *command)})
        hub = running_hub.start(given, *other, "PYTHONDONTWRITEBYTECODE=1", python=str(SYSTEM_PYTHON))
        try:
            with hub.session("ada") as session:
                session.start_sandbox()
                session.start_kernel()
                yield session, home
        finally:
            status = hub.stop()
            subprocess.run(["rm", "-rf", venv], check=True)  # thousands of links
        assert status == 0


def test_a_cell_runs_and_the_weaker_walls_are_named(ada: tuple[HubSession, Path]) -> None:
    session, _ = ada
    said = session.run("import os; print(os.getuid(), os.environ['HAVEN_SANDBOX'])").text
    assert said.startswith("1000 weaker sandbox: user namespace without root; one shared user id, limits per process only, no disk quota")


def test_the_weaker_walls_still_stop_what_matters_most(ada: tuple[HubSession, Path]) -> None:
    session, home = ada
    names = [name for name in sandbox_probes.PROBES if name.startswith(STOPPED) and name != "network_udp_question"]
    known = {
        name: pyseccomp.resolve_syscall(pyseccomp.Arch.NATIVE, name) for name in (*sandbox_probes.SYSCALLS, "socket", "clone", "ioctl")
    }
    context = {
        "only": names,
        "syscalls": known | {"statmount": 457, "listmount": 458},
        "hub_port": int(session.address.rpartition(":")[2]),
        "host_address": "127.0.0.1",
        "tcp_port": int(session.address.rpartition(":")[2]),
        "tcp6_port": int(session.address.rpartition(":")[2]),
        "abstract": "nothing",
        "victim_pid": os.getpid(),
        "victim_mark": "pytest",
        "scratch": "/home/user",
        "environment": next(path for path in site.getsitepackages()),
        "paths": {
            "secret": str(home / "hub" / "cookie_secret"),
            "home": str(home),
            "books": str(home / "books.sqlite"),
            "shadow": "/etc/shadow",
        },
    }
    sent = {"probes.py": Path(sandbox_probes.__file__).read_text(), "context.json": json.dumps(context)}
    files = {name: base64.b64encode(text.encode()).decode() for name, text in sent.items()}
    cell = f"""
import base64, pathlib, subprocess, sys
for name, text in {files!r}.items():
    pathlib.Path("/home/user", name).write_bytes(base64.b64decode(text))
print(subprocess.run([sys.executable, "/home/user/probes.py", "/home/user/context.json"], capture_output=True, text=True).stdout)
"""
    outcomes = json.loads(session.run(cell).text)
    assert len(outcomes) > 80
    assert {name: outcome for name, outcome in outcomes.items() if outcome["out"] is not False} == {}
