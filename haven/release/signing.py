"""The release desk's Ed25519 key: made once, kept where only haven reads it, its public half open to all."""

from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from haven.errors import Code, Refused
from haven.release.objects import sha256, write_durably

PRIVATE_NAME = "release.key"
PUBLIC_NAME = "release.pub"
_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The desk's key. Its private half refuses to print."""

    _private: Ed25519PrivateKey = field(repr=False)

    def sign(self, content: bytes) -> bytes:
        """The 64-byte Ed25519 signature (RFC 8032) of `content`."""
        return self._private.sign(content)

    @property
    def public(self) -> str:
        """The public half, in 64 hexadecimal digits."""
        return self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def open_key(keys: Path) -> SigningKey:
    """The key in the directory `keys`; `release.pub` holds its public half in hexadecimal. Never makes one: a key that is lost is said so.

    Raises Refused (HOME_INVALID) where either half is missing or damaged, the two do not belong together, or others may read the private.
    """
    path = keys / PRIVATE_NAME
    if not path.exists():
        raise Refused(
            Code.HOME_INVALID,
            "The release key is missing.",
            "Restore the keys directory from your backup; if it is lost for good, `haven key make` makes one that two custodians accept.",
        )
    if path.stat().st_mode & _OTHERS:
        raise Refused(Code.HOME_INVALID, "The release key may be read by others.", f"Run: chmod 600 {PRIVATE_NAME}, in the keys directory.")
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused(Code.HOME_INVALID, "The release key is damaged.", "Restore it from your backup.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise Refused(Code.HOME_INVALID, "The release key is not an Ed25519 key.", "Restore it from your backup.")
    key = SigningKey(private)
    if _public_half(keys) != key.public:
        raise Refused(
            Code.HOME_INVALID,
            f"The release key and {PUBLIC_NAME} do not belong together: one of them was swapped, lost or half written.",
            "Restore both from the same backup.",
        )
    return key


def make_key(keys: Path) -> SigningKey:
    """A new key in the directory `keys` (mode 0600), durable. Refused where there is one, whatever its state: no key is written over."""
    if (keys / PRIVATE_NAME).exists():
        raise Refused(Code.HOME_INVALID, "There is a release key already.", "Move it away first, if it is damaged beyond repair.")
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = Ed25519PrivateKey.generate()
    write_durably(keys / PUBLIC_NAME, f"{SigningKey(private).public}\n".encode())
    write_durably(keys / PRIVATE_NAME, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return open_key(keys)


def open_or_make_key(keys: Path) -> SigningKey:
    """The key in `keys`, made where there is none yet: for a place that has its first key now, never for a home."""
    return open_key(keys) if (keys / PRIVATE_NAME).exists() else make_key(keys)


def _public_half(keys: Path) -> str | None:
    try:
        return (keys / PUBLIC_NAME).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


def signed_by(public: str, content: bytes, signature: bytes) -> bool:
    """True when `signature` is that of `content` by the key whose public half is `public` (hexadecimal)."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint(public: str) -> str:
    """A short name for a public key: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(bytes.fromhex(public))[:16]
