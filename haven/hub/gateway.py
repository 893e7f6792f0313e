"""The one way out of every sandbox: a process of its own that serves each sandbox on a Unix socket only that sandbox can see.

Guaranteed: a request leaves a sandbox only along a route of `haven.hub.routes`; it is written anew, never passed through, so nothing can be
smuggled past in its framing; the mediator is told who asks by the socket the request came in on (X-Haven-User, X-Haven-Server), with a
secret that proves the gateway said so, and never by the sandbox's own words; each sandbox has its own limits on connections, requests and
bytes, so that none can starve another. A refusal is logged with the asker's name and a reason, never with what was sent.
"""

import argparse
import asyncio
import hmac
import json
import logging
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import BaseConnector, ClientError, ClientSession, ClientTimeout, UnixConnector, web
from yarl import URL

from haven.errors import SERVICE_FAULT, Code
from haven.hub.routes import Route, Upstream, find_route
from haven.hub.settings import HubSettings

LOG = logging.getLogger("haven.gateway")

USER_HEADER = "X-Haven-User"
SERVER_HEADER = "X-Haven-Server"
PROOF_HEADER = "X-Haven-Gateway"
_SENT_ON = ("Authorization", "Content-Type", "Accept")
_SENT_BACK = ("Content-Type", "Content-Disposition", "Retry-After", "X-JupyterHub-Version")
_CONNECTIONS = 64
_AT_ONCE = 16
_PER_SECOND = 40.0
_BURST = 160.0
_TIMEOUT = ClientTimeout(total=180, sock_connect=5)


@dataclass(slots=True)
class Allowance:
    """A token bucket: `_BURST` requests at once, `_PER_SECOND` on average. `clock` gives seconds."""

    clock: Callable[[], float] = time.monotonic
    tokens: float = _BURST
    seen: float = field(default=-1.0)

    def take(self) -> bool:
        """Whether one more request may pass now."""
        now = self.clock()
        self.tokens = min(_BURST, self.tokens + (max(0.0, now - self.seen) * _PER_SECOND if self.seen >= 0 else 0.0))
        self.seen = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass(slots=True)
