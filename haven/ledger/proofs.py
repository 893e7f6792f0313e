"""Proofs about the books that anyone can check with the haven's public key alone: JSON documents around Merkle proofs and checkpoints.

An inclusion proof shows that one entry is in the books that a checkpoint speaks for; a consistency proof, that the books of one checkpoint
are the beginning of those of another.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from haven.ledger import checkpoints, merkle, tiles
from haven.ledger.checkpoints import Checkpoint
from haven.ledger.notes import NoteError, Signer
from haven.ledger.prepared import Driver

INCLUSION = "haven-inclusion/1"
CONSISTENCY = "haven-consistency/1"
_MOST_HASHES = 64


class ProofError(ValueError):
    """What was shown is no proof. Its text is a constant sentence."""


def inclusion(driver: Driver, entry: int, origin: str, size: int, signer: Signer) -> dict[str, Any]:
    """That entry number `entry` is among the first `size` of the books: its leaf, the path, and the signed checkpoint.

    The entry's text is not in it: whoever may read that adds it as `body`, and the check then covers it. ValueError where there is no such
    entry.
    """
    tree = tiles.tree(driver)
    path = merkle.inclusion(entry - 1, size, tree)
    return {
        "format": INCLUSION,
        "entry": entry,
        "leaf": _text(tree(0, entry - 1)),
        "path": [_text(one) for one in path],
        "checkpoint": checkpoints.sign(checkpoints.at(driver, origin, size), signer),
    }


def consistency(driver: Driver, old: int, size: int, origin: str, signer: Signer) -> dict[str, Any]:
    """That the books of `old` entries are the beginning of those of `size`: the path, and both signed checkpoints."""
    return {
        "format": CONSISTENCY,
        "path": [_text(one) for one in merkle.consistency(old, size, tiles.tree(driver))],
        "old_checkpoint": checkpoints.sign(checkpoints.at(driver, origin, old), signer),
        "checkpoint": checkpoints.sign(checkpoints.at(driver, origin, size), signer),
    }


def check(document: object, public: str) -> str:
    """What a proof shows, in a sentence. ProofError where it does not show it, or the key `public` did not sign its checkpoints."""
    if not isinstance(document, Mapping):
        raise ProofError("It is no proof of a haven's.")
    match document.get("format"):
        case "haven-inclusion/1":
            entry, shown = check_inclusion(document, public)
            return f"Entry {entry} is in the books of {shown.origin} as they stood at {shown.size} entries."
        case "haven-consistency/1":
            old, shown = _check_consistency(document, public)
            return f"The books of {shown.origin} at {old.size} entries are the beginning of those at {shown.size}."
        case _:
            raise ProofError("It is no proof of a haven's.")


def check_inclusion(document: Mapping[str, Any], public: str) -> tuple[int, Checkpoint]:
    """The entry's number and the checkpoint that an inclusion proof is about. ProofError where it does not hold."""
    entry, body = document.get("entry"), document.get("body")
    found = _checkpoint(document.get("checkpoint"), public)
    leaf = _hashes([document.get("leaf")])[0]
    if not isinstance(entry, int) or isinstance(entry, bool) or not isinstance(body, str | None):
        raise ProofError("It is no proof of a haven's.")
    if body is not None and merkle.leaf(body) != leaf:
        raise ProofError("The entry's text is not the one that the proof is about.")
    if not merkle.included(leaf, entry - 1, found.size, _hashes(document.get("path")), found.root):
        raise ProofError("The path does not lead from the entry to the checkpoint's root.")
    return entry, found


def _check_consistency(document: Mapping[str, Any], public: str) -> tuple[Checkpoint, Checkpoint]:
    old, new = _checkpoint(document.get("old_checkpoint"), public), _checkpoint(document.get("checkpoint"), public)
    path = _hashes(document.get("path"))
    if old.origin != new.origin or not merkle.consistent(old.size, old.root, new.size, new.root, path):
        raise ProofError("The path does not show that one is the beginning of the other.")
    return old, new


def _checkpoint(note: object, public: str) -> Checkpoint:
    if not isinstance(note, str):
        raise ProofError("It holds no checkpoint.")
    try:
        return checkpoints.read(note, public)
    except NoteError:
        raise ProofError("Its checkpoint is damaged, or signed by another key than the one given.") from None


def _hashes(listed: object) -> tuple[bytes, ...]:
    if not isinstance(listed, Sequence) or isinstance(listed, str) or len(listed) > _MOST_HASHES:
        raise ProofError("It is no proof of a haven's.")
    try:
        hashes = tuple(base64.b64decode(one, validate=True) for one in listed)
    except (binascii.Error, ValueError, TypeError):
        raise ProofError("It is no proof of a haven's.") from None
    if any(len(one) != merkle.HASH_BYTES for one in hashes):
        raise ProofError("It is no proof of a haven's.")
    return hashes


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")
