"""kill -9 at random moments: nothing that was said durable is lost, and the books are whole."""

from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.killed_books import kill_rounds

if TYPE_CHECKING:
    from haven.ledger.database import Place

KILLS = {"file": 10, "server": 4}


def test_kills_lose_no_spend(books_place: "Place") -> None:
    rounds = KILLS["file" if isinstance(books_place, Path) else "server"]
    told = kill_rounds(books_place, rounds, seed=20260301)
    assert told.problems == []
    assert all(len(told.said[word]) > 0 for word in "RPV")
    assert told.swept > 0
