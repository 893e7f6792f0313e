"""Which changes of a policy need a second custodian: by hand for each field, and against what the policies then really let through."""

import itertools
import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from haven.errors import Refused
from haven.policy.authorisation import Caps, Footprint
from haven.policy.authorise import GOOD_STANDING, authorise
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.duo import NEEDED, Modifier, Permission
from haven.policy.loosening import Effect, changes_of_dataset, changes_of_project, loosens, noise_on_a_count, reads_rows_again
from haven.policy.project_policy import ProjectPolicy
from haven.policy.roles import Principal, Role
from haven.privacy.accounting import budget_of
from haven.privacy.budget import Definition
from tests.support.policy_files import dataset, project

LOOSER, TIGHTER, NEUTRAL = Effect.LOOSER, Effect.TIGHTER, Effect.NEUTRAL
OF_DATASET: list[tuple[dict[str, Any], dict[str, Any], Effect]] = [
    ({}, {"title": "Another title"}, NEUTRAL),
    ({}, {"description": "More words."}, NEUTRAL),
    ({}, {"attribution__citation": "Cite us."}, NEUTRAL),
    ({}, {"tables__persons__description": "People."}, NEUTRAL),
    ({}, {"privacy__epsilon": 8}, LOOSER),
    ({}, {"privacy__epsilon": 2}, TIGHTER),
    ({}, {"privacy__delta": 1e-6}, LOOSER),
    ({}, {"privacy__delta": 1e-8}, TIGHTER),
    ({}, {"privacy": {"definition": "pure", "epsilon": 4}}, LOOSER),
    ({}, {"share": {"epsilon": 2}}, TIGHTER),
    ({"share": {"epsilon": 2}}, {}, LOOSER),
    ({"share": {"epsilon": 2}}, {"share": {"epsilon": 3}}, LOOSER),
    ({}, {"exact": "reviewed"}, LOOSER),
    ({"exact": "reviewed"}, {}, TIGHTER),
    ({}, {"custodian": "another"}, LOOSER),
    ({}, {"population": "everyone"}, LOOSER),
    ({}, {"disclosure": {"threshold": 5}}, LOOSER),
    ({}, {"disclosure": {"threshold": 20}}, TIGHTER),
    ({}, {"disclosure": {"p_percent": 5.0}}, LOOSER),
    ({}, {"disclosure": {"dominance": {"n": 3}}}, TIGHTER),
    ({}, {"disclosure": {"dominance": {"k": 0.95}}}, LOOSER),
    ({}, {"disclosure": {"protected_columns": ["age"]}}, TIGHTER),
    ({"disclosure": {"protected_columns": ["age"]}}, {}, LOOSER),
    ({}, {"timing": {"slot_ms": 100}}, TIGHTER),
    ({}, {"timing": {"slot_ms": 20}}, LOOSER),
    ({}, {"risk__sensitivity": "open"}, LOOSER),
    ({}, {"risk__sensitivity": "stigmatising"}, TIGHTER),
    ({}, {"risk__vulnerable_groups": True}, TIGHTER),
    ({}, {"risk__tier": "high"}, TIGHTER),
    ({"risk__tier": "high"}, {}, LOOSER),
    ({}, {"consent__permission": "DUO:0000004"}, LOOSER),
    ({}, {"consent__permission": "DUO:0000006"}, TIGHTER),
    ({"consent__permission": "DUO:0000011"}, {"consent__permission": "DUO:0000006"}, LOOSER),
    ({}, {"consent": {"permission": "DUO:0000007", "disease": "MONDO:0013209"}}, TIGHTER),
    ({}, {"consent__modifiers": ["DUO:0000021"]}, TIGHTER),
    ({"consent__modifiers": ["DUO:0000021"]}, {}, LOOSER),
    ({}, {"consent__withdrawals": "left.csv"}, TIGHTER),
    ({"consent__withdrawals": "left.csv"}, {}, LOOSER),
    ({"consent__withdrawals": "left.csv"}, {"consent__withdrawals": "others.csv"}, LOOSER),
    ({}, {"tables__visits__rows_per_unit": 10}, LOOSER),
    ({}, {"tables__visits__rows_per_unit": 2}, TIGHTER),
    ({}, {"tables__visits__groups_per_unit": 2}, TIGHTER),
    ({"tables__visits__groups_per_unit": 2}, {}, LOOSER),
    ({}, {"tables__persons__columns__age__bounds": [0, 120]}, LOOSER),
    ({}, {"tables__persons__columns__age__bounds": [10, 90]}, TIGHTER),
    ({}, {"tables__persons__columns__age__nullable": True}, LOOSER),
    ({}, {"tables__persons__columns__region__keys": ["north"]}, TIGHTER),
    ({}, {"tables__persons__columns__region__keys": ["south", "north"]}, NEUTRAL),
    ({}, {"tables__persons__columns__region__keys": ["north", "south", "west"]}, LOOSER),
    ({}, {"tables__persons__columns__sex": {"type": "boolean"}}, LOOSER),
    ({}, {"tables__persons__columns__age": ...}, TIGHTER),
    ({}, {"tables__visits": ...}, TIGHTER),
    ({}, {"tables__codes__columns": ...}, LOOSER),
    ({}, {"tables__visits__source": "other.parquet"}, LOOSER),
    ({}, {"tables__visits__unit_column": "other"}, LOOSER),
    ({}, {"calendar": {"every": "3 months", "from": "2026-01-01"}, "consent__between": "wait"}, LOOSER),
    (
        {"calendar": {"every": "3 months", "from": "2026-01-01"}, "consent__between": "wait"},
        {"calendar": {"every": "3 months", "from": "2026-01-01"}, "consent__between": "stop"},
        TIGHTER,
    ),
]
MODIFIED: list[tuple[dict[str, Any], dict[str, Any], Effect]] = [
    ({"id": "DUO:0000022", "countries": ["NO"]}, {"id": "DUO:0000022", "countries": ["NO", "SE"]}, LOOSER),
    ({"id": "DUO:0000022", "countries": ["NO", "SE"]}, {"id": "DUO:0000022", "countries": ["NO"]}, TIGHTER),
    ({"id": "DUO:0000022", "countries": ["NO"]}, {"id": "DUO:0000022", "countries": ["SE"]}, LOOSER),
    ({"id": "DUO:0000024", "until": "2027-01-01"}, {"id": "DUO:0000024", "until": "2026-06-01"}, LOOSER),
    ({"id": "DUO:0000024", "until": "2027-01-01"}, {"id": "DUO:0000024", "until": "2028-01-01"}, TIGHTER),
    ({"id": "DUO:0000025", "months": 12}, {"id": "DUO:0000025", "months": 24}, LOOSER),
    ({"id": "DUO:0000026", "users": ["ada"]}, {"id": "DUO:0000026", "users": ["ada", "ben"]}, LOOSER),
    ({"id": "DUO:0000012", "note": "a"}, {"id": "DUO:0000012", "note": "b"}, NEUTRAL),
]
OF_PROJECT: list[tuple[dict[str, Any], dict[str, Any], Effect]] = [
    ({}, {"title": "Another"}, NEUTRAL),
    ({}, {"lay_summary": "More words."}, NEUTRAL),
    ({}, {"researchers": ["ben", "ada"]}, NEUTRAL),
    ({}, {"researchers": ["ada", "ben", "eve"]}, LOOSER),
    ({}, {"researchers": ["ada", "ben", "d.e.e"]}, LOOSER),
    ({}, {"researchers": ["ada"]}, TIGHTER),
    ({}, {"datasets__cohort__epsilon": 2}, LOOSER),
    ({}, {"datasets__cohort__epsilon": 0.5}, TIGHTER),
    ({}, {"datasets__second": {"epsilon": 1}}, LOOSER),
    ({"datasets__second": {"epsilon": 1}}, {}, TIGHTER),
    ({}, {"datasets__cohort__per_researcher": {"epsilon": 0.5}}, TIGHTER),
    ({"datasets__cohort__per_researcher": {"epsilon": 0.5}}, {}, LOOSER),
    ({}, {"datasets__cohort__per_period": {"epsilon": 0.5, "months": 1}}, TIGHTER),
    ({"datasets__cohort__per_period": {"epsilon": 0.5, "months": 1}}, {}, LOOSER),
    (
        {"datasets__cohort__per_period": {"epsilon": 0.5, "months": 3}},
        {"datasets__cohort__per_period": {"epsilon": 0.5, "months": 1}},
        LOOSER,
    ),
    (
        {"datasets__cohort__per_period": {"epsilon": 0.5, "months": 1}},
        {"datasets__cohort__per_period": {"epsilon": 0.5, "weeks": 6}},
        LOOSER,
    ),
    ({}, {"ends": "2031-01-01"}, LOOSER),
    ({}, {"ends": "2029-01-01"}, TIGHTER),
    ({}, {"purpose__commercial": True}, LOOSER),
    ({"purpose__commercial": True}, {}, LOOSER),
    ({}, {"country": "SE"}, LOOSER),
    ({}, {"ethics": {"approval": "2026/1", "expires": "2028-01-01"}}, LOOSER),
    ({"ethics": {"approval": "2026/1", "expires": "2028-01-01"}}, {}, LOOSER),
    (
        {"ethics": {"approval": "2026/1", "expires": "2028-01-01"}},
        {"ethics": {"approval": "2026/1", "expires": "2027-01-01"}},
        TIGHTER,
    ),
    ({}, {"agreements": ["DUO:0000020"]}, LOOSER),
    ({"agreements": ["DUO:0000020"]}, {}, TIGHTER),
    ({}, {"starts": "2026-01-01"}, LOOSER),
]


