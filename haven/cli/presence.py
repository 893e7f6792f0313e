"""Whether somebody has a home open: every command that opens its books holds a shared lock, and a restore asks for it alone."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from haven.errors import Code, Refused

LOCK = "open.lock"


@contextlib.contextmanager
def present(run: Path) -> Iterator[None]:
    """While inside, nobody restores the home whose `run` directory this is. Refused while somebody does."""
    with _locked(run, fcntl.LOCK_SH, "This home is being restored just now."):
        yield


@contextlib.contextmanager
def alone(run: Path) -> Iterator[None]:
    """While inside, nobody has the home open. Refused where somebody has."""
    with _locked(run, fcntl.LOCK_EX, "Somebody has this home open: its service, or another command."):
        yield


@contextlib.contextmanager
def _locked(run: Path, kind: int, busy: str) -> Iterator[None]:
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(run / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Refused(Code.REQUEST_CONFLICT, busy, "Stop it, and try again.") from None
        yield
    finally:
        os.close(descriptor)
