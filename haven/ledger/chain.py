"""The hash chain: what an entry's bytes are, and how each entry holds the digest of the one before it. Pure.

The body is canonical JSON (keys sorted, no spaces, UTF-8) of seq, kind, actor, time and detail, so the digest covers all of them;
the same bytes are what a Merkle log takes as its leaf.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

GENESIS = "0" * 64
_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def canonical(value: Mapping[str, Any]) -> str:
    """The one text of a JSON object. TypeError for a float anywhere: two machines may write the same float differently."""
    _check(value)
    return _CANONICAL.encode(value)


def _check(value: object) -> None:
    if value is None or isinstance(value, (str, int)):  # a boolean is an int, a StrEnum a str
        return
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            msg = "an entry's keys are strings"
            raise TypeError(msg)
        for item in value.values():
            _check(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _check(item)
    else:
        msg = "an entry holds strings, integers, booleans, nothing, lists and objects only"
        raise TypeError(msg)


def body_of(seq: int, kind: str, actor: str, at: str, detail: Mapping[str, Any]) -> str:
    """The canonical body of entry `seq`."""
    return canonical({"actor": actor, "at": at, "detail": detail, "kind": kind, "seq": seq})


def link(prev_digest: str, body: str) -> str:
    """SHA-256 of the previous entry's digest (its 64 hexadecimal characters) followed by this entry's body, in hexadecimal."""
    return hashlib.sha256(prev_digest.encode("ascii") + body.encode("utf-8")).hexdigest()
