"""Recorded answers as text: what was given to the asker, kept so that it can be given again, bit for bit."""

import hashlib
import json

from haven.ledger.entries import RecordedAnswer
from haven.privacy.tables import NoisyTable


def encode(answer: RecordedAnswer) -> str:
    """`answer` as one JSON text. ValueError or TypeError for what JSON cannot hold (NaN, infinities, foreign objects)."""
    noisy = answer.noisy
    content = {"document": answer.document, "noisy": {"keys": noisy.keys, "columns": noisy.columns, "units": noisy.units}}
    return json.dumps(content, sort_keys=False, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def decode(content: str) -> RecordedAnswer:
    """The inverse of `encode`."""
    loaded = json.loads(content)
    noisy = loaded["noisy"]
    units = noisy["units"]
    table = NoisyTable(
        keys=tuple(map(tuple, noisy["keys"])),
        columns=tuple(map(tuple, noisy["columns"])),
        units=None if units is None else tuple(units),
    )
    return RecordedAnswer(table, loaded["document"])


def digest(content: str) -> str:
    """SHA-256 of the recorded text, in hexadecimal: what the posting entry holds."""
    return hashlib.sha256(content.encode("utf-8")).hexdigest()
