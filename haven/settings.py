"""Where a haven lives: one directory, its layout in one place. Read by the entry points only; rooms are handed the paths they need."""

from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError


@dataclass(frozen=True, slots=True)
class Home:
    """The layout of a haven's home directory (mode 0700; `root` is absolute)."""

    root: Path

    @property
    def settings(self) -> Path:
        """The home's own settings: `kind: normal | bench`, the title, and `books` where they are in PostgreSQL."""
        return self.root / "haven.yaml"

    @property
    def books(self) -> Path:
        """The ledger, where the settings name no other place."""
        return self.root / "books.sqlite"

    @property
    def policies(self) -> Path:
        """Custodians' policy files, as added."""
        return self.root / "policies"

    @property
    def data(self) -> Path:
        """Snapshots: `data/DATASET/SERIAL/`."""
        return self.root / "data"

    @property
    def releases(self) -> Path:
        """Content-addressed items and bundles of the release desk."""
        return self.root / "releases"

    @property
    def keys(self) -> Path:
        """The signing key, its public half, and the ingest secret."""
        return self.root / "keys"

    @property
    def run(self) -> Path:
        """Sockets and other things that live as long as a process."""
        return self.root / "run"

    @property
    def hub(self) -> Path:
        """JupyterHub's state and researchers' homes."""
        return self.root / "hub"

    @property
    def secret(self) -> Path:
        """The secret that orders ranks and seals fingerprints; it never leaves the custodian's side."""
        return self.keys / "ingest.secret"


def books_of(home: Home) -> Path | str:
    """Where the books are: the address that `haven.yaml` gives as `books`, else the home's own file.

    Settings that cannot be read name no place: whoever opens the home refuses them.
    """
    try:
        settings = YAML(typ="safe").load(home.settings)
    except (OSError, YAMLError):
        return home.books
    address = settings.get("books") if isinstance(settings, dict) else None
    return address if isinstance(address, str) else home.books
