"""Noise on arbitrary tables: shape and order are data-free, every integer is plain, the seal is opened once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from haven.privacy.budget import ATTO, PICO, Definition, Price
from haven.privacy.mechanisms import Sensitivity, plan_noise
from haven.privacy.noise import add_noise
from haven.privacy.selection import plan_selection
from haven.privacy.tables import ExactTable
from haven.privacy.units import ContributionBound

ONE = Sensitivity(ContributionBound(1, 1, 1), 1)
values = st.integers(-(2**70), 2**70)


@settings(deadline=None)
@given(st.sampled_from(Definition), st.integers(1, 4).flatmap(lambda t: st.lists(st.tuples(*[values] * t), max_size=20)))
def test_public_tables_keep_their_shape_whatever_they_hold(definition: Definition, rows: list[tuple[int, ...]]) -> None:
    targets = len(rows[0]) if rows else 1
    columns = [[row[t] for row in rows] for t in range(targets)]
    keys = [(index,) for index in range(len(rows))]
    noisy = add_noise(ExactTable(keys, columns), (plan_noise(ONE, Price(definition, PICO)),) * targets, None)
    assert noisy.keys == tuple(keys)
    assert [len(column) for column in noisy.columns] == [len(rows)] * targets
    assert all(type(value) is int and -(2**63) <= value < 2**63 for column in noisy.columns for value in column)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2**40), max_size=40), st.integers(1, 5))
def test_chosen_keys_are_an_ordered_part_of_the_table_above_the_threshold(units: list[int], groups: int) -> None:
    selection = plan_selection(groups, Price(Definition.ZCDP, PICO, ATTO // 1000))
    keys = [(f"{index:03}",) for index in range(len(units))]
    noisy = add_noise(ExactTable(keys, [[9] * len(units)], units), (plan_noise(ONE, Price(Definition.ZCDP, PICO)),), selection)
    assert noisy.units is not None
    assert list(noisy.keys) == sorted(noisy.keys)
    assert set(noisy.keys) <= {key for key, count in zip(keys, units, strict=True) if count > 0}
    assert len(noisy.keys) == len(noisy.units) == len(noisy.columns[0])
    assert all(count > selection.threshold for count in noisy.units)
