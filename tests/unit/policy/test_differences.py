"""What changed between two policies, and which way."""

from typing import Any

import pytest

from haven.policy.differences import Direction, differences
from tests.support.policy_files import dataset

CALENDAR = {"every": "3 months", "from": "2026-01-01"}
LOOSER: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({}, {"privacy__epsilon": 5}),
    ({}, {"privacy__delta": 1e-6}),
    ({}, {"disclosure": {"threshold": 5}}),
    ({}, {"disclosure": {"p_percent": 5}}),
    ({}, {"disclosure": {"dominance": {"n": 2, "k": 0.95}}}),
    ({}, {"exact": "reviewed"}),
    ({"share": {"epsilon": 2}}, {}),
    ({"share": {"epsilon": 2}}, {"share": {"epsilon": 3}}),
    ({}, {"calendar": CALENDAR, "consent__between": "wait"}),
    ({"calendar": CALENDAR, "consent__between": "stop"}, {"calendar": CALENDAR, "consent__between": "wait"}),
    ({}, {"consent__permission": "DUO:0000004"}),
    ({"consent__permission": "DUO:0000011"}, {"consent__permission": "DUO:0000042"}),
    ({"consent__modifiers": ["DUO:0000021"]}, {"consent__modifiers": []}),
    ({"consent__withdrawals": "gone.csv"}, {}),
    ({"disclosure": {"protected_columns": ["region"]}}, {"disclosure": {"protected_columns": []}}),
    ({}, {"tables__persons__columns__bmi": {"type": "boolean"}}),
    ({"tables__persons__columns__region": {"type": "category"}}, {"tables__persons__columns__region": {"type": "category", "keys": ["a"]}}),
    (
        {"tables__visits": {"source": "v.csv", "unit_column": "id", "columns": {"n": {"type": "integer"}}}},
        {"tables__visits": {"source": "v.csv", "public": True, "columns": {"n": {"type": "integer"}}}},
    ),
]


@pytest.mark.parametrize(("strict", "loose"), LOOSER)
def test_a_looser_change_is_called_looser(strict: dict[str, Any], loose: dict[str, Any]) -> None:
    found = differences(dataset(**strict), dataset(**loose))
    assert Direction.LOOSER in {one.direction for one in found}


@pytest.mark.parametrize(("strict", "loose"), LOOSER)
def test_the_same_change_backwards_is_called_tighter(strict: dict[str, Any], loose: dict[str, Any]) -> None:
    found = differences(dataset(**loose), dataset(**strict))
    assert Direction.TIGHTER in {one.direction for one in found}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"title": "Another"}),
        ({"consent__permission": "DUO:0000006"}, {"consent__permission": "DUO:0000011"}),
        ({}, {"tables__visits__rows_per_unit": 6}),
        ({}, {"attribution": {"citation": "C", "doi": "10.1000/182"}}),
        ({}, {"timing": {"slot_ms": 100}}),
    ],
)
def test_a_change_that_is_neither_is_called_changed(before: dict[str, Any], after: dict[str, Any]) -> None:
    found = differences(dataset(**before), dataset(**after))
    assert found
    assert {one.direction for one in found} == {Direction.OTHER}


def test_a_risk_that_rises_tightens_and_names_the_tier() -> None:
    found = differences(dataset(), dataset(risk__vulnerable_groups=True))
    assert {(one.path, one.direction) for one in found} == {
        ("risk.vulnerable_groups", Direction.TIGHTER),
        ("risk tier (computed)", Direction.TIGHTER),
    }


def test_an_override_of_the_tier_is_a_change_of_the_tier() -> None:
    found = differences(dataset(risk__tier="high"), dataset())
    assert {one.direction for one in found} == {Direction.LOOSER}


def test_equal_policies_do_not_differ() -> None:
    assert differences(dataset(), dataset(population="cohort")) == ()


def test_a_difference_reads_as_one_line() -> None:
    (one,) = differences(dataset(), dataset(privacy__epsilon=5))
    assert str(one) == "looser: privacy.epsilon: 4 -> 5"
