"""From a worker's reply to the sealed table: public keys re-indexed, private ones sorted, anything else the one fault."""

import copy
import json
import pickle
from typing import Any

import pyarrow as pa
import pytest

from haven.engines.sealing import seal
from haven.errors import QUESTION_FAULT, Fault
from tests.support.engine_world import plan


def reply(**columns: Any) -> bytes:  # noqa: ANN401 - whatever Arrow takes
    """An Arrow IPC stream of these columns."""
    data = pa.table(columns)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, data.schema) as writer:
        writer.write_table(data)
    return sink.getvalue().to_pybytes()


def ints(*values: int | None) -> "pa.Array":
    """A 64-bit integer column."""
    return pa.array(values, pa.int64())


def opened(table: Any) -> tuple[Any, Any, Any]:  # noqa: ANN401 - a seal is broken on purpose
    return table._keys, [list(column) for column in table._columns], table._units


def test_missing_public_keys_count_zero_and_unlisted_ones_are_dropped() -> None:
    table = seal(reply(k0=["b", "zz", None], t0=ints(5, 7, 9)), plan("", (("a", "b"),)))
    assert opened(table) == ((("a",), ("b",)), [[0, 5]], None)


def test_the_null_row_is_shown_where_the_domain_has_it() -> None:
    table = seal(reply(k0=["b", None], t0=ints(5, 9)), plan("", (("a", None),)))
    assert opened(table) == ((("a",), (None,)), [[0, 9]], None)


def test_two_public_keys_give_their_whole_product_in_order() -> None:
    table = seal(reply(k0=["x", "y"], k1=[2, 1], t0=ints(21, 12), t1=ints(-1, -2)), plan("", (("x", "y"), (1, 2)), targets=2))
    assert opened(table) == ((("x", 1), ("x", 2), ("y", 1), ("y", 2)), [[0, 21, 12, 0], [0, -1, -2, 0]], None)


@pytest.mark.parametrize("rows", [[3], []])
def test_a_question_without_keys_has_one_row(rows: list[int]) -> None:
    assert opened(seal(reply(t0=ints(*rows)), plan(""))) == (((),), [rows or [0]], None)


def test_private_keys_are_sorted_with_null_first() -> None:
    table = seal(reply(k0=["b", None, "B", "a"], units_=ints(1, 2, 3, 4), t0=ints(10, 20, 30, 40)), plan("", (None,)))
    assert opened(table) == (((None,), ("B",), ("a",), ("b",)), [[20, 30, 40, 10]], [2, 3, 4, 1])


def test_a_public_key_beside_a_private_one_keeps_to_its_domain() -> None:
    data = reply(k0=["p", "q", "p"], k1=["in", "in", "out"], units_=ints(1, 2, 3), t0=ints(1, 2, 3))
    assert opened(seal(data, plan("", (None, ("in",))))) == ((("p", "in"), ("q", "in")), [[1, 2]], [1, 2])


def test_a_question_without_targets_has_keys_and_units_alone() -> None:
    assert opened(seal(reply(k0=["a"], units_=ints(4)), plan("", (None,), targets=0))) == ((("a",),), [], [4])


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        b"nonsense that is longer than a header",
        reply(k0=["a"], t0=ints(1))[:-20],
        reply(k0=["a"]),
        reply(k0=["a"], t0=ints(1), t1=ints(2)),
        reply(t0=ints(1), k0=["a"]),
        reply(k0=["a"], units_=ints(1), t0=ints(1)),
        reply(k0=["a"], t0=ints(None)),
        reply(k0=["a"], t0=pa.array([1.0])),
        reply(k0=["a"], t0=pa.array([1], pa.int32())),
        reply(k0=["a", "a"], t0=ints(1, 2)),
        reply(k0=[1.5], t0=ints(1)),
        reply(k0=[b"a"], t0=ints(1)),
    ],
    ids=["empty", "noise", "cut", "no target", "more targets", "order", "units", "null", "double", "narrow", "twice", "float key", "bytes"],
)
def test_anything_else_is_the_one_fault(stream: bytes) -> None:
    with pytest.raises(Fault) as fault:
        seal(stream, plan("", (("a", "b"),)))
    assert str(fault.value) == QUESTION_FAULT
    assert fault.value.__suppress_context__ or fault.value.__context__ is None


def test_two_rows_without_keys_are_a_fault() -> None:
    with pytest.raises(Fault):
        seal(reply(t0=ints(1, 2)), plan(""))


def test_what_comes_out_cannot_be_looked_at() -> None:
    table = seal(reply(k0=["a"], t0=ints(424242)), plan("", (("a",),)))
    assert "424242" not in f"{table!r}{table}{[table]}"
    for look in (pickle.dumps, copy.copy, copy.deepcopy, list, len, hash, json.dumps, lambda t: t == t, lambda t: t[0]):  # noqa: PLR0124
        with pytest.raises(TypeError):
            look(table)
