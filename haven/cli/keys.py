"""The home's two secrets: whether they are the ones that these books began with, and `haven key make` for one that is lost for good.

Guaranteed: no secret is ever made in the place of another without an entry and, for the signing key, two custodians who accept it. A secret
of another home is refused: with it, nobody who withdraws would be found in the data, and nothing would say so.
"""

import hashlib
import hmac
from datetime import UTC, datetime

import typer

from haven.cli.console import say, spoken_errors
from haven.cli.home import OpenHome, open_home
from haven.cli.options import DEFAULT_HOME, HomeOption
from haven.errors import Code, Refused
from haven.ledger.events import Kind
from haven.ledger.ledger import Ledger
from haven.ledger.spends import HOUSE
from haven.release.signing import make_key

CHECKED = b"haven: which ingest secret these books began with"
app = typer.Typer(help="The signing key.", no_args_is_help=True)


@app.command()
def make(home: HomeOption = DEFAULT_HOME) -> None:
    """Make a new signing key where the old one is lost for good. The haven answers again once two custodians accepted it."""
    with spoken_errors():
        key = make_key(open_home(home).home.keys)
        say(f"A new signing key is in the home; its public half is {key.public}.")
        say("Until two custodians accept it, nothing is answered and nothing leaves.")


@app.callback()
def _key() -> None:
    """Keep `make` a command of its own."""


def check_secret(home: OpenHome, ledger: Ledger) -> None:
    """Pass where the ingest secret is the one that these books began with; books that never said which note it now.

    Raises:
        Refused: (HOME_INVALID) it is missing, half written, open to others, or another home's.
    """
    # a keyed digest of a constant: it tells nothing of 256 random bits, and is another for every other secret
    check = hmac.new(home.secret, CHECKED, hashlib.sha256).hexdigest()
    begun = ledger.entries(kind=Kind.SECRET_NOTED, limit=1)
    if not begun:
        ledger.record(Kind.SECRET_NOTED, HOUSE, {"check": check}, datetime.now(UTC))
    elif not hmac.compare_digest(str(begun[0].detail["check"]), check):
        raise Refused(
            Code.HOME_INVALID,
            "The ingest secret is not the one that these books began with: it was swapped.",
            "Restore it from this home's own backup.",
        )
