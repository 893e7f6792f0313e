"""`haven audit`: whether the books are whole, and all that they say."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from haven.cli import accepting, proving
from haven.cli.appointing import appoint, evidence_of
from haven.cli.console import FAULT_EXIT, print_json, say, spoken_errors
from haven.cli.home import OpenHome, open_home
from haven.cli.house import now, open_books
from haven.cli.options import DEFAULT_HOME, OPERATOR, HomeOption, JsonOption
from haven.ledger.audit import AuditReport, audit_verify
from haven.ledger.ledger import Ledger

audit = typer.Typer(help="The books: verify, export, sign and prove.", no_args_is_help=True)
audit.command()(accepting.checkpoint)
audit.command("accept-books")(accepting.accept_books)
audit.command()(proving.prove)
audit.command("check-proof")(proving.check_proof)


@audit.command()
def verify(home: HomeOption = DEFAULT_HOME, as_json: JsonOption = False) -> None:
    """Recompute the chain, the Merkle tree and every total; hold checkpoints, witness and last release against them.

    Exit 0 only when the books are whole.
    """
    with spoken_errors():
        opened = open_home(home)
        report = audit_verify(opened.books, evidence_of(opened))
        if as_json:
            print_json(asdict(report) | {"whole": report.whole})
        else:
            _say_report(report)
        if not report.whole:
            raise typer.Exit(FAULT_EXIT)


@audit.command()
def export(
    checkpoint: Annotated[
        Path | None, typer.Option(help="Write there the signed checkpoint that these entries can be checked against.")
    ] = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Every entry of the books, one JSON object a line."""
    with spoken_errors(), open_books(home) as (opened, ledger):
        ledger.record("books.exported", OPERATOR, {}, now())
        if checkpoint is not None:
            checkpoint.write_text(_signed(opened, ledger), encoding="utf-8")
        for entry in ledger.audit_export():
            typer.echo(json.dumps(entry, ensure_ascii=False, default=str))


def _signed(opened: OpenHome, ledger: Ledger) -> str:
    """The checkpoint of the books as they stand. Refused where they may not be the present ones."""
    notary = appoint(opened, ledger)
    notary.examine(now())
    notary.check_current(now())
    kept = notary.checkpoint(now())
    return "" if kept is None else kept.note


def _say_report(report: AuditReport) -> None:
    counts = f"{report.entries} entries, {report.posted} spends posted, {report.voided} void, {report.in_flight} in flight"
    say(f"The books are whole: {counts}. Head: {report.head}" if report.whole else f"The books are NOT whole: {counts}.")
    for sentence in (*report.problems, *report.remarks):
        say(f"  {sentence}")
