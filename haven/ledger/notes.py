"""Signed notes: a text, an empty line, and signatures of it, one a line. Pure. The format is C2SP signed-note v1 with Ed25519 (RFC 8032).

A signature line is `— NAME BASE64`, where the base64 holds four bytes that name the key and the signature. A witness signs otherwise than
the log itself (C2SP tlog-cosignature v1): its signature covers the time at which it looked, too.
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LONGEST_NOTE = 64 * 1024
_DASH = "\u2014 "
_NOTE, _COSIGNATURE = b"\x01", b"\x04"
_ID_BYTES, _TIME_BYTES, _KEY_BYTES = 4, 8, 32


class Signer(Protocol):
    """A key that signs; its private half stays where it is."""

    def sign(self, content: bytes) -> bytes:
        """The 64-byte Ed25519 signature of `content`."""

    @property
    def public(self) -> str:
        """The public half, in 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Whose signature is asked for: the name in the line, and the public key in 64 hexadecimal digits."""

    name: str
    public: str


class NoteError(ValueError):
    """What was read is no such note, or nobody asked for has signed it. Its text is a constant sentence."""


def sign(text: str, name: str, signer: Signer) -> str:
    """The whole note: `text` (ending in a newline) with one signature. ValueError for a text or a name that the format cannot hold."""
    if not text.endswith("\n") or any(character < " " and character != "\n" for character in text) or not is_name(name):
        msg = "a note is lines of text, and its key's name has no space or plus"
        raise ValueError(msg)
    return f"{text}\n{_line(name, _key_id(name, _NOTE, signer.public) + signer.sign(text.encode('utf-8')))}"


def is_name(name: str) -> bool:
    """Whether a key may have this name."""
    return bool(name) and name.isprintable() and "+" not in name and not any(character.isspace() for character in name)


def opened(note: str, by: Verifier) -> str:
    """The text of a note that `by` signed. NoteError where the note is damaged, `by` did not sign it, or a signature of theirs is wrong."""
    text, lines = _parts(note)
    wanted = _key_id(by.name, _NOTE, by.public)
    found = [signature[_ID_BYTES:] for name, signature in lines if name == by.name and signature[:_ID_BYTES] == wanted]
    if not found:
        raise NoteError("It is not signed by the key that was asked for.")
    if not all(_holds(by.public, text.encode("utf-8"), signature) for signature in found):
        raise NoteError("Its signature does not hold.")
    return text


def text_of(note: str) -> str:
    """The text of a note whoever signed it: to be believed only where that does not matter. NoteError where it is no note."""
    return _parts(note)[0]


def vkey(name: str, public: str) -> str:
    """A witness's key as its owner hands it out: name, the four bytes that name the key, and the key (C2SP verifier key, kind 0x04)."""
    return f"{name}+{_key_id(name, _COSIGNATURE, public).hex()}+{base64.b64encode(_COSIGNATURE + bytes.fromhex(public)).decode('ascii')}"


def of_vkey(text: str) -> Verifier:
    """The inverse of `vkey`. NoteError for what is none."""
    name, _, rest = text.strip().partition("+")
    _, _, encoded = rest.partition("+")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("It is no witness's key.") from None
    found = Verifier(name, key[1:].hex())
    if key[:1] != _COSIGNATURE or len(key) != 1 + _KEY_BYTES or not is_name(name) or vkey(name, found.public) != text.strip():
        raise NoteError("It is no witness's key.")
    return found


def cosign(text: str, name: str, signer: Signer, now: datetime) -> str:
    """A witness's signature line over a checkpoint's text, as of `now` (seconds)."""
    seconds = int(now.timestamp())
    signature = signer.sign(_cosigned(text, seconds))
    return _line(name, _key_id(name, _COSIGNATURE, signer.public) + seconds.to_bytes(_TIME_BYTES, "big") + signature)


def cosigned_at(text: str, lines: str, by: Verifier) -> datetime:
    """When the witness `by` signed the checkpoint `text`, by its line among `lines`. NoteError where there is none that holds."""
    wanted = _key_id(by.name, _COSIGNATURE, by.public)
    for name, signature in _lines(lines):
        if name == by.name and signature[:_ID_BYTES] == wanted:
            seconds = int.from_bytes(signature[_ID_BYTES : _ID_BYTES + _TIME_BYTES], "big")
            if _holds(by.public, _cosigned(text, seconds), signature[_ID_BYTES + _TIME_BYTES :]):
                return datetime.fromtimestamp(seconds, UTC)
    raise NoteError("The witness did not sign it.")


def _cosigned(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()


def _key_id(name: str, kind: bytes, public: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8") + b"\n" + kind + bytes.fromhex(public)).digest()[:_ID_BYTES]


def _line(name: str, signature: bytes) -> str:
    return f"{_DASH}{name} {base64.b64encode(signature).decode('ascii')}\n"


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    text, gap, lines = note.rpartition("\n\n")
    if not gap or not lines or len(note) > LONGEST_NOTE or any(character < " " and character != "\n" for character in note):
        raise NoteError("It is no signed note.")
    return text + "\n", _lines(lines)


def _lines(lines: str) -> list[tuple[str, bytes]]:
    if not lines.endswith("\n"):
        raise NoteError("It is no signed note.")
    found = []
    for line in lines.removesuffix("\n").split("\n"):
        name, gap, signature = line.removeprefix(_DASH).partition(" ")
        if not line.startswith(_DASH) or not gap or not is_name(name):
            raise NoteError("It is no signed note.")
        found.append((name, _decoded(signature)))
    return found


def _decoded(text: str) -> bytes:
    """What base64 says, written in the one way there is: the bits that its last character has to spare are nought."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise NoteError("It is no signed note.") from None
    if base64.b64encode(found).decode("ascii") != text:
        raise NoteError("It is no signed note.")
    return found


def _holds(public: str, content: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True
