"""Privacy losses as exact integers: what a question costs and what a budget holds.

The books hold no floats. A loss is an integer count of 10⁻¹² (of μ² under Gaussian DP, of ρ under zCDP, of ε under pure DP) and of 10⁻¹⁸
(of δ), of any width. Costs are rounded up, budgets down.
"""

from dataclasses import dataclass
from enum import StrEnum

PICO = 10**12
ATTO = 10**18


class Definition(StrEnum):
    """The privacy definition a population's people are promised, and the unit its losses add in."""

    GDP = "gdp"
    ZCDP = "zcdp"
    PURE = "pure"

    @property
    def unit(self) -> str:
        """The name of the quantity that adds under this definition: `mu2`, `rho` or `epsilon`."""
        return _UNITS[self]

    @property
    def symbol(self) -> str:
        """The same as a reader writes it: μ², ρ or ε."""
        return _SYMBOLS[self]

    @property
    def gaussian(self) -> bool:
        """Whether noise is Gaussian, its price grows with the squared L2 sensitivity, and a δ is promised: `gdp` and `zcdp`."""
        return self is not Definition.PURE


_UNITS = {Definition.GDP: "mu2", Definition.ZCDP: "rho", Definition.PURE: "epsilon"}
_SYMBOLS = {Definition.GDP: "μ²", Definition.ZCDP: "ρ", Definition.PURE: "ε"}


@dataclass(frozen=True, slots=True)
class Price:
    """A privacy loss: `pico` units of 10⁻¹² (μ², ρ or ε) and `atto_delta` units of 10⁻¹⁸ (δ spent on partition selection). Both ≥ 0."""

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
