"""Directories that belong to a living process: a lock says who lives, so that what a killed process left can be swept and nothing else."""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

LOCK = ".lock"
PRIVATE = 0o700


@contextlib.contextmanager
def locked_directory(parent: Path, prefix: str) -> Iterator[Path]:
    """A new private directory `parent/prefix…` that a sweep leaves alone until this context, or the process, ends; then it is removed.

    It may be renamed away meanwhile. Sweeps first, so what a killed process left under the same prefix is gone before anything is made.
    """
    parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE)
    sweep(parent, prefix)
    path = parent / f"{prefix}{secrets.token_hex(8)}"
    with _locked(parent / LOCK):
        path.mkdir(mode=PRIVATE)
        lock = _lock(path / LOCK)
    try:
        yield path
    finally:
        os.close(lock)
        shutil.rmtree(path, ignore_errors=True)


def sweep(parent: Path, prefix: str) -> None:
    """Remove every directory `parent/prefix…` whose process has ended."""
    with _locked(parent / LOCK):
        for path in parent.glob(f"{prefix}*"):
            if _is_abandoned(path):
                shutil.rmtree(path, ignore_errors=True)


def _is_abandoned(path: Path) -> bool:
    try:
        os.close(_lock(path / LOCK, wait=False))
    except FileNotFoundError:  # renamed away or removed a moment ago
        return False
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    lock = _lock(path)
    try:
        yield
    finally:
        os.close(lock)


def _lock(path: Path, *, wait: bool = True) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor
