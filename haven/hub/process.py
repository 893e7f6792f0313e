"""The processes of one running sandbox: started under their limits, listened to, and ended all at once.

Guaranteed: nothing runs before it is in its control group, under both system call filters and without core dumps; after `end` no process of
the sandbox is left. What a sandbox prints is kept in memory only, the last of it, for the operator's log when it dies at its start.
"""

import asyncio
import contextlib
import os
import resource
import socket
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from haven.hub.cgroups import Group, Limits
from haven.hub.sandbox import Sandbox, command
from haven.hub.seccomp import filters

LISTEN_VARIABLE = "HAVEN_LISTEN_FD"
_KEPT_BYTES = 8192
_LOCKED_BYTES = 8 << 20
_OPEN_FILES = 4096
_BREATH_SECONDS = 0.01


@dataclass(slots=True)
class RunningSandbox:
    """A sandbox that was started. `last_words` is the end of what it has printed."""

    process: Process
    group: Group | None
    last_words: bytes = b""
    _listening: asyncio.Task[None] | None = field(default=None, init=False)

    @property
    def status(self) -> int | None:
        """None while it lives, its exit status after."""
        return self.process.returncode

    async def end(self) -> None:
        """Kill everything in it and wait until it is gone. Safe to call twice."""
        if self.status is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()  # the sandbox's first process dies with bwrap, and with it the whole process namespace
        if self.group is not None:
            await asyncio.to_thread(self.group.kill)
            await asyncio.to_thread(self.group.remove)
        await self.process.wait()
        if self._listening is not None:
            self._listening.cancel()

    def listen(self) -> None:
        """Begin to keep its last words."""
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        """Read slowly, so that a sandbox that shouts slows itself down and not the hub."""
        assert self.process.stdout is not None  # noqa: S101 - it was started with a pipe
        while chunk := await self.process.stdout.read(_KEPT_BYTES):
            self.last_words = (self.last_words + chunk)[-_KEPT_BYTES:]
            await asyncio.sleep(_BREATH_SECONDS)


async def launch(
    walls: Sandbox, program: Sequence[str], environment: Mapping[str, str], listener: socket.socket, limits: Limits, group: Group | None
) -> RunningSandbox:
    """Run `program` inside `walls` with the listening socket handed in. Without a group, `limits` hold for each process alone.

    Raises Fault where the filters cannot be built, OSError where bwrap cannot be started.
    """
    fds = [_in_memory(rules) for rules in filters()]
    try:
        process = await asyncio.create_subprocess_exec(
            *command(replace(walls, seccomp_fds=tuple(fds)), program),
            env={**environment, LISTEN_VARIABLE: str(listener.fileno())},
            pass_fds=(listener.fileno(), *fds),
            preexec_fn=_enter(group, limits),
            start_new_session=True,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            cwd="/",
        )
    except OSError:
        if group is not None:
            group.remove()
        raise
    finally:
        for fd in fds:
            os.close(fd)
    running = RunningSandbox(process, group)
    running.listen()
    return running


def _enter(group: Group | None, limits: Limits) -> Callable[[], None]:
    """What the new process does before it becomes bubblewrap: enter the group, take its limits, be the first to go when memory is short."""
    doors = [str(door) for door in group.doors] if group else []
    taken = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, _OPEN_FILES), (resource.RLIMIT_MEMLOCK, _LOCKED_BYTES)]
    if group is None:
        taken += [(resource.RLIMIT_DATA, limits.memory_bytes), (resource.RLIMIT_NPROC, limits.processes)]

    def enter() -> None:
        for door in doors:
            with open(door, "w") as file:  # noqa: PTH123 - between fork and exec, as little as possible
                file.write("0")
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123 - the same
            file.write("500")
        for which, value in taken:
            resource.setrlimit(which, (value, value))
        os.umask(0o077)

    return enter


def _in_memory(content: bytes) -> int:
    """A descriptor that reads `content`."""
    descriptor = os.memfd_create("filter", 0)
    os.write(descriptor, content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor
