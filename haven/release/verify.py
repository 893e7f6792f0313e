"""Verifying a bundle, offline, with nothing but the zip and the public key: is it whole, is it untouched, who signed it?

The file is hostile until shown otherwise: nothing is written to disk, and whatever the format does not need (compression, links, folders,
encryption, repeated or odd names) is refused. At the end the archive is packed anew from its files and must be the same, byte for byte:
so there is no place in it, not a comment nor a gap, that the signature does not speak for.
"""

import io
import json
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from haven.errors import Code, Refused
from haven.ledger.proofs import ProofError, check_inclusion
from haven.release.bundle import FORMAT, MANIFEST, PROOF, SIGNATURE, pack
from haven.release.objects import sha256
from haven.release.signing import fingerprint, signed_by

LARGEST_BUNDLE = 512 * 2**20
MOST_FILES = 2_000
_PATH = re.compile(r"^(?!.*//)(?![./-])[A-Za-z0-9._/-]{1,200}$")
_REGULAR = 0o100000
_TYPE_BITS = 0o170000
_ENCRYPTED = 0x1


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a verification found. `problems` is empty exactly when the bundle is whole and its signature holds.

    `authentic` is True when the signer is the key that was given, None when no key was given: then the bundle is only shown to be
    consistent with the key it names itself. `ledger_size` is the size of the books that are shown to hold the decision's entry, None for a
    bundle of an earlier version, which shows nothing of the kind.
    """

    problems: tuple[str, ...]
    release: str = ""
    files: int = 0
    signed_at: str = ""
    signer: str = ""
    ledger_entry: int | None = None
    ledger_digest: str = ""
    ledger_size: int | None = None
    authentic: bool | None = None

    @property
    def whole(self) -> bool:
        """True when nothing is wrong."""
        return not self.problems

    def sentence(self) -> str:
        """The answer, in a sentence."""
        if self.problems:
            return "This bundle is NOT whole: " + " ".join(self.problems)
        what = f"Release {self.release} is whole: {self.files} files, each as signed at {self.signed_at} by key {self.signer}"
        what += (
            "" if self.ledger_size is None else f"; its decision is entry {self.ledger_entry} of the books, at {self.ledger_size} entries"
        )
        return what + (", the key you gave." if self.authentic else ". Give the haven's public key to know that it is theirs.")


class _Problem(Exception):
    """Something that ends the verification."""


def verify_bundle(path: Path, public_key: str | None = None) -> VerifyReport:
    """Verify the bundle at `path`, against `public_key` (64 hexadecimal digits) where it is given. Never raises for a bad bundle.

    Raises Refused `verify.failed` where there is no file to read.
    """
    if not path.is_file():
        raise Refused(Code.VERIFY_FAILED, "There is no such file.", "Give the path of a release's zip file.")
    try:
        return _verify(path, public_key)
    except _Problem as problem:
        return VerifyReport((str(problem),))
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, ValueError, KeyError, NotImplementedError, EOFError, RecursionError):
        # every way in which zipfile and json say that bytes are damaged
        return VerifyReport(("It is not a zip file, or it is damaged.",))


def _verify(path: Path, public_key: str | None) -> VerifyReport:
    if path.stat().st_size > LARGEST_BUNDLE:
        raise _Problem("It is larger than a release may be.")
    content = path.read_bytes()
    files = _files(content)
    for name in (MANIFEST, SIGNATURE):
        if name not in files:
            raise _Problem(f"It has no {name}.")
    manifest = _manifest(files[MANIFEST])
    problems = [*_signature_problems(manifest, files, public_key), *_file_problems(manifest["files"], files)]
    size, unproven = _ledger_proof(manifest, files)
    problems += unproven
    if pack(files) != content:
        problems.append("It holds bytes that belong to no file.")
    return VerifyReport(
        tuple(problems),
        release=manifest["release"],
        files=len(manifest["files"]),
        signed_at=manifest["signed_at"],
        signer=fingerprint(manifest["public_key"]),
        ledger_entry=manifest["ledger"].get("entry"),
        ledger_digest=manifest["ledger"].get("digest", ""),
        ledger_size=size,
        authentic=None if public_key is None else manifest["public_key"] == public_key,
    )


def _files(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(info) for name, info in _members(archive).items()}


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """The archive's members by name, after everything about them that could mislead a reader is ruled out."""
    if len(archive.infolist()) > MOST_FILES:
        raise _Problem("It holds too many files.")
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.orig_filename != info.filename or not _PATH.match(info.filename) or ".." in info.filename.split("/"):
            raise _Problem("It holds a file whose name could lead outside.")
        kind = (info.external_attr >> 16) & _TYPE_BITS
        plain = kind == _REGULAR and info.compress_type == zipfile.ZIP_STORED and info.compress_size == info.file_size
        if not plain or info.is_dir() or info.flag_bits & _ENCRYPTED:
            raise _Problem("It holds something that is not a plain file.")
        if info.filename.casefold() in {name.casefold() for name in found}:
            raise _Problem("It holds two files of one name.")
        found[info.filename] = info
    return found


def _manifest(raw: bytes) -> dict[str, Any]:
    manifest = json.loads(raw)
    shape = {"format": str, "release": str, "signed_at": str, "public_key": str, "ledger": dict, "files": dict}
    if not isinstance(manifest, dict) or set(manifest) != set(shape) or manifest["format"] != FORMAT:
        raise _Problem("Its manifest is not one of this format.")
    if not all(isinstance(manifest[key], kind) for key, kind in shape.items()):
        raise _Problem("Its manifest is not one of this format.")
    return manifest


def _signature_problems(manifest: dict[str, Any], files: dict[str, bytes], public_key: str | None) -> list[str]:
    problems = []
    if not signed_by(manifest["public_key"], files[MANIFEST], files[SIGNATURE]):
        problems.append("Its signature does not hold.")
    if public_key is not None and manifest["public_key"] != public_key:
        problems.append("It was signed by another key than the one given.")
    return problems


def _ledger_proof(manifest: dict[str, Any], files: dict[str, bytes]) -> tuple[int | None, list[str]]:
    """The size of the books that the bundle's proof is about, and what is wrong with that proof."""
    if PROOF not in files:
        return None, []
    try:
        entry, checkpoint = check_inclusion(json.loads(files[PROOF]), manifest["public_key"])
    except (ProofError, AttributeError):
        return None, ["It does not show that its decision is in the books."]
    if entry != manifest["ledger"].get("entry"):
        return None, ["It shows another entry of the books than its decision."]
    return checkpoint.size, []


def _file_problems(listed: dict[str, Any], files: dict[str, bytes]) -> list[str]:
    present = set(files) - {MANIFEST, SIGNATURE}
    problems = [f"{_shown(name)} is missing." for name in sorted(set(listed) - present)]
    problems += [f"{name} is not in the manifest." for name in sorted(present - set(listed))]
    changed = (name for name in sorted(present & set(listed)) if listed[name] != {"sha256": sha256(files[name]), "size": len(files[name])})
    return [*problems, *(f"{name} is not as it was signed." for name in changed)]


def _shown(name: str) -> str:
    """A name out of a manifest, fit for a terminal."""
    return name if _PATH.match(name) else "A file with an odd name"
