"""Signed notes, checkpoints and cosignatures, byte for byte as C2SP publishes them, and everything that is none."""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from haven.ledger import checkpoints, notes
from haven.ledger.checkpoints import Checkpoint
from haven.ledger.notes import NoteError, Verifier
from haven.release.signing import open_or_make_key

# the example of Go's golang.org/x/mod/sumdb/note, whose format C2SP signed-note took over
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ROOT = hashlib.sha256(b"root").digest()
POINT = Checkpoint("haven-test", 20, ROOT)


class _Key:
    """A key of the test's own."""

    def __init__(self, seed: int) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32)

    def sign(self, content: bytes) -> bytes:
        return self.private.sign(content)

    @property
    def public(self) -> str:
        return self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


KEY, OTHER = _Key(1), _Key(2)


def test_a_note_that_others_published_is_read() -> None:
    public = base64.b64decode(PETER.split("+")[2])[1:].hex()
    text = notes.opened(PETERS_NOTE, Verifier("PeterNeumann", public))
    assert text == PETERS_NOTE.split("\n\n", maxsplit=1)[0] + "\n"


def test_a_note_is_the_text_an_empty_line_and_the_named_keys_signature() -> None:
    note = notes.sign("two\nlines\n", "haven-test", KEY)
    text, line = note.split("\n\n")
    assert text == "two\nlines"
    assert line.startswith("\u2014 haven-test ")
    signature = base64.b64decode(line.split(" ")[2])
    assert signature[:4] == hashlib.sha256(b"haven-test\n\x01" + bytes.fromhex(KEY.public)).digest()[:4]
    KEY.private.public_key().verify(signature[4:], b"two\nlines\n")


@pytest.mark.parametrize("text", ["no newline", "a\ttab\n", "\x00\n"])
def test_what_no_note_can_hold_is_not_signed(text: str) -> None:
    with pytest.raises(ValueError, match="lines of text"):
        notes.sign(text, "name", KEY)


@pytest.mark.parametrize("name", ["", "two words", "a+b", "a\u00a0b", "a\nb"])
def test_a_keys_name_has_no_space_and_no_plus(name: str) -> None:
    with pytest.raises(ValueError, match="no space or plus"):
        notes.sign("text\n", name, KEY)


def test_a_checkpoint_has_origin_size_and_root_on_three_lines() -> None:
    assert POINT.text == f"haven-test\n20\n{base64.b64encode(ROOT).decode()}\n"
    assert checkpoints.read(checkpoints.sign(POINT, KEY), KEY.public) == POINT


def test_lines_after_the_third_are_passed_over_but_signed() -> None:
    note = notes.sign(POINT.text + "more\n", "haven-test", KEY)
    assert checkpoints.read(note, KEY.public) == POINT
    with pytest.raises(NoteError):
        checkpoints.read(note.replace("more", "less"), KEY.public)


@pytest.mark.parametrize(
    "text",
    [
        "haven-test\n20\n",
        "haven-test\n-1\n" + base64.b64encode(ROOT).decode() + "\n",
        "haven-test\n020\n" + base64.b64encode(ROOT).decode() + "\n",
        "haven-test\n+2\n" + base64.b64encode(ROOT).decode() + "\n",
        "haven-test\ntwenty\n" + base64.b64encode(ROOT).decode() + "\n",
        "haven-test\n20\n" + base64.b64encode(ROOT[:-1]).decode() + "\n",
        "haven-test\n20\nno base64!\n",
        "haven-test\n20\n" + base64.b64encode(ROOT).decode() + "\n\nmore\n",
        "\n20\n" + base64.b64encode(ROOT).decode() + "\n",
    ],
)
def test_what_is_no_checkpoint_is_refused_though_it_is_signed(text: str) -> None:
    with pytest.raises(NoteError):
        checkpoints.read(notes.sign(text, "haven-test", KEY), KEY.public)


def test_another_keys_checkpoint_is_refused() -> None:
    with pytest.raises(NoteError):
        checkpoints.read(checkpoints.sign(POINT, OTHER), KEY.public)


def test_further_signatures_of_others_are_passed_over() -> None:
    note = checkpoints.sign(POINT, KEY) + notes.cosign(POINT.text, "witness", OTHER, datetime(2026, 1, 1, tzinfo=UTC))
    assert checkpoints.read(note, KEY.public) == POINT


def test_every_flipped_bit_of_a_checkpoint_is_noticed() -> None:
    note = checkpoints.sign(POINT, KEY).encode()
    for place in range(len(note)):
        for bit in range(8):
            damaged = bytearray(note)
            damaged[place] ^= 1 << bit
            text = damaged.decode("utf-8", "replace")
            try:
                assert checkpoints.read(text, KEY.public) == POINT
            except NoteError:
                continue
            assert place > note.index("\u2014".encode()), "a changed text was believed"


@pytest.mark.parametrize("cut", range(0, 200, 7))
def test_a_half_written_checkpoint_is_none(cut: int) -> None:
    note = checkpoints.sign(POINT, KEY)
    with pytest.raises(NoteError):
        checkpoints.read(note[: min(cut, len(note) - 1)], KEY.public)


def test_a_witness_signs_the_time_with_the_checkpoint() -> None:
    then = datetime(2026, 3, 1, 12, 0, 5, tzinfo=UTC)
    line = notes.cosign(POINT.text, "witness.example", OTHER, then)
    assert notes.cosigned_at(POINT.text, line, Verifier("witness.example", OTHER.public)) == then
    signature = base64.b64decode(line.split(" ")[2])
    assert signature[:4] == hashlib.sha256(b"witness.example\n\x04" + bytes.fromhex(OTHER.public)).digest()[:4]
    message = f"cosignature/v1\ntime {int(then.timestamp())}\n{POINT.text}".encode()
    assert int.from_bytes(signature[4:12], "big") == int(then.timestamp())
    OTHER.private.public_key().verify(signature[12:], message)


@pytest.mark.parametrize("by", [Verifier("other", OTHER.public), Verifier("witness", KEY.public)])
def test_another_witness_did_not_sign(by: Verifier) -> None:
    line = notes.cosign(POINT.text, "witness", OTHER, datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(NoteError):
        notes.cosigned_at(POINT.text, line, by)


def test_a_witnesss_key_travels_in_one_line() -> None:
    line = notes.vkey("witness.example", KEY.public)
    assert notes.of_vkey(line) == Verifier("witness.example", KEY.public)
    for wrong in ("", "a", line[:-4], line.replace("witness", "other"), PETER):
        with pytest.raises(NoteError):
            notes.of_vkey(wrong)


def test_the_homes_release_key_signs_checkpoints(tmp_path: Path) -> None:
    key = open_or_make_key(tmp_path)
    assert checkpoints.read(checkpoints.sign(POINT, key), key.public) == POINT
