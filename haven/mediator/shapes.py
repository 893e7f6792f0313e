"""The shape of a question: its text without conditions and literals, so that two questions that differ only in those are one shape.

For the custodian's alerts, never for a decision: whoever wants to can write one question in many ways, and privacy does not rest on this.
Pure.
"""

import re
from functools import lru_cache

LONGEST = 20_000  # characters of a question that are looked at
_TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
    | (?P<literal>'(?:[^']|'')*(?:'|\Z)|\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)
    | (?P<quoted>"(?:[^"]|"")*(?:"|\Z))
    | (?P<word>\w+)
    | (?P<sign>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_AFTER_CONDITIONS = frozenset({"group", "having", "order", "limit", "offset", "union", "intersect", "except", "window", "qualify"})
_UNKNOWN = "?"


@lru_cache(maxsize=4096)
def shape_of(question: str) -> str:
    """The words of `question` in lower case, one space apart; a literal (and a list of them) is `?`, what follows WHERE is left out."""
    kept: list[str] = []
    depth, skipped_from = 0, None
    for each in _tokens(question[:LONGEST]):
        depth += (each == "(") - (each == ")")
        if skipped_from is not None and (depth < skipped_from or (depth == skipped_from and each in _AFTER_CONDITIONS)):
            skipped_from = None
        if skipped_from is None:
            kept.append(each)
            if each == "where":
                skipped_from = depth
    return _without_lists(" ".join(kept))


def _tokens(question: str) -> list[str]:
    found = []
    for match in _TOKEN.finditer(question):
        kind, text = match.lastgroup, match.group()
        if kind == "literal":
            found.append(_UNKNOWN)
        elif kind == "word":
            found.append(text.lower())
        elif kind != "space":
            found.append(text)
    return [each for each in found if each != ";"]


def _without_lists(text: str) -> str:
    """`IN (?, ?, ?)` is `IN (?)`: a list of another length is another literal."""
    return re.sub(r"\( \?(?: , \?)+ \)", "( ? )", text)