class Door:
    """One sandbox's way out: who stands behind it, and what they have used."""

    user: str
    server: str
    upstreams: dict[Upstream, ClientSession]
    proof: str
    allowance: Allowance = field(default_factory=Allowance)
    busy: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Pass an allowed request on and its answer back; refuse every other."""
        route = find_route(request.method, request.raw_path, self.user)
        if route is None or "Upgrade" in request.headers:
            return self._refuse(403, Code.AUTH_FORBIDDEN, "A sandbox cannot reach this.", "no such route")
        if not self.allowance.take():
            return self._refuse(429, Code.REQUEST_TOO_MANY, "Too many requests; wait a second and ask again.", "too many requests")
        body = await _read(request, route.body_bytes)
        if body is None:
            return self._refuse(413, Code.REQUEST_TOO_LARGE, "The request is larger than this question can need.", "too large")
        async with self.busy:
            return await self._pass_on(request, route, body)

    async def _pass_on(self, request: web.BaseRequest, route: Route, body: bytes) -> web.StreamResponse:
        """Write the request anew for its upstream."""
        headers = {name: request.headers[name] for name in _SENT_ON if name in request.headers}
        if route.upstream is Upstream.SERVICE:
            headers |= {USER_HEADER: self.user, SERVER_HEADER: self.server, PROOF_HEADER: self.proof}
        upstream = self.upstreams[route.upstream]
        try:
            url = URL(f"http://haven{request.raw_path}", encoded=True)  # the bytes that the route allowed, and no others
            async with upstream.request(request.method, url, data=body or None, headers=headers, allow_redirects=False) as reply:
                answer = await reply.read()
                sent_back = {name: reply.headers[name] for name in _SENT_BACK if name in reply.headers}
                return web.Response(status=reply.status, body=answer, headers=sent_back)
        except (ClientError, TimeoutError, OSError):
            return self._refuse(503, Code.FAULT_SERVICE, SERVICE_FAULT, "upstream did not answer")

    def _refuse(self, status: int, code: Code, detail: str, reason: str) -> web.Response:
        """A problem+json answer, and a log line without anything the asker wrote."""
        LOG.warning("refused user=%s status=%d reason=%s", self.user, status, reason)
        problem = {"type": "about:blank", "status": status, "title": detail, "detail": detail, "code": code.value, "suggestion": ""}
        return web.Response(status=status, text=json.dumps(problem), content_type="application/problem+json")


async def _read(request: web.BaseRequest, limit: int) -> bytes | None:
    """The body, None once it is longer than `limit`."""
    if (request.content_length or 0) > limit:
        return None
    body = bytearray()
    async for chunk in request.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


class _TooManyConnections(asyncio.Protocol):
    """Closes a connection that would be one too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Gateway:
    """All doors of one hub. `listen` serves the control socket; doors open and close by its word."""

    def __init__(self, settings: HubSettings, proof: str) -> None:
        self._places = settings.places
        self._proof = proof
        self._doors: dict[int, tuple[asyncio.Server, web.Server]] = {}
        self._upstreams: dict[Upstream, ClientSession] = {}

    async def listen(self) -> web.AppRunner:
        """Start serving the control socket (0600)."""
        sockets = {Upstream.HUB: self._places.hub_socket, Upstream.SERVICE: self._places.service_socket}
        self._upstreams = {upstream: _session(UnixConnector(str(path), limit=128)) for upstream, path in sockets.items()}
        control = web.Application()
        control.add_routes([web.put(r"/doors/{uid:\d+}", self._open), web.delete(r"/doors/{uid:\d+}", self._close)])
        runner = web.AppRunner(control, access_log=None)
        await runner.setup()
        await web.UnixSite(runner, str(self._places.gateway_socket)).start()
        self._places.gateway_socket.chmod(0o600)
        return runner

    async def stop(self) -> None:
        """Close every door and let go of the upstreams."""
        for uid in list(self._doors):
            await self._shut(uid)
        for session in self._upstreams.values():
            await session.close()

    async def _open(self, request: web.Request) -> web.Response:
        """Make the socket of sandbox `uid` and serve it as the named user."""
        uid, who = int(request.match_info["uid"]), await request.json()
        await self._shut(uid)
        door = Door(who["user"], who["server"], self._upstreams, self._proof)
        server = web.Server(door.answer, access_log=None, keepalive_timeout=60)

        def accept() -> asyncio.BaseProtocol:
            return server() if len(server.connections) < _CONNECTIONS else _TooManyConnections()

        path = self._places.sandbox(uid) / "gateway" / "gw.sock"
        path.unlink(missing_ok=True)
        listener = await asyncio.get_running_loop().create_unix_server(accept, str(path))
        path.chmod(0o666)  # the directory is what keeps others out: only this sandbox is given it
        self._doors[uid] = (listener, server)
        return web.Response(status=204)

    async def _close(self, request: web.Request) -> web.Response:
        """Close the socket of sandbox `uid`."""
        await self._shut(int(request.match_info["uid"]))
        return web.Response(status=204)

    async def _shut(self, uid: int) -> None:
        """Close one door, if it is open, with every connection through it."""
        if uid in self._doors:
            listener, server = self._doors.pop(uid)
            listener.close()
            await server.shutdown(0)


def came_through_gateway(proof: str | None, secret: str) -> bool:
    """Whether a request's X-Haven-Gateway header proves that the gateway wrote it."""
    return proof is not None and hmac.compare_digest(proof.encode(), secret.encode())


def _session(connector: BaseConnector) -> ClientSession:
    """A client for one upstream that adds nothing of its own."""
    return ClientSession(connector=connector, timeout=_TIMEOUT, auto_decompress=False, skip_auto_headers=("User-Agent", "Accept-Encoding"))


async def serve(settings: HubSettings) -> None:
    """Run until SIGTERM."""
    gateway = Gateway(settings, settings.places.gateway_key.read_text())
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    runner = await gateway.listen()
    await stopped.wait()
    await runner.cleanup()
    await gateway.stop()


def main() -> None:
    """`python -m haven.hub.gateway --settings FILE`, started by the launcher."""
    parser = argparse.ArgumentParser(prog="haven.hub.gateway")
    parser.add_argument("--settings", type=Path, required=True)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    os.umask(0o077)
    asyncio.run(serve(HubSettings.load(parser.parse_args().settings)))


if __name__ == "__main__":
    main()
