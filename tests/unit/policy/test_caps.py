"""Caps: shares are taken in rho, every rounding goes down, and a population promises one thing."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from haven.errors import Code, Refused
from haven.policy.caps import caps_of, check_grant_fits, check_populations_agree, share_of, total_of
from haven.policy.project_policy import Grant
from haven.privacy.accounting import budget_of
from haven.privacy.budget import PICO, Definition
from tests.support.policy_files import dataset, project

PURE = {"definition": "pure", "epsilon": 4}


def test_the_population_holds_the_budget_of_its_promise() -> None:
    caps = caps_of(dataset(), project())
    assert caps.population == caps.dataset == budget_of(Definition.ZCDP, Decimal(4), Decimal("1e-7"))


def test_a_project_holds_the_rho_of_its_epsilon_and_the_same_fraction_of_delta() -> None:
    caps = caps_of(dataset(), project())
    assert caps.project.pico == budget_of(Definition.ZCDP, Decimal(1), Decimal("1e-7")).pico
    exact = Fraction(caps.population.atto_delta) * caps.project.pico / caps.population.pico
    assert exact - 1 < caps.project.atto_delta <= exact


def test_four_shares_of_one_epsilon_are_far_less_than_epsilon_four() -> None:
    caps = caps_of(dataset(), project())
    assert Fraction(28, 100) < Fraction(4 * caps.project.pico, caps.population.pico) < Fraction(34, 100)


def test_under_pure_a_share_is_its_epsilon() -> None:
    caps = caps_of(dataset(privacy=PURE), project())
    assert (caps.population.pico, caps.project.pico) == (4 * PICO, PICO)
    assert caps.project.atto_delta == 0


def test_a_share_is_never_more_than_the_whole() -> None:
    privacy = dataset().privacy
    assert share_of(privacy, Grant(epsilon=Decimal(40))) == total_of(privacy)


def test_a_project_without_a_grant_has_no_caps() -> None:
    with pytest.raises(Refused) as failure:
        caps_of(dataset(), project(datasets={"other": {"epsilon": 1}}))
    assert failure.value.code is Code.POLICY_NOT_GRANTED


def test_a_grant_above_the_whole_does_not_fit() -> None:
    with pytest.raises(Refused, match="whose whole is 4") as failure:
        check_grant_fits(dataset(), project(datasets={"cohort": {"epsilon": 5}}))
    assert failure.value.code is Code.POLICY_INVALID
    check_grant_fits(dataset(), project(datasets={"cohort": {"epsilon": 4}}))
    check_grant_fits(dataset(), project(datasets={"other": {"epsilon": 5}}))


@pytest.mark.parametrize("changes", [{"privacy__epsilon": 3}, {"privacy__delta": 1e-8}, {"privacy": PURE}, {"exact": "reviewed"}])
def test_datasets_of_one_population_promise_the_same(changes: dict[str, Any]) -> None:
    other = dataset(dataset="other", population="cohort", **changes)
    with pytest.raises(Refused, match="share the population cohort"):
        check_populations_agree([dataset(), other])
    check_populations_agree([dataset(), dataset(dataset="other", population="cohort")])
    check_populations_agree([dataset(), dataset(dataset="other", **changes)])
