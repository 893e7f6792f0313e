"""Noise, choices, selections and combined answers under `gdp`: the law that was priced, on a grid fine enough, rounded where it must be."""

import math
from collections import Counter
from fractions import Fraction
from itertools import product
from statistics import fmean

import opendp.prelude as dp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from haven.privacy import discrete_laws
from haven.privacy.budget import ATTO, PICO, Definition, Price
from haven.privacy.choices import Aim, Goal, plan_choice
from haven.privacy.combining import as_exact, as_shown, cheapest, combined, missing_noise, summed, weighted_means
from haven.privacy.gaussian_dp import bounded_range_mu2
from haven.privacy.mechanisms import FINE, LARGEST_SCALE, Noise, Sensitivity, multiple_of, plan_noise, plan_noise_for_error
from haven.privacy.noise import add_noise
from haven.privacy.selection import plan_selection
from haven.privacy.tables import ExactTable
from haven.privacy.units import ContributionBound

G, Z = Definition.GDP, Definition.ZCDP
FALSE_ALARM = 1e-7
ONE = ContributionBound(1, 1, 1)
COUNT = Sensitivity(ONE, 1)
WIDE = Sensitivity(ContributionBound(3, 2, 2), 40)
DRAWS = 40_000
HUGE = 19 * 10**8 * PICO


def price(mu2: str) -> Price:
    return Price(G, int(Fraction(mu2) * PICO))


def drawn(noise: Noise, value: int, count: int = DRAWS) -> list[int]:
    """Independent draws around one value, in steps of the noise's grid."""
    table = ExactTable([(index,) for index in range(count)], [[value] * count])
    return [draw - value * noise.multiple for draw in add_noise(table, (noise,), None).columns[0]]


@pytest.mark.parametrize(("largest", "multiple"), [(1, 256), (2, 128), (3, 128), (100, 4), (255, 2), (256, 1), (10**6, 1)])
def test_one_row_moves_what_is_noised_by_256_steps_or_more_at_any_price(largest: int, multiple: int) -> None:
    assert multiple_of(G, Sensitivity(ONE, largest)) == multiple
    assert multiple_of(Z, Sensitivity(ONE, largest)) == 1
    for pico in (10**6, PICO, HUGE):
        noise = plan_noise(Sensitivity(ONE, largest), Price(G, pico))
        assert (noise.multiple, noise.sensitivity.largest) == (multiple, largest * multiple)


@settings(deadline=None)
@given(st.integers(1, 2**21), st.integers(1, 50), st.integers(10**3, HUGE))
def test_noise_is_drawn_on_256_steps_a_deviation_or_more_and_paid_as_the_lattice_says(largest: int, rows: int, pico: int) -> None:
    bound = ContributionBound(rows, rows, 1)
    noise = plan_noise(Sensitivity(bound, largest), Price(G, pico))
    steps = noise.scale * noise.finer
    assert steps >= FINE * (1 - 1e-12)
    assert noise.finer == 1 or noise.scale < FINE * (1 + 1e-3)
    delta2 = Fraction(rows) * (largest * noise.multiple * noise.finer) ** 2
    assert pico >= noise.price.pico >= delta2 / (Fraction(steps) ** 2 - 9) * PICO
    exact = math.sqrt(rows * largest**2 * PICO / pico)  # Δ/μ, the continuous Gaussian's
    assert exact <= noise.scale / noise.multiple * (1 + 1e-9)
    assert noise.scale / noise.multiple <= exact * 1.0001


@pytest.mark.parametrize("scale", [0.2, 0.6, 3.0, 20.0])
def test_rounded_noise_has_the_law_of_a_rounded_gaussian(scale: float) -> None:
    finer = 1 << math.ceil(math.log2(FINE / scale))
    noise = Noise(plan_noise(COUNT, price("1")).mechanism, scale, COUNT, price("1"), finer=finer)
    draws = drawn(noise, 7)

    def p_value(sigma: float) -> float:
        edge = max(1, math.floor(3 * scale))
        cells = {x: stats.norm.cdf((x + 0.5) / sigma) - stats.norm.cdf((x - 0.5) / sigma) for x in range(1 - edge, edge)}
        cells[edge] = cells[-edge] = stats.norm.sf((edge - 0.5) / sigma)
        seen = Counter(max(-edge, min(edge, draw)) for draw in draws)
        return float(stats.chi2.sf(math.fsum((seen[x] - DRAWS * p) ** 2 / (DRAWS * p) for x, p in cells.items()), len(cells) - 1))

    assert p_value(scale) > FALSE_ALARM
    assert p_value(scale * 1.1) < FALSE_ALARM  # the test can tell: 10 % is far outside
    assert fmean(draw * draw for draw in draws) == pytest.approx(noise.variance, rel=0.05, abs=0.002)


