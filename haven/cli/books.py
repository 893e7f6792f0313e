"""`haven audit`: whether the books are whole, and all that they say."""

import json
from dataclasses import asdict

import typer

from haven.cli import accepting, proving
from haven.cli.console import FAULT_EXIT, print_json, say, spoken_errors
from haven.cli.home import open_home
from haven.cli.house import open_books
from haven.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from haven.ledger.audit import AuditReport, audit_verify

audit = typer.Typer(help="The books: verify, export, sign and prove.", no_args_is_help=True)
audit.command()(accepting.checkpoint)
audit.command("accept-books")(accepting.accept_books)
audit.command()(proving.prove)
audit.command("check-proof")(proving.check_proof)


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
