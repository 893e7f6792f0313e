"""The only module that calls OpenDP: its measurements, their privacy maps as exact rationals, and its conversion from ρ to ε.

OpenDP's maps round upwards, so a map's float, read as an exact rational, is an upper bound of the loss. Vectors are of 64-bit integers
and L2 distances of floats: an integer L2 distance would turn √2 into 2. Only OpenDP's `contrib` feature is on.
"""

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any, cast

import numpy as np
import opendp.prelude as dp

dp.enable_features("contrib")

_VECTOR = dp.vector_domain(dp.atom_domain(T="i64"))
_COUNTS = dp.map_domain(dp.atom_domain(T="String"), dp.atom_domain(T="i64"))
_L1 = dp.l1_distance(T="i64")
_L2 = dp.l2_distance(T="f64")
_L02INF = dp.l02inf_distance(dp.absolute_distance(T="f64"))
_LINF = {monotonic: dp.linf_distance(T="i64", monotonic=monotonic) for monotonic in (False, True)}


@lru_cache(maxsize=4096)
def gaussian(scale: float) -> Any:  # noqa: ANN401 - OpenDP publishes no types
    """The discrete Gaussian measurement on a vector of 64-bit integers."""
    return dp.m.make_gaussian(_VECTOR, _L2, scale=scale)


@lru_cache(maxsize=4096)
def laplace(scale: float) -> Any:  # noqa: ANN401 - OpenDP publishes no types
    """The discrete Laplace measurement on a vector of 64-bit integers."""
    return dp.m.make_laplace(_VECTOR, _L1, scale=scale)


@lru_cache(maxsize=1024)
def gaussian_threshold(scale: float, threshold: int) -> Any:  # noqa: ANN401 - OpenDP publishes no types
    """Discrete Gaussian noise on a map of counts, of which only those not below `threshold` come out."""
    return dp.m.make_gaussian_threshold(_COUNTS, _L02INF, scale=scale, threshold=threshold)


@lru_cache(maxsize=4096)
def noisy_max(scale: float, *, pure: bool, monotonic: bool) -> Any:  # noqa: ANN401 - OpenDP publishes no types
    """The index of the largest of noised 64-bit scores: Gumbel noise under zCDP, exponential noise under `pure`.

    `monotonic` says that one unit moves all scores in one direction, which halves ε at the same scale.
    """
    measure = dp.max_divergence() if pure else dp.zero_concentrated_divergence()
    return dp.m.make_noisy_max(_VECTOR, _LINF[monotonic], measure, scale=scale)


def noisy_max_loss(scale: float, change: int, *, pure: bool, monotonic: bool) -> Fraction:
    """An upper bound of the ρ (or, where `pure`, the ε) of `noisy_max` where one unit moves a score by ≤ `change`."""
    return Fraction(noisy_max(scale, pure=pure, monotonic=monotonic).map(change))


def gaussian_rho(scale: float, l2: float) -> Fraction:
    """An upper bound of the ρ (zCDP) of `gaussian(scale)` at L2 distance `l2`."""
    return Fraction(gaussian(scale).map(l2))


def laplace_epsilon(scale: float, l1: int) -> Fraction:
    """An upper bound of the ε (pure DP) of `laplace(scale)` at L1 distance `l1`."""
    return Fraction(laplace(scale).map(l1))


def gaussian_threshold_loss(scale: float, threshold: int, groups: int, steps: int = 1) -> tuple[Fraction, Fraction]:
    """Upper bounds of the (ρ, δ) of `gaussian_threshold` where one unit changes `groups` counts by `steps`, noisy = threshold dropped."""
    root = math.sqrt(groups)
    l2 = root if Fraction(root) ** 2 >= groups else math.nextafter(root, math.inf)
    rho, delta = gaussian_threshold(scale, threshold).map((groups, l2 * steps, float(steps)))
    return Fraction(rho), Fraction(delta)


@lru_cache(maxsize=1)
def _approximate_gaussian() -> Any:  # noqa: ANN401 - OpenDP publishes no types
    return dp.c.make_zCDP_to_approxDP(gaussian(1.0))


def epsilon_at(rho: Fraction, delta: float) -> float:
    """OpenDP's ε at `delta` of a ρ-zCDP release, for ρ ≤ 1000 (beyond some 10⁵ its profile overflows)."""
    distance = math.sqrt(2 * rho)
    while gaussian_rho(1.0, distance) < rho:
        distance = math.nextafter(distance, math.inf)
    return float(_approximate_gaussian().map(distance).epsilon(delta))


def draw_vector(measurement: Any, exact: Sequence[int]) -> tuple[int, ...]:  # noqa: ANN401 - OpenDP publishes no types
    """One call of a vector measurement: `exact` (each within 64 bits) plus fresh noise, saturating at 64 bits."""
    return tuple(measurement(np.array(exact, dtype=np.int64)))


def draw_index(measurement: Any, scores: np.typing.NDArray[np.int64]) -> int:  # noqa: ANN401 - OpenDP publishes no types
    """One call of `noisy_max` on at least one score."""
    return int(measurement(scores))


def draw_counts(measurement: Any, exact: Mapping[str, int]) -> dict[str, int]:  # noqa: ANN401 - OpenDP publishes no types
    """One call of a threshold measurement; the order of what comes out means nothing."""
    return cast("dict[str, int]", measurement(dict(exact)))