@pytest.mark.parametrize("scale", [0.01, 0.2, 0.7, 1.0, 2.9, 31.9, 32.1, 200.0])
def test_rounded_variances_and_half_widths_are_those_of_plain_sums(scale: float) -> None:
    reach = math.ceil(10 * scale) + 2
    law = {x: stats.norm.cdf((x + 0.5) / scale) - stats.norm.cdf((x - 0.5) / scale) for x in range(-reach, reach + 1)}
    plain = math.fsum(x * x * p for x, p in law.items())
    assert plain * (1 - 1e-9) - 1e-15 <= discrete_laws.rounded_variance(scale) <= plain * (1 + 1e-4) + 1e-15
    finer = 1 << max(1, math.ceil(math.log2(FINE / scale)))
    width = discrete_laws.rounded_half_width(scale, finer, 0.95)
    assert math.fsum(p for x, p in law.items() if abs(x) > width) <= 0.05
    assert width == 0 or math.fsum(p for x, p in law.items() if abs(x) > width - 2) > 0.05


def test_a_half_width_covers_what_is_drawn() -> None:
    for mu2 in ("0.05", "1", "40", "1000"):
        noise = plan_noise(COUNT, price(mu2))
        within = sum(abs(draw) <= noise.half_width() for draw in drawn(noise, 1000)) / DRAWS
        assert within >= 0.95 - 5 * math.sqrt(0.05 * 0.95 / DRAWS)


def test_at_huge_budgets_what_comes_out_is_exact_to_the_grid() -> None:
    for largest, values in ((1, [0, 1, 2**37, -5]), (40, [10**9, -3]), (2**20, [2**40])):
        noise = plan_noise(Sensitivity(ONE, largest), Price(G, HUGE))
        column = add_noise(ExactTable([(index,) for index in range(len(values))], [values]), (noise,), None).columns[0]
        assert all(abs(cell - value * noise.multiple) <= noise.half_width() * 4 for cell, value in zip(column, values, strict=True))
        assert largest == 2**20 or list(column) == [value * noise.multiple for value in values]


def test_the_wished_error_is_reached_at_the_least_price() -> None:
    for wished in (0.2, 1.0, 3.3, 10.0, 1e4):
        for sensitivity in (COUNT, WIDE):
            noise = plan_noise_for_error(G, sensitivity, wished)
            assert noise.half_width() <= wished * noise.multiple
            cheaper = plan_noise(sensitivity, Price(G, noise.price.pico * 98 // 100))
            assert cheaper.half_width() > wished * noise.multiple or cheaper.half_width() - noise.half_width() < 1


# --- choices


@pytest.mark.parametrize("goal", [Goal(Aim.BETWEEN, 1, 2), Goal(Aim.COMMONEST), Goal(Aim.TAIL, 1, 200)], ids=str)
@pytest.mark.parametrize("bound", [ONE, ContributionBound(4, 4, 4), ContributionBound(6, 2, 3), ContributionBound(7, 3, 3)], ids=str)
def test_a_choice_costs_its_bounded_range_however_a_units_rows_are_spread(goal: Goal, bound: ContributionBound) -> None:
    asked = price("0.3")
    choice = plan_choice(goal, 20, Sensitivity(bound, goal.largest), asked)
    assert asked.pico * (1 - 1e-9) <= choice.price.pico <= asked.pico
    twice = 1 if goal.monotonic else 2
    for spread in product(range(bound.rows_per_group + 1), repeat=bound.groups_per_unit):
        if 0 < sum(spread) <= bound.rows_per_unit:
            ranges = [Fraction(twice * rows * goal.largest) / Fraction(choice.scale) for rows in spread if rows]
            assert sum(map(bounded_range_mu2, ranges)) * PICO <= choice.price.pico


def test_the_price_of_a_choice_is_more_than_twice_opendps_rho() -> None:
    goal = Goal(Aim.BETWEEN, 1, 2)
    choice = plan_choice(goal, 20, Sensitivity(ONE, goal.largest), price("0.3"))
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64", monotonic=False)
    rho = Fraction(dp.m.make_noisy_max(*space, dp.zero_concentrated_divergence(), scale=choice.scale).map(goal.largest))
    assert 2 * rho < Fraction(choice.price.pico, PICO) < Fraction(16, 5) * rho


def test_a_choice_is_drawn_by_gumbel_noise_and_at_a_huge_price_is_the_best() -> None:
    goal = Goal(Aim.COMMONEST)
    choice = plan_choice(goal, 3, Sensitivity(ONE, 1), Price(G, HUGE))
    assert choice.mechanism == "report noisy max (Gumbel)"
    assert add_noise(ExactTable([(0,)], [[(5, 9, 8)]]), (choice,), None).columns[0] == (1,)


# --- selections


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 50), st.integers(10**6, 10**13), st.integers(10**6, ATTO // 1000))
def test_a_selection_covers_opendps_map_on_its_lattice(groups: int, pico: int, atto: int) -> None:
    asked = Price(G, pico, atto)
    selection = plan_selection(groups, asked)
    steps = selection.noise.finer
    space = dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T="i64")), dp.l02inf_distance(dp.absolute_distance(T="f64"))
    measurement = dp.m.make_gaussian_threshold(*space, scale=selection.noise.scale * steps, threshold=selection.threshold * steps)
    rho, delta = measurement.map((groups, math.nextafter(math.sqrt(groups), 0) * steps, float(steps)))
    assert asked.covers(selection.price)
    assert selection.noise.scale * steps >= FINE * (1 - 1e-12)
    assert Fraction(selection.price.pico, PICO) >= 2 * Fraction(rho)
    assert Fraction(selection.price.atto_delta, ATTO) >= Fraction(delta)


