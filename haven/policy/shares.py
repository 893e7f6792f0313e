"""Shares of a population's budget, as policies write them: in epsilon at its delta. They are compared in what adds up, never in epsilon."""

from typing import Self

from pydantic import model_validator

from haven.catalog.dataset import Declared
from haven.policy.periods import Length
from haven.policy.quantities import Epsilon


class Share(Declared):
    """A part of a population's budget."""

    epsilon: Epsilon


class PeriodShare(Length):
    """What may be spent in each period."""

    epsilon: Epsilon

    @property
    def length(self) -> Length:
        """How long the period is."""
        return Length(months=self.months, weeks=self.weeks)


class Grant(Share):
    """A project's cap on one dataset, and within it, where they are given, each researcher's own cap and that of each period."""

    per_researcher: Share | None = None
    per_period: PeriodShare | None = None

    @model_validator(mode="after")
    def _parts_are_no_more_than_the_whole(self) -> Self:
        for name, part in (("per_researcher", self.per_researcher), ("per_period", self.per_period)):
            if part is not None and part.epsilon > self.epsilon:
                raise ValueError(f"{name} is more than the project's own epsilon; write {self.epsilon:f} or less.")
        return self
