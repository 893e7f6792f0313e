"""Station 8: what each rule says of noised tables, and that nothing but noised values is read."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven.disclosure import RULES, Outcome, PlanFacts, Thresholds, check
from haven.privacy.tables import NoisyTable

ONE_KEY = PlanFacts(("labs.test",), (0,), (1.0,))
TEN = Thresholds(10, frozenset({"ethnicity"}))


def table(counts: list[int], units: tuple[int, ...] | None = None) -> NoisyTable:
    return NoisyTable(tuple((f"k{i}",) for i in range(len(counts))), (tuple(counts),), units)


def test_a_table_of_large_counts_passes_without_findings() -> None:
    verdict = check(table([10, 500, 11]), ONE_KEY, TEN)
    assert verdict.outcome is Outcome.PASS
    assert verdict.rules == ()


def test_a_group_below_the_threshold_is_looked_at_and_named() -> None:
    verdict = check(table([10, 9, -3]), ONE_KEY, TEN)
    assert verdict.outcome is Outcome.REVIEW
    assert [(f.rule, f.rows) for f in verdict.findings] == [("dp.low-count", (1, 2))]


def test_counts_are_compared_in_their_own_unit_not_in_grid_units() -> None:
    half = PlanFacts(("labs.test",), (0,), (0.5,))
    assert check(table([20, 19]), half, TEN).findings[0].rows == (1,)


def test_a_total_without_groups_shows_no_group() -> None:
    assert check(NoisyTable(((),), ((3,),)), PlanFacts((), (0,), (1.0,)), TEN).outcome is Outcome.PASS


def test_the_noisy_units_of_private_keys_are_counts_too() -> None:
    facts = PlanFacts(("labs.site",), (), (1.0,))
    assert check(table([900, 900], units=(40, 4)), facts, TEN).findings[0].rows == (1,)


@pytest.mark.parametrize("column", ["ethnicity", "persons.ethnicity", "Persons.ETHNICITY"])
def test_a_protected_column_broken_down_is_looked_at(column: str) -> None:
    assert "dp.protected" in check(table([90, 90]), PlanFacts((column,), (0,), (1.0,)), TEN).rules


def test_a_row_that_falls_in_one_cell_is_class_disclosure() -> None:
    keys = tuple(product(("a", "b"), ("x", "y")))
    facts = PlanFacts(("t.g", "t.h"), (0,), (1.0,))
    noisy = NoisyTable(keys, ((200, 3, 60, 70),))
    class_finding = next(f for f in check(noisy, facts, TEN).findings if f.rule == "dp.class")
    assert 0 in class_finding.rows
    assert "dp.class" not in check(NoisyTable(keys, ((200, 30, 60, 70),)), facts, TEN).rules


def test_a_ragged_table_is_withheld_and_its_cells_are_not_judged() -> None:
    verdict = check(NoisyTable((("a",), ("b",)), ((1,),)), ONE_KEY, TEN)
    assert verdict.outcome is Outcome.WITHHOLD
    assert verdict.rules == ("form.whole",)
    assert check(table([1, 2], units=(1,)), ONE_KEY, TEN).rules == ("form.whole",)


def test_a_saturated_value_is_withheld() -> None:
    assert check(table([2**62, 5]), ONE_KEY, TEN).rules == ("form.width",)
    assert check(table([2**62 - 1, 50]), ONE_KEY, TEN).outcome is Outcome.PASS


def test_an_empty_table_passes() -> None:
    assert check(NoisyTable((), ((),)), ONE_KEY, TEN).outcome is Outcome.PASS


def test_a_threshold_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Thresholds(0)


@given(st.lists(st.integers(-50, 50), min_size=1, max_size=12), st.integers(1, 40))
def test_low_counts_are_exactly_the_rows_below_the_threshold(counts: list[int], threshold: int) -> None:
    low = [row for row, count in enumerate(counts) if count < threshold]
    findings = [f for f in check(table(counts), ONE_KEY, Thresholds(threshold)).findings if f.rule == "dp.low-count"]
    assert [list(f.rows) for f in findings] == ([low] if low else [])


def test_rule_ids_are_unique_and_words_hold_no_digit() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert not any(character.isdigit() for rule in RULES for character in rule.words)
