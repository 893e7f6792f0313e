"""From a worker's reply to the sealed exact table: re-indexed to the plan's public keys, or sorted; anything unexpected is a fault."""

from collections.abc import Sequence
from typing import Any, TypeAlias

import pyarrow as pa

from haven.errors import question_fault
from haven.privacy.tables import ExactTable, Key, KeyValue
from haven.query.private_plan import PrivatePlan

UNITS = "units_"
Column: TypeAlias = "pa.ChunkedArray[Any]"


def seal(stream: bytes, plan: PrivatePlan) -> ExactTable:
    """The exact table of `plan` from an Arrow IPC stream of columns k0…, `units_` where any key is private, t0….

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
    columns = [_integers(table.column(name)) for name in sums]
    if public is not None:
        return ExactTable(public, _reindexed(found, columns, public))
    order = _sorted(found, plan)
    keys = [found[i] for i in order]
    units, *targets = [[column[i] for i in order] for column in columns]
    return ExactTable(keys, targets, units)


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


def _keys(columns: Sequence[Column], rows: int) -> list[Key]:
    """The key of each row; a key that is there twice, or of another type than a key may have, is a fault."""
    if any(not (pa.types.is_integer(c.type) or pa.types.is_string(c.type) or pa.types.is_boolean(c.type)) for c in columns):
        raise question_fault()
    keys: list[Key] = list(zip(*(column.to_pylist() for column in columns), strict=True)) if columns else [()] * rows
    if len(set(keys)) != len(keys):
        raise question_fault()
    return keys


def _reindexed(found: Sequence[Key], columns: Sequence[Sequence[int]], public: Sequence[Key]) -> list[list[int]]:
    row_of = {key: i for i, key in enumerate(found)}
    rows = [row_of.get(key) for key in public]
    return [[0 if i is None else column[i] for i in rows] for column in columns]


def _sorted(found: Sequence[Key], plan: PrivatePlan) -> list[int]:
    domains = [None if key.domain is None else frozenset(key.domain) for key in plan.keys]
    listed = (i for i, key in enumerate(found) if all(d is None or value in d for d, value in zip(domains, key, strict=True)))
    return sorted(listed, key=lambda i: tuple(_rank(value) for value in found[i]))


def _rank(value: KeyValue) -> tuple[bool, str | int]:
    """None sorts before every value."""
    return (False, 0) if value is None else (True, value)
