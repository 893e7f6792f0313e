"""Unix sockets of the house: made private before anyone can connect."""

import os
import socket
from pathlib import Path

_BACKLOG = 128


def private_socket(path: Path) -> socket.socket:
    """A listening Unix socket at `path` that only this user may connect to (0600), in place of any stale one.

    A service hands it to its server (`uvicorn.Server(config).run(sockets=[private_socket(path)])`); given a path, uvicorn would open
    the socket to everyone.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(_BACKLOG)
    return listener
