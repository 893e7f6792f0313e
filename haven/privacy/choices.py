"""Choosing one of a public list of candidates by report noisy max: quantiles, extremes and the commonest value of every group.

Guarantee: the price of every `Choice` made here is at least the sum of OpenDP's privacy maps of the draws that can depend on one unit;
under `gdp` it is the sum of their prices as bounded-range mechanisms (`gaussian_dp.proof.md`), which are more.
Sources: McSherry and Talwar 2007 (exponential mechanism), McKenna and Sheldon 2020 (arXiv 2010.12603, the exponential-noise form), Dong,
Durfee and Rogers 2020 (arXiv 1909.13830, bounded range; ρ = ε²/8). Scores and their sensitivity: `choices.proof.md`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

import numpy as np

from haven.errors import Code, Refused
from haven.privacy import measurements
from haven.privacy.budget import PICO, Definition, Price
from haven.privacy.gaussian_dp import bounded_range_guess, bounded_range_mu2
from haven.privacy.mechanisms import LARGEST_SCALE, Sensitivity

LARGEST_COUNT = 2**48
"""Counts are clamped here before they are scored, which moves no two of them further apart; scores then fit 62 bits."""
LARGEST_DENOMINATOR = 1000
_HALVINGS = 160
MOST_CANDIDATES = 4096
Scores = np.typing.NDArray[np.int64]
Counts = Sequence[int] | Scores
"""The exact number of rows at each candidate of one group."""


class Aim(StrEnum):
    """What is chosen: a value BETWEEN the neighbours of a quantile, the value AT it, that of an extreme RANK, or the COMMONEST.

    TAIL is AT, but never nearer to the end than a rank.
    """

    BETWEEN = "between"
    AT = "at"
    TAIL = "tail"
    RANK = "rank"
    COMMONEST = "commonest"


QUANTILES = frozenset({Aim.BETWEEN, Aim.AT, Aim.TAIL})
FROM_THE_END = frozenset({Aim.RANK, Aim.TAIL})
"""Aims that keep a rank's distance from the end."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a choice is for. `numerator`/`denominator` is the quantile, in lowest terms, above 0 and for BETWEEN below 1.

    `from_top` counts ranks from the largest value: RANK from the top is the maximum. A TAIL is a small quantile, from either end.
    """

    aim: Aim
    numerator: int = 1
    denominator: int = 1
    from_top: bool = False

    def __post_init__(self) -> None:
        """A goal that exists is a quantile whose scores fit 62 bits."""
        p, q = self.numerator, self.denominator
        if not 1 <= p <= q <= LARGEST_DENOMINATOR or math.gcd(p, q) != 1 or (self.aim is Aim.BETWEEN and p == q):
            msg = "a quantile is a fraction in lowest terms, above 0 and at most 1"
            raise ValueError(msg)

    def __str__(self) -> str:
        """The goal in a few words, of which no two goals share all."""
        end = " from the top" if self.from_top else ""
        return f"{self.aim} {self.numerator}/{self.denominator}{end}" if self.aim in QUANTILES else f"{self.aim}{end}"

    @property
    def largest(self) -> int:
        """The largest change of one score by one row."""
        if self.aim is Aim.TAIL:
            return self.denominator
        return max(self.numerator, self.denominator - self.numerator) if self.aim in QUANTILES else 1

    @property
    def per_rank(self) -> int:
        """What one rank more or less changes a score by."""
        return self.denominator if self.aim in QUANTILES else 1

    @property
    def monotonic(self) -> bool:
        """Whether more rows never lower a score."""
        return self.aim is Aim.COMMONEST

    @property
    def variance(self) -> float:
        """The variance of the chosen value's rank at scale 1 where values are dense: two-sided exponential, in rows²."""
        return (0.5 if self.monotonic else 2.0) / self.per_rank**2

    def scores(self, counts: Counts, rank: int = 1) -> Scores:
        """The score of every candidate: largest at the goal, and but for BETWEEN and COMMONEST there alone; RANK aims at `rank`.

        One row more or less moves each score by at most `largest`. Integers below 2⁶¹ in size.
        """
        rank = min(rank, LARGEST_COUNT)
        held: Scores = np.clip(np.asarray(counts, dtype=np.int64), 0, LARGEST_COUNT)
        if self.aim is Aim.COMMONEST:
            return held
        return self._of_ranks(held[::-1], rank)[::-1].copy() if self.from_top else self._of_ranks(held, rank)

    def _of_ranks(self, held: Scores, rank: int) -> Scores:
        reached = np.cumsum(held)
        below = np.minimum(reached - held, LARGEST_COUNT)
        above = np.minimum(reached[-1] - reached, LARGEST_COUNT)
        upto = below + held
        p, q, rows = self.numerator, self.denominator, upto + above
        match self.aim:
            case Aim.BETWEEN:
                missing, passed = p * (rows - 1) + 1 - q * upto, q * (below - 1) - p * (rows - 1) + 1
            case Aim.AT:
                missing, passed = p * rows - q * upto, q * below - p * rows + 1
            case Aim.TAIL:
                place = np.maximum(q * rank, p * rows)
                missing, passed = place - q * upto, q * below - place + 1
            case _:
                ranked: Scores = np.minimum(rank, upto) - np.maximum(rank - 1, below)
                return ranked
        fallen: Scores = -np.maximum(np.maximum(missing, passed), 0)
        return fallen


