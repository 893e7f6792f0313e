"""Run by the Python of another environment, where dp_accounting is: reads sequences of releases, writes bounds of their ε at each δ.

The bounds come of the distribution of the privacy loss, composed numerically: one rounded downwards and one upwards. Adaptivity is no
matter for fixed sequences. Nothing of haven is imported.
"""

import json
import sys
from typing import Any

from dp_accounting.pld import privacy_loss_distribution as losses
from scipy.stats import rv_discrete

INTERVAL = 1e-5


def loss_of(release: dict[str, Any], *, upwards: bool) -> Any:  # noqa: ANN401 - the library's own
    """The composed privacy loss of a release."""
    if release["kind"] == "discrete Gaussian":
        one = losses.from_discrete_gaussian_mechanism(
            release["scale"], sensitivity=release["shift"], pessimistic_estimate=upwards, value_discretization_interval=INTERVAL
        )
    else:
        upper, lower = (_log_law(law) for law in release["laws"])
        one = losses.from_two_probability_mass_functions(upper, lower, pessimistic_estimate=upwards, value_discretization_interval=INTERVAL)
    return one if release["times"] == 1 else one.self_compose(release["times"])


def _log_law(law: list[float]) -> dict[int, float]:
    points = rv_discrete(values=(range(len(law)), law))
    return {index: float(points.logpmf(index)) for index in range(len(law))}


def epsilons(sequence: list[dict[str, Any]], deltas: list[str]) -> dict[str, list[float]]:
    """By δ the lower and the upper bound of ε."""
    found = []
    for upwards in (False, True):
        composed = None
        for release in sequence:
            loss = loss_of(release, upwards=upwards)
            composed = loss if composed is None else composed.compose(loss)
        found.append([composed.get_epsilon_for_delta(float(delta)) for delta in deltas])
    return {delta: list(pair) for delta, *pair in zip(deltas, *found, strict=True)}


if __name__ == "__main__":
    told = json.load(sys.stdin)
    json.dump({name: epsilons(sequence, told["deltas"]) for name, sequence in told["sequences"].items()}, sys.stdout, indent=1)
