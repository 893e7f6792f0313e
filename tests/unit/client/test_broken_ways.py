"""Whatever the network or the service does, a researcher sees Refused or Fault, in constant words."""

import http.server
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import haven
from haven.errors import Code

TOKEN = "t"  # noqa: S105 - a test's token


@pytest.fixture
def answering() -> Iterator[Callable[[int, str, bytes], str]]:
    """A web server that answers everything with the bytes it is given; gives its address."""
    servers: list[http.server.HTTPServer] = []

    def start(status: int, content_type: str, body: bytes) -> str:
        class Handler(http.server.BaseHTTPRequestHandler):
            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = _answer  # noqa: N815 - the library's names

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


ACTS: list[Callable[[haven.Haven], object]] = [
    lambda h: h.query("SELECT 1", epsilon=1),
    lambda h: h.preview("SELECT 1", epsilon=1),
    lambda h: h.datasets,
    lambda h: h.budget,
    lambda h: h.releases(),
    lambda h: h.request_release([__file__], title="t", context="c"),
]
NOT_THE_CONTRACT = [
    b"",
    b"<html>",
    b"{",
    b"[1]",
    b"null",
    b"7",
    b'{"datasets": 7}',
    b'[{"name": 1}]',
    b'{"cost": {}, "errors": []}',
    b"[" * 99_999,
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("body", NOT_THE_CONTRACT)
def test_an_answer_that_is_not_the_contracts_is_a_fault(
    answering: Callable[[int, str, bytes], str], act: Callable[[haven.Haven], object], body: bytes
) -> None:
    h = haven.connect(answering(200, "application/json", body), TOKEN, "p")
    with pytest.raises(haven.Fault) as fault:
        act(h)
    assert fault.value.__cause__ is None
    assert fault.value.__suppress_context__ or fault.value.__context__ is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [(500, haven.Fault), (502, haven.Fault), (404, haven.Fault), (302, haven.Fault), (401, haven.Refused), (403, haven.Refused)],
)
def test_another_servers_error_page_is_never_shown(
    answering: Callable[[int, str, bytes], str], status: int, kind: type[haven.Refused | haven.Fault]
) -> None:
    h = haven.connect(answering(status, "text/html", b"<h1>nginx says sneaky words</h1>"), TOKEN, "p")
    with pytest.raises(kind) as error:
        h.query("SELECT 1", epsilon=1)
    assert "sneaky" not in str(error.value)


def test_nobody_listening_is_a_fault_that_says_trying_again_is_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        h = haven.connect(f"http://127.0.0.1:{taken.getsockname()[1]}", TOKEN, "p")
        with pytest.raises(haven.Fault) as fault:
            h.query("SELECT 1", epsilon=1)
    assert fault.value.code is Code.FAULT_SERVICE
    assert "for free" in fault.value.suggestion


def test_a_connection_cut_in_the_middle_is_sent_once_more_under_the_same_key() -> None:
    seen: list[bytes] = []
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        def cut_twice() -> None:
            for _ in range(2):
                connection, _address = listener.accept()
                with connection:
                    request = b""
                    while not request.endswith(b"}"):
                        request += connection.recv(65536)
                    seen.append(request)

        thread = threading.Thread(target=cut_twice)
        thread.start()
        h = haven.connect(f"http://127.0.0.1:{listener.getsockname()[1]}", TOKEN, "p")
        with pytest.raises(haven.Fault):
            h.query("SELECT 1", epsilon=1)
        thread.join()
    first, second = (request.partition(b"idempotency_key")[2] for request in seen)
    assert first
    assert first == second


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "not a url", "http://", "http://[", "http://x y", "http://hôte", "file:///etc/passwd", "http://x:99999999"]
)
def test_a_wrong_address_is_refused(url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HAVEN_URL", raising=False)
    monkeypatch.setenv("HAVEN_SOCKET", str(tmp_path / "none"))
    with pytest.raises(haven.Refused):
        haven.connect(url, TOKEN)


@pytest.mark.parametrize("token", ["", None, "naïve", "two\nlines", "tab\t"])
def test_a_token_that_cannot_be_one_is_refused(token: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HAVEN_TOKEN", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(haven.Refused) as refused:
        haven.connect("http://127.0.0.1:1", token)
    assert refused.value.code is Code.AUTH_MISSING


@pytest.mark.parametrize("make", [lambda path: None, Path.touch, lambda path: path.mkdir()])  # noqa: ARG005 - nothing is made
def test_outside_a_kernel_connect_says_what_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], object]
) -> None:
    make(tmp_path / "gw.sock")
    monkeypatch.delenv("HAVEN_URL", raising=False)
    monkeypatch.setenv("HAVEN_SOCKET", str(tmp_path / "gw.sock"))
    with pytest.raises(haven.Refused) as refused:
        haven.connect(token=TOKEN)
    assert "haven.connect(url=" in refused.value.suggestion


def test_the_environments_proxy_is_never_shown_the_token(
    answering: Callable[[int, str, bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, answering(200, "application/json", b"[]"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        h = haven.connect(f"http://127.0.0.1:{taken.getsockname()[1]}", TOKEN, "p")
        with pytest.raises(haven.Fault):
            _ = h.datasets
    assert os.environ["HTTP_PROXY"]