def judged(effects: list[Effect]) -> Effect:
    """What a whole change does: loosens where any part does."""
    if LOOSER in effects:
        return LOOSER
    return TIGHTER if TIGHTER in effects else NEUTRAL


@pytest.mark.parametrize(("before", "after", "effect"), OF_DATASET)
def test_a_change_of_a_dataset_goes_one_way(before: dict[str, Any], after: dict[str, Any], effect: Effect) -> None:
    changes = changes_of_dataset(dataset(**before), dataset(**after))
    assert judged([change.effect for change in changes]) is effect
    assert loosens(changes) is (effect is LOOSER)


@pytest.mark.parametrize(("before", "after", "effect"), MODIFIED)
def test_a_change_of_a_condition_goes_one_way(before: dict[str, Any], after: dict[str, Any], effect: Effect) -> None:
    (change,) = changes_of_dataset(dataset(consent__modifiers=[before]), dataset(consent__modifiers=[after]))
    assert change.effect is effect


@pytest.mark.parametrize(("before", "after", "effect"), OF_PROJECT)
def test_a_change_of_a_project_goes_one_way(before: dict[str, Any], after: dict[str, Any], effect: Effect) -> None:
    changes = changes_of_project(project(**before), project(**after), {"cohort": dataset()})
    assert judged([change.effect for change in changes]) is effect


