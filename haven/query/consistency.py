"""Consistent answers: totals and their parts, each noised by itself, moved by least squares until the parts sum to the totals.

Guarantee: post-processing of noisy values and public variances. Among all values that meet the sums, the ones given have the least
weighted distance Σ (z - y)²/v from those released, so they are at least as exact as those: with A z = 0 the sums that must hold,
z = y - V Aᵀ (A V Aᵀ)⁺ A y, and its covariance is V - V Aᵀ (A V Aᵀ)⁺ A V (Gauss-Markov under linear constraints).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np

from haven.privacy.tables import Key

MOST_CELLS = 600
"""Of all tables together: the system is solved densely."""


@dataclass(frozen=True, slots=True)
class Part:
    """One released table of one target: the names of its keys, its rows, their noisy values, and the variance that each has."""

    names: tuple[str, ...]
    keys: tuple[Key, ...]
    values: tuple[float, ...]
    variance: float


def reconciled(parts: Sequence[Part]) -> list[Part] | None:
    """The parts with values whose sums agree wherever one table's keys are among another's; None where none are, or there are too many.

    A part's new variance is the largest of its cells'.
    """
    sums = _sums(parts)
    if not sums or sum(len(part.keys) for part in parts) > MOST_CELLS:
        return None
    values = np.array([value for part in parts for value in part.values], dtype=np.float64)
    variances = np.array([part.variance for part in parts for _ in part.keys], dtype=np.float64)
    constraints = np.array(sums, dtype=np.float64)
    spread = variances[:, None] * constraints.T
    gain = spread @ np.linalg.pinv(constraints @ spread)
    moved = values - gain @ (constraints @ values)
    left = variances - np.einsum("ij,ij->i", gain, spread)
    return [
        Part(part.names, part.keys, tuple(map(float, moved[start:end])), max(0.0, float(left[start:end].max())))
        for part, (start, end) in zip(parts, _places(parts), strict=True)
    ]


def _places(parts: Sequence[Part]) -> list[tuple[int, int]]:
    ends = list(accumulate(len(part.keys) for part in parts))
    return [(end - len(part.keys), end) for part, end in zip(parts, ends, strict=True)]


def _sums(parts: Sequence[Part]) -> list[list[float]]:
    """One row a sum that must hold: a cell of a coarser table less the cells of a finer one that it is made of."""
    places = _places(parts)
    rows: list[list[float]] = []
    width = places[-1][1] if places else 0
    for coarse, (start, _) in zip(parts, places, strict=True):
        for fine, (begin, _) in zip(parts, places, strict=True):
            if set(coarse.names) < set(fine.names):
                at = [fine.names.index(name) for name in coarse.names]
                cells = {key: [0.0] * width for key in coarse.keys}
                for index, key in enumerate(coarse.keys):
                    cells[key][start + index] = 1.0
                for index, key in enumerate(fine.keys):
                    cells[tuple(key[place] for place in at)][begin + index] = -1.0
                rows += cells.values()
    return rows


def scale_of(variance: float) -> float:
    """The scale of a Gaussian with this variance; above 0, as scales are."""
    return max(math.sqrt(variance), 2.0**-30)
