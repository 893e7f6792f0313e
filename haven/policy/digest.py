"""The digest of a policy: equal digests, equal policies."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def canonical_digest(plain: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON of a policy's plain form: keys sorted, no space, ASCII."""
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
