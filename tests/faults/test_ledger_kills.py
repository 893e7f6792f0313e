"""kill -9 at random moments: nothing that was said durable is lost, and the books are whole."""

from pathlib import Path

import pytest

from tests.support.fault_table import Row, record
from tests.support.killed_books import kill_rounds

ON_ONE_FILE = 10


@pytest.mark.parametrize(
    "kills",
    [pytest.param(10, id="10-kills"), pytest.param(1000, marks=[pytest.mark.audit, pytest.mark.timeout(4 * 3600)], id="1000-kills")],
)
def test_kills_at_random_moments_lose_no_spend(tmp_path: Path, kills: int) -> None:
    row = Row()
    for number in range(kills // ON_ONE_FILE):
        told = kill_rounds(tmp_path / f"books-{number}.sqlite", ON_ONE_FILE, seed=20260301 + number)
        assert told.problems == []
        assert all(len(told.said[word]) > 0 for word in "RPV")
        row.add(Row(ON_ONE_FILE, len(told.said["P"]), told.swept, 0, 0, ON_ONE_FILE))
    record("kill -9 at random, 4 threads spending", row)
    assert row.in_doubt > 0