@dataclass(frozen=True, slots=True)
class Choice:
    """A planned report noisy max in every group: one of `candidates` values, with noise of `scale` on scores, and its confirmed price.

    `rank` is the rank that RANK aims at, and TAIL at least: so far from the end that noise seldom picks a candidate beyond every value.
    """

    goal: Goal
    candidates: int
    rank: int
    scale: float
    sensitivity: Sensitivity
    price: Price

    @property
    def mechanism(self) -> str:
        """The mechanism, in the words a receipt uses."""
        noise = "exponential" if self.price.definition is Definition.PURE else "Gumbel"
        return f"report noisy max ({noise})"

    def rank_error(self, confidence: float = 0.95) -> int:
        """The rows between the chosen value's rank (COMMONEST: count) and the goal's: at most so many with probability ≥ `confidence`.

        Holds where the group has at least as many rows; then some candidate has the goal's own score.
        """
        gap = self.scale * math.log(self.candidates / (1 - confidence))
        return self.rank - 1 + math.ceil(gap / self.goal.per_rank)

    def choose(self, counts: Counts) -> int:
        """One draw: the index of the candidate with the largest noised score."""
        pure = self.price.definition is Definition.PURE
        measurement = measurements.noisy_max(self.scale, pure=pure, monotonic=self.goal.monotonic)
        return measurements.draw_index(measurement, self.goal.scores(counts, self.rank))

    def best(self, counts: Counts) -> int:
        """The index that `choose` draws where the noise vanishes; the first of equals."""
        return int(np.argmax(self.goal.scores(counts, self.rank)))


@lru_cache(maxsize=1024)
def plan_choice(goal: Goal, candidates: int, sensitivity: Sensitivity, price: Price) -> Choice:
    """The least noise that `price` pays for; the choice's own price never exceeds `price`, and has no δ.

    `sensitivity` has the goal's `largest`. The closed forms are those of adding noise: scale = Δ₂/√(2ρ) under zCDP, 2Δ₁/ε under pure DP,
    half of either where monotonic; under `gdp` the scale is searched for. Raises Refused(BUDGET_TOO_SMALL) when the price is below one unit
    or the scale passes 2⁵⁰.
    """
    if not 1 <= candidates <= MOST_CANDIDATES or sensitivity.largest != goal.largest:
        msg = "a choice has candidates, not too many, and its goal's own sensitivity"
        raise ValueError(msg)
    if price.pico < 1:
        raise _too_small()
    scale, ulps = _closed_form(goal, sensitivity, price), 1
    while scale <= LARGEST_SCALE:
        pico = math.ceil(_loss(goal, scale, sensitivity, price.definition) * PICO)
        if pico <= price.pico:
            return Choice(goal, candidates, _rank(goal, candidates, scale), scale, sensitivity, Price(price.definition, pico))
        scale, ulps = scale + ulps * math.ulp(scale), 2 * ulps
    raise _too_small()


def _closed_form(goal: Goal, sensitivity: Sensitivity, price: Price) -> float:
    halves = 1 if goal.monotonic else 2
    if price.definition is Definition.GDP:
        return _scale_for(goal, sensitivity, price.pico / PICO) * (1 + 2.0**-40)
    if price.definition is Definition.ZCDP:
        return math.sqrt(Fraction(sensitivity.l2_squared * PICO * halves**2, 8 * price.pico))
    return float(Fraction(halves * sensitivity.l1 * PICO, price.pico))


def _scale_for(goal: Goal, sensitivity: Sensitivity, mu2: float) -> float:
    """The scale whose price under `gdp` is `mu2`, in double precision: the price falls as the scale grows."""
    low, high = 0.0, math.inf
    scale = 1.0
    for _ in range(_HALVINGS):
        cost = math.fsum(
            groups * bounded_range_guess(_range_of(goal, rows * sensitivity.largest) / scale) for groups, rows in sensitivity.bound.heaviest
        )
        low, high = (scale, high) if cost > mu2 else (low, scale)
        scale = (low + high) / 2 if low and high < math.inf else scale * 2 if cost > mu2 else scale / 2
    return high


def _range_of(goal: Goal, change: int) -> int:
    """The bounded range, at scale 1, of a choice whose scores one unit moves by ≤ `change`: twice that, or once where monotonic."""
    return change if goal.monotonic else 2 * change


def _loss(goal: Goal, scale: float, sensitivity: Sensitivity, definition: Definition) -> Fraction:
    """OpenDP's maps of the draws that one unit can move, summed over the groups it weighs most in; under `gdp` their prices."""
    if definition is Definition.GDP:
        return sum((groups * _mu2(goal, scale, rows * sensitivity.largest) for groups, rows in sensitivity.bound.heaviest), Fraction(0))
    pure = definition is Definition.PURE
    parts = [
        groups * measurements.noisy_max_loss(scale, rows * sensitivity.largest, pure=pure, monotonic=goal.monotonic)
        for groups, rows in sensitivity.bound.heaviest
    ]
    return sum(parts, Fraction(0))


def _mu2(goal: Goal, scale: float, change: int) -> Fraction:
    """μ² of one draw, and no less than twice the ρ of OpenDP's map."""
    mu2 = bounded_range_mu2(Fraction(_range_of(goal, change)) / Fraction(scale))
    return max(mu2, 2 * measurements.noisy_max_loss(scale, change, pure=False, monotonic=goal.monotonic))


def _rank(goal: Goal, candidates: int, scale: float) -> int:
    """Where an end is sought: candidates beyond every value score `rank` ranks less, and together are chosen 5 % of the time at most."""
    return 1 + math.floor(scale * math.log(candidates / 0.05) / goal.per_rank) if goal.aim in FROM_THE_END else 1


def _too_small() -> Refused:
    return Refused(
        Code.BUDGET_TOO_SMALL,
        "The price is too small: the noise it pays for would pick a value at random.",
        "Raise epsilon, or ask fewer aggregates at once.",
    )
