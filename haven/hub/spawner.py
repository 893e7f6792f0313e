"""Starts one sandbox for each researcher's JupyterLab, and ends it without a trace.

Guaranteed: `start` returns only when the server inside answers, and raises SpawnException with a sentence for the researcher when it
cannot; after `stop`, or once `poll` has seen it end, no process, mount, control group or socket of the sandbox is left.
"""

import asyncio
import contextlib
import json
import shutil
import time
from collections.abc import AsyncIterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from aiohttp import ClientError
from jupyterhub.httpclient import fetch
from jupyterhub.spawner import Spawner, SpawnException
from jupyterhub.utils import url_path_join
from traitlets import Instance

from haven.errors import HavenError
from haven.hub import sandbox
from haven.hub.cgroups import Group, Hierarchy, Limits, find_hierarchy
from haven.hub.environment import PythonEnvironment, bwrap, kernel_environment, system_layout
from haven.hub.homes import Homes
from haven.hub.jupyter import configuration
from haven.hub.listening import private_socket
from haven.hub.process import RunningSandbox, launch
from haven.hub.settings import HubSettings, Places, socket_url

_MEGABYTE = 1 << 20
_POLL_SECONDS = 0.1
_ENTRY = Path(__file__).with_name("inside.py")  # runs in the kernels' environment and is never imported here
_STOPPED = 1  # the exit status of a sandbox that the house ended
_PASSED_ON = ("JUPYTERHUB_", "JPY_", "MEM_", "CPU_")
_FAILED = "The sandbox could not be started. Try again; if it happens again, tell your operator, who finds the reason in the hub's log."
_DIED = "The sandbox ended as it started. Try again; if it happens again, tell your operator, who finds its last words in the hub's log."


