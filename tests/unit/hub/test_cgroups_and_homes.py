"""Limits and homes: version 2 on a directory tree that behaves like one, the rest on the machine itself."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from haven.errors import Fault
from haven.hub.cgroups import Group, Limits, find_hierarchy
from haven.hub.homes import Homes

LIMITS = Limits(memory_bytes=64 << 20, processes=20, cpus=0.5)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="not root: no control groups, no mounts")


def unified(tmp_path: Path, controllers: str = "cpuset cpu io memory pids") -> Path:
    (tmp_path / "cgroup.controllers").write_text(controllers)
    (tmp_path / "cgroup.subtree_control").write_text("")
    return tmp_path


def test_version_2_hands_its_controllers_down_and_sets_each_limit(tmp_path: Path) -> None:
    hierarchy = find_hierarchy("haven-x", unified(tmp_path))
    assert hierarchy is not None
    assert hierarchy.version == 2
    (tmp_path / "haven-x" / "7").mkdir()
    (tmp_path / "haven-x" / "7" / "memory.swap.max").touch()
    group = hierarchy.create("7", LIMITS)
    for folder in (tmp_path, tmp_path / "haven-x"):
        assert (folder / "cgroup.subtree_control").read_text() == "+memory +pids +cpu"
    written = {path.name: path.read_text() for path in group.directories[0].iterdir()}
    assert written == {"memory.max": str(64 << 20), "memory.swap.max": "0", "pids.max": "20", "cpu.max": "50000 100000"}
    assert group.doors == (tmp_path / "haven-x" / "7" / "cgroup.procs",)


def test_version_2_without_the_controllers_is_no_hierarchy(tmp_path: Path) -> None:
    assert find_hierarchy("haven-x", unified(tmp_path, "cpuset io")) is None


def test_a_machine_without_control_groups_gives_none(tmp_path: Path) -> None:
    assert find_hierarchy("haven-x", tmp_path) is None


@pytest.fixture
def group() -> Iterator[Group]:
    hierarchy = find_hierarchy("haven-test-of-groups") if os.geteuid() == 0 else None
    if hierarchy is None:
        pytest.skip("this machine gives no control groups with memory, process and CPU limits")
    made = hierarchy.create("one", LIMITS)
    yield made
    made.kill()
    made.remove()
    hierarchy.remove()


def start_in(group: Group, code: str) -> "subprocess.Popen[str]":
    enter = "".join(f"open({str(door)!r}, 'w').write('0'); " for door in group.doors)
    return subprocess.Popen([sys.executable, "-c", enter + code], stdout=subprocess.PIPE, text=True)


def test_no_process_outlives_its_group(group: Group) -> None:
    forking = "import os, time\nfor _ in range(8): os.fork() or time.sleep(60)\nprint('up', flush=True); time.sleep(60)"
    process = start_in(group, forking)
    assert process.stdout is not None
    process.stdout.readline()
    assert len(group.members()) > 1
    group.kill()
    assert group.members() == []
    process.wait()
    process.stdout.close()


def test_a_group_holds_no_more_processes_than_its_limit(group: Group) -> None:
    code = """
import os, time
made = 0
try:
    for _ in range(100):
        if os.fork() == 0: time.sleep(60)
        made += 1
except BlockingIOError: pass
print(made, flush=True)"""
    process = start_in(group, code)
    assert process.stdout is not None
    assert int(process.stdout.readline()) < 20
    group.kill()
    process.wait()
    process.stdout.close()


def test_a_removed_group_leaves_no_directory(group: Group) -> None:
    group.kill()
    group.remove()
    assert not any(directory.exists() for directory in group.directories)


def test_a_user_id_is_given_once_and_kept(tmp_path: Path) -> None:
    homes = Homes(tmp_path / "homes", first_uid=210_000, quota_mb=16, quotas=False)
    first, second = homes.uid("ada"), homes.uid("grace")
    assert (first, second) == (210_001, 210_002)
    again = Homes(tmp_path / "homes", first_uid=210_000, quota_mb=16, quotas=False)
    assert (again.uid("ada"), again.uid("grace"), again.uid("carol")) == (first, second, 210_003)
    assert json.loads((tmp_path / "homes" / "uids.json").read_text()) == {"ada": 210_001, "carol": 210_003, "grace": 210_002}


def test_without_root_a_home_is_a_private_directory(tmp_path: Path) -> None:
    homes = Homes(tmp_path / "homes", first_uid=210_000, quota_mb=16, quotas=False)
    assert homes.open("ada").stat().st_mode & 0o777 == 0o700
    homes.close("ada")


@needs_root
def test_a_home_has_a_quota_keeps_its_files_and_can_grow(tmp_path: Path) -> None:
    small = Homes(tmp_path, first_uid=210_000, quota_mb=16, quotas=True)
    home = small.open("ada")
    try:
        flags = os.statvfs(home).f_flag
        assert flags & os.ST_NOSUID
        assert flags & os.ST_NODEV
        assert home.stat().st_uid == small.uid("ada")
        (home / "kept").write_text("kept")
        with pytest.raises(OSError, match="No space left"):
            (home / "big").write_bytes(b"x" * (20 << 20))
    finally:
        small.close("ada")
    assert not os.path.ismount(home)
    large = Homes(tmp_path, first_uid=210_000, quota_mb=40, quotas=True)
    try:
        assert (large.open("ada") / "kept").read_text() == "kept"
        (home / "big").write_bytes(b"x" * (20 << 20))
    finally:
        large.close("ada")


@needs_root
def test_a_home_is_never_mounted_twice(tmp_path: Path) -> None:
    homes = Homes(tmp_path, first_uid=210_000, quota_mb=16, quotas=True)
    home = homes.open("ada")
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    subprocess.run(["mount", "--move", home, moved], check=False)
    try:
        if os.path.ismount(home):
            pytest.skip("mounts cannot be moved in this mount namespace")
        with pytest.raises(Fault, match="still in use"):
            homes.open("ada")
    finally:
        for mounted in (moved, home):
            if os.path.ismount(mounted):
                subprocess.run(["umount", mounted], check=True)
