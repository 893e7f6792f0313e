"""What a question would cost and how exact it would be, before paying. Free: nothing is looked at."""

from typing import TYPE_CHECKING, Any

from haven.client import display
from haven.client.answer import explain
from haven.client.connection import unreadable
from haven.client.picture import PlanPicture
from haven.client.receipt import mechanism_table

if TYPE_CHECKING:
    from collections.abc import Mapping


class Preview:
    """A price tag. `errors` maps a column to its expected 95 % half-width, None where only the answer can tell."""

    def __init__(self, document: object) -> None:
        if not isinstance(document, dict) or not isinstance(document.get("cost"), dict) or not isinstance(document.get("errors"), dict):
            raise unreadable()
        self.document: Mapping[str, Any] = document
        self.cost: Mapping[str, str] = document["cost"]
        self.epsilon = str(document.get("epsilon", ""))
        self.share_of_budget: float = document.get("share_of_budget") or 0.0
        self.left: Mapping[str, Any] = document.get("left") or {}
        self.errors: Mapping[str, float | None] = document["errors"]
        self.mechanisms: list[Mapping[str, Any]] = list(document.get("mechanisms") or ())
        self.warnings: list[str] = list(document.get("warnings") or ())
        self.free = bool(document.get("free"))
        self.expected: Mapping[str, Mapping[str, float | None]] = document.get("expected") or {}
        self.made_from: Mapping[str, Any] | None = document.get("made_from")

    def line(self) -> str:
        """The price in one line."""
        if self.free:
            return "free: earlier answers answer it" if self.made_from else "free: this question was answered before"
        share = f" · {self.share_of_budget:.1%} of the budget" if isinstance(self.share_of_budget, int | float) else ""
        left = f" · left now ε {display.quantity(self.left['epsilon'])}" if "epsilon" in self.left else ""
        return f"would cost ε {display.quantity(self.epsilon)}{share}{left}"

    def explain(self) -> str:
        """What would be done to the question, in words, and the SQL that would run."""
        return explain(self.document, self.line())

    def plan_picture(self) -> PlanPicture:
        """The same as a picture: unit, rows, bounds, groups, noise, price, SQL."""
        return PlanPicture(self.document)

    def __repr__(self) -> str:
        """The price and the expected error of each column."""
        widths = ", ".join(f"{name} ± {display.number(width)}" for name, width in self.errors.items() if width is not None)
        return f"Preview({self.line()}{'; ' + widths if widths else ''})"

    def _repr_html_(self) -> str:
        """The price, the expected error of each column, what would be noised, and warnings."""
        sized = bool(self.expected)
        rows = [
            (display.text(name), _width(width), *([_sized(self.expected.get(name))] if sized else []))
            for name, width in self.errors.items()
        ]
        head = ("column", "expected 95 %", *(["in a group of that size"] if sized else []))
        warnings = "".join(display.footer(f"Mind: {warning}") for warning in self.warnings)
        return (
            display.heading(self.line())
            + display.table(head, rows, numeric=(False, True, True)[: len(head)])
            + mechanism_table(self.mechanisms)
            + warnings
        )


def _width(width: float | None) -> str:
    return display.quiet("only the answer can tell" if width is None else f"± {display.number(width)}")


def _sized(expected: "Mapping[str, float | None] | None") -> str:
    """The half-width in a group of the named size, as a share of the answer where that is known."""
    width, share = (expected or {}).get("half_width"), (expected or {}).get("relative")
    if width is None:
        return display.quiet("")
    return display.quiet(f"± {display.number(width)}" + ("" if share is None else f" ({share:.1%})"))
