"""The Merkle tree over the entries: RFC 9162, section 2.1, with SHA-256. Pure functions, and a pass over leaves that keeps only the edge.

A leaf is the hash of an entry's canonical body. Whoever holds the root of a tree of n leaves can be shown that one entry is among them
(inclusion), or that a later tree only added to it (consistency), with about log2(n) hashes. `node` below gives hashes of whole subtrees:
`node(level, index)` is the root of the 2**level leaves from index * 2**level on.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

Node: TypeAlias = Callable[[int, int], bytes]
HASH_BYTES = 32
EMPTY = hashlib.sha256().digest()
"""The root of a tree without leaves."""
_LEAF, _INNER = b"\x00", b"\x01"


def leaf(body: str) -> bytes:
    """The hash of one entry's canonical body: SHA-256(0x00 ‖ UTF-8 bytes)."""
    return hashlib.sha256(_LEAF + body.encode("utf-8")).digest()


def inner(left: bytes, right: bytes) -> bytes:
    """The hash of two neighbouring subtrees: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(_INNER + left + right).digest()


def whole(hashes: Sequence[bytes]) -> bytes:
    """The root of 2**k subtrees of one level. ValueError for any other number of them."""
    if not hashes or len(hashes) & (len(hashes) - 1):
        msg = "a whole subtree has 2**k parts"
        raise ValueError(msg)
    while len(hashes) > 1:
        hashes = [inner(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


def root(size: int, node: Node) -> bytes:
    """The root of the tree of the first `size` leaves."""
    return _range(0, size, node) if size else EMPTY


def inclusion(index: int, size: int, node: Node) -> tuple[bytes, ...]:
    """The path that shows leaf `index` (from 0) to be in the tree of `size` leaves (RFC 9162, 2.1.3.1). ValueError where it is not."""
    if not 0 <= index < size:
        msg = "the tree has no such leaf"
        raise ValueError(msg)
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_range(middle, end, node))
            end = middle
        else:
            path.append(_range(start, middle, node))
            start = middle
    return tuple(reversed(path))


def consistency(old: int, size: int, node: Node) -> tuple[bytes, ...]:
    """The hashes that show the tree of `old` leaves to be the beginning of that of `size` (RFC 9162, 2.1.4.1). Empty for equal sizes.

    ValueError where `old` is 0 (every tree begins with nothing) or more than `size`.
    """
    if not 0 < old <= size:
        msg = "consistency is between a tree and a longer one"
        raise ValueError(msg)
    path: list[bytes] = []
    start, end, known = 0, size, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(_range(middle, end, node))
            end = middle
        else:
            path.append(_range(start, middle, node))
            start, known = middle, False
    if not known:
        path.append(_range(start, end, node))
    return tuple(reversed(path))


def included(leaf_hash: bytes, index: int, size: int, path: Iterable[bytes], tree: bytes) -> bool:
    """Whether `path` shows that leaf `index` of the tree of `size` leaves with root `tree` is `leaf_hash` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf_hash
    for step in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = inner(step, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = inner(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == tree


def consistent(old: int, old_tree: bytes, size: int, tree: bytes, path: Sequence[bytes]) -> bool:
    """Whether `path` shows that the tree (`old`, `old_tree`) is the beginning of (`size`, `tree`) (RFC 9162, 2.1.4.2).

    Nothing is the beginning of every tree, without a path.
    """
    if old in {0, size}:
        return not path and old_tree == (tree if old == size else EMPTY)
    if not 0 < old < size or not path:
        return False
    steps = list(path) if old & (old - 1) else [old_tree, *path]
    at, last = old - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first, second = inner(step, first), inner(step, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = inner(second, step)
        at, last = at >> 1, last >> 1
    return last == 0 and first == old_tree and second == tree


class Edge:
    """A tree that is built leaf by leaf and remembers only its right edge: `subtrees`, at most one of each size, the largest first."""

    def __init__(self) -> None:
        """The tree without leaves."""
        self.size = 0
        self.subtrees: list[bytes] = []

    def add(self, leaf_hash: bytes) -> None:
        """Add the next leaf."""
        subtrees, size = self.subtrees, self.size
        while size & 1:
            leaf_hash = inner(subtrees.pop(), leaf_hash)
            size >>= 1
        subtrees.append(leaf_hash)
        self.size += 1

    def root(self) -> bytes:
        """The root as of now."""
        return joined(self.subtrees) if self.subtrees else EMPTY


def joined(subtrees: Sequence[bytes]) -> bytes:
    """The root of whole subtrees beside each other, the largest first (at least one)."""
    found = subtrees[-1]
    for subtree in reversed(subtrees[:-1]):
        found = inner(subtree, found)
    return found


def _split(count: int) -> int:
    """The largest power of two below `count` (≥ 2): where a tree of `count` leaves is divided."""
    return 1 << ((count - 1).bit_length() - 1)


def _range(start: int, end: int, node: Node) -> bytes:
    """The root of leaves start … end-1, where `start` is where the RFC's division of a tree begins a subtree."""
    count = end - start
    if count & (count - 1) == 0:
        level = count.bit_length() - 1
        return node(level, start >> level)
    middle = start + _split(count)
    return inner(_range(start, middle, node), _range(middle, end, node))
