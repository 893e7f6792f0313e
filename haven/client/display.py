"""How things look in a notebook: escaped HTML in the notebook's own theme, no script, no style sheet, no address of another host."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

QUIET = "color:var(--jp-ui-font-color2,#616161)"
LINE = "border-bottom:1px solid var(--jp-border-color2,#bdbdbd)"
CELL = "padding:2px 10px;font-variant-numeric:tabular-nums"


def text(value: object) -> str:
    """`value` as text that HTML takes for nothing else."""
    return escape(str(value), quote=True)


def quiet(value: object) -> str:
    """`value`, escaped, in the theme's quieter colour."""
    return f'<span style="{QUIET}">{text(value)}</span>'


def heading(words: object, note: object = "") -> str:
    """A line in bold, and a quieter note after it."""
    return f"<p style='margin:8px 0 2px'><strong>{text(words)}</strong> {quiet(note) if note else ''}</p>"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numeric: Sequence[bool] = ()) -> str:
    """A table of cells that are HTML already; `head` is text. Numeric columns are set to the right."""
    right = [*numeric, *[False] * (len(head) - len(numeric))]
    first = "".join(
        f'<th scope="col" style="{CELL};{LINE};text-align:{_side(side)}">{text(name)}</th>' for name, side in zip(head, right, strict=True)
    )
    body = "".join(f"<tr>{''.join(_cell(cell, side) for cell, side in zip(row, right, strict=True))}</tr>" for row in rows)
    return f'<table style="border-collapse:collapse"><thead><tr>{first}</tr></thead><tbody>{body}</tbody></table>'


def footer(words: object) -> str:
    """One quiet line under a display."""
    return f'<p style="margin:4px 0;font-size:smaller;{QUIET}">{text(words)}</p>'


def off_by(mechanism: Mapping[str, object]) -> str:
    """How far off noise puts a value in 95 of 100 cases: a half-width, or for a value chosen among candidates a number of ranks."""
    if "rank_error_95" in mechanism:
        return f"± {number(mechanism['rank_error_95'])} ranks"
    return f"± {number(mechanism.get('half_width_95'))}"


def number(value: object) -> str:
    """A number for reading: thousands apart, four digits behind a point at most; other values as they are, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.0f}" if abs(value) >= 1e5 else f"{value:.5g}"  # noqa: PLR2004 - beyond six digits no fraction is read


def quantity(value: object) -> str:
    """A privacy loss (a decimal string) at three significant digits."""
    try:
        return f"{float(str(value)):.3g}"
    except ValueError:
        return str(value)


def _cell(cell: str, right: bool) -> str:  # noqa: FBT001 - a column's side
    return f'<td style="{CELL};text-align:{_side(right)}">{cell}</td>'


def _side(right: bool) -> str:  # noqa: FBT001 - a column's side
    return "right" if right else "left"
