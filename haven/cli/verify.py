"""`haven verify`: is a bundle whole, untouched, and signed by whom? Offline, with nothing but the zip and the public key."""

from pathlib import Path
from typing import Annotated

import typer

from haven.cli.console import FAULT_EXIT, print_json, say, spoken_errors
from haven.cli.options import JsonOption
from haven.errors import Code, Refused
from haven.release.verify import verify_bundle

HEX_DIGITS = 64


def verify(
    bundle: Annotated[Path, typer.Argument(help="The bundle, as it was downloaded.", dir_okay=False)],
    key: Annotated[str | None, typer.Option(help="The haven's public key: 64 hexadecimal digits, or a file that holds them.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Verify a bundle. Exit 0 only when every file is as it was signed; with --key, only when that key signed it."""
    with spoken_errors():
        report = verify_bundle(bundle, None if key is None else public_key(key))
        if as_json:
            print_json({"whole": report.whole, "release": report.release, "problems": list(report.problems)})
        else:
            say(report.sentence())
        if not report.whole:
            raise typer.Exit(FAULT_EXIT)


def public_key(key: str) -> str:
    """The 64 hexadecimal digits that `key` is, or that the file of this name holds. Refused where they are none."""
    text = key.strip() if len(key) == HEX_DIGITS else _content(Path(key))
    if len(text) != HEX_DIGITS or any(digit not in "0123456789abcdef" for digit in text.lower()):
        raise Refused(Code.VERIFY_FAILED, "This is not a public key.", "Give its 64 hexadecimal digits, or the file that holds them.")
    return text.lower()


def _content(path: Path) -> str:
    """What a small text file holds; nothing where there is none to read."""
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""
