"""From a worker's reply to the sealed exact table: re-indexed to the plan's public keys, or sorted; anything unexpected is a fault."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from haven.errors import question_fault
from haven.privacy.choices import LARGEST_COUNT
from haven.privacy.tables import Counts, ExactColumn, ExactTable, Key, KeyValue
from haven.query.private_plan import PrivatePlan

UNITS = "units_"
PAIRS = pa.list_(pa.struct([pa.field("index", pa.int32()), pa.field("count", pa.uint64())]))
"""A map from indices to counts, as its pairs."""
Column: TypeAlias = "pa.ChunkedArray[Any]"


def seal(stream: bytes, plan: PrivatePlan) -> ExactTable:
    """The exact table of `plan` from an Arrow IPC stream of columns k0…, `units_` where any key is private, t0….

    A choice's column holds maps from the index of a candidate to a number of rows; what is not in a map counts 0, and NULL is an empty map.
    Public keys: one row for each key of `plan.public_keys()`, in that order; missing ones count 0, unlisted ones are dropped. Private
    keys: the keys found, sorted (None first), less those outside a public key's domain. Raises the question's fault for any other shape.
    """
    public = plan.public_keys()
    table = _read(stream)
    names = [f"k{i}" for i in range(len(plan.keys))]
    sums = ([] if public is not None else [UNITS]) + [f"t{i}" for i in range(len(plan.targets))]
    if table.column_names != names + sums:
        raise question_fault()
    found = _keys([table.column(name) for name in names], table.num_rows)
    candidates = [0 if target.candidates is None else len(target.candidates) for target in plan.targets]
    targets = [_target(table.column(f"t{i}"), each) for i, each in enumerate(candidates)]
    if public is not None:
        return ExactTable(public, _reindexed(found, targets, public, [(0,) * each if each else 0 for each in candidates]))
    units, order = _integers(table.column(UNITS)), _sorted(found, plan)
    return ExactTable([found[i] for i in order], [[column[i] for i in order] for column in targets], [units[i] for i in order])


def _read(stream: bytes) -> pa.Table:
    try:
        with pa.ipc.open_stream(stream) as reader:
            table = reader.read_all()
        table.validate(full=True)
    except (pa.ArrowException, OSError, ValueError):
        raise question_fault() from None
    return table


def _integers(column: Column) -> list[int]:
    if column.type != pa.int64() or column.null_count:
        raise question_fault()
    values: list[Any] = column.to_pylist()
    return values


def _target(column: Column, candidates: int) -> ExactColumn:
    """The column of a target: integers, or for a choice the counts of its candidates."""
    return _counts(column, candidates) if candidates else _integers(column)


def _counts(column: Column, candidates: int) -> list[Counts]:
    """Counts by candidate. A fault for any other type, an index of no candidate or there twice, and a count that is NULL or 0."""
    if column.type != pa.map_(pa.int32(), pa.uint64()):
        raise question_fault()
    return [counts for cells in column.chunks for counts in _dense(cells, candidates)]


def _dense(cells: "pa.Array[Any]", candidates: int) -> list[Counts]:
    """Each map as a vector, read from Arrow's own buffers and left as an array: a group may have thousands of candidates."""
    pairs: Any = cells.cast(PAIRS)
    lengths = pc.list_value_length(pairs).fill_null(0).to_numpy()
    indices, counts = pc.list_flatten(pairs).flatten()
    if indices.null_count or counts.null_count:
        raise question_fault()
    at, held = indices.to_numpy(), np.minimum(counts.to_numpy(), LARGEST_COUNT).astype(np.int64)
    if np.any((at < 0) | (at >= candidates)):
        raise question_fault()
    dense = np.zeros((len(cells), candidates), dtype=np.int64)
    dense[np.repeat(np.arange(len(cells)), lengths), at] = held
    # every count is above 0: fewer places than counts, and one was 0 or an index there twice
    if np.count_nonzero(dense) != len(at):
        raise question_fault()
    return list(dense)


def _keys(columns: Sequence[Column], rows: int) -> list[Key]:
    """The key of each row; a key that is there twice, or of another type than a key may have, is a fault."""
    if any(not (pa.types.is_integer(c.type) or pa.types.is_string(c.type) or pa.types.is_boolean(c.type)) for c in columns):
        raise question_fault()
    keys: list[Key] = list(zip(*(column.to_pylist() for column in columns), strict=True)) if columns else [()] * rows
    if len(set(keys)) != len(keys):
        raise question_fault()
    return keys


def _reindexed(
    found: Sequence[Key], columns: Sequence[ExactColumn], public: Sequence[Key], empty: Sequence[int | Counts]
) -> list[ExactColumn]:
    row_of = {key: i for i, key in enumerate(found)}
    rows = [row_of.get(key) for key in public]
    return [[zero if i is None else column[i] for i in rows] for column, zero in zip(columns, empty, strict=True)]


def _sorted(found: Sequence[Key], plan: PrivatePlan) -> list[int]:
    domains = [None if key.domain is None else frozenset(key.domain) for key in plan.keys]
    listed = (i for i, key in enumerate(found) if all(d is None or value in d for d, value in zip(domains, key, strict=True)))
    return sorted(listed, key=lambda i: tuple(_rank(value) for value in found[i]))


def _rank(value: KeyValue) -> tuple[bool, str | int]:
    """None sorts before every value."""
    return (False, 0) if value is None else (True, value)
