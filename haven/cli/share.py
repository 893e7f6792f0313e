"""Where the files that come with haven are: policies and notebooks, in a checkout beside the package, in an installation inside it."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def shared(name: str) -> Path:
    """The folder `name` (policies, notebooks) that came with this haven."""
    beside = PACKAGE.parent / name
    return beside if beside.is_dir() and (PACKAGE.parent / "pyproject.toml").is_file() else PACKAGE / "share" / name
