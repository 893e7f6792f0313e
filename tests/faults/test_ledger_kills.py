"""kill -9 at random moments: nothing that was said durable is lost, and the books are whole."""

from pathlib import Path

from tests.support.killed_books import kill_rounds

KILLS = 10


def test_ten_kills_lose_no_spend(tmp_path: Path) -> None:
    told = kill_rounds(tmp_path / "books.sqlite", KILLS, seed=20260301)
    assert told.problems == []
    assert all(len(told.said[word]) > 0 for word in "RPV")
    assert told.swept > 0
