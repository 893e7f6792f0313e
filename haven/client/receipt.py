"""The receipt of an answer: what was spent, how it was noised, what is left, whom to credit."""

from collections.abc import Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

from haven.client import display
from haven.client.connection import unreadable

CREDIT_WIDTH = 90


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the books say about one answer. Quantities are decimal strings; `document` is the whole JSON object as the service sent it."""

    id: str
    document: Mapping[str, Any]

    @classmethod
    def of(cls, document: object) -> "Receipt":
        """The receipt in `document`. Raises Fault where it is none."""
        if not isinstance(document, dict) or not isinstance(document.get("id"), str):
            raise unreadable()
        return cls(document["id"], document)

    @property
    def cost(self) -> Mapping[str, str]:
        """What this answer cost: `{"mu2", "rho" or "epsilon", "delta"}`."""
        return _mapping(self.document.get("cost"))

    @property
    def epsilon(self) -> str:
        """The epsilon of this answer alone, at the dataset's delta."""
        return str(self.document.get("epsilon", ""))

    @property
    def remaining(self) -> Mapping[str, str]:
        """What the project had left afterwards."""
        return _mapping(self.document.get("remaining"))

    @property
    def share_left(self) -> float | None:
        """The part of the project's share that was left afterwards, in the unit that adds; None where the service does not say."""
        found = self.document.get("share_left")
        return float(found) if isinstance(found, int | float) and not isinstance(found, bool) else None

    @property
    def forecast(self) -> str:
        """When the rest will be spent at the rate of the last 30 days, as of this answer, in words; "" where the service does not say."""
        found = self.document.get("forecast")
        return str(found.get("words", "")) if isinstance(found, dict) else ""

    @property
    def policy_digest(self) -> str:
        """The policy that allowed it."""
        return str(self.document.get("policy_digest", ""))

    @property
    def mechanisms(self) -> list[Mapping[str, Any]]:
        """One object for each thing that was noised."""
        found = self.document.get("mechanisms")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    @property
    def citation(self) -> str:
        """How to credit those who made the data."""
        return str(self.document.get("citation") or "")

    @property
    def replayed(self) -> bool:
        """True for a recorded answer, which cost nothing."""
        return bool(self.document.get("replayed"))

    @property
    def made_from(self) -> Mapping[str, Any]:
        """The earlier receipts that the answer was made from, and by which rule; empty where it was drawn by itself."""
        found = self.document.get("made_from")
        return found if isinstance(found, Mapping) else {}

    def price_words(self) -> str:
        """The price in words."""
        if self.replayed:
            return "free: this question was answered before"
        if self.made_from and set(self.cost.values()) <= {"0"}:
            return "free: made from earlier answers"
        return f"cost ε {display.quantity(self.epsilon)}"

    def left_words(self) -> str:
        """What is left, in words; nothing for a recorded answer, whose receipt tells of the day it was paid for."""
        left = None if self.replayed else self.remaining.get("epsilon")
        return f"left ε {display.quantity(left)}" if left is not None else ""

    def line(self) -> str:
        """Price, left, citation: one line, the citation's beginning where it is long."""
        bench = "bench home: no privacy is promised" if self.document.get("bench") else ""
        credit = shorten(self.citation, CREDIT_WIDTH, placeholder=" …")
        return " · ".join(part for part in (bench, self.price_words(), self.left_words(), credit) if part)

    def __repr__(self) -> str:
        """One line."""
        return f"Receipt({self.id}: {self.line()})"

    def _repr_html_(self) -> str:
        """The receipt as a small table."""
        left = self.left_words()
        if left and self.share_left is not None:
            left += f" ({self.share_left:.0%} of the project's share)"
        facts = [("receipt", self.id), ("price", self.price_words()), ("left", left), ("outlook", self.forecast if left else "")]
        facts += [
            (name, str(self.document.get(name, "")))
            for name in ("dataset", "project", "snapshot", "policy_digest", "plan_digest", "citation")
        ]
        rows = [(display.quiet(name), display.text(value)) for name, value in facts if value]
        return display.table(("", ""), rows) + mechanism_table(self.mechanisms)


def mechanism_table(mechanisms: list[Mapping[str, Any]]) -> str:
    """What was noised, how, and by how much, as HTML."""
    if not mechanisms:
        return ""
    rows = [
        (
            display.text(one.get("of", "")),
            display.text(one.get("mechanism", "")),
            display.text(display.number(one.get("scale"))),
            display.quiet(display.off_by(one)),
        )
        for one in mechanisms
    ]
    return display.table(("noised", "mechanism", "scale", "95 %"), rows, numeric=(False, False, True, True))


def _mapping(value: object) -> Mapping[str, str]:
    return {str(name): str(one) for name, one in value.items()} if isinstance(value, dict) else {}
