"""Pictures of answers: Altair charts with 95 % error bars, shown as SVG. No script runs, and nothing is fetched."""

import re
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import altair as alt
import vl_convert

from haven.errors import Code, Fault, Refused

if TYPE_CHECKING:
    from haven.client.answer import Answer

VEGA_LITE = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
PNG_SCALE = 2.0
WIDTH, HEIGHT = 420, 260
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
UNDRAWN = "The picture could not be drawn."


class Chart:
    """A picture. `altair` is the Altair chart behind it; `svg` and `save(path)` render it without a browser or a network."""

    def __init__(self, altair: alt.TopLevelMixin) -> None:
        self.altair = altair

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text: shapes and words alone."""
        return svg_of(self.altair)

    def save(self, path: str | Path) -> Path:
        """Write the picture to `path`: `.png` (which a release takes) or `.svg`. Gives the path back."""
        target = Path(path)
        if target.suffix.lower() not in {".png", ".svg"}:
            raise Refused(Code.REQUEST_INVALID, "A picture is saved as PNG or SVG.", 'Write save("figure.png").')
        content = self.svg.encode() if target.suffix.lower() == ".svg" else self._png()
        try:
            target.write_bytes(content)
        except OSError:
            raise Refused(Code.REQUEST_INVALID, "This file cannot be written here.", "Name a file in a folder that is yours.") from None
        return target

    def _png(self) -> bytes:
        return _rendered(vl_convert.vegalite_to_png, self.altair, scale=PNG_SCALE)  # type: ignore[no-any-return]

    def __repr__(self) -> str:
        """What it is."""
        return "Chart: save(path) writes it as PNG or SVG"

    def _repr_svg_(self) -> str:
        """The picture, for a notebook."""
        return self.svg


def svg_of(chart: alt.TopLevelMixin) -> str:
    """Any Altair chart as SVG text. Raises Fault where it cannot be drawn."""
    return _rendered(vl_convert.vegalite_to_svg, chart)  # type: ignore[no-any-return]


def _rendered(render: Any, chart: alt.TopLevelMixin, **options: Any) -> Any:  # noqa: ANN401 - vl_convert is untyped
    try:
        return render(_drawable(chart.to_dict()), vl_version=VEGA_LITE, allowed_base_urls=[], **options)
    except (ValueError, TypeError, RuntimeError, alt.utils.schemapi.SchemaValidationError):
        raise Fault(Code.FAULT_SERVICE, UNDRAWN, "Draw fewer columns, or change the Altair chart less.") from None


def _drawable(part: Any) -> Any:  # noqa: ANN401 - any JSON
    """The same without characters that XML does not know: the renderer ends the whole process at one."""
    if isinstance(part, dict):
        return {_drawable(name): _drawable(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_drawable(value) for value in part]
    return _NOT_XML.sub("\ufffd", part) if isinstance(part, str) else part


def draw(answer: "Answer", *, x: str | None, y: list[str] | None, title: str) -> Chart:
    """The picture of an answer: a panel for each noised column, points with error bars along the first key, coloured by the next."""
    names = answer.columns
    values = answer.noised if y is None else [_position(names, name) for name in y]
    if not values:
        raise Refused(Code.REQUEST_INVALID, "This answer has no noised column to draw.", 'Name one, as in plot(y="n").')
    keys = [index for index in range(len(names)) if index not in answer.noised and index not in values]
    if x is not None:
        along = _position(names, x)
        keys = [along, *[index for index in keys if index != along]]
    panels = [_panel(answer, keys, value) for value in values]
    chart = panels[0] if len(panels) == 1 else alt.vconcat(*panels).resolve_scale(color="shared")
    return Chart(chart.properties(title=_title(title or "answer, with 95 % error bars of the noise")))


def _position(names: Sequence[str], name: object) -> int:
    if name not in names:
        raise Refused(Code.REQUEST_INVALID, "The answer has no such column.", f"It has: {', '.join(names)}.")
    return names.index(str(name))


def _panel(answer: "Answer", keys: list[int], value: int) -> Any:  # noqa: ANN401 - Altair's layers have many types
    """One column's panel: points, and rules for their error bars."""
    name = _title(answer.columns[value])
    data = alt.InlineData(values=_points(answer, keys, value), name=f"panel{value}")
    base = alt.Chart(data, width=WIDTH, height=HEIGHT).encode(**_across(answer, keys))
    scale = alt.Scale(zero=False)
    bars = base.mark_rule().encode(y=alt.Y("low:Q", title=name, scale=scale), y2="high:Q")
    return bars + base.mark_point(filled=True, size=60).encode(y=alt.Y("y:Q", title=name, scale=scale))


def _points(answer: "Answer", keys: list[int], value: int) -> list[dict[str, Any]]:
    """The rows to draw, under names of our own: a column's name may hold what Vega-Lite reads as a path."""
    columns = [column.to_pylist() for column in answer.to_arrow().columns]
    widths = answer.half_widths(value)
    points = []
    for row, (middle, half) in enumerate(zip(columns[value], widths, strict=True)):
        if isinstance(middle, int | float):
            along = _label(columns[keys[0]][row]) if keys else answer.columns[value]
            group = " · ".join(_words(columns[key][row]) for key in keys[1:])
            points.append({"x": along, "group": group, "y": middle, "low": middle - (half or 0), "high": middle + (half or 0)})
    return points


def _across(answer: "Answer", keys: list[int]) -> dict[str, Any]:
    """What lies along the panel: the first key; the others are colours, side by side where the first is a category."""
    kinds = [str(kind) for kind in answer.to_arrow().schema.types]
    names = answer.columns
    quantitative = bool(keys) and kinds[keys[0]] in {"int64", "double"}
    title = _title(names[keys[0]]) if keys else ""
    if quantitative:
        across: dict[str, Any] = {"x": alt.X("x:Q", title=title, scale=alt.Scale(zero=False))}
    else:
        across = {"x": alt.X("x:N", title=title, sort=None)}
    if len(keys) > 1:
        across["color"] = alt.Color("group:N", title=_title(" · ".join(names[key] for key in keys[1:])))
        if not quantitative:
            across["xOffset"] = alt.XOffset("group:N")
    return across


def _title(words: str) -> str:
    """`words` on one line, and never the bare name of a property that every JavaScript object has: Vega cannot read either."""
    return " ".join(words.split()) + " "


def _label(value: object) -> object:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else _words(value)


def _words(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "missing" if value is None else str(value)
