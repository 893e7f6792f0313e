"""An exact table keeps its seal against every ordinary way of looking inside."""

import copy
import json
import pickle
from collections.abc import Callable

import pytest

from haven.privacy.tables import ExactTable, NoisyTable

SECRET = 8_675_309


@pytest.fixture
def exact() -> ExactTable:
    return ExactTable([("only",)], [[SECRET]], [SECRET])


def test_printing_it_shows_nothing(exact: ExactTable) -> None:
    shown = [repr(exact), str(exact), f"{exact}", f"{exact!r}", f"{[exact]}"]
    assert all(str(SECRET) not in text and "only" not in text for text in shown)


@pytest.mark.parametrize(
    "look",
    [
        pickle.dumps,
        lambda table: pickle.dumps(table, protocol=2),
        json.dumps,
        copy.copy,
        copy.deepcopy,
        iter,
        list,
        len,
        bool,
        hash,
        lambda table: table[0],
        lambda table: table == table,  # noqa: PLR0124 - comparing is what is refused
        lambda table: table != ExactTable([], []),
        lambda table: table < table,  # noqa: PLR0124 - the same
        lambda table: SECRET in table,
        lambda table: table.__getstate__(),
        vars,
        "".join,
    ],
)
def test_it_cannot_be_read(exact: ExactTable, look: Callable[[object], object]) -> None:
    with pytest.raises(TypeError) as refusal:
        look(exact)
    assert str(SECRET) not in str(refusal.value)


def test_it_takes_no_further_attribute(exact: ExactTable) -> None:
    with pytest.raises(AttributeError):
        exact.note = 1  # type: ignore[attr-defined]


@pytest.mark.parametrize(("columns", "units"), [([[1]], None), ([[1, 2], [1]], None), ([[1, 2]], [1])])
def test_columns_as_long_as_the_keys_or_none(columns: list[list[int]], units: list[int] | None) -> None:
    with pytest.raises(ValueError, match="as long as its keys"):
        ExactTable([("a",), ("b",)], columns, units)


def test_a_noisy_table_is_plain_to_see() -> None:
    assert "41" in repr(NoisyTable((("a",),), ((41,),)))
