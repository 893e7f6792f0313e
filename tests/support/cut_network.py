"""The network between a mediator and its PostgreSQL server, which a test cuts after exactly so many messages.

Each direction carries the protocol's own messages, so a cut falls between two of them, and their count is the same in
every run.
"""

import contextlib
import enum
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER: a reset, not a farewell


class Cut(enum.Enum):
    """What both ends see: the connection ends, or nothing ever comes again."""

    ENDED = "ended"
    SILENT = "silent"


class Network:
    """Listens on a port of this machine and carries what comes to the server's socket and back."""

    def __init__(self, server: Path) -> None:
        """Carry to the Unix socket `server`."""
        self._server = server
        self._gate = threading.Lock()
        self._open: list[socket.socket] = []
        self._left: int | None = None
        self._how = Cut.ENDED
        self.carried = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._listen, name="test-network", daemon=True).start()

    def __enter__(self) -> Self:
        """The network."""
        return self

    def __exit__(self, *_: object) -> None:
        """Cut for good."""
        # a thread that waits in accept is woken by the end of the socket
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._end_all()

    def address(self, database: str) -> str:
        """The books in `database`, over this network."""
        host, port = self._listener.getsockname()
        return f"postgresql://postgres@{host}:{port}/{database}?sslmode=disable&gssencmode=disable"

    def cut_after(self, messages: int, how: Cut = Cut.ENDED) -> None:
        """Carry so many messages more, from either end, then cut what is connected."""
        with self._gate:
            self._left, self._how = messages, how

    def mend(self) -> None:
        """Carry everything again, and end what fell silent."""
        with self._gate:
            silent = self._left == 0 and self._how is Cut.SILENT
            self._left = None
        if silent:
            self._end_all()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(str(self._server))
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._gate:
                self._open += [client, server]
            for source, sink, first in ((client, server, _greeting), (server, client, _message)):
                threading.Thread(target=self._carry, args=(source, sink, first), name="test-network", daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, read: Callable[[socket.socket], bytes]) -> None:
        with contextlib.suppress(OSError):
            while message := read(source):
                if not self._may_pass():
                    break
                sink.sendall(message)
                read = _message
            else:
                sink.shutdown(socket.SHUT_WR)

    def _may_pass(self) -> bool:
        """Whether one more message is carried; the one that may not be takes every connection with it."""
        with self._gate:
            self.carried += 1
            if self._left is None:
                return True
            if self._left > 0:
                self._left -= 1
                return True
            ended = self._how is Cut.ENDED
        if ended:
            self._end_all()
        return False

    def _end_all(self) -> None:
        with self._gate:
            ended, self._open = self._open, []
        for each in ended:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
                each.shutdown(socket.SHUT_RDWR)
            each.close()


def _greeting(source: socket.socket) -> bytes:
    length = _exactly(source, 4)
    return length and length + _exactly(source, int.from_bytes(length, "big") - 4)


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, 5)
    return head and head + _exactly(source, int.from_bytes(head[1:], "big") - 4)


def _exactly(source: socket.socket, length: int) -> bytes:
    """So many bytes, or none where the other end left."""
    found = b""
    while len(found) < length:
        part = source.recv(length - len(found))
        if not part:
            return b""
        found += part
    return found