def test_the_same_policy_has_no_change() -> None:
    assert changes_of_dataset(dataset(), dataset()) == ()
    assert changes_of_project(project(), project(), {}) == ()


def test_a_share_says_what_it_does_to_a_count() -> None:
    (change,) = changes_of_project(project(), project(datasets__cohort__epsilon=2), {"cohort": dataset()})
    said = re.fullmatch(
        r"datasets\.cohort\.epsilon: 1 → 2: noise on a count of 100 that takes all of it falls from ± (\d+) to ± (\d+); "
        r"this loosens the protection of participants\.",
        change.sentence,
    )
    assert said is not None
    wide, narrow = (int(width) for width in said.groups())
    # 1.96 sigma with rho from the classic conversion epsilon = rho + 2 sqrt(rho ln(1/delta)), which is a little wider than haven's
    for epsilon, width in ((1, wide), (2, narrow)):
        log = 16.8112  # ln(1 / (1e-7 / 2))
        rho = ((log + epsilon) ** 0.5 - log**0.5) ** 2
        assert 0.85 * 1.96 / (2 * rho) ** 0.5 < width < 1.05 * 1.96 / (2 * rho) ** 0.5 + 1


def test_a_count_is_as_noisy_as_its_price_says() -> None:
    price = budget_of(Definition.PURE, Decimal("0.1"), None)
    # a discrete Laplace law of scale 10: P(|noise| > h) = 2 q^(h+1) / (1 + q)
    q = 2.718281828459045**-0.1
    least = next(h for h in range(100) if 2 * q ** (h + 1) / (1 + q) <= 0.05)
    assert noise_on_a_count(price) == least


