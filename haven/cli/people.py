"""`haven user`: accounts, passwords and tokens."""

import secrets
from typing import Annotated

import typer

from haven.cli.console import print_json, print_rows, say, spoken_errors
from haven.cli.custodians import AsCustodian, ReasonOption, proved
from haven.cli.house import now, open_books
from haven.cli.options import DEFAULT_HOME, OPERATOR, HomeOption, JsonOption
from haven.errors import Code, Refused
from haven.ledger.ledger import Ledger
from haven.ledger.revocations import Revocable, propose_revocation
from haven.policy.roles import Role

app = typer.Typer(help="People: accounts, passwords, tokens.", no_args_is_help=True)
PASSWORD_BYTES = 12


@app.command()
def add(
    name: str,
    role: Annotated[Role, typer.Option(help="What they are in this haven.")],
    project: Annotated[str | None, typer.Option(help="The project a researcher opens first.")] = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Add an account and print its first password, once."""
    with spoken_errors(), open_books(home) as (_, ledger):
        password = add_person(ledger, name, role, project)
        say(f"Added {name} ({role}). Password, shown once: {password}")


def add_person(ledger: Ledger, name: str, role: Role, project: str | None) -> str:
    """Add an account with a generated password: the password, which nothing can show again."""
    ledger.people.add_user(name, role, actor=OPERATOR, now=now(), project=project)
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    ledger.people.set_password(name, password, actor=OPERATOR, now=now())
    return password


@app.command("list")
def list_people(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Everyone with an account."""
    with spoken_errors(), open_books(home) as (_, ledger):
        rows = [{"name": p.name, "role": str(p.role), "project": p.project, "suspended": p.suspended} for p in ledger.people.list_people()]
        print_rows("people", rows, as_json=as_json)


@app.command()
def password(name: str, home: HomeOption = DEFAULT_HOME) -> None:
    """Set a new generated password and print it, once."""
    with spoken_errors(), open_books(home) as (_, ledger):
        chosen = secrets.token_urlsafe(PASSWORD_BYTES)
        ledger.people.set_password(name, chosen, actor=OPERATOR, now=now())
        say(f"New password of {name}, shown once: {chosen}")


@app.command()
def token(name: str, home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Issue one API token and print it: the last word of the output, shown once."""
    with spoken_errors(), open_books(home) as (_, ledger):
        if ledger.people.person(name) is None:
            raise Refused(Code.NOT_FOUND, "There is no such account.", "List them with `haven user list`.")
        issued = ledger.people.issue_token(name, now(), actor=OPERATOR)
        if as_json:
            print_json({"name": name, "token": issued})
        else:
            say(f"API token of {name}, shown once: {issued}")


@app.command()
def suspend(name: str, reason: Annotated[str, typer.Option(help="Shown to the person.")], home: HomeOption = DEFAULT_HOME) -> None:
    """Stop an account: no question, no page, no token until it is resumed."""
    with spoken_errors(), open_books(home) as (_, ledger):
        ledger.people.suspend_user(name, reason, actor=OPERATOR, now=now())
        say(f"{name} is suspended.")


@app.command()
def resume(name: str, reason: Annotated[str, typer.Option(help="Kept in the books.")], home: HomeOption = DEFAULT_HOME) -> None:
    """Let a suspended account work again."""
    with spoken_errors(), open_books(home) as (_, ledger):
        ledger.people.resume_user(name, reason, actor=OPERATOR, now=now())
        say(f"{name} may work again.")


@app.command()
def revoke(name: str, custodian: AsCustodian, reason: ReasonOption, home: HomeOption = DEFAULT_HOME) -> None:
    """Stop an account now, and for good once a second custodian confirms: tokens and kernels end within a minute."""
    with spoken_errors(), open_books(home) as (_, ledger):
        actor = proved(ledger, custodian)
        waiting = propose_revocation(ledger.proposals, Revocable.USER, name, reason, actor=actor, now=now())
        say(f"{name} is suspended; proposal {waiting.id} waits for another custodian to revoke the account for good.")
