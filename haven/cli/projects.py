"""`haven project`: who asks, for what, until when, and with how much."""

from pathlib import Path
from typing import Annotated

import typer

from haven.cli.console import print_json, print_rows, say, spoken_errors
from haven.cli.custodians import AsCustodian, AsOption, ReasonOption, proved, say_waiting
from haven.cli.home import OpenHome
from haven.cli.house import now, open_books
from haven.cli.options import DEFAULT_HOME, OPERATOR, HomeOption, JsonOption
from haven.cli.registration import policy_changes, propose_loosening
from haven.ledger.ledger import Ledger
from haven.ledger.registry import PolicyKind, State
from haven.ledger.revocations import Revocable, propose_revocation
from haven.mediator.policies import Policies
from haven.mediator.policy_changes import second_needed
from haven.policy.loader import parse_project_policy, read_text
from haven.policy.project_policy import ProjectPolicy

app = typer.Typer(help="Projects: purpose, researchers, budgets, standing.", no_args_is_help=True)


@app.command()
def add(policy: Path, custodian: AsOption = None, reason: ReasonOption = "", home: HomeOption = DEFAULT_HOME) -> None:
    """Register a project from its YAML file, or a new version of it; one that loosens waits for a second custodian (--as, --reason)."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        actor = OPERATOR if custodian is None else proved(ledger, custodian)
        changes = policy_changes(opened, ledger)
        change = changes.of_project(read_text(policy), policy.name)
        if custodian is not None and (waiting := propose_loosening(changes, change, actor, reason)) is not None:
            say_waiting(waiting, change)
            return
        project, version = register_project(policy, opened, ledger, actor)
        say(f"Project {project.project}, version {version}: {', '.join(project.researchers)} may ask {', '.join(project.datasets)}.")


def register_project(policy: Path, opened: OpenHome, ledger: Ledger, actor: str = OPERATOR) -> tuple[ProjectPolicy, int]:
    """Register the project in `policy`, or a version of it that loosens nothing. Refused where the file is wrong or does loosen."""
    changes = policy_changes(opened, ledger)
    change = changes.of_project(read_text(policy), policy.name)
    if change.loosens:
        raise second_needed(change)
    project = parse_project_policy(change.text, policy.name, bench=opened.bench)
    stored = ledger.registry.add_policy(PolicyKind.PROJECT, project.project, change.text, project.digest, actor, now(), over=change.before)
    return project, stored.version


@app.command("list")
def list_projects(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Every project."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        policies = Policies(ledger.registry, ledger.people, bench=opened.bench)
        rows = [
            {
                "project": p.project,
                "title": p.title,
                "researchers": ", ".join(p.researchers),
                "datasets": ", ".join(p.datasets),
                "ends": p.ends.isoformat(),
                "state": str(ledger.registry.state(PolicyKind.PROJECT, p.project).state),
            }
            for p in policies.projects()
        ]
        print_rows("projects", rows, as_json=as_json)


@app.command()
def show(name: str, home: HomeOption = DEFAULT_HOME) -> None:
    """A project's policy as registered, in JSON."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        project = Policies(ledger.registry, ledger.people, bench=opened.bench).project(name)
        print_json(project.model_dump(mode="json"))


@app.command()
def suspend(name: str, reason: Annotated[str, typer.Option(help="Shown to its researchers.")], home: HomeOption = DEFAULT_HOME) -> None:
    """Stop a project: its questions are refused from now on."""
    _set_state(name, State.SUSPENDED, reason, home, "is suspended")


@app.command()
def resume(name: str, reason: Annotated[str, typer.Option(help="Kept in the books.")], home: HomeOption = DEFAULT_HOME) -> None:
    """Let a suspended project ask again."""
    _set_state(name, State.ACTIVE, reason, home, "may ask again")


@app.command()
def revoke(name: str, custodian: AsCustodian, reason: ReasonOption, home: HomeOption = DEFAULT_HOME) -> None:
    """Stop a project now, and for good once a second custodian confirms: its researchers' kernels end within a minute."""
    with spoken_errors(), open_books(home) as (_, ledger):
        actor = proved(ledger, custodian)
        waiting = propose_revocation(ledger.proposals, Revocable.PROJECT, name, reason, actor=actor, now=now())
        say(f"Project {name} is suspended; proposal {waiting.id} waits for another custodian to revoke it for good.")


def _set_state(name: str, state: State, reason: str, home: Path, words: str) -> None:
    with spoken_errors(), open_books(home) as (opened, ledger):
        Policies(ledger.registry, ledger.people, bench=opened.bench).project(name)
        ledger.registry.set_state(PolicyKind.PROJECT, name, state, reason, OPERATOR, now())
        say(f"Project {name} {words}.")
