"""`haven witness`: keep other havens' checkpoints, on a machine that is not theirs."""

import contextlib
import http.server
import threading
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import typer

from haven.cli.console import say, spoken_errors
from haven.cli.house import now
from haven.cli.verify import public_key
from haven.errors import Code, Refused
from haven.ledger import notes
from haven.ledger.notes import NoteError, Signer
from haven.ledger.witness import ConflictError, InconsistentError, StrangerError, WitnessError, WitnessFile
from haven.ledger.witness_address import SIZE_TYPE, AddCheckpoint
from haven.release.signing import open_or_make_key

app = typer.Typer(help="Keep the checkpoints of a haven's books where it cannot rewrite them.", no_args_is_help=True)
LARGEST_REQUEST = 64 * 1024


@app.callback()
def _witness() -> None:
    """Keep `serve` a command of its own."""


@app.command()
def serve(
    file: Annotated[Path, typer.Argument(help="Where the checkpoints are kept; made where there is none.", dir_okay=False)],
    key: Annotated[str, typer.Option(help="The haven's public key (its release.pub): 64 hexadecimal digits, or a file that holds them.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8780,
    name: Annotated[str, typer.Option(help="The witness's own name, as its signatures carry it.")] = "witness",
) -> None:
    """Speak C2SP tlog-witness for one haven. The witness's own key is kept beside FILE."""
    with spoken_errors():
        witness = WitnessFile(file, public_key(key))
        witness.begin()
        signer = open_or_make_key(file.with_name(f"{file.name}.keys"))
        try:
            server = listening(host, port, CosigningWitness(witness, name, signer, now))
        except OSError:
            raise Refused(Code.REQUEST_CONFLICT, f"Port {port} of {host} is not free.", "Choose another with --port.") from None
        # from the first word on Ctrl-C is the way to end it
        with server, contextlib.suppress(KeyboardInterrupt):
            say(f"The witness is at http://{host}:{server.server_address[1]}/ (Ctrl-C stops it)")
            say(f"Its key, for the haven's settings (witness_key): {notes.vkey(name, signer.public)}")
            server.serve_forever()


class CosigningWitness:
    """Answers requests to add a checkpoint, one at a time: held durably in the file before it is cosigned."""

    def __init__(self, file: WitnessFile, name: str, signer: Signer, clock: Callable[[], datetime]) -> None:
        """Keep checkpoints in `file` and cosign them as `name`."""
        self.file, self.name, self.signer, self.clock = file, name, signer, clock
        self._one_at_a_time = threading.Lock()

    def answer(self, body: bytes) -> tuple[HTTPStatus, str, str]:
        """The status, media type and body of the reply."""
        try:
            request = AddCheckpoint.read(body)
            text = notes.text_of(request.note)
            with self._one_at_a_time:
                self.file.add(request.note, request.old, request.proof)
        except NoteError:
            return HTTPStatus.BAD_REQUEST, "text/plain", "This is no request to add a checkpoint.\n"
        except ConflictError as conflict:
            return HTTPStatus.CONFLICT, SIZE_TYPE, f"{conflict.size}\n"
        except InconsistentError:
            return HTTPStatus.UNPROCESSABLE_ENTITY, "text/plain", "The proof does not hold.\n"
        except StrangerError:
            return HTTPStatus.FORBIDDEN, "text/plain", "It is not signed by a key that this witness knows.\n"
        except WitnessError:
            return HTTPStatus.SERVICE_UNAVAILABLE, "text/plain", "The witness cannot write just now.\n"
        return HTTPStatus.OK, "text/plain; charset=utf-8", notes.cosign(text, self.name, self.signer, self.clock())


def listening(host: str, port: int, witness: CosigningWitness) -> http.server.ThreadingHTTPServer:
    """A server that answers for `witness`, bound to its port. OSError where that is taken."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if self.path.rsplit("/", 1)[-1] != "add-checkpoint":
                self._say(HTTPStatus.NOT_FOUND, "text/plain", "There is nothing at this address.\n")
            elif not length.isdecimal() or int(length) > LARGEST_REQUEST:
                self.close_connection = True
                self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "text/plain", "A request has a length, of at most 64 KiB.\n")
            else:
                self._say(*witness.answer(self.rfile.read(int(length))))

        def _say(self, status: HTTPStatus, kind: str, text: str) -> None:
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:  # noqa: ANN401 - the standard library's arguments
            """Nothing: the file is the record."""

    return http.server.ThreadingHTTPServer((host, port), Handler)
