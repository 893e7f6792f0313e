"""Making and opening a haven's home: directories, secrets, the kind of home it is."""

import json
import os
import secrets
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from haven.errors import Code, Refused
from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from haven.ledger.witness import WitnessFile
from haven.release.signing import make_key
from haven.settings import Home, books_of

SECRET_BYTES = 32
OTHERS = 0o077
ORIGIN_BYTES = 8
_FIRST_WITNESS = "witness.log"
_WITNESS = (
    "# the witness guards against books that were set back: it should lie on another disk or machine, where nobody who",
    "# can restore this home can change it (an absolute path there, or the address of `haven witness serve`)",
    f"witness: {_FIRST_WITNESS}",
)


class Kind(StrEnum):
    """A bench home accepts budgets and settings that promise people nothing; it says so on every page and answer."""

    NORMAL = "normal"
    BENCH = "bench"


class HomeSettings(BaseModel):
    """What `haven.yaml` holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    title: str = "haven"
    books: SecretStr | None = None  # postgresql://…; an address may hold a password, so it is never shown
    origin: str | None = None  # the name of these books in their checkpoints: it outlives their key
    witness: str = "witness.log"  # a file (within the home where it is relative) or the address of a C2SP tlog-witness
    witness_key: str | None = None  # that witness's own key, as it hands it out


@dataclass(frozen=True, slots=True)
class OpenHome:
    """A home that is there and whole enough to start."""

    home: Home
    settings: HomeSettings

    @property
    def bench(self) -> bool:
        """True for a bench home."""
        return self.settings.kind is Kind.BENCH

    @property
    def books(self) -> Place:
        """Where its books are."""
        return books_of(self.home)

    @property
    def secret(self) -> bytes:
        """The ingest secret. Refused (HOME_INVALID) where it is missing, half written, or others may read it: no other is made."""
        return read_secret(self.home.secret)


def read_secret(path: Path) -> bytes:
    """The ingest secret in the file at `path`; see `OpenHome.secret`."""
    try:
        mode, secret = path.stat().st_mode, path.read_bytes()
    except OSError:
        raise Refused(Code.HOME_INVALID, "The ingest secret is missing.", "Restore it from your backup.") from None
    if mode & OTHERS:
        raise Refused(Code.HOME_INVALID, "The ingest secret may be read by others.", f"Run: chmod 600 {path.name}, in the home.")
    if len(secret) != SECRET_BYTES:
        raise Refused(Code.HOME_INVALID, "The ingest secret is damaged: it has another length.", "Restore it from your backup.")
    return secret


def create_home(root: Path, kind: Kind, title: str = "haven", books: str | None = None) -> OpenHome:
    """Make a new home (mode 0700), with its books, signing key and secret. Refused where something is there already.

    `books` is the address of an empty PostgreSQL database for the books; by default they are a file in the home.
    """
    home = Home(root.resolve())
    if home.root.exists() and any(home.root.iterdir()):
        raise Refused(Code.HOME_INVALID, "There is something at that place already.", "Name a directory that is new or empty.")
    if books is not None:
        _check_empty(books)  # first: an address that does not serve leaves nothing behind
    kept = (home.policies / "datasets", home.policies / "projects", home.data, home.releases, home.keys, home.run, home.hub)
    for folder in (home.root, *kept):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
    descriptor = os.open(home.secret, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as secret:
        secret.write(secrets.token_bytes(SECRET_BYTES))
    key = make_key(home.keys)
    Ledger.open(books or home.books).close()
    WitnessFile(home.root / _FIRST_WITNESS, key.public).begin()  # begun with the books: from now on its absence is noticed
    # last: a home without its settings is not one, so an interrupted start is seen as such
    home.settings.touch(mode=0o600)
    lines = [
        f"kind: {kind}",
        f"title: {json.dumps(title)}",
        f"origin: haven-{secrets.token_hex(ORIGIN_BYTES)}",
        *_WITNESS,
        *([] if books is None else [f"books: {json.dumps(books)}"]),
        "",
    ]
    home.settings.write_text("\n".join(lines), encoding="utf-8")
    return open_home(root)


def _check_empty(books: Place) -> None:
    with Ledger.open(books) as ledger:
        if ledger.entries(limit=1):
            raise Refused(Code.HOME_INVALID, "There are books of another haven at that address.", "Name an empty database.")


def open_home(root: Path) -> OpenHome:
    """The home at `root`. Refused (HOME_INVALID) where there is none."""
    home = Home(root.resolve())
    try:
        settings = HomeSettings.model_validate(YAML(typ="safe").load(home.settings))
    except (OSError, YAMLError, ValidationError):
        raise Refused(
            Code.HOME_INVALID,
            "There is no haven at that place.",
            "Make one with `haven init HOME`, or name it with --home or HAVEN_HOME.",
        ) from None
    return OpenHome(home, settings)
