"""YAML 1.2 text to plain values, with the line of each: no tags, no anchors, no duplicate keys, no number a double cannot hold.

Pure. What it refuses it refuses as a `Problem`, in haven's own words.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

Path = tuple[str | int, ...]

MOST_CHARACTERS = 1_000_000
MOST_DEPTH = 20
TAG = "tag:yaml.org,2002:"
WHOLE = re.compile(r"[-+]?[0-9]+")
DECIMAL = re.compile(r"[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a policy file: where it stands (`line` from 1), what is wrong, and what to write."""

    file: str
    line: int
    reason: str
    suggestion: str = ""

    def __str__(self) -> str:
        """File, line, what is wrong, what to write."""
        return f"{self.file}, line {self.line}: {self.reason} {self.suggestion}".strip()


class Unreadable(Exception):
    """A text that is not a document haven reads: it carries its line and words to the loader and goes no further."""

    def __init__(self, line: int, reason: str, suggestion: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason
        self.suggestion = suggestion


@dataclass(frozen=True, slots=True)
class Document:
    """The plain value of a YAML text (mappings, lists, strings, integers, floats, booleans, None) and the line of each path in it."""

    value: Any
    lines: Mapping[Path, int] = field(default_factory=dict)

    def line_of(self, path: Path) -> int:
        """The line of `path`, or of the nearest part of it that is there."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_document(text: str) -> Document:
    """The document that `text` holds. Raises Unreadable."""
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(1, "the file is longer than a policy can be.", f"Keep it below {MOST_CHARACTERS} characters.")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("%"):
            raise Unreadable(number, "YAML directives are not read.", "Remove the line.")
    lines: dict[Path, int] = {}
    root = _compose(text)
    if not isinstance(root, MappingNode):
        raise Unreadable(
            1, "a policy is a mapping of keys to values.", "Begin with a line as `dataset: my-dataset` or `project: my-project`."
        )
    return Document(_value(root, (), lines), lines)


def _compose(text: str) -> Node | None:
    try:
        node: Node | None = YAML(typ="safe", pure=True).compose(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        raise Unreadable(line, "the text is not YAML.", "Check indentation, brackets and quotes at this line.") from None
    except RecursionError:
        raise Unreadable(1, "the text is nested too deeply.", "Write fewer brackets within brackets.") from None
    return node


def _value(node: Node, path: Path, lines: dict[Path, int]) -> Any:  # noqa: ANN401 - YAML holds any plain value
    line = node.start_mark.line + 1
    lines.setdefault(path, line)
    if len(path) > MOST_DEPTH:
        raise Unreadable(line, "the text is nested too deeply.", "Write fewer brackets within brackets.")
    if node.anchor is not None:
        raise Unreadable(line, "anchors and aliases are not read.", "Write the value out where it is used.")
    if isinstance(node, MappingNode):
        return _mapping(node, path, lines)
    if isinstance(node, SequenceNode):
        return [_value(item, (*path, index), lines) for index, item in enumerate(node.value)]
    return _scalar(node)


def _mapping(node: MappingNode, path: Path, lines: dict[Path, int]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, ScalarNode) or key_node.tag != f"{TAG}str":
            raise Unreadable(line, "a key is a plain word.", "Write the key as a word, in quotes if it looks like a number.")
        if key_node.value in result:
            raise Unreadable(line, f"the key `{key_node.value}` is there twice.", "Keep one of the two.")
        lines[*path, key_node.value] = line
        result[key_node.value] = _value(value_node, (*path, key_node.value), lines)
    return result


def _scalar(node: Node) -> Any:  # noqa: ANN401 - the same
    line, text = node.start_mark.line + 1, str(node.value)
    match (node.tag or "").removeprefix(TAG):
        case "str" | "timestamp":
            return text
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return _integer(text, line)
        case "float":
            return _float(text, line)
        case _:
            raise Unreadable(line, "tags are not read.", "Write a plain value, in quotes if it begins with an exclamation mark.")


def _integer(text: str, line: int) -> int:
    if not WHOLE.fullmatch(text) or len(text) > 30:  # noqa: PLR2004 - far longer than any number of a policy
        raise Unreadable(line, "a whole number is written in decimal digits.", "Write it as 1000.")
    return int(text)


def _float(text: str, line: int) -> float:
    """The double that is written, refused where the double is another number than the one written."""
    value = float(text) if DECIMAL.fullmatch(text) else math.nan
    if not math.isfinite(value):
        raise Unreadable(line, "a number is finite and written in decimal digits.", "Write it as 0.5 or 1e-7.")
    if Decimal(text) != Decimal(repr(value)):
        raise Unreadable(line, "the number has more digits than can be held.", "Write at most 15 digits.")
    return value
