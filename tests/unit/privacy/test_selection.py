"""Partition selection: planned from OpenDP's map, kept strictly above the threshold, and no singleton more than δ allows."""

import math

import opendp.prelude as dp
import pytest
from scipy import stats

from haven.errors import Code, Refused
from haven.privacy import measurements
from haven.privacy.budget import ATTO, PICO, Definition, Price
from haven.privacy.noise import add_noise
from haven.privacy.selection import Selection, plan_selection
from haven.privacy.tables import ExactTable

Z = Definition.ZCDP


def _units_of(counts: list[int], selection: Selection) -> tuple[int, ...]:
    table = ExactTable([(f"k{i:06}",) for i in range(len(counts))], [], counts)
    noisy = add_noise(table, (), selection)
    assert noisy.units is not None
    return noisy.units


def _tail(scale: float, at_least: int) -> float:
    """P(discrete Gaussian ≥ at_least), by summing its weights."""
    reach = math.ceil(45 * scale) + abs(at_least)
    weights = {x: math.exp(-((x / scale) ** 2) / 2) for x in range(-reach, reach + 1)}
    return math.fsum(w for x, w in weights.items() if x >= at_least) / math.fsum(weights.values())


@pytest.mark.parametrize("groups", [1, 2, 6, 100])
@pytest.mark.parametrize(("pico", "atto"), [(PICO // 2, ATTO // 1000), (10**9, 5 * 10**7), (22_937_446, 5 * 10**8), (10**18, 10**9)])
def test_the_threshold_is_the_lowest_whose_delta_is_paid_for(groups: int, pico: int, atto: int) -> None:
    selection = plan_selection(groups, Price(Z, pico, atto))
    assert Price(Z, pico, atto).covers(selection.price)
    assert selection.price.pico == selection.noise.price.pico
    assert selection.noise.sensitivity.l2_squared == groups
    lower = measurements.gaussian_threshold_loss(selection.noise.scale, selection.threshold - 1, groups)[1]
    assert lower * ATTO > atto


@pytest.mark.parametrize("groups", [1, 3, 10])
@pytest.mark.parametrize("pico", [PICO // 1000, PICO // 20, PICO, 50 * PICO])
def test_the_price_covers_the_true_delta_of_keys_that_one_unit_alone_has(groups: int, pico: int) -> None:
    selection = plan_selection(groups, Price(Z, pico, ATTO // 10**4))
    one = _tail(selection.noise.scale, selection.threshold)  # 1 + noise > T
    assert -math.expm1(groups * math.log1p(-one)) <= selection.price.atto_delta / ATTO


def test_a_count_equal_to_the_threshold_is_never_released() -> None:
    selection = plan_selection(1, Price(Z, PICO // 2, ATTO // 100))
    counts = [selection.threshold] * 5000
    measurement = measurements.gaussian_threshold(selection.noise.scale, selection.threshold)
    assert selection.threshold in measurement({str(i): count for i, count in enumerate(counts)}).values()  # what OpenDP alone would keep
    assert min(_units_of(counts, selection)) == selection.threshold + 1


def test_singletons_appear_no_more_often_than_delta_and_as_often_as_the_law_says() -> None:
    selection = plan_selection(1, Price(Z, PICO // 20, ATTO // 1000))
    released = len(_units_of([1] * 100_000, selection))
    assert stats.binom.sf(released - 1, 100_000, selection.price.atto_delta / ATTO) > 1e-7
    truth = _tail(selection.noise.scale, selection.threshold)
    assert stats.binom.cdf(released, 100_000, truth) > 1e-7
    assert stats.binom.sf(released - 1, 100_000, truth) > 1e-7


def test_a_key_without_units_is_as_if_it_were_not_listed() -> None:
    selection = plan_selection(1, Price(Z, PICO // 2, ATTO // 10))
    assert _units_of([0] * 5000, selection) == ()


def test_pure_differential_privacy_has_no_delta_for_private_keys() -> None:
    with pytest.raises(Refused) as refusal:
        plan_selection(1, Price(Definition.PURE, PICO))
    assert refusal.value.code is Code.QUERY_KEY


@pytest.mark.parametrize("price", [Price(Z, PICO, 0), Price(Z, PICO, 1), Price(Z, 0, ATTO // 1000)])
def test_a_price_that_no_threshold_meets_is_refused(price: Price) -> None:
    with pytest.raises(Refused) as refusal:
        plan_selection(1, price)
    assert refusal.value.code is Code.BUDGET_TOO_SMALL


def test_opendps_own_distance_of_three_parts_is_the_one_priced() -> None:
    space = dp.map_domain(dp.atom_domain(T=str), dp.atom_domain(T="i64")), dp.l02inf_distance(dp.absolute_distance(T="f64"))
    rho, delta = dp.m.make_gaussian_threshold(*space, scale=4.0, threshold=30).map((4, 2.0, 1.0))
    assert measurements.gaussian_threshold_loss(4.0, 30, 4) == (rho, delta)