def test_chosen_keys_are_above_the_threshold_and_their_numbers_whole_and_near() -> None:
    selection = plan_selection(1, Price(G, PICO, ATTO // 10**6))
    units = [0, 1, 1, selection.threshold + 40, 500]
    for _ in range(200):
        noisy = add_noise(ExactTable([(f"{i}",) for i in range(5)], [], units), (), selection)
        assert noisy.keys == (("3",), ("4",))
        assert noisy.units is not None
        assert all(abs(count - exact) < 12 for count, exact in zip(noisy.units, units[3:], strict=True))


def test_singletons_appear_no_oftener_than_delta_says() -> None:
    selection = plan_selection(1, Price(G, PICO, ATTO // 100))
    singles = 100_000
    kept = len(add_noise(ExactTable([(f"{i:06}",) for i in range(singles)], [], [1] * singles), (), selection).keys)
    claimed = selection.price.atto_delta / ATTO
    assert stats.binom.cdf(kept, singles, claimed / 20) > FALSE_ALARM
    assert stats.binom.sf(kept - 1, singles, claimed) > FALSE_ALARM


# --- answers made of answers


@pytest.mark.parametrize(
    "noise", [plan_noise(COUNT, price("0.05")), plan_noise(COUNT, price("30")), plan_noise(WIDE, price("60"))], ids=str
)
@pytest.mark.parametrize("groups", [1, 2, 7])
def test_a_sum_of_draws_spreads_no_more_than_its_stated_law(noise: Noise, groups: int) -> None:
    draws = drawn(noise, 5) if groups == 1 else as_shown(drawn(noise, 5), noise.multiple)
    sums = [sum(draws[start : start + groups]) for start in range(0, DRAWS - groups, groups)]
    stated, slack = summed(noise, groups), 1 + 4 * math.sqrt(2 / len(sums))
    assert stated.price.pico == 0
    assert (stated.finer, stated.multiple) == (1, noise.multiple)
    spread = fmean(total * total for total in sums)
    assert spread <= stated.variance * slack + 1e-9
    assert spread >= stated.variance / slack * 0.8 or noise.scale < noise.multiple  # of very little noise more is said than there is


@pytest.mark.parametrize("sensitivity", [COUNT, WIDE], ids=str)
@pytest.mark.parametrize(("first", "asked"), [("0.01", "0.04"), ("0.02", "0.04"), ("0.039", "0.04"), ("0.04", "0.2"), ("200", "900")])
def test_the_difference_buys_the_error_that_was_asked_for(sensitivity: Sensitivity, first: str, asked: str) -> None:
    earlier, wanted = plan_noise(sensitivity, price(first)), plan_noise(sensitivity, price(asked))
    fresh = missing_noise(earlier, wanted)
    assert fresh is not None
    made = combined(earlier, fresh)
    assert made.as_drawn_on_grid.scale <= wanted.as_drawn_on_grid.scale * (1 + 1e-9)
    assert fresh.multiple == wanted.multiple
    due = wanted.price.pico - earlier.price.pico
    assert due * (1 - 1e-9) <= fresh.price.pico <= due * 1.01 + wanted.price.pico * 0.08
    means = weighted_means(drawn(earlier, 1000), drawn(fresh, 1000), (earlier, fresh))
    assert fmean(mean * mean for mean in means) <= made.variance * (1 + 4 * math.sqrt(2 / DRAWS))


def test_an_answer_is_as_exact_as_itself_and_as_one_at_a_lower_price() -> None:
    low, high = plan_noise(COUNT, price("30")), plan_noise(COUNT, Price(G, HUGE))
    assert as_exact(low, low)
    assert as_exact(low.as_drawn_on_grid, low)
    assert as_exact(high, low)
    assert not as_exact(low, high)
    assert missing_noise(high, low) is None


def test_a_draw_to_throw_away_costs_next_to_nothing() -> None:
    for sensitivity in (COUNT, WIDE, Sensitivity(ContributionBound(10_000, 10_000, 1), 2**30)):
        for definition in (G, Z):
            asked = plan_noise(sensitivity, Price(definition, PICO))
            thrown = cheapest(asked)
            assert thrown.price.pico <= max(2, asked.sensitivity.l2_squared // 2**55)
            assert thrown.scale <= LARGEST_SCALE
            assert thrown.multiple == asked.multiple
