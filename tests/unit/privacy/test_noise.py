"""Drawn noise has the law that was priced; the table that comes out is shaped by public facts alone."""

import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from haven.privacy.budget import ATTO, PICO, Definition, Price
from haven.privacy.mechanisms import Mechanism, Noise, Sensitivity, plan_noise
from haven.privacy.noise import LARGEST_EXACT, add_noise
from haven.privacy.selection import plan_selection
from haven.privacy.tables import ExactTable
from haven.privacy.units import ContributionBound

FALSE_ALARM = 1e-7
ONE = Sensitivity(ContributionBound(1, 1, 1), 1)
SOME = Price(Definition.ZCDP, PICO)
STILL = plan_noise(ONE, Price(Definition.ZCDP, 10**9 * PICO))  # σ = 2·10⁻⁵: moves nothing


def _table(columns: list[list[int]], units: list[int] | None = None) -> ExactTable:
    return ExactTable([(f"k{i:05}",) for i in range(len(columns[0]))], columns, units)


def _p_value(draws: tuple[int, ...], mechanism: Mechanism, scale: float) -> float:
    """Pearson's test of draws against the law's own weights, cells below 10 expected pooled into the tails."""
    gaussian = mechanism is Mechanism.DISCRETE_GAUSSIAN
    weights = {x: math.exp(-((x / scale) ** 2) / 2 if gaussian else -abs(x) / scale) for x in range(-2000, 2001)}
    total = math.fsum(weights.values())
    expected = {x: len(draws) * weight / total for x, weight in weights.items()}
    edge = max(x for x, number in expected.items() if number >= 10)
    seen = Counter(max(-edge, min(edge, draw)) for draw in draws)
    pooled = {x: expected[x] for x in range(-edge + 1, edge)}
    pooled[edge] = pooled[-edge] = math.fsum(number for x, number in expected.items() if x >= edge)
    statistic = math.fsum((seen[x] - number) ** 2 / number for x, number in pooled.items())
    return float(stats.chi2.sf(statistic, len(pooled) - 1))


@pytest.mark.parametrize("mechanism", list(Mechanism))
@pytest.mark.parametrize("scale", [0.6, 3.0])
def test_noise_has_exactly_the_integer_law(mechanism: Mechanism, scale: float) -> None:
    noise = Noise(mechanism, scale, ONE, SOME)
    draws = add_noise(_table([[7] * 60_000]), (noise,), None).columns[0]
    centred = tuple(draw - 7 for draw in draws)
    assert _p_value(centred, mechanism, scale) > FALSE_ALARM
    assert _p_value(centred, mechanism, scale * 1.08) < FALSE_ALARM  # the test can tell: 8 % is far outside


def test_every_cell_and_every_target_has_noise_of_its_own() -> None:
    noise = Noise(Mechanism.DISCRETE_GAUSSIAN, 50.0, ONE, SOME)
    first, second = (np.array(column, float) for column in add_noise(_table([[0] * 20_000] * 2), (noise, noise), None).columns)
    for left, right in ((first, second), (first[1:], first[:-1])):
        assert abs(np.corrcoef(left, right)[0, 1]) * math.sqrt(20_000) < stats.norm.isf(FALSE_ALARM / 2)


def test_two_answers_to_the_same_plan_differ() -> None:
    noise, table = Noise(Mechanism.DISCRETE_LAPLACE, 1e6, ONE, SOME), _table([[0] * 50])
    assert add_noise(table, (noise,), None) != add_noise(table, (noise,), None)


def test_public_keys_keep_their_order_and_number_whatever_the_counts() -> None:
    noisy = add_noise(_table([[0, 5, 0, -3]]), (STILL,), None)
    assert noisy.keys == (("k00000",), ("k00001",), ("k00002",), ("k00003",))
    assert noisy.columns == ((0, 5, 0, -3),)
    assert noisy.units is None


def test_chosen_keys_come_in_the_tables_order_with_their_own_sums() -> None:
    selection = plan_selection(1, Price(Definition.ZCDP, 10**9 * PICO, ATTO // 1000))
    units = [0, 1, 5000, 1, 4000, 7] * 30
    sums = list(range(180))
    noisy = add_noise(_table([sums, sums[::-1]], units), (STILL, STILL), selection)
    chosen = [i for i, count in enumerate(units) if count > selection.threshold]
    assert noisy.keys == tuple((f"k{i:05}",) for i in chosen)
    assert noisy.columns == (tuple(chosen), tuple(179 - i for i in chosen))
    assert noisy.units == tuple(units[i] for i in chosen)


def test_sums_are_clamped_before_noise_so_that_64_bits_hold_them() -> None:
    noisy = add_noise(_table([[10**30, -(10**30), LARGEST_EXACT]]), (STILL,), None)
    assert noisy.columns == ((LARGEST_EXACT, -LARGEST_EXACT, LARGEST_EXACT),)


def test_what_comes_out_is_plain_integers() -> None:
    selection = plan_selection(1, Price(Definition.ZCDP, PICO, ATTO // 1000))
    noisy = add_noise(ExactTable([("a",)], [np.array([3])], [1000]), (STILL,), selection)
    assert noisy.units is not None
    assert {type(value) for column in (*noisy.columns, noisy.units) for value in column} == {int}


def test_a_table_without_groups_stays_empty() -> None:
    assert add_noise(ExactTable([], [[]]), (STILL,), None).columns == ((),)


@pytest.mark.parametrize("with_units", [True, False])
def test_a_plan_for_another_table_is_refused_before_any_draw(with_units: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    selection = None if with_units else plan_selection(1, Price(Definition.ZCDP, PICO, ATTO // 1000))
    table = _table([[1]], [1] if with_units else None)
    with pytest.raises(ValueError, match="do not fit"):
        add_noise(table, (STILL,), selection)


def test_as_many_noises_as_targets() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        add_noise(_table([[1], [2]]), (STILL,), None)
