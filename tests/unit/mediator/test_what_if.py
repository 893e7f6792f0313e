"""What a budget could still ask: the prices are those of the very questions, and so many of them fit and not one more."""

import math
from decimal import Decimal

import pytest

from haven import query
from haven.mediator.what_if import COUNT_ERRORS, noise_of_a_count, possible
from haven.policy.caps import total_of
from haven.privacy.budget import PICO, Definition, Price
from haven.query.finishing import expected_errors
from haven.query.pricing import Asked, PlanContext
from haven.query.sizes import Sizes
from tests.support import policy_files

POLICY = policy_files.dataset()


def textbook_rho(half_width: float) -> float:
    """Rho = 1 / (2 sigma²), sigma = half-width / 1.96."""
    return 1 / (2 * (half_width / 1.959964) ** 2)


def test_counts_cost_what_the_textbook_says() -> None:
    found = {one.error: one for one in possible(POLICY, POLICY.catalogue, total_of(POLICY.privacy)) if one.words == "a count of persons"}
    assert list(found) == [f"± {error}" for error in COUNT_ERRORS]
    for error in COUNT_ERRORS:
        assert float(found[f"± {error}"].price["rho"]) == pytest.approx(textbook_rho(error + 0.5), rel=0.06)


def test_a_mean_costs_what_the_planner_asks_for_it() -> None:
    left = total_of(POLICY.privacy)
    mean = next(one for one in possible(POLICY, POLICY.catalogue, left) if one.words == "the mean of persons.age over 1,000 rows")
    assert mean.error == "± 1.0"
    parsed = query.parse("SELECT AVG(age) FROM cohort.persons")
    resolved = query.resolve(parsed, {"cohort": POLICY.catalogue})
    context = PlanContext("cohort", Definition.ZCDP, POLICY.privacy.delta)
    price = Price(Definition.ZCDP, int(Decimal(mean.price["rho"]) * PICO))
    assert query.plan(resolved, context, Asked(error=Decimal(1), sizes=Sizes(1000))).price == price
    assert expected_errors(query.plan(resolved, context, Asked(price=price)))


@pytest.mark.parametrize("pico", [0, 1, 10**9, 10**11])
def test_so_many_fit_and_not_one_more(pico: int) -> None:
    left = Price(Definition.ZCDP, pico)
    for one in possible(POLICY, POLICY.catalogue, left):
        each = int(Decimal(one.price["rho"]) * PICO)
        assert one.times * each <= pico < (one.times + 1) * each


def test_every_definition_can_be_asked_what_if() -> None:
    for definition in Definition:
        privacy = {"definition": definition.value, "epsilon": 4} | ({} if definition is Definition.PURE else {"delta": 1e-7})
        policy = policy_files.dataset(privacy=privacy)
        found = possible(policy, policy.catalogue, total_of(policy.privacy))
        assert {one.words for one in found} >= {"a count of persons", "the mean of persons.age over 1,000 rows"}
        assert any(one.times for one in found)


def test_the_noise_of_a_count_falls_with_its_price_and_no_price_buys_none() -> None:
    assert noise_of_a_count(Price(Definition.ZCDP, 0)) is None
    widths = [noise_of_a_count(Price(Definition.ZCDP, pico)) or math.inf for pico in (10**7, 10**9, 10**11)]
    assert widths == sorted(widths, reverse=True)
    assert widths[1] == pytest.approx(1.959964 * math.sqrt(1 / (2 * 1e-3)), rel=0.05)
