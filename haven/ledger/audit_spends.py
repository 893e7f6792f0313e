"""The audit's own sums: what every account has spent and holds, from the entries alone, and the rows of `spends` that must say the same.

It shares with the ledger only the names of accounts; amounts are plain integers here.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from haven.ledger.accounts import moved_by

SPEND_COLUMNS = (
    "id, state, actor, project, dataset, population, snapshot, plan_digest, policy_digest, definition, pico, atto, caps, reserved_at,"
    " reserve_entry, ended_at, end_entry, outcome, left_pico, left_atto"
)
_TOLD = ("project", "dataset", "population", "snapshot", "plan_digest", "policy_digest")


class Told(NamedTuple):
    """One entry as it was read."""

    seq: int
    kind: str
    actor: str
    at: str
    detail: dict[str, Any]


@dataclass
class Sums:
    """Totals so far. `found` is told of what does not agree."""

    found: Callable[[str, int | None], None]
    posted: int = 0
    voided: int = 0
    in_flight: dict[str, Told] = field(default_factory=dict)
    # (account, definition) -> [spent pico, spent atto, reserved pico, reserved atto]
    totals: dict[tuple[str, str], list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0, 0]))
    # dataset -> [spent pico, spent atto], as the summary of days has to say
    datasets: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    # (dataset, day, project, actor) -> questions asked
    asked: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)

    def reserve(self, told: Told, row: Any) -> None:  # noqa: ANN401 - a row of the database
        """A price was taken: it fits under every cap, and the row says the same."""
        detail = told.detail
        self.in_flight[detail["id"]] = told
        self.asked[detail["dataset"], told.at[:10], detail["project"], told.actor] += 1
        pico, atto = units(detail["price"])
        for account, cap in moved_by(detail):
            total = self.totals[account, detail["price"]["definition"]]
            total[2] += pico
            total[3] += atto
            if cap is not None and (total[0] + total[2] > cap[0] or total[1] + total[3] > cap[1]):
                self.found(f"Entry {told.seq} takes more than a cap left.", told.seq)
        if row is None or not _says_reserved(row, told):
            self.contradicted(told, "the spends")

    def end(self, told: Told, row: Any, *, spent: bool) -> None:  # noqa: ANN401 - the same
        """A price was spent for good, or given back."""
        self.posted += spent
        self.voided += not spent
        reserved = self.in_flight.pop(told.detail["id"], None)
        if reserved is None:
            self.found(f"Entry {told.seq} ends what was not in flight.", told.seq)
            return
        left = self._move(reserved.detail, spent=spent)
        state, outcome = ("posted", told.detail["outcome"]) if spent else ("void", told.detail["cause"])
        said = (state, told.seq, told.at, outcome)
        if row is None or (row.state, row.end_entry, row.ended_at, row.outcome) != said or (spent and _left(row) != left):
            self.contradicted(told, "the spends")

    def correct(self, told: Told) -> None:
        """A loss that was not booked was added."""
        pico, atto = units(told.detail["price"])
        for account, _ in moved_by(told.detail):
            self._add(account, told.detail["price"]["definition"], pico, atto)
        if told.detail["dataset"]:
            self._add_day(told.detail["dataset"], pico, atto)

    def contradicted(self, told: Told, what: str) -> None:
        """A table says other than the entry."""
        self.found(f"Entry {told.seq} is contradicted by {what}.", told.seq)

    def _move(self, detail: dict[str, Any], *, spent: bool) -> tuple[int, int]:
        """Take a price out of what is reserved; what the caps leave then, part by part."""
        pico, atto = units(detail["price"])
        lefts = []
        for account, cap in moved_by(detail):
            total = self.totals[account, detail["price"]["definition"]]
            total[2] -= pico
            total[3] -= atto
            total[0] += pico * spent
            total[1] += atto * spent
            if cap is not None:
                lefts.append((max(0, cap[0] - total[0] - total[2]), max(0, cap[1] - total[1] - total[3])))
        if spent:
            self._add_day(detail["dataset"], pico, atto)
        return min(left[0] for left in lefts), min(left[1] for left in lefts)

    def _add(self, account: str, definition: str, pico: int, atto: int) -> None:
        total = self.totals[account, definition]
        total[0] += pico
        total[1] += atto

    def _add_day(self, dataset: str, pico: int, atto: int) -> None:
        spent = self.datasets[dataset]
        spent[0] += pico
        spent[1] += atto


def units(price: dict[str, str]) -> tuple[int, int]:
    """A price in an entry, as integers."""
    return int(price["pico"]), int(price["atto_delta"])


def _says_reserved(row: Any, told: Told) -> bool:  # noqa: ANN401 - a row of the database
    detail = told.detail
    return (
        (row.reserve_entry, row.actor, row.reserved_at) == (told.seq, told.actor, told.at)
        and all(getattr(row, name) == detail[name] for name in _TOLD)
        and (row.definition, int(row.pico), int(row.atto)) == (detail["price"]["definition"], *units(detail["price"]))
        and _caps(row.caps) == detail["caps"]
    )


@lru_cache(maxsize=4096)
def _caps(text: str) -> Any:  # noqa: ANN401 - whatever JSON holds
    return json.loads(text)


def _left(row: Any) -> tuple[int, int] | None:  # noqa: ANN401 - the same
    return None if row.left_pico is None or row.left_atto is None else (int(row.left_pico), int(row.left_atto))
