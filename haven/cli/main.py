"""`haven`: every command, and what each is for."""

from pathlib import Path
from typing import Annotated

import typer

from haven.cli import ask, backup, books, budget, datasets, keys, people, policy, projects, proposals, serving, witness
from haven.cli.console import say, spoken_errors
from haven.cli.demonstration import create_demonstration
from haven.cli.home import Kind, create_home
from haven.cli.journey import demo
from haven.cli.verify import verify

app = typer.Typer(
    help="An analysis safe haven: researchers ask, people's records stay.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(datasets.app, name="dataset")
app.add_typer(projects.app, name="project")
app.add_typer(people.app, name="user")
app.add_typer(budget.app, name="budget")
app.add_typer(books.audit, name="audit")
app.add_typer(policy.app, name="policy")
app.add_typer(proposals.app, name="proposal")
app.add_typer(keys.app, name="key")
app.add_typer(backup.app, name="backup")
app.add_typer(witness.app, name="witness")
app.command("query")(ask.ask)
app.command()(serving.serve)
app.command()(serving.up)
app.command(hidden=True)(serving.service)
app.command()(demo)
app.command()(verify)


@app.command()
def init(
    home: Path,
    demo_data: Annotated[bool, typer.Option("--demo", help="With the demonstration's datasets, projects and people.")] = False,
    bench: Annotated[bool, typer.Option("--bench", help="For audits: promises people nothing, and says so everywhere.")] = False,
    books_at: Annotated[
        str | None, typer.Option("--books", metavar="URL", help="An empty PostgreSQL database for the books; a file in HOME otherwise.")
    ] = None,
) -> None:
    """Make a new haven in the directory HOME."""
    with spoken_errors():
        if demo_data:
            create_demonstration(home, Kind.BENCH if bench else Kind.NORMAL, books_at)
        else:
            create_home(home, Kind.BENCH if bench else Kind.NORMAL, books=books_at)
        say(f"A {'bench ' if bench else ''}haven is at {home}.")


if __name__ == "__main__":
    app()
