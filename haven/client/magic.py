"""The cell magic: `%%haven --epsilon 0.1 -o answer` asks the SQL in the cell."""

import argparse
import shlex
from typing import TYPE_CHECKING, Any, Never

from haven.client.session import latest
from haven.errors import Code, Refused

if TYPE_CHECKING:
    from haven.client.answer import Answer
    from haven.client.preview import Preview

USAGE = (
    "%%haven --epsilon 0.1 -o answer   (or --rho, --error, --relative-error;"
    " --size-hint, --rows-per-unit, --groups-per-unit, --fresh, --preview)"
)


class _Line(argparse.ArgumentParser):
    def error(self, message: str) -> Never:  # noqa: ARG002 - the library's words are not for a researcher
        raise Refused(Code.REQUEST_INVALID, "The line after %%haven cannot be read.", f"Write {USAGE}.")


def _parser() -> argparse.ArgumentParser:
    parser = _Line(prog="%%haven", add_help=False, allow_abbrev=False, exit_on_error=False)
    for amount in ("--epsilon", "--rho", "--error", "--relative-error"):
        parser.add_argument(amount)
    parser.add_argument("--rows-per-unit", type=int)
    parser.add_argument("--groups-per-unit", type=int)
    parser.add_argument("--size-hint", type=int)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--preview", action="store_true")
    parser.add_argument("-o", "--out")
    return parser


def _read(line: str) -> argparse.Namespace:
    parser = _parser()
    try:
        return parser.parse_args(shlex.split(line))
    except (ValueError, argparse.ArgumentError):
        parser.error("")


def ask_cell(line: str, cell: str, names: dict[str, Any]) -> "Answer | Preview":
    """Ask the SQL in `cell` as `line` says; with `-o NAME` the answer is also put into `names`. Raises Refused or Fault."""
    options = _read(line)
    if options.out is not None and not options.out.isidentifier():
        raise Refused(Code.REQUEST_INVALID, "The name after -o is not a Python name.", "Write -o answer.")
    names_of = ("epsilon", "rho", "error", "relative_error", "size_hint", "rows_per_unit", "groups_per_unit")
    common = {name: getattr(options, name) for name in names_of}
    asked = latest().preview(cell, **common) if options.preview else latest().query(cell, **common, replay=not options.fresh)
    if options.out is not None:
        names[options.out] = asked
    return asked


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401 - IPython is untyped, and not imported here
    """Give the notebook `%%haven`, and show Altair charts as SVG: their usual display fetches a script from another host."""
    shell.register_magic_function(lambda line, cell: ask_cell(line, cell, shell.user_ns), "cell", "haven")
    shell.display_formatter.mimebundle_formatter.for_type_by_name("altair.vegalite.v6.api", "TopLevelMixin", _altair_as_svg)


def _altair_as_svg(chart: Any, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ANN401, ARG001 - IPython's signature
    from haven.client.chart import svg_of  # noqa: PLC0415 - Altair is slow to import

    return {"image/svg+xml": svg_of(chart), "text/plain": "an Altair chart"}
