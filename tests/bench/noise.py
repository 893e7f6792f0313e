"""Noise per count: what a population's promise leaves each of k counts, by definition, beside the limit of the exact Gaussian.

The promise is ε = 1 with δ = 10⁻⁶ for the conversion. A figure is the standard deviation of real draws through the real noise step.
"""

import math
import statistics
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from scipy.optimize import brentq
from scipy.stats import norm

from haven.privacy.accounting import budget_of
from haven.privacy.budget import Definition, Price
from haven.privacy.mechanisms import Sensitivity, plan_noise
from haven.privacy.noise import add_noise
from haven.privacy.tables import ExactTable
from haven.privacy.units import ContributionBound

COUNTS = (1, 10, 100, 1000)
EPSILON, DELTA = 1.0, 1e-6
ONE = Sensitivity(ContributionBound(1, 1, 1), 1)
DRAWS = 100_000


def measure_noise() -> list[dict[str, Any]]:
    """One row a number of counts: the standard deviations, planned and drawn, by definition, and the limit; printed and returned."""
    rows = [_row(counts) for counts in COUNTS]
    print(f"\nnoise per count at epsilon {EPSILON:g}, delta {DELTA:g}: standard deviation (as drawn)")
    for row in rows:
        shown = "   ".join(f"{name} {row['planned'][name]:9.4f} ({row['drawn'][name]:9.4f})" for name in row["planned"])
        print(f"  {row['counts']:5} counts   {shown}   limit {row['limit']:9.4f}")
    return rows


def _row(counts: int) -> dict[str, Any]:
    planned, drawn = {}, {}
    for definition in (Definition.PURE, Definition.ZCDP, Definition.GDP):
        delta = None if definition is Definition.PURE else Decimal(str(2 * DELTA))  # half of it converts
        budget = budget_of(definition, Decimal(str(EPSILON)), delta)
        noise = plan_noise(ONE, Price(definition, budget.pico // counts))
        exact = ExactTable([(index,) for index in range(DRAWS)], [[0] * DRAWS])
        planned[definition.value] = math.sqrt(noise.variance) / noise.multiple
        drawn[definition.value] = statistics.pstdev(add_noise(exact, (noise,), None).columns[0], 0) / noise.multiple
    return {"counts": counts, "planned": planned, "drawn": drawn, "limit": math.sqrt(counts) / _exact_mu()}


def _exact_mu() -> float:
    """μ at which N(0, 1) and N(μ, 1) are (ε, δ)-close: scipy's own, apart from haven's arithmetic."""
    return float(brentq(lambda mu: norm.sf(EPSILON / mu - mu / 2) - math.exp(EPSILON) * norm.sf(EPSILON / mu + mu / 2) - DELTA, 0.01, 5))


def noise_table(rows: list[Mapping[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Head and rows of the page's table: the last column is how far `gdp` is above the limit."""
    head = ["counts", "pure", "zcdp", "gdp", "limit", "gdp above the limit"]
    cells = [
        [
            f"{row['counts']:,}",
            *(f"{row['planned'][name]:.5g}" for name in ("pure", "zcdp", "gdp")),
            f"{row['limit']:.5g}",
            f"{100 * (row['planned']['gdp'] / row['limit'] - 1):.4f} %",
        ]
        for row in rows
    ]
    return head, cells
