"""A permit is good while the policies that it was made under apply: a change holds from its entry on, however a question was timed."""

from dataclasses import replace

import pytest

from haven.errors import Code, Refused
from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from haven.ledger.registry import PolicyKind
from tests.support.books import NOW, caps, permit, plan, rho

PERMIT = replace(permit(caps(rho(10))), policy_digest="dataset 1", project_digest="project 1")


def _books(place: Place) -> Ledger:
    ledger = Ledger.open(place)
    ledger.registry.add_policy(PolicyKind.DATASET, "nafld", "a text", "dataset 1", "keeper", NOW)
    ledger.registry.add_policy(PolicyKind.PROJECT, "liver", "a text", "project 1", "keeper", NOW)
    return ledger


def test_a_permit_under_the_present_policies_is_good(books_place: Place) -> None:
    with _books(books_place) as ledger:
        ledger.reserve(plan(rho(1)), PERMIT, 1, NOW)
        assert ledger.population_balance("nafld").reserved == rho(1)


@pytest.mark.parametrize(("kind", "name"), [(PolicyKind.DATASET, "nafld"), (PolicyKind.PROJECT, "liver")])
def test_a_version_that_came_between_planning_and_reserving_refuses_the_reservation(
    books_place: Place, kind: PolicyKind, name: str
) -> None:
    with _books(books_place) as ledger:
        ledger.registry.add_policy(kind, name, "a text that gives less", f"{kind.value} 2", "keeper", NOW)
        with pytest.raises(Refused) as refused:
            ledger.reserve(plan(rho(1)), PERMIT, 1, NOW)
        assert refused.value.code is Code.REQUEST_CONFLICT
        assert ledger.population_balance("nafld").taken == rho(0)


def test_another_projects_new_version_changes_nothing(books_place: Place) -> None:
    with _books(books_place) as ledger:
        ledger.registry.add_policy(PolicyKind.PROJECT, "heart", "a text", "heart 1", "keeper", NOW)
        ledger.reserve(plan(rho(1)), PERMIT, 1, NOW)
