"""`haven dataset`: register, ingest, withdraw people, pause and resume."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from haven.cli.console import err, print_json, print_rows, say, spoken_errors
from haven.cli.custodians import AsOption, ReasonOption, proved, say_waiting
from haven.cli.home import OpenHome
from haven.cli.house import now, open_books
from haven.cli.options import DEFAULT_HOME, OPERATOR, HomeOption, JsonOption
from haven.cli.registration import Waiting, ingest_again, policy_changes, propose_loosening, register, withdraw_units
from haven.engines.build import IngestProgress, Watcher
from haven.ledger.ledger import Ledger
from haven.ledger.registry import PolicyKind, State
from haven.mediator.budgets import overspent
from haven.mediator.catalogue import dataset_document
from haven.mediator.policies import InForce, Policies
from haven.mediator.populations import SamePeople, same_people
from haven.policy.dataset_policy import DatasetPolicy
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
        warn_of_same_people(opened, ledger, added.name)


@app.command()
def ingest(name: str, home: HomeOption = DEFAULT_HOME) -> None:
    """Read a registered dataset's sources again, as a new snapshot on the same budget."""
    with spoken_errors(), open_books(home) as (opened, ledger), progress_bar() as progress:
        added = ingest_again(name, opened, ledger, progress)
        say(f"Dataset {name}: snapshot {added.serial} is in. Quality report: {added.report}")
        warn_of_same_people(opened, ledger, name)


@app.command()
def withdraw(
    name: str,
    units: Annotated[Path, typer.Option(help="A file with one unit identifier a line.", dir_okay=False)],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Take people out of every answer from the next question on, as a new snapshot. What they contributed to before stays in the books.

    Between two dates of a dataset's calendar it takes effect at the next, and until then its policy says whether questions are answered.
    """
    with spoken_errors(), open_books(home) as (opened, ledger):
        done = withdraw_units(name, units, opened, ledger)
        if isinstance(done, Waiting):
            until = "answers no question until then" if done.stops else "answers as before until then"
            say(f"Dataset {name}: the withdrawal is noted; the snapshot due on {done.due} is without these people. It {until}.")
            return
        say(f"Dataset {name}: snapshot {done.serial} is without the withdrawn people.")


@app.command("list")
def list_datasets(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Every dataset."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        policies = Policies(ledger.registry, ledger.people, bench=opened.bench).now()
        found = same_people(ledger, policies)
        rows = [_listed(policy, policies, ledger, found) for policy in policies.datasets.values()]
        print_rows("datasets", rows, as_json=as_json)
        for one in found:
            err.print(f"Warning: {one.words}", highlight=False, markup=False)


def _listed(policy: DatasetPolicy, policies: InForce, ledger: Ledger, found: tuple[SamePeople, ...]) -> dict[str, object]:
    others = (name for one in found if policy.dataset in one.datasets for name in one.datasets if name != policy.dataset)
    calendar = policy.calendar
    return {
        "dataset": policy.dataset,
        "title": policy.title,
        "custodian": policy.custodian,
        "tables": ", ".join(policy.tables),
        "snapshot": policies.snapshots[policy.dataset],
        "state": _state(policy, policies, ledger),
        "renewed next": "" if calendar is None else calendar.following(now().date()).isoformat(),
        "same people as": ", ".join(others),
    }


def _state(policy: DatasetPolicy, policies: InForce, ledger: Ledger) -> str:
    """Its standing; where nobody stopped it, whether it answers nothing all the same."""
    stands = ledger.registry.state(PolicyKind.DATASET, policy.dataset).state
    calendar, renewed, today = policy.calendar, policies.renewed.get(policy.dataset), now().date()
    if stands is not State.ACTIVE:
        return str(stands)
    is_due = calendar is not None and renewed is not None and calendar.is_due(renewed, today)
    if is_due or policies.halt(policy.dataset) is not None:
        return "to be renewed"
    return "over budget" if overspent(ledger, policy, today) else str(stands)


@app.command()
def show(name: str, home: HomeOption = DEFAULT_HOME) -> None:
    """A dataset's public metadata, in JSON."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        in_force = Policies(ledger.registry, ledger.people, bench=opened.bench, data=opened.home.data).now()
        print_json(dataset_document(in_force.dataset(name), in_force.catalogue[name], now().date(), paused=in_force.halt(name)))


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


def warn_of_same_people(opened: OpenHome, ledger: Ledger, name: str) -> None:
    """Warn on stderr where another population's dataset holds the very same persons as `name`."""
    policies = Policies(ledger.registry, ledger.people, bench=opened.bench).now()
    for found in same_people(ledger, policies):
        if name in found.datasets:
            err.print(f"Warning: {found.words}", highlight=False, markup=False)


def _set_state(name: str, state: State, reason: str, home: Path, words: str) -> None:
    with spoken_errors(), open_books(home) as (opened, ledger):
        Policies(ledger.registry, ledger.people, bench=opened.bench).dataset(name)
        ledger.registry.set_state(PolicyKind.DATASET, name, state, reason, OPERATOR, now())
        say(f"Dataset {name} {words}.")
