"""A content-addressed store: bytes are named by their SHA-256, so a name can never come to mean something else."""

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from haven.errors import Code, Fault

DIGEST = re.compile(r"^[0-9a-f]{64}$")


def sha256(content: bytes) -> str:
    """The SHA-256 of `content`, in 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """Objects under `root/ab/cdef…`, mode 0600, written whole or not at all."""

    root: Path

    def put(self, content: bytes) -> str:
        """Store `content` durably; its digest. Storing the same bytes twice keeps one copy."""
        digest = sha256(content)
        path = self._path(digest)
        if path.exists() and sha256(path.read_bytes()) == digest:
            return digest
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(path, content)
        return digest

    def get(self, digest: str) -> bytes:
        """The bytes named `digest`. Raises Fault where they are missing or no longer hash to their name."""
        try:
            content = self._path(digest).read_bytes()
        except OSError:
            content = None
        if content is None or sha256(content) != digest:
            raise Fault(Code.FAULT_SERVICE, "A stored part of this release is missing or was changed on disk; it cannot leave.")
        return content

    def _path(self, digest: str) -> Path:
        if not DIGEST.match(digest):
            msg = "an object's name is 64 hexadecimal digits"
            raise ValueError(msg)
        return self.root / digest[:2] / digest[2:]


def write_durably(path: Path, content: bytes) -> None:
    """Write `content` to `path` (mode 0600) so that after a crash the file is there whole, or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
