"""Keyed hashes: HMAC-SHA256, written for Python and, with the same result, for SQL.

Everything that ingest derives from a person's rows (ranks, surrogates, digests) is keyed with the haven's secret, so that nobody without
it can recompute, confirm or predict any of it. Each purpose has a key of its own.
"""

import hashlib
import hmac
from dataclasses import dataclass
from enum import StrEnum

BLOCK = 64
SHORTEST_SECRET = 32


class Purpose(StrEnum):
    """What a derived key is for."""

    UNIT = "unit"
    ROW = "row"
    GROUP = "group"
    FINGERPRINT = "fingerprint"
    UNIT_SET = "unit-set"


@dataclass(frozen=True, slots=True, repr=False)
class HashKey:
    """One purpose's key, derived from the haven's secret (32 bytes or more). It never prints."""

    purpose: Purpose
    key: bytes

    @property
    def parameters(self) -> dict[str, bytes]:
        """The two padded blocks of RFC 2104, as the SQL of `sql_hex` names them."""
        padded = self.key.ljust(BLOCK, b"\0")
        name = self._name
        return {f"{name}_inner": bytes(b ^ 0x36 for b in padded), f"{name}_outer": bytes(b ^ 0x5C for b in padded)}

    def hex(self, message: bytes) -> str:
        """HMAC-SHA256 of `message`, in hexadecimal."""
        return hmac.new(self.key, message, hashlib.sha256).hexdigest()

    def sql_hex(self, blob: str) -> str:
        """SQL for `hex` of the BLOB expression `blob`."""
        return f"sha256(${self._name}_outer || unhex(sha256(${self._name}_inner || {blob})))"

    def sql_u64(self, blob: str) -> str:
        """SQL for the first 64 bits of `hex`, as UBIGINT."""
        return f"CAST('0x' || left({self.sql_hex(blob)}, 16) AS UBIGINT)"

    @property
    def _name(self) -> str:
        return self.purpose.replace("-", "_")


def derive(secret: bytes, purpose: Purpose) -> HashKey:
    """The key of `purpose`. Raises ValueError where the secret is too short to be one."""
    if len(secret) < SHORTEST_SECRET:
        raise ValueError(f"the ingest secret has at least {SHORTEST_SECRET} bytes")
    return HashKey(purpose, hmac.digest(secret, b"haven/ingest/" + purpose.encode(), "sha256"))
