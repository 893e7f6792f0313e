"""The normal law to 80 digits, against scipy, against series and continued fraction of each other, and against sums by rectangles."""

import math
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import erfcx
from scipy.stats import norm

from haven.privacy import normal_law
from haven.privacy.normal_law import EXACT, PI, curve, curve_slopes, density, mills, upper_tail


def _arctan_of_inverse(x: int, one: int) -> int:
    total = term = one // x
    odd, sign = 3, -1
    while term:
        term //= x * x
        total, odd, sign = total + sign * (term // odd), odd + 2, -sign
    return total


def test_pi_is_that_of_machins_formula() -> None:
    one = 10**140
    pi = 4 * (4 * _arctan_of_inverse(5, one) - _arctan_of_inverse(239, one))
    assert abs(Fraction(PI) - Fraction(pi, one)) < Fraction(1, 10**119)


@pytest.mark.parametrize("x", [-30, -8.01, -7.99, -3, -1e-9, 0, 1e-30, 0.5, 1, 4, 7.999, 8, 8.5, 12, 30, 37])
def test_tails_are_scipys(x: float) -> None:
    assert float(upper_tail(Decimal(x))) == pytest.approx(norm.sf(x), rel=1e-12)
    assert float(density(Decimal(x))) == pytest.approx(norm.pdf(x), rel=1e-12)


@pytest.mark.parametrize("x", [0, 0.1, 7.9, 8, 20, 1000, 44_721.36])
def test_the_mills_ratio_is_scipys(x: float) -> None:
    assert float(mills(Decimal(x))) == pytest.approx(math.sqrt(math.pi / 2) * erfcx(x / math.sqrt(2)), rel=1e-13)


@pytest.mark.parametrize("x", ["6", "7.3", "8", "9.1", "11"])
def test_the_series_and_the_continued_fraction_agree_to_80_digits(x: str) -> None:
    series = EXACT.divide(normal_law._near_tail(Decimal(x)), density(Decimal(x)))
    fraction = normal_law._continued_fraction(Decimal(x))
    lost = float(x) ** 2 / 2 / math.log(10)  # digits that the series' difference loses
    assert abs(Fraction(series) / Fraction(fraction) - 1) < Fraction(10) ** math.ceil(lost - 105)


def test_the_truncations_of_the_continued_fraction_lie_above_and_below_in_turn() -> None:
    x = Decimal(8)
    limit = normal_law._truncated(x, 2000)
    found = [Fraction(normal_law._truncated(x, steps) - limit) for steps in range(1, 30)]
    assert all(one * other < 0 for one, other in pairwise(found))


def test_no_step_is_rounded_to_the_digits_of_the_caller() -> None:
    with localcontext() as context:
        context.prec = 6
        few = [upper_tail(Decimal(x)) for x in ("-9.5", "-2.5", "0.3", "9.5")], curve(Decimal("1.25"), Decimal("0.375"))
    assert few == ([upper_tail(Decimal(x)) for x in ("-9.5", "-2.5", "0.3", "9.5")], curve(Decimal("1.25"), Decimal("0.375")))


def by_rectangles(epsilon: float, mu: float) -> float:
    """∫ max(0, φ(x - μ) - e^ε φ(x)) dx, by the midpoint rule from where it begins to be positive."""
    start, steps, width = epsilon / mu + mu / 2, 200_000, 40.0
    h = width / steps
    points = (start + (i + 0.5) * h for i in range(steps))
    return h * math.fsum((math.exp(-((x - mu) ** 2) / 2) - math.exp(epsilon - x * x / 2)) / math.sqrt(2 * math.pi) for x in points)


@pytest.mark.parametrize(("epsilon", "mu"), [(0.0, 0.3), (1.0, 0.2), (1.0, 1.0), (5.0, 1.0), (0.01, 3.0), (30.0, 5.0)])
def test_the_curve_is_the_hockey_stick_of_two_normal_laws(epsilon: float, mu: float) -> None:
    assert float(curve(Decimal(epsilon), Decimal(mu))) == pytest.approx(by_rectangles(epsilon, mu), rel=1e-7)


@settings(deadline=None, max_examples=60)
@given(st.floats(0, 1e6), st.floats(1e-5, 1e3), st.floats(1e-6, 1e-2))
def test_the_curve_falls_in_epsilon_and_rises_in_mu_by_its_slopes(epsilon: float, mu: float, step: float) -> None:
    at, in_epsilon, in_mu = curve(Decimal(epsilon), Decimal(mu)), *curve_slopes(Decimal(epsilon), Decimal(mu))
    assert curve(Decimal(epsilon) + Decimal(step), Decimal(mu)) <= at <= curve(Decimal(epsilon), Decimal(mu) + Decimal(step))
    tiny = Decimal("1e-30")
    with localcontext(EXACT):
        moved = [(curve(Decimal(epsilon) + tiny, Decimal(mu)) - at) / tiny, (curve(Decimal(epsilon), Decimal(mu) + tiny) - at) / tiny]
        scale = density(Decimal(epsilon) / Decimal(mu) - Decimal(mu) / 2)
        assert all(
            abs(one - other) <= scale * Decimal("1e-15") + Decimal("1e-70") for one, other in zip(moved, (in_epsilon, in_mu), strict=True)
        )
