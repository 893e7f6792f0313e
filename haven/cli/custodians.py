"""Acts of a custodian at a terminal: `--as NAME` is believed by that person's password, never by the machine's word alone."""

from typing import Annotated

import typer

from haven.cli.console import say
from haven.cli.house import now
from haven.errors import Code, Refused
from haven.ledger.ledger import Ledger
from haven.ledger.proposals import Proposal
from haven.mediator.policy_changes import PolicyChange
from haven.policy.roles import Role

AsOption = Annotated[str | None, typer.Option("--as", help="The custodian who does this; their password is asked for.")]
AsCustodian = Annotated[str, typer.Option("--as", help="The custodian who does this; their password is asked for.")]
ReasonOption = Annotated[str, typer.Option("--reason", help="In a sentence: why. Kept in the books.")]


def proved(ledger: Ledger, name: str) -> str:
    """`name`, once a custodian of this name gave their password. Refused (AUTH_INVALID, AUTH_FORBIDDEN) otherwise; the try is recorded."""
    password = typer.prompt(f"Password of {name}", hide_input=True, err=True)
    principal = ledger.people.verify_password(name, password, now())
    if principal is None:
        raise Refused(Code.AUTH_INVALID, "This name and password do not go together.", "Try again, or set a new password.")
    if principal.role is not Role.CUSTODIAN:
        raise Refused(Code.AUTH_FORBIDDEN, "Only a custodian does this.", "Name a custodian of this haven; `haven user list` shows them.")
    return principal.name


def say_waiting(waiting: Proposal, change: PolicyChange) -> None:
    """What was proposed, change by change, and what follows."""
    for one in change.changes:
        say(one.sentence)
    then = "then run this command again, to read the rows under it" if change.reads_again else "it applies from then on"
    say(f"Proposal {waiting.id} waits: another custodian runs `haven proposal confirm {waiting.id} --as NAME --reason WHY`; {then}.")
