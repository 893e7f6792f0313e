"""Privacy losses as exact integers: what a question costs and what a budget holds.

The books hold no floats. A loss is an integer count of 10⁻¹² (of ρ under zCDP, of ε under pure DP) and of 10⁻¹⁸ (of δ), of any width.
Costs are rounded up, budgets down.
"""

from dataclasses import dataclass
from enum import StrEnum

PICO = 10**12
ATTO = 10**18


class Definition(StrEnum):
    """The privacy definition a population's people are promised, and the unit its losses add in."""

    ZCDP = "zcdp"
    PURE = "pure"

    @property
    def unit(self) -> str:
        """The symbol of the quantity that adds under this definition: `rho` or `epsilon`."""
        return "rho" if self is Definition.ZCDP else "epsilon"


@dataclass(frozen=True, slots=True)
class Price:
    """A privacy loss: `pico` units of 10⁻¹² (ρ or ε) and `atto_delta` units of 10⁻¹⁸ (δ spent on partition selection). Both ≥ 0."""

    definition: Definition
    pico: int
    atto_delta: int = 0

    def __post_init__(self) -> None:
        """A price that exists is valid."""
        if self.pico < 0 or self.atto_delta < 0:
            msg = "a privacy loss is never negative"
            raise ValueError(msg)
        if self.definition is Definition.PURE and self.atto_delta:
            msg = "pure differential privacy has no delta to spend"
            raise ValueError(msg)

    def __add__(self, other: "Price") -> "Price":
        """Both, under basic composition of the same definition."""
        if other.definition is not self.definition:
            msg = "losses of different definitions do not add"
            raise ValueError(msg)
        return Price(self.definition, self.pico + other.pico, self.atto_delta + other.atto_delta)

    def covers(self, other: "Price") -> bool:
        """True when `other` fits in this in every part."""
        return other.definition is self.definition and other.pico <= self.pico and other.atto_delta <= self.atto_delta

    def minus(self, other: "Price") -> "Price":
        """What is left of this after `other`, each part at least 0."""
        return Price(self.definition, max(0, self.pico - other.pico), max(0, self.atto_delta - other.atto_delta))
