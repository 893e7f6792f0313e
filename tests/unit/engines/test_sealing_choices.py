"""The counts of a choice's candidates, from a worker's reply to dense vectors under seal; anything of another shape is the one fault."""

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from haven.engines.sealing import seal
from haven.errors import QUESTION_FAULT, Fault
from haven.privacy.choices import LARGEST_COUNT
from haven.query.private_plan import PrivatePlan
from tests.support.engine_world import Domain, plan

COUNTS = pa.map_(pa.int32(), pa.uint64())
Pairs = list[tuple[int, int]] | None


def choosing(domains: tuple[Domain, ...] = (), targets: int = 1) -> PrivatePlan:
    """A plan whose last target is a choice among three candidates."""
    plain = plan("", domains, targets)
    return replace(plain, targets=(*plain.targets[:-1], replace(plain.targets[-1], candidates=("x", "y", "z"))))


def reply(**columns: Any) -> bytes:  # noqa: ANN401 - whatever Arrow takes
    data = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    return sink.getvalue().to_pybytes()


def maps(*cells: Pairs) -> "pa.Array[Any]":
    return pa.array(cells, COUNTS)


def opened(table: Any) -> Any:  # noqa: ANN401 - a seal is broken on purpose
    return [[cell if isinstance(cell, int) else tuple(map(int, cell)) for cell in column] for column in table._columns]


@pytest.mark.parametrize(("cells", "counts"), [([[(2, 5), (0, 1)]], (1, 0, 5)), ([[]], (0, 0, 0)), ([None], (0, 0, 0)), ([], (0, 0, 0))])
def test_what_is_not_counted_counts_zero(cells: list[Pairs], counts: tuple[int, ...]) -> None:
    assert opened(seal(reply(t0=maps(*cells)), choosing())) == [[counts]]


def test_missing_public_groups_count_zero_at_every_candidate() -> None:
    table = seal(reply(k0=["b", "zz"], t0=pa.array([7, 8], pa.int64()), t1=maps([(1, 4)], [(0, 9)])), choosing((("a", "b"),), 2))
    assert opened(table) == [[0, 7], [(0, 0, 0), (0, 4, 0)]]


def test_private_groups_keep_their_own_counts() -> None:
    table = seal(reply(k0=["b", "a"], units_=pa.array([2, 3], pa.int64()), t0=maps([(1, 4)], [(0, 9)])), choosing((None,)))
    assert opened(table) == [[(9, 0, 0), (0, 4, 0)]]


def test_a_count_of_any_size_fits() -> None:
    assert opened(seal(reply(t0=maps([(0, 2**64 - 1)])), choosing())) == [[(LARGEST_COUNT, 0, 0)]]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([3], pa.int64()),
        pa.array([[1, 2, 3]], pa.list_(pa.int64())),
        pa.array([[(0, 1)]], pa.map_(pa.int64(), pa.uint64())),
        pa.array([[(0, 1)]], pa.map_(pa.int32(), pa.int64())),
        pa.array([[("x", 1)]], pa.map_(pa.string(), pa.uint64())),
        pa.array([[(0, 1.5)]], pa.map_(pa.int32(), pa.float64())),
        maps([(3, 1)]),
        maps([(-1, 1)]),
        maps([(1, 1), (1, 2)]),
        maps([(1, 0)]),
        pa.array([[(1, None)]], COUNTS),
    ],
    ids=["number", "list", "wide index", "signed", "text", "float", "beyond", "before", "twice", "zero", "null"],
)
def test_anything_else_is_the_one_fault(column: "pa.Array[Any]") -> None:
    with pytest.raises(Fault) as fault:
        seal(reply(t0=column), choosing())
    assert str(fault.value) == QUESTION_FAULT


def test_counts_are_no_answer_where_a_number_is_planned() -> None:
    with pytest.raises(Fault):
        seal(reply(t0=maps([(0, 1)])), plan(""))
