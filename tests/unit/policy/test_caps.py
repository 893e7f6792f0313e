"""Caps: shares are taken in rho, every rounding goes down, and a population promises one thing."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from haven.errors import Code, Refused
from haven.policy.caps import caps_of, check_grant_fits, check_populations_agree, share_of, total_of
from haven.policy.shares import Grant, Share
from haven.privacy.accounting import budget_of
from haven.privacy.budget import PICO, Definition
from tests.support.policy_files import dataset, project

PURE = {"definition": "pure", "epsilon": 4}
BEFORE_SHARES = {
    "cohort": "fbf923ae167850260633c5b8d028bd4380aa16d996f9ef6d4f4546ae2d6ed105",
    "study": "d4494be312a961aca0a4c1ba5afc3c3ee17a12e89ffa351b88740ad624196d29",
}


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


def test_a_datasets_own_share_caps_it_within_its_population() -> None:
    caps = caps_of(dataset(share={"epsilon": 2}), project())
    assert caps.dataset == share_of(dataset().privacy, Share(epsilon=Decimal(2)))
    assert caps.dataset.pico == budget_of(Definition.ZCDP, Decimal(2), Decimal("1e-7")).pico
    assert caps.project.pico < caps.dataset.pico < caps.population.pico
    with pytest.raises(Refused, match="whose whole is 2"):
        check_grant_fits(dataset(share={"epsilon": 2}), project(datasets={"cohort": {"epsilon": 3}}))


@pytest.mark.parametrize("privacy", [dataset().privacy.model_dump(mode="json", exclude_none=True), PURE])
def test_inner_caps_are_converted_as_the_project_is(privacy: dict[str, Any]) -> None:
    privacy = {name: float(value) if name != "definition" else value for name, value in privacy.items()}
    grant = {"epsilon": 1, "per_researcher": {"epsilon": 0.3}, "per_period": {"months": 1, "epsilon": 0.25}}
    caps = caps_of(dataset(privacy=privacy), project(datasets={"cohort": grant}))
    assert caps.researcher is not None
    assert caps.period is not None
    for cap, epsilon in ((caps.researcher, "0.3"), (caps.period.cap, "0.25")):
        whole = budget_of(caps.population.definition, Decimal(epsilon), dataset(privacy=privacy).privacy.delta)
        assert cap.pico == whole.pico
        exact = Fraction(caps.population.atto_delta) * cap.pico / caps.population.pico
        assert exact - 1 < cap.atto_delta <= exact
    assert caps.prices == (caps.population, caps.dataset, caps.project, caps.researcher, caps.period.cap)


@pytest.mark.parametrize("inner", [{"per_researcher": {"epsilon": 1.5}}, {"per_period": {"weeks": 2, "epsilon": 1.01}}])
def test_a_part_is_no_more_than_the_project_has(inner: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="more than the project's own epsilon"):
        project(datasets={"cohort": {"epsilon": 1, **inner}})


def test_caps_that_are_not_written_leave_the_digest_as_it_was_before_there_were_any() -> None:
    """Recorded from the version before: a digest that moved would part answers from the policies that allowed them."""
    assert dataset().digest == BEFORE_SHARES["cohort"]
    assert project().digest == BEFORE_SHARES["study"]
    assert dataset(share={"epsilon": 4}).digest != dataset().digest
    assert project(datasets={"cohort": {"epsilon": 1, "per_researcher": {"epsilon": 1}}}).digest != project().digest
