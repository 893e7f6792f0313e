"""`haven audit prove` and `haven audit check-proof`: what anyone can check about the books with the haven's public key alone."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from haven.cli.appointing import appoint
from haven.cli.console import FAULT_EXIT, print_json, say, spoken_errors
from haven.cli.house import now, open_books
from haven.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from haven.cli.verify import public_key
from haven.errors import Code, Refused
from haven.ledger import chain
from haven.ledger.amounts import stamp
from haven.ledger.doubts import refusal
from haven.ledger.entries import Entry
from haven.ledger.ledger import Ledger
from haven.ledger.notary import Notary
from haven.ledger.proofs import ProofError, check

LARGEST_PROOF = 2**20
ENTRY = re.compile("[0-9]{1,18}", re.ASCII)


def prove(
    what: Annotated[str | None, typer.Argument(help="A receipt's number (q-…), or an entry's.")] = None,
    since: Annotated[
        int | None, typer.Option(min=1, help="Prove instead that the books only grew since they had this many entries.")
    ] = None,
    until: Annotated[int | None, typer.Option(min=1, help="With --since: up to this many; all of them where it is not given.")] = None,
    with_text: Annotated[bool, typer.Option("--with-text", help="With the entry's own text, which names people.")] = False,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Print a proof as JSON: that an entry is in the books, or that the books only grew. `haven audit check-proof` checks it offline."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        notary = appoint(opened, ledger)
        if notary.examine(now()) is not None:
            raise refusal()
        if since is not None:
            print_json(_growth(notary, ledger, since, until))
        elif what is not None:
            entry = _entry(ledger, what)
            body = {"body": chain.body_of(entry.seq, entry.kind, entry.actor, stamp(entry.at), entry.detail)} if with_text else {}
            print_json(notary.prove(entry.seq) | {"of": what} | body)
        else:
            raise Refused(Code.REQUEST_INVALID, "There is nothing to prove.", "Name a receipt or an entry, or give --since.")


def check_proof(
    file: Annotated[Path, typer.Argument(help="The proof, as it was printed.", dir_okay=False)],
    key: Annotated[str, typer.Option(help="The haven's public key: 64 hexadecimal digits, or a file that holds them.")],
    as_json: JsonOption = False,
) -> None:
    """Check a proof offline. Exit 0 only when it shows what it says, signed by that key."""
    with spoken_errors():
        shown, problem = "", ""
        try:
            shown = check(_document(file), public_key(key))
        except ProofError as error:
            problem = str(error)
        if as_json:
            print_json({"holds": not problem, "shows": shown, "problem": problem})
        else:
            say(shown or f"This proof does NOT hold. {problem}")
        if problem:
            raise typer.Exit(FAULT_EXIT)


def _entry(ledger: Ledger, what: str) -> Entry:
    """The entry that `what` names by its own number, or the one that posted the receipt's spend."""
    if ENTRY.fullmatch(what):
        number = int(what)
    else:
        receipt = ledger.receipt(what)
        number = 0 if receipt is None else receipt.entry
    found = ledger.entries_after(number - 1, 1) if number else ()
    if not found:
        raise Refused(Code.NOT_FOUND, "The books hold no such receipt or entry.", "Look for it in `haven audit export`.")
    return found[0]


def _growth(notary: Notary, ledger: Ledger, since: int, until: int | None) -> dict[str, object]:
    newest = ledger.entries(limit=1)
    try:
        return notary.prove_growth(since, until or (newest[0].seq if newest else 0))
    except ValueError:
        raise Refused(Code.REQUEST_INVALID, "The books never had these sizes.", "Give --since up to --until, up to their size.") from None


def _document(file: Path) -> object:
    try:
        if file.stat().st_size > LARGEST_PROOF:
            raise ProofError("It is larger than a proof is.")
        return json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, ProofError):
            raise
        raise ProofError("It is no proof of a haven's.") from None
