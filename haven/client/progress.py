"""A question while it is answered: where it stands, in one word, and calling it back with the keyboard's interrupt.

What is shown is a station (waiting, running, noising) and the seconds that have passed; nothing of any row is known here. The question is
sent from a thread of its own, so that an interrupt reaches the one who waits.
"""

import sys
import time
from collections.abc import Callable
from html import escape
from threading import Thread
from typing import Any, Generic, TypeVar

from haven.client.connection import Connection
from haven.errors import QUESTION_FAULT, Code, Fault, HavenError, Refused

T = TypeVar("T")
FIRST_LOOK, LOOKS_APART = 1.0, 1.0
"""Seconds: most answers are there before the first look."""
STATIONS = frozenset({"waiting", "running", "noising"})


class _Sent(Thread, Generic[T]):
    """One request on its way."""

    def __init__(self, send: Callable[[], T]) -> None:
        super().__init__(daemon=True, name="haven-question")
        self._send = send
        self._given: list[T] = []
        self._error: BaseException | None = None

    def run(self) -> None:
        try:
            self._given.append(self._send())
        except BaseException as error:  # noqa: BLE001 - raised again by the one who waits
            self._error = error

    def result(self) -> T:
        """What came back. Raises what was raised."""
        if self._error is not None:
            raise self._error
        return self._given[0]


def watched(connection: Connection, key: str, send: Callable[[], T]) -> T:
    """What `send` gives, for a question under `key`. An interrupt calls the question back.

    Called back before haven looked at anything it is Refused (request.cancelled) and free; after that its price is spent: the one Fault.
    """
    sent = _Sent(send)
    started, shown = time.monotonic(), _Line()
    sent.start()
    try:
        sent.join(FIRST_LOOK)
        while sent.is_alive():
            shown.say(f"{_station(connection, key)} · {time.monotonic() - started:.0f} s · interrupt to cancel")
            sent.join(LOOKS_APART)
    except KeyboardInterrupt:
        raise _called_back(connection, key) from None
    finally:
        shown.clear()
    return sent.result()


def _station(connection: Connection, key: str) -> str:
    try:
        told = connection.get(f"/api/v1/queries/{key}")
    except HavenError:
        return "waiting"  # it has not arrived yet, or has just been answered
    station = told.get("station") if isinstance(told, dict) else None
    return station if station in STATIONS else "waiting"


def _called_back(connection: Connection, key: str) -> HavenError:
    """What calling a question back comes to, as the error that its asker sees."""
    told = connection.delete(f"/api/v1/queries/{key}")
    did = told.get("cancelled") if isinstance(told, dict) else None
    if did == "spent":
        return Fault(Code.FAULT_QUESTION, QUESTION_FAULT)
    if did == "free":
        return Refused(Code.REQUEST_CANCELLED, "The question was cancelled before anything was looked at; nothing was spent.")
    return Refused(
        Code.REQUEST_CANCELLED,
        "The question was cancelled: it had not arrived, or had been answered already.",
        "Ask it again if you like: what was answered is answered from the record, for free.",
    )


class _Line:
    """One line that changes, in a notebook or on a terminal; nothing where there is neither."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._written = False

    def say(self, words: str) -> None:
        display = _notebook_display()
        if display is not None and self._handle is None:
            self._handle = display(_Shown(words), display_id=True)
        elif self._handle is not None:
            self._handle.update(_Shown(words))
        elif sys.stderr is not None and sys.stderr.isatty():
            self._written = True
            sys.stderr.write(f"\r\x1b[2K{words}")
            sys.stderr.flush()

    def clear(self) -> None:
        if self._handle is not None:
            self._handle.update(_Shown(""))
        if self._written:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()


class _Shown:
    """Words as a notebook shows them."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __repr__(self) -> str:
        return self._words

    def _repr_html_(self) -> str:
        return f'<span style="color:var(--jp-ui-font-color2,#616161)">{escape(self._words)}</span>'


def _notebook_display() -> Callable[..., Any] | None:
    """IPython's display, inside a notebook's kernel."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None and hasattr(ipython, "get_ipython") else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    return getattr(sys.modules.get("IPython.display"), "display", None)