def test_a_share_of_an_unknown_dataset_is_looser_without_a_figure() -> None:
    (change,) = changes_of_project(project(), project(datasets__cohort__epsilon=2), {})
    assert (change.effect, "±" in change.sentence) == (LOOSER, False)


def test_only_tables_and_withdrawals_are_read_again() -> None:
    base = dataset()
    assert not reads_rows_again(base, dataset(privacy__epsilon=8))
    assert reads_rows_again(base, dataset(tables__visits__rows_per_unit=2))
    assert reads_rows_again(base, dataset(consent__withdrawals="left.csv"))


def test_the_last_outsider_who_leaves_opens_the_door_for_the_rest() -> None:
    approved = dataset(consent__modifiers=[{"id": "DUO:0000026", "users": ["ada"]}])
    assert loosens(changes_of_project(project(), project(researchers=["ada"]), {"cohort": approved}))
    assert not loosens(changes_of_project(project(), project(researchers=["ada"]), {"cohort": dataset()}))


# against what the policies let through

CONDITIONS: tuple[dict[str, Any], ...] = (
    *({"id": modifier.value} for modifier in Modifier if modifier not in NEEDED),
    *({"id": "DUO:0000022", "countries": countries} for countries in (["NO"], ["SE"], ["NO", "SE"])),
    *({"id": "DUO:0000024", "until": day} for day in ("2026-06-01", "2028-01-01")),
    *({"id": "DUO:0000025", "months": months} for months in (1, 12, 30)),
    *({"id": "DUO:0000026", "users": users} for users in (["ada"], ["ada", "ben"], ["ada", "ben", "eve"])),
    *({"id": "DUO:0000027", "projects": projects} for projects in (["study"], ["other"], ["other", "study"])),
    *({"id": "DUO:0000028", "institutions": names} for names in (["Uni"], ["Firm"], ["Uni", "Firm"])),
)
DATASETS = (
    dataset(),
    *(dataset(consent__modifiers=[condition]) for condition in CONDITIONS),
    *(dataset(consent__permission=one.value) for one in Permission if one is not Permission.DS),
    *(dataset(consent={"permission": "DUO:0000007", "disease": disease}) for disease in ("MONDO:0013209", "MONDO:0005015")),
    *(dataset(privacy__epsilon=epsilon) for epsilon in (3, 8)),
    *(dataset(share={"epsilon": epsilon}) for epsilon in (2, 3)),
)
UNI, FIRM = ({"name": name, "sector": "academic", "for_profit": profit} for name, profit in (("Uni", False), ("Firm", True)))
PROJECTS = (
    project(),
    *(project(purpose={"kind": kind}) for kind in ("general", "ancestry")),
    *(project(purpose={"kind": "disease", "disease": disease}) for disease in ("MONDO:0013209", "MONDO:0005015")),
    *(project(**{f"purpose__{flag}": True}) for flag in ("commercial", "ancestry", "methods", "control_set", "genetic")),
    *(project(researchers=names) for names in (["ada"], ["ben"], ["ada", "eve"], ["ada", "ben", "eve"])),
    *(project(datasets__cohort__epsilon=epsilon) for epsilon in (0.5, 3)),
    *(project(datasets__cohort__per_researcher={"epsilon": epsilon}) for epsilon in (0.25, 0.5)),
    *(project(datasets__cohort__per_period={"epsilon": epsilon, "months": count}) for epsilon in (0.25, 0.5) for count in (1, 3)),
    project(datasets__cohort__per_period={"epsilon": 0.25, "weeks": 1}),
    project(datasets={"other": {"epsilon": 1}}),
    project(datasets__other={"epsilon": 1}),
    *(project(ethics={"approval": "2026/1", "expires": day}) for day in ("2027-01-01", "2029-01-01")),
    *(project(starts=day) for day in ("2026-01-01", "2027-01-01", "2028-01-01")),
    *(project(ends=day) for day in ("2027-01-01", "2031-01-01")),
    *(project(institution=one) for one in (UNI, FIRM)),
    project(country="SE"),
    project(agreements=["DUO:0000020"]),
)
ASKED = [
    (person, day)
    for person in ("ada", "ben", "eve")
    for day in (date(2026, 6, 1), date(2027, 3, 1), date(2028, 6, 1), date(2030, 6, 30), date(2030, 7, 1))
]
FOOTPRINT = Footprint("cohort", frozenset({"persons"}), frozenset({"persons.age"}))


