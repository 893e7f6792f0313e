"""Limits on memory, processes and CPU of a sandbox as a whole, through control groups version 1 or 2.

Guaranteed for a group that `create` returned: everything started in it is under its limits, `kill` leaves no process in it, `remove`
leaves no directory. Where the machine gives no writable control groups, `find_hierarchy` returns None and the caller must say that only
weaker per-process limits hold.
"""

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

_PERIOD_MICROSECONDS = 100_000
_KILL_SECONDS = 5.0
_CONTROLLERS = ("memory", "pids", "cpu")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one researcher's sandbox may use: bytes, processes and threads, CPUs."""

    memory_bytes: int
    processes: int
    cpus: float


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """Where groups can be made: one directory in version 2, one for each controller in version 1."""

    version: int
    roots: tuple[Path, ...]

    def create(self, name: str, limits: Limits) -> "Group":
        """An empty group under `limits`. Raises OSError where a limit cannot be set: an unlimited sandbox must not start."""
        directories = tuple(root / name for root in self.roots)
        group = Group(self.version, directories)
        for directory in directories:
            directory.mkdir(parents=True, exist_ok=True)
        for file, value in group.settings(limits):
            file.write_text(value)
        return group

    def leftovers(self) -> list["Group"]:
        """Groups of an earlier run."""
        names = sorted({path.name for root in self.roots if root.is_dir() for path in root.iterdir() if path.is_dir()})
        return [Group(self.version, tuple(root / name for root in self.roots)) for name in names]

    def remove(self) -> None:
        """Take the hierarchy itself away. Its groups must be gone."""
        for root in self.roots:
            with contextlib.suppress(FileNotFoundError):
                root.rmdir()


@dataclass(frozen=True, slots=True)
class Group:
    """One sandbox's group."""

    version: int
    directories: tuple[Path, ...]

    @property
    def doors(self) -> tuple[Path, ...]:
        """Files to write "0" to, to enter."""
        return tuple(directory / "cgroup.procs" for directory in self.directories)

    def settings(self, limits: Limits) -> list[tuple[Path, str]]:
        """Each limit's file and value. Swap is closed where the machine counts it, so that memory means memory."""
        quota = str(int(limits.cpus * _PERIOD_MICROSECONDS))
        if self.version == 2:  # noqa: PLR2004 - the version of the interface
            directory = self.directories[0]
            wanted = [("memory.max", str(limits.memory_bytes)), ("memory.swap.max", "0"), ("pids.max", str(limits.processes))]
            wanted += [("cpu.max", f"{quota} {_PERIOD_MICROSECONDS}")]
            return [(directory / name, value) for name, value in wanted if name != "memory.swap.max" or (directory / name).exists()]
        memory, pids, cpu = self.directories
        swap = memory / "memory.memsw.limit_in_bytes"
        wanted_files = [(memory / "memory.limit_in_bytes", str(limits.memory_bytes))]
        wanted_files += [(swap, str(limits.memory_bytes))] if swap.exists() else []
        wanted_files += [(pids / "pids.max", str(limits.processes))]
        return [*wanted_files, (cpu / "cpu.cfs_period_us", str(_PERIOD_MICROSECONDS)), (cpu / "cpu.cfs_quota_us", quota)]

    def members(self) -> list[int]:
        """Process ids in the group."""
        found: set[int] = set()
        for door in self.doors:
            with contextlib.suppress(FileNotFoundError):
                found.update(int(line) for line in door.read_text().split())
        return sorted(found)

    def kill(self) -> None:
        """End every process in the group. Forks are stopped first, so that nothing can outrun the signals."""
        for directory in self.directories:
            if (limit := directory / "pids.max").exists():
                limit.write_text("0")
            if (everyone := directory / "cgroup.kill").exists():
                everyone.write_text("1")
        deadline = time.monotonic() + _KILL_SECONDS
        while (members := self.members()) and time.monotonic() < deadline:
            for pid in members:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)

    def remove(self) -> None:
        """Take the group away; `kill` first."""
        deadline = time.monotonic() + _KILL_SECONDS
        for directory in self.directories:
            while directory.exists():
                try:
                    directory.rmdir()
                except OSError:  # the kernel keeps the directory busy for a moment after the last process is gone
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.02)


def find_hierarchy(name: str, mount: Path = Path("/sys/fs/cgroup")) -> Hierarchy | None:
    """A place called `name` for groups with memory, process and CPU limits, made if need be; None where this machine gives none."""
    try:
        return _version_2(mount / name) if (mount / "cgroup.controllers").exists() else _version_1(mount, name)
    except OSError:  # read-only, not ours, or busy: there are no groups for us here
        return None


def _version_2(root: Path) -> Hierarchy | None:
    """The unified hierarchy: controllers are handed down level by level."""
    if not set(_CONTROLLERS) <= set((root.parent / "cgroup.controllers").read_text().split()):
        return None
    hand_down = " ".join(f"+{controller}" for controller in _CONTROLLERS)
    (root.parent / "cgroup.subtree_control").write_text(hand_down)
    root.mkdir(exist_ok=True)
    (root / "cgroup.subtree_control").write_text(hand_down)
    return Hierarchy(2, (root,))


def _version_1(mount: Path, name: str) -> Hierarchy | None:
    """One hierarchy for each controller."""
    if not all((mount / controller / "cgroup.procs").exists() for controller in _CONTROLLERS):
        return None
    roots = tuple(mount / controller / name for controller in _CONTROLLERS)
    for root in roots:
        root.mkdir(exist_ok=True)
    return Hierarchy(1, roots)
