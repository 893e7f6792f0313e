"""Options that every command shares."""

from pathlib import Path
from typing import Annotated

import typer

HomeOption = Annotated[Path, typer.Option("--home", envvar="HAVEN_HOME", help="The haven's home directory.", file_okay=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
DEFAULT_HOME = Path("haven-home")
OPERATOR = "operator"
"""Who acts when a command is typed on the haven's own machine: whoever may read its files."""
