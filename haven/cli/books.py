"""`haven budget` and `haven audit`: what is left, and whether the books are whole."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from haven.cli.console import FAULT_EXIT, print_json, print_rows, say, spoken_errors
from haven.cli.home import open_home
from haven.cli.house import open_books
from haven.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from haven.ledger.audit import AuditReport, audit_verify
from haven.mediator.budgets import budget_line
from haven.mediator.policies import Policies

budget = typer.Typer(help="Privacy budgets.", no_args_is_help=True)
audit = typer.Typer(help="The books: verify and export.", no_args_is_help=True)


@budget.command()
def show(
    dataset: Annotated[str | None, typer.Option(help="One dataset.")] = None,
    project: Annotated[str | None, typer.Option(help="One project's shares.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Total, spent and left: of each dataset, or of each share of a project."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        policies = Policies(ledger.registry, ledger.people, bench=opened.bench)
        granted = None if project is None else policies.project(project)
        named = policies.datasets() if dataset is None else (policies.dataset(dataset),)
        lines = [budget_line(ledger, policy, granted) for policy in named if granted is None or policy.dataset in granted.datasets]
        if as_json:
            print_json(lines)
        else:
            print_rows("budgets", [_words(line) for line in lines], as_json=False)


@budget.callback()
def _budget() -> None:
    """Keep `show` a command of its own."""


@audit.command()
def verify(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Recompute the whole chain and every total. Exit 0 only when the books are whole."""
    with spoken_errors():
        report = audit_verify(open_home(home).home.books)
        if as_json:
            print_json(asdict(report) | {"whole": report.whole})
        else:
            _say_report(report)
        if not report.whole:
            raise typer.Exit(FAULT_EXIT)


@audit.command()
def export(home: HomeOption = DEFAULT_HOME) -> None:
    """Every entry of the books, one JSON object a line."""
    with spoken_errors(), open_books(home) as (_, ledger):
        for entry in ledger.audit_export():
            typer.echo(json.dumps(entry, ensure_ascii=False, default=str))


def _say_report(report: AuditReport) -> None:
    counts = f"{report.entries} entries, {report.posted} spends posted, {report.voided} void, {report.in_flight} in flight"
    say(f"The books are whole: {counts}. Head: {report.head}" if report.whole else f"The books are NOT whole: {counts}.")
    for problem in report.problems:
        say(f"  {problem}")


def _words(line: dict[str, object]) -> dict[str, object]:
    words: dict[str, object] = {"dataset": line["dataset"], "definition": line["definition"]}
    for part in ("total", "spent", "left"):
        amounts = line[part]
        if isinstance(amounts, dict):
            words[part] = ", ".join(f"{name} {value}" for name, value in amounts.items())
    return words
