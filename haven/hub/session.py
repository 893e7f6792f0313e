"""A person at the hub, without a browser: log in, start the sandbox, run cells in a real kernel through the proxy, stop.

`haven demo` and the tests walk the researcher's way with it, so both go through the same doors as a browser.
"""

import contextlib
import json
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx
import websocket

from haven.errors import Code, Fault, Refused

_STEP = 0.1


@dataclass(frozen=True, slots=True)
class CellResult:
    """What a cell gave: `ok`, its printed text, its rich outputs as MIME bundles, and the error's name and value."""

    ok: bool
    text: str
    displays: tuple[dict[str, Any], ...] = ()
    error: tuple[str, str] | None = None


@dataclass(slots=True)
class HubSession:
    """One person's session with the hub at `address` (scheme, host and port)."""

    address: str
    name: str
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60, follow_redirects=True), init=False)
    _channels: websocket.WebSocket | None = field(default=None, init=False)
    _session: str = field(default_factory=lambda: uuid.uuid4().hex, init=False)
    kernel: str = field(default="", init=False)

    def __enter__(self) -> Self:
        """The session itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Close it."""
        self.close()

    def log_in(self, password: str) -> None:
        """Log in through the hub's form. Refused AUTH_INVALID for a wrong name or password."""
        self._ask("GET", "/hub/login")
        form = {"username": self.name, "password": password}
        reply = self._ask("POST", "/hub/login", params={"_xsrf": self._xsrf("/hub/")}, data=form, follow_redirects=False)
        if reply.status_code != HTTPStatus.FOUND:
            raise Refused(Code.AUTH_INVALID, "The hub did not accept this name and password.")

    def start_sandbox(self, timeout: float = 90) -> float:
        """Start the sandbox and wait until it answers; seconds it took. Refused AUTH_FORBIDDEN where they may not, Fault if it fails."""
        began = time.monotonic()
        reply = self._hub("POST", "/server")
        if reply.status_code == HTTPStatus.FORBIDDEN:
            raise Refused(Code.AUTH_FORBIDDEN, "The hub does not give this person a sandbox.")
        while time.monotonic() < began + timeout:
            servers = self._hub("GET", "").json().get("servers", {})
            if servers.get("", {}).get("ready"):
                self._ask("GET", f"/user/{quote(self.name)}/lab").raise_for_status()  # the browser's log-in to the server itself
                return time.monotonic() - began
            if not servers:
                break
            time.sleep(_STEP)
        raise Fault(Code.FAULT_SERVICE, "The sandbox did not start; the hub's log has the reason.")

    def stop_sandbox(self, timeout: float = 30) -> float:
        """Stop it and wait until it is gone; seconds it took."""
        began = time.monotonic()
        self._disconnect()
        self._hub("DELETE", "/server")
        while time.monotonic() < began + timeout:
            if not self._hub("GET", "").json().get("servers"):
                return time.monotonic() - began
            time.sleep(_STEP)
        raise Fault(Code.FAULT_SERVICE, "The sandbox did not stop in time.")

    def start_kernel(self) -> None:
        """Start a Python kernel and connect to it."""
        base = f"/user/{quote(self.name)}/"
        headers = {"X-XSRFToken": self._xsrf(base), "Referer": self.address + base}
        reply = self._ask("POST", f"{base}api/kernels", headers=headers, json={"name": "python3"})
        reply.raise_for_status()
        self.kernel = reply.json()["id"]
        url = f"{self.address.replace('http', 'ws', 1)}{base}api/kernels/{self.kernel}/channels?session_id={self._session}"
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.client.cookies.jar if base.startswith(cookie.path))
        self._channels = websocket.create_connection(url, header=[f"Cookie: {cookies}"], origin=self.address, timeout=120)

    def run(self, code: str, timeout: float = 120) -> CellResult:
        """Run one cell and wait for all it gives."""
        printed: list[str] = []
        displays: list[dict[str, Any]] = []
        error: tuple[str, str] | None = None
        for kind, content in self._messages(code, timeout):
            if kind == "stream":
                printed.append(content["text"])
            elif kind in {"execute_result", "display_data"}:
                displays.append(content["data"])
            elif kind == "error":
                error = (content["ename"], content["evalue"])
        return CellResult(ok=error is None, text="".join(printed), displays=tuple(displays), error=error)

    def run_notebook(self, path: Path, timeout: float = 300) -> list[CellResult]:
        """Run a notebook's code cells in order up to the first that fails (unless tagged raises-exception); what each gave."""
        results = []
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "code":
                results.append(self.run("".join(cell["source"]), timeout))
                if not results[-1].ok and "raises-exception" not in cell.get("metadata", {}).get("tags", []):
                    break
        return results

    def close(self) -> None:
        """Let go of the kernel's channel and of the hub. The sandbox keeps running."""
        self._disconnect()
        self.client.close()

    def _disconnect(self) -> None:
        """Close the kernel's channel, if it is open."""
        channels, self._channels = self._channels, None
        if channels is not None:
            with contextlib.suppress(OSError, websocket.WebSocketException):
                channels.close()

    def _messages(self, code: str, timeout: float) -> Iterator[tuple[str, dict[str, Any]]]:
        """What the kernel says about one cell, until it is idle and has replied."""
        if self._channels is None:
            raise Fault(Code.FAULT_SERVICE, "Start a kernel first.")
        message, header = (
            uuid.uuid4().hex,
            {"username": self.name, "session": self._session, "msg_type": "execute_request", "version": "5.3"},
        )
        request = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": True,
        }
        envelope = {"header": header | {"msg_id": message, "date": ""}, "parent_header": {}, "metadata": {}, "content": request}
        self._channels.settimeout(timeout)
        self._channels.send(json.dumps(envelope | {"channel": "shell", "buffers": []}))
        waiting = {"reply", "idle"}
        while waiting:
            received = json.loads(self._channels.recv())
            if received.get("parent_header", {}).get("msg_id") != message:
                continue
            kind, content = received["msg_type"], received["content"]
            if kind == "execute_reply":
                waiting.discard("reply")
            elif kind == "status" and content["execution_state"] == "idle":
                waiting.discard("idle")
            yield kind, content

    def _hub(self, method: str, path: str) -> httpx.Response:
        """Ask the hub's API about this person."""
        headers = {"X-XSRFToken": self._xsrf("/hub/"), "Referer": f"{self.address}/hub/home"}
        return self._ask(method, f"/hub/api/users/{quote(self.name)}{path}", headers=headers)

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own options
        """One request to the hub's address."""
        return self.client.request(method, f"{self.address}{path}", **options)

    def _xsrf(self, path: str) -> str:
        """The token that the hub and each server ask to see again."""
        return next((cookie.value or "" for cookie in self.client.cookies.jar if cookie.name == "_xsrf" and cookie.path == path), "")
