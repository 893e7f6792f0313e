"""Answers made of earlier draws: their true spread, drawn many times, beside the law that is stated for them."""

import math
from decimal import Decimal
from fractions import Fraction
from statistics import fmean

import pytest

from haven.privacy.accounting import price_of_rho
from haven.privacy.budget import Definition, Price
from haven.privacy.combining import as_exact, combined, missing_noise, summed, weighted_means
from haven.privacy.mechanisms import Noise, Sensitivity, plan_noise
from haven.privacy.noise import add_noise
from haven.privacy.tables import ExactTable
from haven.privacy.units import ContributionBound

ONE = Sensitivity(ContributionBound(1, 1, 1), 1)
WIDE = Sensitivity(ContributionBound(3, 2, 2), 40)
DRAWS = 40_000


def gaussian(rho: str, sensitivity: Sensitivity = ONE) -> Noise:
    return plan_noise(sensitivity, price_of_rho(Definition.ZCDP, Decimal(rho)))


def laplace(pico: int) -> Noise:
    return plan_noise(ONE, Price(Definition.PURE, pico))


def drawn(noise: Noise, value: int, count: int = DRAWS) -> tuple[int, ...]:
    """Independent draws around one value: a table whose every cell holds it."""
    keys = [(index,) for index in range(count)]
    return add_noise(ExactTable(keys, [[value] * count]), (noise,), None).columns[0]


def variance(values: list[int], around: float) -> float:
    return fmean((value - around) ** 2 for value in values)


@pytest.mark.parametrize(
    "noise", [gaussian("0.02"), gaussian("2"), laplace(10**12), laplace(5 * 10**11)], ids=["g", "g small", "l", "l wide"]
)
@pytest.mark.parametrize("groups", [2, 7])
def test_a_sum_of_draws_spreads_no_more_than_its_stated_law(noise: Noise, groups: int) -> None:
    draws = drawn(noise, 5)
    sums = [sum(draws[start : start + groups]) for start in range(0, DRAWS - groups, groups)]
    # four standard errors of a variance estimated from so many sums; a Laplace sum has kurtosis up to 6
    slack = 1 + 4 * math.sqrt(5 / len(sums))
    assert variance(sums, 5 * groups) <= summed(noise, groups).variance * slack
    assert variance(sums, 5 * groups) >= summed(noise, groups).variance / slack * 0.8


@pytest.mark.parametrize(("first", "asked"), [("0.005", "0.02"), ("0.01", "0.02"), ("0.019", "0.02"), ("0.02", "0.1")])
def test_the_difference_buys_the_error_that_was_asked_for(first: str, asked: str) -> None:
    earlier, wanted = gaussian(first), gaussian(asked)
    fresh = missing_noise(earlier, wanted)
    assert fresh is not None
    means = list(weighted_means(drawn(earlier, 1000), drawn(fresh, 1000), (earlier, fresh)))
    stated = combined(earlier, fresh)
    assert stated.scale <= wanted.scale * (1 + 1e-9)
    assert stated.half_width() <= wanted.half_width()
    slack = 1 + 4 * math.sqrt(2 / DRAWS)
    assert stated.variance / slack * 0.95 <= variance(means, 1000) <= stated.variance * slack
    assert abs(fmean(means) - 1000) <= 5 * math.sqrt(stated.variance / DRAWS)


@pytest.mark.parametrize(("first", "asked"), [("0.00001", "0.00002"), ("0.0001", "0.001"), ("0.001", "0.0011")])
@pytest.mark.parametrize("sensitivity", [ONE, WIDE])
def test_the_price_is_the_difference_where_rounding_is_nothing(first: str, asked: str, sensitivity: Sensitivity) -> None:
    earlier, wanted = gaussian(first, sensitivity), gaussian(asked, sensitivity)
    fresh = missing_noise(earlier, wanted)
    assert fresh is not None
    difference = Fraction(asked) - Fraction(first)
    assert fresh.price.pico / 10**12 == pytest.approx(float(difference), rel=0.005)
    assert fresh.price.pico >= (wanted.price.pico - earlier.price.pico) * (1 - 1e-9)


def test_nothing_is_missing_to_a_draw_that_is_exact_enough() -> None:
    assert as_exact(gaussian("0.02"), gaussian("0.02"))
    assert as_exact(gaussian("0.03"), gaussian("0.02"))
    assert not as_exact(gaussian("0.01"), gaussian("0.02"))
    assert missing_noise(gaussian("0.03"), gaussian("0.02")) is None


def test_under_pure_privacy_nothing_is_combined() -> None:
    assert missing_noise(laplace(10**11), laplace(2 * 10**11)) is None


def test_where_a_fresh_draw_costs_as_much_as_the_question_nothing_is_combined() -> None:
    assert missing_noise(gaussian("0.000001"), gaussian("0.02")) is None


def test_equal_weights_round_half_to_even_and_shift_nothing() -> None:
    noises = (gaussian("0.02"), gaussian("0.02"))
    assert weighted_means([0, 1, 2, 3, -1, -3], [1, 2, 3, 4, 0, -2], noises) == (0, 2, 2, 4, 0, -2)


def test_a_combined_answer_of_equal_values_is_that_value() -> None:
    noises = (gaussian("0.013"), gaussian("0.0071"))
    values = [0, 7, -7, 2**61, -(2**61)]
    assert weighted_means(values, values, noises) == tuple(values)
