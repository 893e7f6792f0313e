"""What a project may still spend, dataset by dataset."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from haven.client import display
from haven.client.connection import unreadable
from haven.errors import Code, Refused

ADDING = ("mu2", "rho")
"""The units that add where it is not epsilon."""


INNER = ("researcher", "period")
"""The levels of caps within a project's share."""


@dataclass(frozen=True, slots=True)
class CapLine:
    """One cap that a question must fit in: whose it is (`of`), its level, its amounts and, of a period, when the next begins (UTC)."""

    of_whom: str
    level: str
    total: Mapping[str, str]
    spent: Mapping[str, str]
    left: Mapping[str, str]
    renews: str | None = None

    @classmethod
    def of(cls, document: object) -> "CapLine":
        """The cap in `document`. Raises Fault where there is none."""
        if not isinstance(document, dict):
            raise unreadable()
        renews = document.get("renews")
        whose, level = (str(document.get(name, "")) for name in ("of", "level"))
        return cls(whose, level, *_amounts(document), renews if isinstance(renews, str) else None)

    def words(self) -> str:
        """`your own part: ε 0.2 of 0.3 left`."""
        left, total = (display.quantity(amount.get("epsilon", "")) for amount in (self.left, self.total))
        whose = "your own part" if self.level == "researcher" else f"until {self.renews}"
        return f"{whose}: ε {left} of {total} left"


def _amounts(document: Mapping[str, object]) -> tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str]]:
    """Total, spent and left. Raises Fault where one is missing."""
    found = [document.get(name) for name in ("total", "spent", "left")]
    total, spent, left = ({str(unit): str(value) for unit, value in one.items()} if isinstance(one, dict) else None for one in found)
    if total is None or spent is None or left is None:
        raise unreadable()
    return total, spent, left


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One dataset's budget: amounts are decimal strings by unit (`mu2` or `rho`, `epsilon` at the dataset's delta, `delta`)."""

    dataset: str
    definition: str
    total: Mapping[str, str]
    spent: Mapping[str, str]
    left: Mapping[str, str]
    forecast: str = ""
    overspent: bool = False
    caps: tuple["CapLine", ...] = ()

    @classmethod
    def of(cls, document: object) -> "BudgetLine":
        """The line in `document`. Raises Fault where there is none."""
        if not isinstance(document, dict) or not isinstance(document.get("dataset"), str):
            raise unreadable()
        forecast, caps = document.get("forecast"), document.get("caps")
        return cls(
            document["dataset"],
            str(document.get("definition", "")),
            *_amounts(document),
            forecast=str(forecast.get("words", "")) if isinstance(forecast, dict) else "",
            overspent=document.get("overspent") is True,
            caps=tuple(map(CapLine.of, caps)) if isinstance(caps, list) else (),
        )

    @property
    def share_left(self) -> float:
        """The share of the total that is left, in the unit that adds (μ² under gdp, ρ under zcdp, ε under pure)."""
        unit = next((unit for unit in ADDING if unit in self.total), "epsilon")
        try:
            total, left = float(self.total[unit]), float(self.left[unit])
        except (KeyError, ValueError):
            raise unreadable() from None
        return left / total if total else 0.0

    def words(self) -> str:
        """`ε 0.8 of 1 left (79 %)`."""
        left, total = (display.quantity(amount.get("epsilon", "")) for amount in (self.left, self.total))
        return " · ".join(filter(None, [f"ε {left} of {total} left ({self.share_left:.0%})", *self.inner_words(), self.outlook()]))

    def inner_words(self) -> list[str]:
        """What the caps within the share leave, one sentence each."""
        return [cap.words() for cap in self.caps if cap.level in INNER]

    def outlook(self) -> str:
        """How long it lasts at the present rate; why it answers nothing where more was spent than is allowed by now."""
        return "more was spent than its policy now allows: it answers no question" if self.overspent else self.forecast


class Budget(Mapping[str, BudgetLine]):
    """A project's budget: `budget["nafld"].left["epsilon"]`."""

    def __init__(self, document: object) -> None:
        if not isinstance(document, dict) or not isinstance(document.get("datasets"), list):
            raise unreadable()
        self.project = str(document.get("project", ""))
        lines = [BudgetLine.of(line) for line in document["datasets"]]
        self._lines = {line.dataset: line for line in lines}

    def __getitem__(self, dataset: str) -> BudgetLine:
        """One dataset's line. Refused for a dataset the project was not granted."""
        if dataset not in self._lines:
            raise Refused(
                Code.POLICY_NOT_GRANTED, "This project has no budget on that dataset.", f"It has: {', '.join(self._lines) or 'none'}."
            )
        return self._lines[dataset]

    def __contains__(self, dataset: object) -> bool:
        """True for a dataset the project was granted."""
        return dataset in self._lines

    def __iter__(self) -> Iterator[str]:
        """The names of the datasets."""
        return iter(self._lines)

    def __len__(self) -> int:
        """How many datasets the project was granted."""
        return len(self._lines)

    def __repr__(self) -> str:
        """One line a dataset."""
        return "\n".join([f"Budget of {self.project}", *(f"  {name}: {line.words()}" for name, line in self._lines.items())])

    def _repr_html_(self) -> str:
        """A table: total, spent and left in epsilon, and the share left."""
        rows = [
            (
                display.text(line.dataset),
                *(display.text(display.quantity(amount.get("epsilon", ""))) for amount in (line.total, line.spent, line.left)),
                display.text(f"{line.share_left:.0%}"),
                display.quiet(line.total.get("delta", "–")),
                display.quiet("; ".join(filter(None, [*line.inner_words(), line.outlook()])) or "–"),
            )
            for line in self._lines.values()
        ]
        head = ("dataset", "ε total", "ε spent", "ε left", "share left", "δ", "outlook")
        note = "ε at the dataset's δ; it is μ² (gdp) or ρ (zcdp) that adds, so spent and left need not sum to the total in ε"
        return (
            display.heading(f"Budget of {self.project}")
            + display.table(head, rows, numeric=(False, True, True, True, True, True))
            + display.footer(note)
        )
