"""Questions on their way: where each stands, in one word, and how its asker calls it back.

What is told is a station and nothing more, and only as of the last slot that has passed, so that it says no more of how long a question
took than its answer's slot does. A question called back before anything was looked at is free; after that it is spent.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from threading import Lock

from haven.engines.time_grid import TimeGrid
from haven.errors import Code, Refused

MOST_REMEMBERED = 1000
"""Keys called back before their question came: it is then refused, and free."""


class Station(StrEnum):
    """Where a question stands, as far as its asker is told."""

    WAITING = "waiting"
    RUNNING = "running"
    NOISING = "noising"


class Calling(StrEnum):
    """What calling a question back did: it was FREE, it is SPENT all the same, or there was NOTHING under this key."""

    FREE = "free"
    SPENT = "spent"
    NOTHING = "nothing"


class Journey:
    """One question on its way."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._called_back = False
        self._stop: Callable[[], None] | None = None
        self._begun = 0.0
        self._grid = TimeGrid(None)
        self._passed: list[tuple[float, Station]] = []

    def begin(self, grid: TimeGrid, stop: Callable[[], None]) -> bool:
        """Station 6 begins, unless the question was called back before: then False. From now on `stop` is what calling back does."""
        with self._lock:
            if self._called_back:
                return False
            self._grid, self._begun, self._stop = grid, self._clock(), stop
            self._passed.append((0.0, Station.RUNNING))
            return True

    def reach(self, station: Station) -> None:
        """It has come this far."""
        with self._lock:
            self._passed.append((self._clock() - self._begun, station))

    def check(self) -> None:
        """Raises Refused where it was called back."""
        if self._called_back:
            raise called_back()

    def call_back(self) -> Calling:
        """End it. Free before station 6; after that it is spent, and its worker is killed."""
        with self._lock:
            self._called_back = True
            stop = self._stop
        if stop is None:
            return Calling.FREE
        stop()
        return Calling.SPENT

    def station(self) -> Station:
        """Where it stood when the last slot passed."""
        with self._lock:
            elapsed = self._clock() - self._begun
            seen = [station for at, station in self._passed if at == 0 or self._grid.release(at) <= elapsed]
            return seen[-1] if seen else Station.WAITING


class InFlight:
    """The questions on their way, by their asker's name and key. Threads may share it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._journeys: dict[tuple[str, str], list[Journey]] = {}
        self._unwanted: OrderedDict[tuple[str, str], None] = OrderedDict()

    @contextmanager
    def journey(self, actor: str, key: str | None) -> Iterator[Journey]:
        """A new journey, known until the block ends. Refused where its key was called back before it came."""
        journey = Journey()
        if key is None:
            yield journey
            return
        with self._lock:
            if (actor, key) in self._unwanted:
                raise called_back()
            self._journeys.setdefault((actor, key), []).append(journey)
        try:
            yield journey
        finally:
            with self._lock:
                left = [one for one in self._journeys.pop((actor, key)) if one is not journey]
                if left:
                    self._journeys[actor, key] = left

    def station(self, actor: str, key: str) -> Station:
        """Where the question under a key stands. Refused (NOT_FOUND) where none is on its way."""
        with self._lock:
            journeys = list(self._journeys.get((actor, key), ()))
        if not journeys:
            raise Refused(Code.NOT_FOUND, "No question of yours is on its way under this key.", "An answered one is in the record.")
        return journeys[0].station()

    def call_back(self, actor: str, key: str) -> Calling:
        """Call back the question under a key; where none is on its way, one that still comes under it is refused, and free."""
        with self._lock:
            journeys = list(self._journeys.get((actor, key), ()))
            if not journeys:
                self._unwanted[actor, key] = None
                while len(self._unwanted) > MOST_REMEMBERED:
                    self._unwanted.popitem(last=False)
        did = [journey.call_back() for journey in journeys]
        if Calling.SPENT in did:
            return Calling.SPENT
        return Calling.FREE if did else Calling.NOTHING


def called_back() -> Refused:
    """The one refusal of a question that its asker called back in time."""
    return Refused(
        Code.REQUEST_CANCELLED, "The question was cancelled before anything was looked at; nothing was spent.", "Ask it again if you like."
    )
