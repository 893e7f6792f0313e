"""A witness at an address: the client's half of C2SP tlog-witness, and the messages that both halves exchange.

One call, `POST ADDRESS/add-checkpoint`: the size that the witness is supposed to hold, a consistency proof from there, and the checkpoint.
It answers 200 with its cosignature, or 409 with the size that it does hold.
"""

import base64
import binascii
import http
from collections.abc import Sequence
from dataclasses import dataclass

from haven.ledger import checkpoints, notes
from haven.ledger.notes import NoteError, Verifier
from haven.ledger.witness import ConflictError, InconsistentError, LostError, StrangerError, UnreachableError, WitnessError

SIZE_TYPE = "text/x.tlog.size"
MOST_HASHES = 63
TIMEOUT_S = 10.0
LONGEST_REPLY = 16 * 1024


@dataclass(frozen=True, slots=True)
class AddCheckpoint:
    """The body of the one request."""

    old: int
    proof: tuple[bytes, ...]
    note: str

    @property
    def body(self) -> bytes:
        """The request's bytes."""
        hashes = "".join(f"{base64.b64encode(one).decode('ascii')}\n" for one in self.proof)
        return f"old {self.old}\n{hashes}\n{self.note}".encode()

    @classmethod
    def read(cls, body: bytes) -> "AddCheckpoint":
        """The inverse of `body`. NoteError for what is none."""
        try:
            head, gap, note = body.decode("utf-8").partition("\n\n")
            first, *hashes = head.split("\n")
            old = int(first.removeprefix("old "))
            proof = tuple(base64.b64decode(line, validate=True) for line in hashes)
        except (UnicodeDecodeError, binascii.Error, ValueError):
            raise NoteError("It is no request to add a checkpoint.") from None
        if first != f"old {old}" or old < 0 or not gap or len(proof) > MOST_HASHES:
            raise NoteError("It is no request to add a checkpoint.")
        return cls(old, proof, note)


@dataclass(frozen=True, slots=True)
class WitnessAddress:
    """The witness whose submission prefix is `url`. With `key`, only what that witness has cosigned counts as held by it."""

    url: str
    key: Verifier | None = None

    def seen(self, probe: str) -> int:
        """The size that it holds of the probe's origin: asked with a checkpoint that it either holds, or declines with its own size."""
        size = checkpoints.parsed_note(probe).size
        try:
            self._post(AddCheckpoint(size, (), probe))
        except ConflictError as conflict:
            return conflict.size
        except InconsistentError:
            raise StrangerError("What the witness holds of these books is of other books.") from None
        return size

    def begin(self) -> None:
        """Nothing: a witness elsewhere is told of these books by its own operator."""

    def add(self, note: str, old: int, proof: Sequence[bytes]) -> str:
        """Have it hold the checkpoint: its cosignature lines."""
        lines = self._post(AddCheckpoint(old, tuple(proof), note))
        if self.key is not None:
            try:
                notes.cosigned_at(notes.text_of(note), lines, self.key)
            except NoteError:
                raise StrangerError("The witness answered without a signature of its own.") from None
        return lines

    def _post(self, request: AddCheckpoint) -> str:
        import httpx  # noqa: PLC0415 - 0.1 s that homes whose witness is a file need not pay

        try:
            reply = httpx.post(f"{self.url.rstrip('/')}/add-checkpoint", content=request.body, timeout=TIMEOUT_S)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise UnreachableError("The witness did not answer.") from None
        return _told(reply.status_code, reply.text[:LONGEST_REPLY])


def _told(status: int, text: str) -> str:
    match status:
        case http.HTTPStatus.OK:
            return text
        case http.HTTPStatus.CONFLICT if text.strip().isdecimal():
            raise ConflictError(int(text))
        case http.HTTPStatus.NOT_FOUND:
            raise LostError("The witness does not know these books.")
        case http.HTTPStatus.FORBIDDEN:
            raise StrangerError("The witness knows these books by another key.")
        case http.HTTPStatus.UNPROCESSABLE_ENTITY | http.HTTPStatus.CONFLICT:
            raise InconsistentError("The checkpoint does not continue what the witness holds.")
        case http.HTTPStatus.BAD_REQUEST:
            raise WitnessError("The witness did not take the request.")
        case _:
            raise UnreachableError("The witness did not answer as a witness does.")