class BubblewrapSpawner(Spawner):
    """JupyterHub's hook; the walls themselves are `haven.hub.sandbox`."""

    settings = Instance(HubSettings).tag(config=True)

    running: RunningSandbox | None = None
    projects: frozenset[str] = frozenset()  # those that the person could ask for when the sandbox began

    # what JupyterHub calls

    async def start(self) -> str:
        """Build the walls, start the server in them, wait until it answers; its address."""
        try:
            await self._end()
            return await asyncio.wait_for(self._start(), self.start_timeout)
        except (HavenError, OSError, TimeoutError) as failure:
            await self._end()
            self.log.exception("sandbox of %s did not start", self.user.name)
            message = str(failure) if isinstance(failure, HavenError) else _FAILED
            raise SpawnException(message) from failure

    async def stop(self, now: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - JupyterHub's signature; a sandbox has no slow way to end
        """End everything in the sandbox and take it down."""
        await self._end()

    async def poll(self) -> int | None:
        """None while the sandbox lives, its exit status after; a dead one is taken down, and so is one that the books have stopped."""
        if self.running is None:
            return 0
        status = self.running.status
        if status is None and (why := self._why_to_end()) is not None:
            await self._end()
            self.log.warning("sandbox of %s ended: %s", self.user.name, why)
            await asyncio.to_thread(self.authenticator.accounts.sandbox_ended, self.user.name, why)
            return _STOPPED
        if status is not None:
            await self._end()
        return status

    def _why_to_end(self) -> str | None:
        """The books' reason to end this sandbox. Where they cannot be read it goes on: nothing is answered to it meanwhile."""
        if self.authenticator is None:
            return None
        try:
            why: str | None = self.authenticator.why_to_end(self.user.name, self.projects)
        except HavenError:
            self.log.warning("whether the sandbox of %s may go on cannot be asked now", self.user.name)
            return None
        return why

    async def progress(self) -> AsyncIterator[dict[str, Any]]:
        """What the waiting researcher reads: the walls and the limits they get."""
        yield {"progress": 20, "message": f"Building a {self.settings.walls}"}
        yield {"progress": 60, "message": self.limits}

    def get_env(self) -> dict[str, str]:
        """Only what the server needs to know; nothing of the hub's own environment."""
        env = {key: value for key, value in super().get_env().items() if key.startswith(_PASSED_ON)}
        api = socket_url(Path(sandbox.GATEWAY_SOCKET)) + "/hub/api"
        prefix = self.settings.kernel_venv
        env |= {
            "JUPYTERHUB_API_URL": api,
            "JUPYTERHUB_ACTIVITY_URL": url_path_join(api, "users", self.user.escaped_name, "activity"),
            # the server refuses a Unix socket beside any port but its default one
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:8888{self.server.base_url}",
            "PATH": f"{prefix}/bin:/usr/bin:/bin",
            "VIRTUAL_ENV": str(prefix),
            "HOME": sandbox.HOME,
            "USER": "user",
            "SHELL": "/bin/bash",
            "LANG": "C.UTF-8",
            "TMPDIR": "/tmp",  # noqa: S108 - the sandbox's own
            "JUPYTER_RUNTIME_DIR": "/tmp/jupyter-runtime",  # noqa: S108 - the same
            "PYTHONNOUSERSITE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HAVEN_SOCKET": sandbox.GATEWAY_SOCKET,
            "HAVEN_SANDBOX": self.settings.walls,
            "HAVEN_LIMITS": self.limits,
        }
        project = self.authenticator.project_of(self.user.name) if self.authenticator else None
        return env | ({"HAVEN_PROJECT": project} if project else {})

    # what it is made of

    @property
    def limits(self) -> str:
        """The researcher's limits in a phrase."""
        chosen = self.settings
        disk = f", {chosen.home_mb} MB of home" if chosen.mode is sandbox.Mode.ROOT else ""
        return (
            f"{chosen.memory_mb} MB of memory, {chosen.cpus:g} CPU, {chosen.processes} processes{disk}, {chosen.scratch_mb} MB of scratch"
        )

    @property
    def places(self) -> Places:
        """Where the hub keeps its run-time files."""
        return self.settings.places

    @property
    def homes(self) -> Homes:
        """Researchers' homes."""
        chosen = self.settings
        return Homes(self.places.state / "homes", chosen.first_uid, chosen.home_mb, quotas=chosen.mode is sandbox.Mode.ROOT)

    @property
    def host_uid(self) -> int:
        """This researcher's host user id; in a user namespace it only names directories."""
        return self.homes.uid(self.user.name)

    async def _start(self) -> str:
        """`start` without its boundary."""
        began = time.monotonic()
        if self.authenticator is not None:
            self.projects = self.authenticator.accounts.active_projects(self.user.name)
        environment = kernel_environment(self.settings.kernel_venv)
        run = self._make_run_directory()
        await self._ask_gateway("PUT")
        program = [str(environment.python), sandbox.ENTRY, "--ServerApp.sock=/run/handed-in", *self.get_args()]
        # the socket that the proxy connects to is made out here; only its descriptor goes in
        with private_socket(run / "server.sock") as listener:
            walls, group = self._walls(environment, run), self._make_group()
            self.running = await launch(walls, program, self.get_env(), listener, self._bounds, group)
        address = socket_url(run / "server.sock")
        # JupyterHub adds a port to what start() returns, unless the server already knows its address
        self.server.connect_url = address
        await self._wait_until_it_answers(url_path_join(address, self.server.base_url, "api"))
        self.log.info("sandbox of %s up in %.1f s: %s; %s", self.user.name, time.monotonic() - began, self.settings.walls, self.limits)
        return address

    def _make_run_directory(self) -> Path:
        """The sandbox's run-time files: root's own, except what its two bound directories show inside."""
        run = self.places.sandbox(self.host_uid)
        shutil.rmtree(run, ignore_errors=True)
        for folder in (run, run / "gateway", run / "etc", run / "etc" / "jupyter" / "labconfig"):
            folder.mkdir(parents=True)
        inner_uid = self.host_uid if self.settings.mode is sandbox.Mode.ROOT else sandbox.NAMESPACE_UID
        files = sandbox.etc_files(inner_uid)
        jupyter = configuration(self.settings.kernel_idle_seconds, self.settings.server_idle_seconds)
        files |= {f"jupyter/{name}": text for name, text in jupyter.items()}
        for name, text in files.items():
            (run / "etc" / name).write_text(text)
            (run / "etc" / name).chmod(0o644)
        for folder in (run / "gateway", run / "etc", run / "etc" / "jupyter", run / "etc" / "jupyter" / "labconfig"):
            folder.chmod(0o755)
        return run

    def _make_group(self) -> Group | None:
        """The control group, in ROOT mode; None, and a warning, where the machine gives none."""
        if self.settings.mode is not sandbox.Mode.ROOT or (hierarchy := self._hierarchy()) is None:
            self.log.warning("no control groups here: the limits of %s hold for each process, not for the sandbox", self.user.name)
            return None
        return hierarchy.create(str(self.host_uid), self._bounds)

    @property
    def _bounds(self) -> Limits:
        """What the sandbox may use."""
        return Limits(self.settings.memory_mb * _MEGABYTE, self.settings.processes, self.settings.cpus)

    def _hierarchy(self) -> Hierarchy | None:
        """Where this hub's control groups are."""
        return find_hierarchy(self.places.cgroup)

    def _walls(self, environment: PythonEnvironment, run: Path) -> sandbox.Sandbox:
        """What this sandbox is made of."""
        return sandbox.Sandbox(
            mode=self.settings.mode,
            bwrap=bwrap(),
            uid=self.host_uid,
            home=self.homes.open(self.user.name),
            gateway=run / "gateway",
            etc=run / "etc",
            entry=_ENTRY,
            layout=system_layout(),
            read_only=environment.prefixes,
            notebooks=self.settings.notebooks,
            scratch_bytes=self.settings.scratch_mb * _MEGABYTE,
            seccomp_fds=(),
        )

    async def _wait_until_it_answers(self, url: str) -> None:
        """Return once the server answers; SpawnException as soon as it has ended instead."""
        while True:
            if self.running is None or self.running.status is not None:
                await asyncio.sleep(_POLL_SECONDS)  # its last words are on their way
                words = self.running.last_words.decode(errors="replace") if self.running else ""
                self.log.error("sandbox of %s ended as it started; its last words:\n%s", self.user.name, words)
                raise SpawnException(_DIED)
            with contextlib.suppress(ClientError, TimeoutError, OSError):  # not up yet; one that never comes up meets start_timeout
                reply = await asyncio.wait_for(fetch(url, raise_for_status=False), 5)
                if reply.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return
            await asyncio.sleep(_POLL_SECONDS)

    async def _ask_gateway(self, method: str) -> None:
        """Have the gateway open (PUT) or close (DELETE) this sandbox's way out."""
        who = json.dumps({"user": self.user.name, "server": self.name})
        reply = await fetch(
            f"{socket_url(self.places.gateway_socket)}/doors/{self.host_uid}", method=method, data=who, raise_for_status=False
        )
        if reply.status != HTTPStatus.NO_CONTENT:
            raise OSError("the gateway did not do as it was asked")

    async def _end(self) -> None:
        """Take everything of this sandbox down. Safe to call at any time, in any state."""
        running, self.running = self.running, None
        if running is not None:
            await running.end()
        run = self.places.sandbox(self.host_uid)
        if run.exists():
            with contextlib.suppress(ClientError, OSError):  # the gateway may have ended before us, and its doors with it
                await self._ask_gateway("DELETE")
            shutil.rmtree(run, ignore_errors=True)
        self.homes.close(self.user.name)
