"""A release request from the author's side: hand in answers and files, follow it, fetch the signed bundle."""

import base64
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from haven.client import display
from haven.client.answer import Answer
from haven.client.connection import Connection, unreadable
from haven.errors import Code, Refused

ENDS = frozenset({"released", "rejected", "returned", "withdrawn", "revoked", "expired"})
POLL_SECONDS = 2.0
LARGEST_FILE = 10 * 1024 * 1024
Content = Answer | str | Path


class Release:
    """A release request. `status` asks anew each time; `wait()` follows it to its end; `download()` fetches the bundle."""

    def __init__(self, connection: Connection, document: object) -> None:
        self._connection = connection
        self._document = _checked(document)

    @property
    def id(self) -> str:
        """Its number in the books."""
        return str(self._document["id"])

    @property
    def title(self) -> str:
        """Its title."""
        return str(self._document.get("title", ""))

    @property
    def status(self) -> str:
        """Where it stands now, in one word of the workflow (`submitted`, `in-review`, `released` and so on)."""
        self._document = _checked(self._connection.get(f"/api/v1/releases/{self.id}"))
        return str(self._document["status"])

    @property
    def document(self) -> Mapping[str, Any]:
        """All that the service said of it when last asked: items, findings, decisions, history."""
        return self._document

    def wait(self, seconds: float | None = None) -> str:
        """Wait until it comes to an end, or for at most `seconds`; gives the status it has then."""
        until = None if seconds is None else time.monotonic() + seconds
        while (status := self.status) not in ENDS and (until is None or time.monotonic() < until):
            time.sleep(POLL_SECONDS if until is None else max(0.0, min(POLL_SECONDS, until - time.monotonic())))
        return status

    def download(self, path: str | Path | None = None) -> Path:
        """The signed bundle, written to `path` (else `ID.zip` here). Refused while it is not released."""
        content = self._connection.download(f"/api/v1/releases/{self.id}/bundle")
        target = Path(path or f"{self.id}.zip")
        try:
            target.write_bytes(content)
        except OSError:
            raise Refused(Code.REQUEST_INVALID, "The bundle cannot be written there.", "Name a file in a folder that is yours.") from None
        return target

    def withdraw(self) -> str:
        """Take it back, while nobody has decided; gives the status."""
        self._document = _checked(self._connection.post(f"/api/v1/releases/{self.id}/withdraw", {}))
        return str(self._document["status"])

    def _line(self) -> str:
        return f"{self._document['status']}: {self._document.get('next', '')}"

    def __repr__(self) -> str:
        """Its title, and where it stood when last asked."""
        return f"Release({self.id}: {self.title}; {self._line()})"

    def _repr_html_(self) -> str:
        """Its items with what was found and decided."""
        rows = [
            (display.text(item.get("name", "")), display.quiet(item.get("form", "")), display.text(_decided(item)), _findings(item))
            for item in self._document.get("items") or ()
            if isinstance(item, dict)
        ]
        return display.heading(self.title, self._line()) + display.table(("item", "form", "decision", "findings"), rows)


def request_release(connection: Connection, project: str, items: Iterable[Content], title: str, context: str) -> Release:
    """Hand in `items` (answers, and paths of PNG or Markdown files) and submit them. Refused where one may not leave."""
    if isinstance(items, str | Path | Answer) or not isinstance(items, Iterable):
        items = [items]
    body = {"project": project, "title": title, "context": context, "items": [_message(item) for item in items]}
    made = _checked(connection.post("/api/v1/releases", body))
    return Release(connection, connection.post(f"/api/v1/releases/{made['id']}/submit", {}))


def _message(item: object) -> dict[str, Any]:
    if isinstance(item, Answer):
        return {"receipt": item.receipt.id}
    if not isinstance(item, str | Path):
        raise Refused(Code.RELEASE_ITEM, "An item is an answer, or the path of a PNG or Markdown file.", 'Write [answer, "figure.png"].')
    path = Path(item)
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise Refused(Code.RELEASE_ITEM, "A file to release is at most 10 MB.", "Draw a smaller picture, or write a shorter text.")
        content = path.read_bytes()
    except (OSError, ValueError):
        raise Refused(Code.RELEASE_ITEM, "One of the files cannot be read.", "Check its name and that it was saved.") from None
    return {"name": path.name, "content": base64.b64encode(content).decode()}


def _checked(document: object) -> Mapping[str, Any]:
    if not isinstance(document, dict) or not isinstance(document.get("id"), str) or not isinstance(document.get("status"), str):
        raise unreadable()
    return document


def _decided(item: Mapping[str, Any]) -> str:
    approved = item.get("approved")
    return "open" if approved is None else "approved" if approved else "rejected"


def _findings(item: Mapping[str, Any]) -> str:
    found: Sequence[Any] = item.get("findings") or ()
    return "<br>".join(display.quiet(one.get("words", "")) for one in found if isinstance(one, dict))
