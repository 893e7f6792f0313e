"""Tiles: the Merkle tree's hashes as the books keep them, 256 to a tile, so that a proof over a million entries reads a few rows.

Tile n of level 0 holds the leaves of entries 256 n + 1 … 256 n + 256; tile n of level k + 1, the roots of 256 tiles of level k. A tile is
written once, in the transaction of the entry that fills it. What no full tile holds yet is read from the entries themselves.
After C2SP tlog-tiles, whose tiles are the same.
"""

from collections.abc import Iterator

from sqlalchemy import bindparam, func, insert, select

from haven.ledger import merkle
from haven.ledger.failures import ledger_fault
from haven.ledger.prepared import Driver, Prepared
from haven.ledger.schema import entries, tiles

WIDTH = 256
_BITS = 8

_BODIES = Prepared(
    select(entries.c.body).where(entries.c.seq > bindparam("after"), entries.c.seq <= bindparam("last")).order_by(entries.c.seq)
)
_TILE = Prepared(select(tiles.c.hashes).where(tiles.c.level == bindparam("of_level"), tiles.c.number == bindparam("wanted")))
_ROOTS = Prepared(
    select(tiles.c.root)
    .where(tiles.c.level == bindparam("of_level"), tiles.c.number >= bindparam("first"), tiles.c.number < bindparam("end"))
    .order_by(tiles.c.number)
)
_COUNT = Prepared(select(func.max(tiles.c.number).label("newest")).where(tiles.c.level == 0))
_ADD = Prepared(insert(tiles))


def fill(driver: Driver, seq: int) -> None:
    """Write the tiles that entry `seq` fills: none unless it is a multiple of 256."""
    level, number, odd = 0, *divmod(seq, WIDTH)
    while number and not odd:
        hashes = _hashes(driver, level, number - 1)
        if len(hashes) != WIDTH:
            raise ledger_fault()
        row = {"level": level, "number": number - 1, "root": merkle.whole(hashes), "hashes": b"".join(hashes)}
        _ADD.run(driver, row)
        level, (number, odd) = level + 1, divmod(number, WIDTH)


def missing(driver: Driver, size: int) -> Iterator[int]:
    """The entries, in order, whose tiles older books of `size` entries lack."""
    row = _COUNT.first(driver, {})
    there = 0 if row is None or row.newest is None else row.newest + 1
    yield from range((there + 1) * WIDTH, size + 1, WIDTH)


def add_missing(driver: Driver, size: int) -> None:
    """Write the full tiles that older books of `size` entries lack."""
    for seq in missing(driver, size):
        fill(driver, seq)


def tree(driver: Driver) -> merkle.Node:
    """The hashes of whole subtrees, for the functions of `merkle`, as of the driver's transaction. Fault where the books lack them."""
    read: dict[tuple[int, int], list[bytes]] = {}

    def node(level: int, index: int) -> bytes:
        above, within = divmod(level, _BITS)
        number, place = divmod(index << within, WIDTH)
        if (above, number) not in read:
            read[above, number] = _tile(driver, above, number)
        hashes = read[above, number][place : place + (1 << within)]
        if len(hashes) != 1 << within:
            raise ledger_fault()
        return merkle.whole(hashes)

    return node


def _tile(driver: Driver, level: int, number: int) -> list[bytes]:
    """The hashes of one tile as far as there are any, from the tile where it is full."""
    row = _TILE.first(driver, {"of_level": level, "wanted": number})
    if row is None:
        return _hashes(driver, level, number)
    return [row.hashes[start : start + merkle.HASH_BYTES] for start in range(0, len(row.hashes), merkle.HASH_BYTES)]


def _hashes(driver: Driver, level: int, number: int) -> list[bytes]:
    """The hashes of one tile as far as there are any, from what it is made of."""
    first = number * WIDTH
    if level == 0:
        return [merkle.leaf(row.body) for row in _BODIES.all(driver, {"after": first, "last": first + WIDTH})]
    return [bytes(row.root) for row in _ROOTS.all(driver, {"of_level": level - 1, "first": first, "end": first + WIDTH})]
