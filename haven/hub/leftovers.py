"""Finding and removing what a hub that was killed has left behind: processes, control groups, sockets, the alias.

Guaranteed: only processes that carry this home's mark in their environment are ended, never the caller or its ancestors. Mounts need no
removing: they belong to the hub's mount namespace and end with its last process.
"""

import contextlib
import os
import shutil
import time
from pathlib import Path

import psutil

from haven.hub.cgroups import find_hierarchy
from haven.hub.settings import HOME_VARIABLE, Places

_GRACE_SECONDS = 5.0


def marked_processes(home: Path) -> list[psutil.Process]:
    """Processes of a hub on `home`, this one and its ancestors left out."""
    own = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # another user's, or gone meanwhile
            if process.pid not in own and process.environ().get(HOME_VARIABLE) == str(home):
                found.append(process)
    return found


def end_processes(home: Path, grace: float = _GRACE_SECONDS) -> int:
    """Ask each marked process to end, then make it; how many there were."""
    processes = marked_processes(home)
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(processes, timeout=grace if processes else 0)
    for process in stubborn:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, timeout=_GRACE_SECONDS if stubborn else 0)
    return len(processes)


def remove_groups(places: Places) -> int:
    """End what is left in this hub's control groups and remove them; how many there were."""
    hierarchy = find_hierarchy(places.cgroup) if os.geteuid() == 0 else None
    if hierarchy is None:
        return 0
    groups = hierarchy.leftovers()
    for group in groups:
        group.kill()
        group.remove()
    hierarchy.remove()
    return len(groups)


def remove_files(places: Places) -> None:
    """Sockets, sandboxes' run-time files and the alias. The lock stays: it is held."""
    for pattern in ("*.sock", "proxy.pid", "gateway.key", "hub-settings.json"):
        for file in places.run.glob(pattern):
            file.unlink(missing_ok=True)
    shutil.rmtree(places.run / "sandboxes", ignore_errors=True)
    places.drop_alias()


def clean(home: Path, places: Places) -> int:
    """All of it, in the order in which it depends on each other; how many processes and groups were left."""
    count = end_processes(home) + remove_groups(places)
    deadline = time.monotonic() + _GRACE_SECONDS
    while marked_processes(home) and time.monotonic() < deadline:  # a killed parent's children, met late
        count += end_processes(home, grace=0.5)
    remove_files(places)
    return count
