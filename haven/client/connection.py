"""The way to the service: HTTP over the sandbox's Unix socket, or over a URL. Whatever goes wrong ends as Refused or Fault."""

import json
import os
import ssl
import stat
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from haven.errors import SERVICE_FAULT, Code, Fault, HavenError, Refused
from haven.wire.problems import problem_from_json

ANSWER_TYPES = "application/vnd.apache.arrow.stream"
SOCKET = "/run/haven/gw.sock"
CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 900.0
FIRST_ERROR = 400

UNREACHABLE = "haven could not be reached, so it is not known whether this arrived."
TRY_AGAIN = "Try again: a question that was answered already is answered from the record, for free."
UNREADABLE = "haven's answer could not be read."


class Connection:
    """Speaks to one service with one token. Raises Refused for what the asker can mend, Fault for everything else; nothing more."""

    def __init__(self, base: str, token: str, *, socket: str | None = None) -> None:
        # without TLS no certificate is ever asked for: an empty trust store, which is quicker to make than the full one
        trust: bool | ssl.SSLContext = True if base.startswith("https:") else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        transport = httpx.HTTPTransport(uds=socket, retries=1, verify=trust)
        self.words = base if socket is None else f"the sandbox's socket {socket}"
        self._client = httpx.Client(
            base_url=base,
            headers={"Authorization": f"Bearer {token}"},
            transport=transport,
            trust_env=False,  # the environment's proxies are for other traffic: a token is shown to haven alone
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
        )
        weakref.finalize(self, self._client.close)

    def get(self, path: str, **parameters: str) -> Any:  # noqa: ANN401 - whatever JSON the service sent
        """The JSON at `path`."""
        return _json(self._send("GET", path, params=parameters))

    def delete(self, path: str) -> Any:  # noqa: ANN401 - the same
        """The JSON that comes back when `path` is deleted."""
        return _json(self._send("DELETE", path))

    def post(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the same
        """The JSON that comes back for `body`."""
        return _json(self._send("POST", path, json=body))

    def ask(self, path: str, body: Mapping[str, Any]) -> bytes:
        """The Arrow stream that comes back for `body`. Sent once more where the way broke: its idempotency key makes it one question."""
        return self._send("POST", path, json=body, accept=ANSWER_TYPES, attempts=2).content

    def download(self, path: str) -> bytes:
        """The bytes at `path`."""
        return self._send("GET", path, accept="*/*").content

    def _send(self, method: str, path: str, *, accept: str = "application/json", attempts: int = 1, **content: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        responses = (self._exchange(method, path, accept, content) for _ in range(attempts))
        response = next((one for one in responses if one is not None), None)
        if response is None:
            raise Fault(Code.FAULT_SERVICE, UNREACHABLE, TRY_AGAIN)
        if response.status_code >= FIRST_ERROR:
            raise _error_of(response)
        if response.status_code >= httpx.codes.MULTIPLE_CHOICES:
            raise Fault(Code.FAULT_SERVICE, UNREADABLE, "Check the address: a haven never redirects its interface.")
        return response

    def _exchange(self, method: str, path: str, accept: str, content: Mapping[str, Any]) -> httpx.Response | None:
        """The response, or None where the way broke."""
        try:
            return self._client.request(method, path, headers={"Accept": accept}, **content)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError):
            return None
        except (ValueError, TypeError):
            raise Refused(
                Code.REQUEST_INVALID, "This request cannot be written as JSON.", "Use plain text, finite numbers, lists and dicts."
            ) from None


def unreadable() -> Fault:
    """The one fault for an answer that is not what the contract says."""
    return Fault(Code.FAULT_SERVICE, UNREADABLE, "Is client and service the same version? Tell your operator if it happens again.")


def _json(response: httpx.Response) -> Any:  # noqa: ANN401 - whatever JSON the service sent
    try:
        return response.json()
    except (ValueError, RecursionError):
        raise unreadable() from None


def _error_of(response: httpx.Response) -> HavenError:
    """The error that a problem states; the constant fault for a page that is none (a proxy's, say)."""
    try:
        problem = problem_from_json(json.loads(response.content))
    except (ValueError, RecursionError):
        problem = None
    if problem is not None:
        return problem.to_error()
    if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        return Refused(Code.AUTH_INVALID, "This token is not accepted here.", "Ask your custodian for a new one, or restart the server.")
    return Fault(Code.FAULT_SERVICE, SERVICE_FAULT)


def open_connection(url: str | None, token: str | None) -> Connection:
    """A connection to `url`, or, where none is given, to HAVEN_URL or the sandbox's socket. Nothing is sent yet."""
    url = url or os.environ.get("HAVEN_URL")
    token = token or os.environ.get("HAVEN_TOKEN") or os.environ.get("JUPYTERHUB_API_TOKEN")
    socket = None if url else os.environ.get("HAVEN_SOCKET", SOCKET)
    if socket is not None and not _is_socket(socket):
        raise Refused(
            Code.REQUEST_INVALID,
            "There is no haven at hand: this is not one of its notebooks.",
            'Write haven.connect(url="https://…", token="…", project="…").',
        )
    if not token or not token.isascii() or not token.isprintable():
        raise Refused(Code.AUTH_MISSING, "haven needs a token.", 'Pass token="…"; `haven user token NAME` makes one.')
    return Connection(_base(url), token, socket=socket)


def _base(url: str | None) -> str:
    if url is None:
        return "http://haven"
    try:
        parts = urlsplit(url)
        plain = url.isascii() and url.isprintable() and " " not in url
        well_formed = plain and parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        well_formed = False
    if not well_formed:
        raise Refused(Code.REQUEST_INVALID, "This is not the address of a haven.", "Write it as https://haven.example.org.")
    return url.rstrip("/")


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(Path(path).stat().st_mode)
    except (OSError, ValueError):
        return False
