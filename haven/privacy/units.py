"""Contribution bounds: how much of one released vector a single privacy unit can change.

A privacy unit (a person, or a family) owns at most r rows, which fall into at most m groups, at most c in each. Everything here is
integer arithmetic on the plan's grid, so a sensitivity is exact, never rounded.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContributionBound:
    """At most `rows_per_unit` rows of one unit, in at most `groups_per_unit` groups, at most `rows_per_group` in each. All ≥ 1; c ≤ r."""

    rows_per_unit: int
    groups_per_unit: int
    rows_per_group: int

    def __post_init__(self) -> None:
        """A bound that exists is valid."""
        if min(self.rows_per_unit, self.groups_per_unit, self.rows_per_group) < 1:
            msg = "contribution bounds are at least 1"
            raise ValueError(msg)
        if self.rows_per_group > self.rows_per_unit:
            msg = "rows_per_group cannot exceed rows_per_unit"
            raise ValueError(msg)

    @property
    def _full_groups(self) -> int:
        return min(self.groups_per_unit, self.rows_per_unit // self.rows_per_group)

    @property
    def _left_over(self) -> int:
        if self._full_groups == self.groups_per_unit:
            return 0
        return self.rows_per_unit - self._full_groups * self.rows_per_group

    @property
    def heaviest(self) -> tuple[tuple[int, int], ...]:
        """How a unit weighs most: pairs (number of groups, rows in each of them). Their L1 and L2 are `l1(1)` and `l2_squared(1)`."""
        parts = ((self._full_groups, self.rows_per_group), (1, self._left_over))
        return tuple((groups, rows) for groups, rows in parts if groups and rows)

    def l1(self, largest: int) -> int:
        """The largest L1 change of a vector of per-group sums of integers in [-largest, largest]: B·min(r, m·c)."""
        return largest * min(self.rows_per_unit, self.groups_per_unit * self.rows_per_group)

    def l2_squared(self, largest: int) -> int:
        """The square of the largest L2 change, exactly: B²·(q·c² + t²), q = min(m, ⌊r/c⌋), t = r - q·c where q < m, else 0."""
        return largest * largest * (self._full_groups * self.rows_per_group**2 + self._left_over**2)


@dataclass(frozen=True, slots=True)
class SeveralBounds(ContributionBound):
    """The bound of several released vectors together, over the same rows: `parts` bounds each, and their losses add up.

    `rows_per_unit` and `groups_per_unit` are sums over the parts, `rows_per_group` is the largest of theirs.
    """

    parts: tuple[ContributionBound, ...] = ()

    @classmethod
    def of(cls, parts: Sequence[ContributionBound]) -> "SeveralBounds":
        """The bound of these, one or more, together."""
        rows, groups = sum(part.rows_per_unit for part in parts), sum(part.groups_per_unit for part in parts)
        return cls(rows, groups, max(part.rows_per_group for part in parts), tuple(parts))

    @property
    def heaviest(self) -> tuple[tuple[int, int], ...]:
        """How a unit weighs most in each part, one after the other."""
        return tuple(pair for part in self.parts for pair in part.heaviest)

    def l1(self, largest: int) -> int:
        """The sum of the parts' L1."""
        return sum(part.l1(largest) for part in self.parts)

    def l2_squared(self, largest: int) -> int:
        """The sum of the parts' squares: the squared length of one vector beside another is the sum of both."""
        return sum(part.l2_squared(largest) for part in self.parts)
