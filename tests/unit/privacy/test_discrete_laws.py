"""Variances and half-widths against plain sums of the laws' weights."""

import math

import pytest
from scipy import stats

from haven.privacy import discrete_laws

CONFIDENCES = (0.5, 0.8, 0.95, 0.99, 0.999)


def _weights(law: str, scale: float) -> dict[int, float]:
    """The law's probabilities, from its definition, far into the tails."""
    reach = math.ceil(60 * scale) + 60
    power = (lambda x: (x / scale) ** 2 / 2) if law == "gaussian" else (lambda x: abs(x) / scale)
    raw = {x: math.exp(-power(x)) for x in range(-reach, reach + 1)}
    total = math.fsum(raw.values())
    return {x: weight / total for x, weight in raw.items()}


def _half_width(law: str, scale: float, confidence: float) -> float:
    return getattr(discrete_laws, f"{law}_half_width")(scale, confidence)  # type: ignore[no-any-return]


@pytest.mark.parametrize("law", ["gaussian", "laplace"])
@pytest.mark.parametrize("scale", [0.05, 0.3, 0.5, 1, 2.5, 4.53, 10, 31.9])
def test_variance_is_that_of_the_integer_law(law: str, scale: float) -> None:
    plain = math.fsum(x * x * p for x, p in _weights(law, scale).items())
    assert getattr(discrete_laws, f"{law}_variance")(scale) == pytest.approx(plain, rel=1e-9, abs=1e-300)


def test_beyond_the_summed_scales_the_variance_is_sigma_squared() -> None:
    scale = discrete_laws.SUMMED_UP_TO * 1.01
    plain = math.fsum(x * x * p for x, p in _weights("gaussian", scale).items())
    assert discrete_laws.gaussian_variance(scale) == pytest.approx(plain, rel=1e-12)


@pytest.mark.parametrize("law", ["gaussian", "laplace"])
@pytest.mark.parametrize("scale", [0.05, 0.3, 0.5, 1, 2.5, 4.53, 10, 31.9])
@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_half_width_is_the_least_that_covers(law: str, scale: float, confidence: float) -> None:
    law_weights, width = _weights(law, scale), _half_width(law, scale, confidence)
    outside = math.fsum(p for x, p in law_weights.items() if abs(x) > width)
    assert outside <= (1 - confidence) * (1 + 1e-9)
    if width > 0:
        wider = math.fsum(p for x, p in law_weights.items() if abs(x) > width - 1)
        assert wider > (1 - confidence) * (1 - 1e-9)


@pytest.mark.parametrize("confidence", CONFIDENCES)
@pytest.mark.parametrize("scale", [32.5, 100.3, 512.0])
def test_wide_gaussian_half_widths_cover_and_waste_at_most_one_grid_unit(scale: float, confidence: float) -> None:
    law_weights, width = _weights("gaussian", scale), discrete_laws.gaussian_half_width(scale, confidence)
    assert math.fsum(p for x, p in law_weights.items() if abs(x) > width) <= 1 - confidence
    assert math.fsum(p for x, p in law_weights.items() if abs(x) > width - 2) > 1 - confidence


@pytest.mark.parametrize("confidence", CONFIDENCES)
def test_the_normal_quantile_is_scipys(confidence: float) -> None:
    assert discrete_laws.normal_quantile(confidence) == pytest.approx(stats.norm.isf((1 - confidence) / 2), rel=1e-12)
