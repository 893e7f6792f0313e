"""The child process that looks at rows: one read-only DuckDB, one question at a time, nothing else within reach.

Run by path in an isolated interpreter (`python -I worker.py`), so that it imports nothing of haven and inherits neither secret nor file.
File descriptor 0 is a socket to the parent; 1 and 2 are /dev/null. A request is a length and SQL text (generated from a plan); a reply is
one status byte, a length, and an Arrow IPC stream. An error's reply is its status alone: no text of the database leaves this process.
"""

import ctypes
import json
import math
import os
import resource
import signal
import socket
import struct
import sys
from typing import Any

import duckdb
import pyarrow as pa

REQUEST = struct.Struct("<Q")
REPLY = struct.Struct("<BQ")
ANSWERED, FAILED = 0, 1
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
ADDRESS_SPACE_BESIDES_BUFFERS = 4 * 2**30
OPEN_FILES = 128
CPU_GRACE = 5


def confine(settings: dict[str, Any]) -> None:
    """Die with the parent, never dump memory, gain no privilege, and stay within the limits of files, sizes and address space."""
    libc = ctypes.CDLL(None, use_errno=True)
    for option, value in ((PR_SET_PDEATHSIG, signal.SIGKILL), (PR_SET_DUMPABLE, 0), (PR_SET_NO_NEW_PRIVS, 1)):
        if libc.prctl(option, value, 0, 0, 0) != 0:
            os._exit(1)
    if os.getppid() != settings["parent"]:  # it died before the signal was set
        os._exit(1)
    for kind, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, OPEN_FILES),
        (resource.RLIMIT_FSIZE, settings["spill"]),
        (resource.RLIMIT_AS, 2 * settings["memory"] + ADDRESS_SPACE_BESIDES_BUFFERS),
    ):
        resource.setrlimit(kind, (most, most))


def open_database(settings: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """The snapshot, read-only: no other file but what is spilled, no network, no extension, no Python object, no later change of mind."""
    connection = duckdb.connect(
        settings["database"],
        read_only=True,
        config={
            "enable_external_access": "false",
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
            "allow_persistent_secrets": "false",
            "python_enable_replacements": "false",
            "enable_external_file_cache": "false",
            "temp_directory": settings["spill_directory"],
            "max_temp_directory_size": f"{settings['spill']}B",
            "memory_limit": f"{settings['memory']}B",
            "threads": str(settings["threads"]),
        },
    )
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET lock_configuration = true")
    return connection


def answer(connection: duckdb.DuckDBPyConnection, sql: str) -> bytes:
    """The result of `sql`, one SELECT, as an Arrow IPC stream."""
    (statement,) = connection.extract_statements(sql)
    if statement.type != duckdb.StatementType.SELECT:
        raise ValueError("a question is one SELECT")
    table = connection.sql(statement).to_arrow_table()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue().to_pybytes()


def allow_cpu(seconds: float) -> None:
    """Let this process use `seconds` more of CPU time before the kernel kills it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = math.ceil(usage.ru_utime + usage.ru_stime + seconds) + CPU_GRACE
    resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.RLIM_INFINITY))


def receive(line: socket.socket, size: int) -> bytes:
    """Exactly `size` bytes; ends this process when the parent has hung up."""
    parts = []
    while size:
        part = line.recv(min(size, 2**20))
        if not part:
            raise SystemExit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def serve(line: socket.socket, connection: duckdb.DuckDBPyConnection, cpu_seconds: float) -> None:
    """Answer questions until the parent hangs up."""
    while True:
        (size,) = REQUEST.unpack(receive(line, REQUEST.size))
        sql = receive(line, size).decode()
        allow_cpu(cpu_seconds)
        try:
            status, body = ANSWERED, answer(connection, sql)
        except (duckdb.Error, pa.ArrowException, MemoryError, RuntimeError, ValueError):
            # the boundary: whatever went wrong depends on rows, so nothing but the fact is told
            status, body = FAILED, b""
        line.sendall(REPLY.pack(status, len(body)) + body)


def main() -> None:
    """Confine this process, open the database, serve."""
    settings = json.loads(sys.argv[1])
    confine(settings)
    line = socket.socket(fileno=0)
    serve(line, open_database(settings), settings["deadline"] * settings["threads"])


if __name__ == "__main__":
    main()
