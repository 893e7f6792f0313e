"""A plan as a picture: from the person's rows to the answer, one box a step, as SVG of shapes and words alone, escaped."""

import re
import textwrap
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from haven.client import display
from haven.errors import Code, Refused

WIDTH, MARGIN, LINE, CHARACTERS = 760, 14, 17, 100
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
MOST_LINES = 40
Step = tuple[str, list[str]]


class PlanPicture:
    """What a plan does, step by step. `svg` is the picture, `steps` its words, `save(path)` writes it as SVG."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.steps = steps_of(document)

    @property
    def svg(self) -> str:
        """The picture as SVG text."""
        top, boxes = MARGIN, []
        for title, lines in self.steps:
            boxes.append(_box(top, title, lines, code=title == "SQL"))
            top += _height(lines) + 2 * MARGIN
        arrows = [_arrow(top) for top in _between(self.steps)]
        height = top - MARGIN
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">'
        paper = f'<rect x="0" y="0" width="{WIDTH}" height="{height}" fill="#ffffff"/>'
        return f'{head}<g font-family="sans-serif" font-size="12" fill="#212121">{paper}{"".join([*boxes, *arrows])}</g></svg>'

    def save(self, path: str | Path) -> Path:
        """Write the picture to `path`, an `.svg` file. Gives the path back."""
        target = Path(path)
        if target.suffix.lower() != ".svg":
            raise Refused(Code.REQUEST_INVALID, "A plan's picture is saved as SVG.", 'Write save("plan.svg").')
        try:
            target.write_text(self.svg, encoding="utf-8")
        except OSError:
            raise Refused(Code.REQUEST_INVALID, "This file cannot be written here.", "Name a file in a folder that is yours.") from None
        return target

    def __repr__(self) -> str:
        """The steps as a tree of text."""
        lines = []
        for index, (title, said) in enumerate(self.steps):
            lines.append(title if index == 0 else f"└─ {title}")
            lines += [f"   {line}" for line in said]
        return "\n".join(lines)

    def _repr_svg_(self) -> str:
        """The picture, for a notebook."""
        return self.svg


def steps_of(document: Mapping[str, Any]) -> list[Step]:
    """The steps of the plan that a receipt or a preview tells of, each with its lines. Raises Refused where it tells of none."""
    plan = document.get("plan")
    if not isinstance(plan, Mapping):
        raise Refused(Code.REQUEST_INVALID, "This receipt tells of no plan.", "Ask the question again: what was answered is free.")
    steps = [
        ("Privacy unit", [f"one value of {plan.get('unit', '')}, with all the rows that it owns"]),
        ("Rows", [str(plan.get("source", ""))]),
    ]
    steps += [("Bounds", _bounds(_mapping(plan.get("bounds"))))]
    keys = _objects(plan.get("keys"))
    steps += [("Groups", [_key(key) for key in keys] + _threshold(plan))] if keys else []
    steps += [("Noise", [_target(target) for target in _objects(plan.get("targets"))])]
    made = document.get("made_from")
    steps += [("Earlier answers", _made_from(made))] if isinstance(made, Mapping) else []
    steps += [("Price", [_price(document)])]
    return [*steps, ("SQL", [str(plan.get("sql", ""))])] if plan.get("sql") else steps


def _bounds(bounds: Mapping[str, Any]) -> list[str]:
    if not bounds:
        return ["none needed"]
    said = (
        f"one unit counts with at most {bounds.get('rows_per_unit')} rows, in {bounds.get('groups_per_unit')} groups,"
        f" {bounds.get('rows_per_group')} in each"
    )
    filters = [str(one) for one in bounds.get("filters") or ()]
    return [said, *([f"kept by stored ranks: {' and '.join(filters)}"] if filters else [])]


def _key(key: Mapping[str, Any]) -> str:
    values = key.get("values")
    return f"{key.get('name')}: " + ("private values, chosen by noise" if values is None else f"{values} public values, all answered")


def _threshold(plan: Mapping[str, Any]) -> list[str]:
    threshold = plan.get("threshold")
    return [] if threshold is None else [f"shown above a noisy number of {display.number(threshold)} persons"]


def _target(target: Mapping[str, Any]) -> str:
    said = f"{target.get('of')}: one unit moves it by at most {display.number(target.get('sensitivity'))} ({target.get('norm')}),"
    said += f" {target.get('mechanism')} of scale {display.number(target.get('scale'))}"
    width = target.get("half_width_95")
    return said if width is None else f"{said}, ± {display.number(width)} at 95 %"


def _made_from(made: Mapping[str, Any]) -> list[str]:
    return [f"{made.get('rule')}: receipt {', '.join(map(str, made.get('receipts') or ()))}"]


def _price(document: Mapping[str, Any]) -> str:
    amounts = ", ".join(f"{unit} {value}" for unit, value in _mapping(document.get("cost")).items() if value != "0")
    return f"{amounts or 'nothing'} (ε {display.quantity(document.get('epsilon', ''))} alone)"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _wrapped(lines: Sequence[str]) -> list[str]:
    whole = [part for line in lines for part in textwrap.wrap(_NOT_XML.sub("�", line), CHARACTERS, break_long_words=True) or [""]]
    return whole if len(whole) <= MOST_LINES else [*whole[:MOST_LINES], "…"]


def _height(lines: Sequence[str]) -> int:
    return LINE * (len(_wrapped(lines)) + 1) + MARGIN


def _box(top: int, title: str, lines: Sequence[str], *, code: bool) -> str:
    frame = f'<rect x="{MARGIN}" y="{top}" width="{WIDTH - 2 * MARGIN}" height="{_height(lines)}" rx="6" fill="#f5f7fa" stroke="#90a4ae"/>'
    words = [f'<text x="{2 * MARGIN}" y="{top + LINE}" font-weight="bold">{escape(title)}</text>']
    font = ' font-family="monospace" font-size="11"' if code else ""
    words += [
        f'<text x="{2 * MARGIN}" y="{top + LINE * (index + 2)}"{font}>{escape(line)}</text>' for index, line in enumerate(_wrapped(lines))
    ]
    return frame + "".join(words)


def _between(steps: Sequence[Step]) -> list[int]:
    """Where each box but the last ends."""
    ends, top = [], MARGIN
    for _, lines in steps[:-1]:
        ends.append(top + _height(lines))
        top += _height(lines) + 2 * MARGIN
    return ends


def _arrow(top: int) -> str:
    middle, end = WIDTH // 2, top + 2 * MARGIN - 2
    return (
        f'<path d="M{middle} {top} V{end} M{middle - 5} {end - 6} L{middle} {end} L{middle + 5} {end - 6}" stroke="#90a4ae" fill="none"/>'
    )
