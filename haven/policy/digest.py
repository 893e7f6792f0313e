"""The digest of a policy: equal digests, equal policies."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def without_none(plain: Mapping[str, Any]) -> dict[str, Any]:
    """`plain` without the keys, at any depth, whose value is None."""
    return {key: without_none(value) if isinstance(value, Mapping) else value for key, value in plain.items() if value is not None}


def canonical_digest(plain: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of a policy's plain form: keys sorted, no space, ASCII."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
