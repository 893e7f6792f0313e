"""Half-widths of combinations of noises, against simulation and closed cases."""

import numpy as np
import pytest
from scipy import stats

from haven.privacy.accuracy import combined_half_width, laplace_quantile
from haven.privacy.budget import PICO, Definition, Price
from haven.privacy.mechanisms import Noise, Sensitivity, plan_noise
from haven.privacy.noise import add_noise
from haven.privacy.tables import ExactTable
from haven.privacy.units import ContributionBound

ONE = Sensitivity(ContributionBound(1, 1, 1), 1)
GAUSS = plan_noise(ONE, Price(Definition.ZCDP, PICO // 1000))
LAPLACE = plan_noise(ONE, Price(Definition.PURE, PICO // 20))


def _draw(noise: Noise, size: int) -> np.ndarray:
    return np.array(add_noise(ExactTable([(i,) for i in range(size)], [[0] * size]), (noise,), None).columns[0])


def test_nothing_noisy_has_no_error() -> None:
    assert combined_half_width([]) == combined_half_width([(0.0, GAUSS)]) == 0.0


def test_one_term_is_its_own_half_width_scaled() -> None:
    assert combined_half_width([(-0.25, GAUSS)]) == 0.25 * GAUSS.half_width()


def test_two_gaussians_add_their_variances() -> None:
    assert combined_half_width([(3.0, GAUSS), (-4.0, GAUSS)]) == pytest.approx(5 * GAUSS.scale * 1.959964, rel=1e-6)


@pytest.mark.parametrize(("noise", "factors"), [(GAUSS, (1, 1)), (LAPLACE, (1, 1)), (LAPLACE, (1, 3)), (LAPLACE, (1, 10, 4))])
@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_a_combination_lies_within_its_half_width_as_often_as_said(noise: Noise, factors: tuple[int, ...], confidence: float) -> None:
    size = 20_000
    total = sum(factor * _draw(noise, size) for factor in factors)
    covered = int((np.abs(total) <= combined_half_width([(factor, noise) for factor in factors], confidence)).sum())
    assert stats.binom.cdf(covered, size, confidence - 0.01) > 1e-6  # an approximation: allowed to be one point off


@pytest.mark.parametrize("noise", [GAUSS, LAPLACE])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_a_half_width_covers_drawn_noise_as_often_as_said(noise: Noise, confidence: float) -> None:
    size = 20_000
    covered = int((np.abs(_draw(noise, size)) <= noise.half_width(confidence)).sum())
    assert stats.binom.cdf(covered, size, confidence) > 1e-7
    assert stats.binom.sf(covered - 1, size, 1 - (1 - confidence) / 1.5) > 1e-7  # and does not boast of noise that is not there


def test_the_laplace_quantile_is_scipys() -> None:
    assert laplace_quantile(0.95) == pytest.approx(stats.laplace.isf(0.025) / stats.laplace.std())
