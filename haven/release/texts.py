"""Texts: Markdown that is words and nothing else, and how it is shown."""

import io
import pickletools
import re
import unicodedata

from markdown_it import MarkdownIt
from markdown_it.token import Token

from haven.errors import Code, Refused

LARGEST_FILE = 200_000
LONGEST_WORD = 200
_SAFE_LINK = re.compile(r"^(https?://|mailto:|#)", re.IGNORECASE)
_MARKUP_START = re.compile(r"\s*(<[A-Za-z!?/]|#!|%PDF|\{\\rtf|@echo|import |from \w+ import )")
_READS_ALL = MarkdownIt("commonmark", {"html": True})
_READS_ALL.validateLink = lambda url: True  # type: ignore[method-assign] # noqa: ARG005 - so that a bad link is read as one
_SHOWS = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")


def clean_text(content: bytes) -> str:
    """The Markdown in `content`, with Unix line ends and one newline at the end.

    Raises Refused `release.item` unless it is UTF-8 text without control or direction-changing characters, HTML, images, active links,
    words of more than 200 characters, or the marks of a script, notebook, pickle or other document.
    """
    if len(content) > LARGEST_FILE:
        raise Refused(Code.RELEASE_ITEM, "This text is larger than 200 kB.", "Shorten it, or split it in two.")
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _not_text() from error
    if not text.strip() or any(_hidden(character) for character in text):
        raise _not_text()
    if _MARKUP_START.match(text) or text.lstrip().startswith(("{", "[{")) or _is_pickle(content):
        raise _not_text()
    if any(len(word) > LONGEST_WORD for word in text.split()):
        raise Refused(Code.RELEASE_ITEM, "This text holds a run of more than 200 characters without a space.", "Write it in words.")
    _check_tokens(_READS_ALL.parse(text))
    return text.rstrip("\n") + "\n"


def as_html(text: str) -> str:
    """The Markdown as HTML without any raw HTML, image or active link: safe to put into a page."""
    return str(_SHOWS.render(text))


def _not_text() -> Refused:
    return Refused(
        Code.RELEASE_ITEM,
        "This file is none of the forms that may leave: a table by its receipt, a PNG figure, or a Markdown text.",
        "Release an answer itself instead of a file made from it, save figures as PNG, and write text as plain Markdown.",
    )


def _hidden(character: str) -> bool:
    return character not in "\n\t" and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _is_pickle(content: bytes) -> bool:
    try:
        operations = sum(1 for _ in pickletools.genops(io.BytesIO(content)))
    except (ValueError, IndexError, KeyError, OverflowError):
        return False
    return operations > 1


def _check_tokens(tokens: list[Token]) -> None:
    for token in tokens:
        if token.type in {"html_block", "html_inline", "image"}:
            raise Refused(Code.RELEASE_ITEM, "This text holds HTML or an image.", "Write plain Markdown; add the image as a PNG file.")
        link = str(token.attrs.get("href", "#"))
        if not _SAFE_LINK.match(link):
            raise Refused(Code.RELEASE_ITEM, "A link in this text is not a web or mail address.", "Link to https:// addresses only.")
        _check_tokens(token.children or [])
