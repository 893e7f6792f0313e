"""Researchers' homes: each a file system of its own in one file, so that a quota holds, and a host user id that is theirs for good.

Guaranteed: a user id, once given to a name, is never given to another, even when the hub's database is lost; a home never holds more than
its quota; it is never mounted twice; its files can gain no privilege on the host (nosuid, nodev). Homes are mounted in the hub's own mount
namespace, which ends with the hub, so that no mount can outlive it. Without root there are no mounts: homes are plain directories without
a quota, which the caller must say.
"""

import fcntl
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from haven.errors import Code, Fault

_PROGRAMS = "/usr/sbin:/usr/bin:/sbin:/bin"
_MEGABYTE = 1 << 20
_CHECK_FIXED = 1  # e2fsck: errors were corrected


@dataclass(frozen=True, slots=True)
class Homes:
    """All homes below `root`, each of `quota_mb`; `quotas` False where the hub is not root."""

    root: Path
    first_uid: int
    quota_mb: int
    quotas: bool

    def uid(self, name: str) -> int:
        """The host user id of the researcher called `name`: the next free one, kept from now on."""
        with self._register() as uids:
            if name not in uids:
                uids[name] = max(uids.values(), default=self.first_uid) + 1
            return uids[name]

    def open(self, name: str) -> Path:
        """The researcher's home, ready to be bound into a sandbox and theirs alone. Fault where it cannot be made ready."""
        uid = self.uid(name)
        directory = self.root / str(uid)
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.quotas:
            if not os.path.ismount(directory):
                self._mount(self.root / f"{uid}.ext4", directory)
            os.chown(directory, uid, uid)
        directory.chmod(0o700)
        return directory

    def close(self, name: str) -> None:
        """Unmount it. Its sandbox must be gone."""
        directory = self.root / str(self.uid(name))
        if self.quotas and os.path.ismount(directory):
            _run("umount", str(directory))

    @contextmanager
    def _register(self) -> Iterator[dict[str, int]]:
        """The register of user ids, locked, and written in one step."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (self.root / "uids.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            file = self.root / "uids.json"
            before: dict[str, int] = json.loads(file.read_text()) if file.exists() else {}
            after = dict(before)
            yield after
            if after != before:
                new = file.with_suffix(".new")
                with new.open("w") as handle:
                    json.dump(after, handle, indent=1, sort_keys=True)
                    handle.flush()
                    os.fsync(handle.fileno())
                new.replace(file)

    def _mount(self, image: Path, directory: Path) -> None:
        """Make the image if there is none, grow it if the quota has grown, mount it."""
        if _run("losetup", "--noheadings", "--associated", str(image)).strip():
            # two mounts of one image would destroy it
            raise Fault(Code.FAULT_SERVICE, "This researcher's home is still in use by a sandbox that has not ended.")
        wanted = self.quota_mb * _MEGABYTE
        if not image.exists():
            _make(image, wanted)
        elif image.stat().st_size < wanted:
            _grow(image, wanted)
        _run("mount", "-o", "loop,nosuid,nodev", str(image), str(directory))


def _make(image: Path, size: int) -> None:
    """A new file system, under its name only once it is whole."""
    new = image.with_suffix(".new")
    with new.open("wb") as file:
        os.fchmod(file.fileno(), 0o600)
        file.truncate(size)
    # -m 0: nothing reserved for root; lazy_itable_init=0 would only write zeroes that a sparse file already has
    _run("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "nodiscard,root_owner=0:0", str(new))
    new.replace(image)


def _grow(image: Path, size: int) -> None:
    """Give an existing home more room; files stay."""
    os.truncate(image, size)
    _run("e2fsck", "-f", "-p", str(image), accept=(0, _CHECK_FIXED))
    _run("resize2fs", str(image))


def _run(*command: str, accept: tuple[int, ...] = (0,)) -> str:
    """Run a system program by its usual place; its own words go to no reader."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={"PATH": _PROGRAMS, "LC_ALL": "C"})  # noqa: S603 - fixed programs, own paths
    if done.returncode not in accept:
        raise Fault(Code.FAULT_SERVICE, f"A researcher's home could not be made ready: {command[0]} refused.")
    return done.stdout
