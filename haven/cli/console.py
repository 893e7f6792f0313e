"""How commands speak: tables and sentences for people, JSON for programs, refusals on stderr with exit code 2."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from haven.errors import Fault, HavenError

REFUSED_EXIT = 2
FAULT_EXIT = 3

_WIDEST = 1000  # columns of a pipe
out = Console(soft_wrap=True, width=None if sys.stdout.isatty() else _WIDEST)
err = Console(stderr=True, soft_wrap=True)


@contextmanager
def spoken_errors() -> Iterator[None]:
    """A refusal or fault ends the command with its code and sentence on stderr, and a non-zero exit; nothing else of it is shown."""
    try:
        yield
    except HavenError as error:
        err.print(f"[bold red]{error.code}[/] {escape(error.reason)}")
        if error.suggestion:
            err.print(f"  {escape(error.suggestion)}")
        raise typer.Exit(FAULT_EXIT if isinstance(error, Fault) else REFUSED_EXIT) from None


def say(sentence: str) -> None:
    """One sentence for a person, on stdout."""
    out.print(escape(sentence))


def print_json(value: Any) -> None:  # noqa: ANN401 - anything that JSON can hold
    """A value for a program, on stdout: plain JSON without colours or wrapping."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Rows for a person: folded to a terminal's width, as wide as they are in a pipe, so that nothing is ever cut."""
    table = Table(title=title, title_justify="left")
    for column in columns:
        table.add_column(escape(column), overflow="fold")
    for row in rows:
        table.add_row(*(escape("" if cell is None else str(cell)) for cell in row))
    out.print(table)


def print_rows(title: str, rows: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """The same rows for a person (a table of their keys) or for a program (JSON)."""
    if as_json:
        print_json(list(rows))
    elif rows:
        print_table(title, list(rows[0]), [list(row.values()) for row in rows])
    else:
        say(f"{title}: none")
