"""`haven dataset`: register, ingest, withdraw people, pause and resume."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from haven.cli.console import err, print_json, print_rows, say, spoken_errors
from haven.cli.custodians import AsOption, ReasonOption, proved, say_waiting
from haven.cli.house import now, open_books
from haven.cli.options import DEFAULT_HOME, OPERATOR, HomeOption, JsonOption
from haven.cli.registration import ingest_again, policy_changes, propose_loosening, register, withdraw_units
from haven.engines.build import IngestProgress, Watcher
from haven.ledger.registry import PolicyKind, State
from haven.mediator.catalogue import dataset_document
from haven.mediator.policies import Policies
from haven.policy.loader import read_text

app = typer.Typer(help="Datasets: register, ingest, withdraw, pause.", no_args_is_help=True)


@app.command()
def add(policy: Path, custodian: AsOption = None, reason: ReasonOption = "", home: HomeOption = DEFAULT_HOME) -> None:
    """Register a dataset, or a new version, from its policy file and ingest its sources; a failure leaves nothing behind.

    A version that loosens waits for a second custodian (--as, --reason).
    """
    with spoken_errors(), open_books(home) as (opened, ledger):
        actor = OPERATOR if custodian is None else proved(ledger, custodian)
        changes = policy_changes(opened, ledger)
        change = changes.of_dataset(read_text(policy), policy.name)
        if custodian is not None and (waiting := propose_loosening(changes, change, actor, reason)) is not None:
            say_waiting(waiting, change)
            return
        with progress_bar() as progress:
            added = register(policy, opened, ledger, progress, actor)
        say(f"Dataset {added.name}: snapshot {added.serial} is in. Quality report: {added.report}")


@app.command()
def ingest(name: str, home: HomeOption = DEFAULT_HOME) -> None:
    """Read a registered dataset's sources again, as a new snapshot on the same budget."""
    with spoken_errors(), open_books(home) as (opened, ledger), progress_bar() as progress:
        added = ingest_again(name, opened, ledger, progress)
        say(f"Dataset {name}: snapshot {added.serial} is in. Quality report: {added.report}")


@app.command()
def withdraw(
    name: str,
    units: Annotated[Path, typer.Option(help="A file with one unit identifier a line.", dir_okay=False)],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Take people out of every answer from the next question on, as a new snapshot. What they contributed to before stays in the books."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        added = withdraw_units(name, units, opened, ledger)
        say(f"Dataset {name}: snapshot {added.serial} is without the withdrawn people.")


@app.command("list")
def list_datasets(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Every dataset."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        rows = [
            {
                "dataset": policy.dataset,
                "title": policy.title,
                "custodian": policy.custodian,
                "tables": ", ".join(policy.tables),
                "snapshot": ledger.registry.current_snapshot(policy.dataset),
                "state": str(ledger.registry.state(PolicyKind.DATASET, policy.dataset).state),
            }
            for policy in Policies(ledger.registry, ledger.people, bench=opened.bench).datasets()
        ]
        print_rows("datasets", rows, as_json=as_json)


@app.command()
def show(name: str, home: HomeOption = DEFAULT_HOME) -> None:
    """A dataset's public metadata, in JSON."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        in_force = Policies(ledger.registry, ledger.people, bench=opened.bench, data=opened.home.data).now()
        print_json(dataset_document(in_force.dataset(name), in_force.catalogue[name], paused=in_force.halt(name)))


@app.command()
def pause(
    name: str,
    reason: Annotated[str, typer.Option(help="Shown to researchers.")] = "paused by its custodian",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Refuse every question of a dataset from now on."""
    _set_state(name, State.PAUSED, reason, home, "is paused")


@app.command()
def resume(name: str, reason: Annotated[str, typer.Option(help="Kept in the books.")] = "resumed", home: HomeOption = DEFAULT_HOME) -> None:
    """Answer questions of a paused dataset again."""
    _set_state(name, State.ACTIVE, reason, home, "is answering again")


@contextmanager
def progress_bar() -> Iterator[Watcher]:
    """A bar for people at a terminal, on stderr; silent elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("ingest", total=1.0)

        def show_progress(step: IngestProgress) -> None:
            bar.update(task, completed=step.done, total=step.total, description=step.words)

        yield show_progress


def _set_state(name: str, state: State, reason: str, home: Path, words: str) -> None:
    with spoken_errors(), open_books(home) as (opened, ledger):
        Policies(ledger.registry, ledger.people, bench=opened.bench).dataset(name)
        ledger.registry.set_state(PolicyKind.DATASET, name, state, reason, OPERATOR, now())
        say(f"Dataset {name} {words}.")
