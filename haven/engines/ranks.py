"""Surrogates, ranks and digests of stored rows: all keyed, and the ranks functions of one person's rows alone.

* A person's **seal** is the first 128 bits of HMAC(unit key, normalised id). Persons are numbered in the order of their seals, so a
  number says nothing of the id or of the row's place in the source.
* A row's **hash** is 64 bits of HMAC(row key, table, seal, stored content); a group's, of HMAC(group key, table, column, seal, value).
* `rk_` numbers a person's rows in the order of the row hash, `rpc_k` a person's rows within a group in the order of `rk_`; `gr_k` numbers
  a person's groups in the order of the group hash. Rows of one person with equal content have equal hashes; which of them comes first
  cannot be seen, because every other rank follows from `rk_` (two ties broken apart from each other could). So what is stored of a person
  is a function of that person's rows: when another leaves, no rank moves.
* A table's **digest** is the sum of its row hashes and their number: it does not depend on the order of rows, or on the file format.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from haven.catalog.layout import PhysicalColumn, PhysicalKind, TableLayout
from haven.engines.keyed_hash import HashKey, Purpose, derive
from haven.engines.sql_text import literal, quoted

SEAL_HEX = 32


@dataclass(frozen=True, slots=True, repr=False)
class RankKeys:
    """The keys of ingest, each for one purpose."""

    unit: HashKey
    row: HashKey
    group: HashKey
    fingerprint: HashKey
    unit_set: HashKey


def rank_keys(secret: bytes) -> RankKeys:
    """The keys derived from a haven's ingest secret."""
    return RankKeys(*(derive(secret, purpose) for purpose in Purpose))


def seal_sql(keys: RankKeys, unit: str) -> str:
    """SQL for the seal (BLOB of 16 bytes) of the normalised id `unit`."""
    return f"unhex(left({keys.unit.sql_hex(f'encode({unit})')}, {SEAL_HEX}))"


def row_hash_sql(keys: RankKeys, table: str, layout: TableLayout) -> str:
    """SQL for the hash (UBIGINT) of a stored row; a personal row has its person's `seal_` beside it."""
    parts = [f"{literal(table + ',')}", *(_canonical(column) for column in _contents(layout))]
    content = f"encode(concat({', '.join(parts)}))"
    return keys.row.sql_u64(content if layout.unit is None else f"seal_ || {content}")


def group_hash_sql(keys: RankKeys, table: str, layout: TableLayout, key: str) -> str:
    """SQL for the hash (UBIGINT) of the group that a personal row falls in by the column `key`; NULL is a group like any other."""
    content = f"encode(concat({literal(f'{table},{key},')}, {_canonical(layout.stored(key))}))"
    return keys.group.sql_u64(f"seal_ || {content}")


def row_rank(layout: TableLayout) -> str:
    """SQL for the rank of a person's rows, over rows with a hash `h_`."""
    return f"CAST(row_number() OVER (PARTITION BY {layout.unit} ORDER BY h_) AS INTEGER) AS {layout.rk}"


def group_ranks(layout: TableLayout, group_hashes: Mapping[str, str]) -> list[str]:
    """SQL for the other ranks, in stored order, over rows with their `row_rank` and each key's group hash in the named column."""
    person, ranks = f"PARTITION BY {layout.unit}", []
    for key, gr in layout.gr.items():
        name = quoted(key)
        # two values whose hashes collide would still be two groups: the value itself ends the tie
        ranks.append(f"CAST(dense_rank() OVER ({person} ORDER BY {group_hashes[key]}, {name} NULLS FIRST) AS INTEGER) AS {quoted(gr)}")
        ranks.append(f"CAST(row_number() OVER ({person}, {name} ORDER BY {layout.rk}) AS INTEGER) AS {quoted(layout.rpc[key])}")
    return ranks


def _contents(layout: TableLayout) -> list[PhysicalColumn]:
    """The columns that hold a row's content; a fixed point column is a function of the one beside it."""
    return [column for column in layout.columns if column.kind is not PhysicalKind.FIXED]


def _canonical(column: PhysicalColumn) -> str:
    """SQL for a value's text, such that no two lists of values have the same concatenation; NULL differs from every value."""
    name = quoted(column.name)
    if column.kind is PhysicalKind.TEXT:
        return f"strlen({name})::VARCHAR || ':' || {name}, ','"
    return f"{name}::VARCHAR, ','"
