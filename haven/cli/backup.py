"""`haven backup`: a copy of a home while it is in use, and putting it back. What the witness saw is never part of either."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from haven.cli.appointing import appoint
from haven.cli.console import say, spoken_errors
from haven.cli.home import OpenHome, open_home
from haven.cli.house import now, open_books
from haven.cli.options import DEFAULT_HOME, OPERATOR, HomeOption
from haven.cli.presence import alone
from haven.errors import Code, Fault, Refused
from haven.ledger.audit import audit_verify
from haven.ledger.copying import copy_books, in_a_file, put_books
from haven.ledger.database import Place
from haven.release.leaving import LAST
from haven.settings import Home, books_of

app = typer.Typer(help="Copies of a home, and putting them back.", no_args_is_help=True)
FORMAT = "haven-backup/1"
LIST = "backup.json"
BOOKS = "books.copy"
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup says of itself: how many entries it holds, whether its books are SQLite's, and each file's digest."""

    entries: int
    sqlite: bool
    files: dict[str, str]


@app.command()
def make(
    folder: Annotated[Path, typer.Argument(help="A new or empty directory. It will hold the home's secrets: keep it as you keep them.")],
    with_data: Annotated[bool, typer.Option("--with-data", help="The datasets' snapshots, too.")] = False,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Copy books, keys, settings, policies and releases, while the haven answers; never the witness, which must not be restored."""
    with spoken_errors():
        copied = make_backup(home, folder, with_data=with_data)
        say(f"A backup of {copied.entries} entries is in {folder}. Keep the witness apart from it.")


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(help="A directory that `haven backup make` wrote.")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Put a backup back: a whole home where there is none, or the books alone into a home that has lost them.

    Nothing that is there is overwritten. The haven then answers nothing where its witness has seen more than the backup holds, until two
    custodians have decided (`haven audit accept-books`).
    """
    with spoken_errors():
        copied = restore_backup(folder, home)
        say(f"Restored {copied.entries} entries. Start the haven, or run `haven audit checkpoint`, to see whether its witness agrees.")


def make_backup(root: Path, folder: Path, *, with_data: bool = False) -> Copied:
    """`haven backup make`. Refused where the folder is not empty; Fault where the copy of the books is not whole: it is then removed."""
    if folder.exists() and any(folder.iterdir()):
        raise Refused(Code.REQUEST_CONFLICT, "There is something in that directory.", "Name one that is new or empty.")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    with open_books(root) as (opened, ledger):
        ledger.record("books.backed_up", OPERATOR, {}, now())
        notary = appoint(opened, ledger)
        notary.examine(now())
        # the books first: what they tell of is in the folders that are copied after them, which only grow
        copy_books(opened.books, folder / BOOKS)
        entries = ledger.entries(limit=1)[0].seq
    sqlite = in_a_file(opened.books)
    if sqlite:
        entries = _checked(folder / BOOKS)
    _copy_folders(opened, folder, with_data=with_data)
    copied = Copied(entries, sqlite, {str(path.relative_to(folder)): _digest(path) for path in _files(folder)})
    _write(folder / LIST, json.dumps({"format": FORMAT, "entries": entries, "sqlite": sqlite, "files": copied.files}, indent=1))
    return copied


def restore_backup(folder: Path, root: Path) -> Copied:
    """`haven backup restore`. Refused for what is no backup, or damaged, and where there are books; a home's witness is not touched."""
    copied = _listed(folder)
    _check_files(folder, copied)
    home = Home(root.resolve())
    new = not home.settings.exists()
    if new:
        if home.root.exists() and any(home.root.iterdir()):
            raise Refused(Code.HOME_INVALID, "There is something at that place that is no haven.", "Name a directory that is new or empty.")
        _make_folders(home)
    with alone(home.run):
        put_books(folder / BOOKS, _place(folder, home) if new else open_home(home.root).books)
        _put_missing(folder, home)
        if new:  # last: a home without its settings is none, so an interrupted restore is seen as such
            _copy(folder / home.settings.name, home.settings)
    open_home(home.root)
    return copied


def _place(folder: Path, home: Home) -> Place:
    """Where the restored books go: the address that the backup's settings name, else the new home's own file."""
    said = books_of(Home(folder))
    return home.books if isinstance(said, Path) else said


def _checked(books: Path) -> int:
    """How many entries the copy holds. Fault where it is not whole: such a copy is none."""
    report = audit_verify(books)
    if not report.whole:
        shutil.rmtree(books.parent)
        raise Fault(Code.FAULT_LEDGER, "The books are not whole, so no backup was made. See `haven audit verify`.")
    return report.entries


def _folders(home: Home) -> dict[str, Path]:
    return {"keys": home.keys, "policies": home.policies, "releases": home.releases, "data": home.data}


def _copy_folders(opened: OpenHome, folder: Path, *, with_data: bool) -> None:
    shutil.copyfile(opened.home.settings, folder / opened.home.settings.name)
    for name, source in _folders(opened.home).items():
        if source.is_dir() and (name != "data" or with_data):
            # the last release's checkpoint is evidence against an older home, so it is no part of one
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns(LAST, ".writing-*"))
    for path in _files(folder):
        path.chmod(0o600)
        _sync(path)


def _make_folders(home: Home) -> None:
    home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    for made in (*_folders(home).values(), home.run, home.hub):
        made.mkdir(mode=0o700, exist_ok=True)
    home.root.chmod(0o700)


def _put_missing(folder: Path, home: Home) -> None:
    """Every file of the backup that the home lacks; none that it has is touched."""
    for name, target in _folders(home).items():
        for source in _files(folder / name):
            path = target / source.relative_to(folder / name)
            if not path.exists():
                _copy(source, path)


def _copy(source: Path, path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    shutil.copyfile(source, path)
    path.chmod(0o600)
    _sync(path)


def _listed(folder: Path) -> Copied:
    """What the backup says of itself. Refused where it says nothing that is understood."""
    copied = None
    try:
        said: dict[str, Any] = json.loads((folder / LIST).read_text(encoding="utf-8"))
        if said["format"] == FORMAT:
            copied = Copied(int(said["entries"]), bool(said["sqlite"]), dict(said["files"]))
    except (OSError, ValueError, KeyError, TypeError):
        copied = None
    if copied is None:
        raise Refused(Code.HOME_INVALID, "There is no whole backup in that directory.", "Name one that `haven backup make` wrote.")
    return copied


def _check_files(folder: Path, copied: Copied) -> None:
    """Refused unless every file is there and as it was written."""
    there = {str(path.relative_to(folder)) for path in _files(folder)} - {LIST}
    if there != copied.files.keys() or any(_digest(folder / name) != digest for name, digest in copied.files.items()):
        raise Refused(Code.HOME_INVALID, "The backup is damaged: a file is missing, added or changed.", "Use another backup.")


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
