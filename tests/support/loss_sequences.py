"""Fixed sequences of releases, whose total another accountant works out from the whole distribution of their privacy losses.

Plain numbers, no planner: the recorded totals stay those of these sequences.
"""

import math
from dataclasses import dataclass
from fractions import Fraction

from haven.privacy.budget import PICO
from haven.privacy.gaussian_dp import bounded_range_mu2, gaussian_mu2

DELTAS = ("1e-3", "1e-6", "1e-9")
"""The δ at which totals are compared."""


@dataclass(frozen=True, slots=True)
class Lattice:
    """`times` discrete Gaussians of σ = `scale` lattice steps, which one person moves by `shift` steps."""

    scale: float
    shift: int
    times: int = 1

    @property
    def mu2(self) -> Fraction:
        """What one of them costs."""
        return gaussian_mu2(self.scale, self.shift**2)

    def spoken(self) -> dict[str, object]:
        """As the other accountant is told."""
        return {"kind": "discrete Gaussian", "scale": self.scale, "shift": self.shift, "times": self.times}


@dataclass(frozen=True, slots=True)
class Picked:
    """`times` exponential mechanisms at `scale`, over `scores` that one person changes to `others`."""

    scale: float
    scores: tuple[int, ...]
    others: tuple[int, ...]
    times: int = 1

    @property
    def mu2(self) -> Fraction:
        """What one of them costs: its range is twice the largest change of a score, over the scale."""
        change = max(abs(one - other) for one, other in zip(self.scores, self.others, strict=True))
        return bounded_range_mu2(Fraction(2 * change) / Fraction(self.scale))

    def spoken(self) -> dict[str, object]:
        """The probabilities of each candidate, with the person and without."""
        laws = [[math.exp(score / self.scale) for score in scores] for scores in (self.scores, self.others)]
        return {"kind": "laws", "laws": [[weight / math.fsum(law) for weight in law] for law in laws], "times": self.times}


Sequence = tuple[Lattice | Picked, ...]
SEQUENCES: dict[str, Sequence] = {
    "one count": (Lattice(1081.52, 256),),
    "ten counts": (Lattice(3420.06, 256, 10),),
    "a hundred counts": (Lattice(10815.2, 256, 100),),
    "a thousand counts": (Lattice(34200.6, 256, 1000),),
    "the coarsest lattice": (Lattice(64.0, 1, 100), Lattice(64.0, 3, 10)),
    "steps of every size": (Lattice(64.5, 7, 2), Lattice(100.0, 9, 5), Lattice(1000.0, 31, 20), Lattice(50_000.0, 5000, 7)),
    "one large release": (Lattice(64.0, 200),),
    "choices alone": (Picked(4.0, (3, 5, 0, 5), (4, 4, 1, 4), 10), Picked(2.0, (1, 0), (0, 1), 3)),
    "choices of few and of many": (Picked(1.0, (1, 0), (0, 1)), Picked(10.0, tuple(range(50)), tuple(range(1, 51)), 30)),
    "counts and choices": (Lattice(2000.0, 256, 12), Picked(6.0, (9, 9, 9), (8, 9, 10), 6), Lattice(128.0, 16, 1)),
}


def pico_of(sequence: Sequence) -> int:
    """What the books hold of a sequence: every release rounded up."""
    return sum(each.times * math.ceil(each.mu2 * PICO) for each in sequence)