def lets_through(one: DatasetPolicy, of: ProjectPolicy) -> tuple[Caps | None, ...]:
    """The caps under which each person's question is let through on each day; None where it is refused."""

    def caps(person: str, day: date) -> Caps | None:
        try:
            return authorise(FOOTPRINT, Principal(person, Role.RESEARCHER), of, one, GOOD_STANDING, day).caps
        except Refused:
            return None

    return tuple(caps(person, day) for person, day in ASKED)


def no_looser(then: Caps | None, now: Caps | None) -> bool:
    """Whether nothing is let through that was not, and nothing may be spent that might not."""
    if now is None or then is None:
        return now is None
    if then.period is not None and (now.period is None or now.period.cap.pico > then.period.cap.pico):
        return False
    if then.researcher is not None and (now.researcher is None or now.researcher.pico > then.researcher.pico):
        return False
    return all(getattr(now, name).pico <= getattr(then, name).pico for name in ("population", "dataset", "project"))


@pytest.fixture(scope="module", name="let")
def _let() -> dict[tuple[int, int], tuple[Caps | None, ...]]:
    """What each dataset lets through for each project, by their places."""
    return {(i, j): lets_through(one, of) for i, one in enumerate(DATASETS) for j, of in enumerate(PROJECTS)}


Let = dict[tuple[int, int], tuple[Caps | None, ...]]


def test_what_a_dataset_did_not_let_through_it_does_not_unless_it_loosens(let: Let) -> None:
    tightened = 0
    for (i, before), (j, after) in itertools.permutations(enumerate(DATASETS), 2):
        if not loosens(changes_of_dataset(before, after)):
            tightened += 1
            for k in range(len(PROJECTS)):
                assert all(map(no_looser, let[i, k], let[j, k])), (before, after, PROJECTS[k])
    assert tightened > len(DATASETS)


def test_what_a_project_could_not_ask_it_cannot_unless_it_loosens(let: Let) -> None:
    tightened = 0
    for (i, before), (j, after) in itertools.permutations(enumerate(PROJECTS), 2):
        for k, asked in enumerate(DATASETS):
            if not loosens(changes_of_project(before, after, {"cohort": asked})):
                tightened += 1
                assert all(map(no_looser, let[k, i], let[k, j])), (before, after, asked)
    assert tightened > len(PROJECTS)


def test_every_modifier_and_permission_is_tried() -> None:
    assert {condition["id"] for condition in CONDITIONS} == {modifier.value for modifier in Modifier}
    assert {one.consent.permission for one in DATASETS} == set(Permission)
