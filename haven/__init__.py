"""haven: an analysis safe haven for genomic and clinical data.

`haven.connect()` is the way in. Importing this imports nothing of the server, and nothing slow: names are fetched when first used.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from haven.client.answer import Answer
    from haven.client.magic import load_ipython_extension
    from haven.client.preview import Preview
    from haven.client.session import Haven, connect
    from haven.errors import Fault, Refused

__all__ = ["Answer", "Fault", "Haven", "Preview", "Refused", "__version__", "connect", "load_ipython_extension"]

_HOMES = {
    "Answer": "haven.client.answer",
    "Fault": "haven.errors",
    "Haven": "haven.client.session",
    "Preview": "haven.client.preview",
    "Refused": "haven.errors",
    "connect": "haven.client.session",
    "load_ipython_extension": "haven.client.magic",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - a module's attribute is anything
    """One of the public names, imported on first use."""
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module 'haven' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return sorted(__all__)


def _version() -> str:
    try:
        return version("analysis-haven")
    except PackageNotFoundError:
        return "0+unknown"
