"""Starting and ending a hub: nothing is left behind, whatever ended it, and the next start works at once."""

import contextlib
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from haven.errors import Fault, Refused
from haven.hub import leftovers
from haven.hub.launcher import Launcher
from haven.hub.leftovers import marked_processes
from haven.hub.sandbox import Mode
from haven.hub.settings import HubSettings, Places
from tests.support import running_hub

pytestmark = [
    pytest.mark.hub,
    pytest.mark.skipif(running_hub.why_not() is not None, reason=running_hub.why_not() or ""),
]


def traces(settings: HubSettings) -> list[str]:
    """What is left of a whole hub on this machine."""
    places = settings.places
    found = [" ".join(process.cmdline()) for process in marked_processes(settings.home)]
    found += [str(path) for path in Path("/sys/fs/cgroup").glob(f"*/{places.cgroup}")]
    found += [str(path) for path in places.run.glob("*.sock")]
    found += [line for line in Path("/proc/self/mountinfo").read_text().splitlines() if str(settings.home) in line]
    images = [path.read_text().strip() for path in Path("/sys/block").glob("loop*/loop/backing_file")]
    found += [image for image in images if str(settings.home) in image]
    return found + ([str(places.alias)] if places.alias.is_symlink() else [])


def mount_namespaces() -> set[str]:
    found: set[str] = set()
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            found.add(str(Path(f"/proc/{process.pid}/ns/mnt").readlink()))
    return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home that is cleared away even when its test fails half-way."""
    made = running_hub.make_home(tmp_path)
    yield made
    leftovers.clean(made, Places(made))


IGNORING = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"


def test_an_interrupt_ends_hub_and_sandbox_without_a_trace_even_where_a_shell_had_it_ignored(home: Path) -> None:
    """A shell's background job ignores SIGINT, and so would all that it starts."""
    before = mount_namespaces()
    settings = running_hub.settings_for(home)
    hub = running_hub.start(settings, sys.executable, "-c", IGNORING)
    with hub.session("ada") as ada:
        ada.start_sandbox()
        assert mount_namespaces() - before
        began = time.monotonic()
        assert hub.stop(signal.SIGINT) == 0
        assert time.monotonic() - began < 15
    assert traces(settings) == []
    assert mount_namespaces() <= before


def test_a_killed_hub_is_cleared_away_by_the_next_start_and_a_hub_without_its_launcher_ends(home: Path) -> None:
    settings = running_hub.settings_for(home)
    hub = running_hub.start(settings)
    with hub.session("ada") as ada:
        ada.start_sandbox()
    old = marked_processes(settings.home)
    for process in old:
        if {"jupyterhub", "haven.hub.gateway"} & set(process.cmdline()):
            process.kill()
    hub.process.kill()
    hub.ended()
    assert traces(settings) != []

    again = running_hub.start(settings)
    assert not {process.pid for process in old} & {process.pid for process in marked_processes(settings.home)}
    with again.session("ada") as ada:
        ada.start_sandbox()
    again.process.kill()
    again.ended()
    assert running_hub.wait_for(lambda: marked_processes(settings.home) == [], seconds=30)
    leftovers.clean(settings.home, settings.places)
    assert traces(settings) == []


def test_what_cannot_start_says_why_and_everything_ends_with_the_gateway(home: Path, tmp_path: Path) -> None:
    broken, other = tmp_path / "broken", tmp_path / "other"
    other.mkdir()
    (broken / "bin").mkdir(parents=True)
    (broken / "bin" / "python").symlink_to("/usr/bin/cat")  # it ends at once, with a complaint
    settings = running_hub.settings_for(home, kernel_venv=broken)
    hub = running_hub.start(settings)
    with pytest.raises(Refused, match="already runs"):
        Launcher(settings).run()
    with pytest.raises(Refused, match="Port"):
        Launcher(running_hub.settings_for(running_hub.make_home(other), port=settings.port)).run()
    with hub.session("ada") as ada:
        began = time.monotonic()
        with pytest.raises(Fault):
            ada.start_sandbox()
        assert time.monotonic() - began < 8
    assert "its last words" in hub.log()
    assert "unrecognized option" in hub.log()

    next(process for process in marked_processes(settings.home) if "haven.hub.gateway" in process.cmdline()).kill()
    assert hub.ended() == 1
    assert traces(settings) == []


def test_root_is_never_put_in_a_user_namespace(home: Path) -> None:
    settings = running_hub.settings_for(home, mode=Mode.USER_NAMESPACE)
    with pytest.raises(Refused, match="leave the sandbox root"):
        Launcher(settings).run()


def test_the_launcher_says_what_is_missing(home: Path, tmp_path: Path) -> None:
    settings = running_hub.settings_for(home, kernel_venv=tmp_path / "nowhere")
    with pytest.raises(Refused, match="no Python environment"):
        Launcher(settings).run()
    proxyless = running_hub.settings_for(settings.home, project=tmp_path)
    with pytest.raises(Refused, match="proxy is not installed"):
        Launcher(proxyless).run()
