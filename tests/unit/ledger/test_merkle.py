"""The Merkle tree against the RFC's own words (a recursion over whole lists), its published examples, and everything that is no proof."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from haven.ledger import merkle, tiles
from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from haven.ledger.prepared import driver_of
from tests.support.books import NOW

# the eight leaves and the roots after each that Certificate Transparency's implementations are tested with (RFC 6962's hashes)
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
GROWTH = {
    (1, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
MOST = 600


def _root(leaves: list[bytes]) -> bytes:
    """MTH as RFC 9162, 2.1.1 writes it."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = _split(len(leaves))
    return hashlib.sha256(b"\x01" + _root(leaves[:k]) + _root(leaves[k:])).digest()


def _path(m: int, leaves: list[bytes]) -> list[bytes]:
    """PATH as 2.1.3.1 writes it."""
    if len(leaves) == 1:
        return []
    k = _split(len(leaves))
    if m < k:
        return [*_path(m, leaves[:k]), _root(leaves[k:])]
    return [*_path(m - k, leaves[k:]), _root(leaves[:k])]


def _growth(m: int, leaves: list[bytes], *, known: bool = True) -> list[bytes]:
    """SUBPROOF as 2.1.4.1 writes it."""
    if m == len(leaves):
        return [] if known else [_root(leaves)]
    k = _split(len(leaves))
    if m <= k:
        return [*_growth(m, leaves[:k], known=known), _root(leaves[k:])]
    return [*_growth(m - k, leaves[k:], known=False), _root(leaves[:k])]


def _split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def _node(leaves: list[bytes]) -> merkle.Node:
    return lambda level, index: _root(leaves[index << level : (index + 1) << level])


def _leaves(count: int) -> list[bytes]:
    return [merkle.leaf(f"entry {number}") for number in range(count)]


ALL = _leaves(MOST)
sizes = st.integers(1, MOST)


@pytest.mark.parametrize("count", range(1, 9))
def test_published_roots(count: int) -> None:
    leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(text)).digest() for text in INPUTS[:count]]
    assert merkle.root(count, _node(leaves)).hex() == ROOTS[count - 1]
    edge = merkle.Edge()
    for one in leaves:
        edge.add(one)
    assert edge.root().hex() == ROOTS[count - 1]


def test_an_empty_tree_is_the_hash_of_nothing() -> None:
    assert merkle.root(0, _node([])) == merkle.Edge().root() == hashlib.sha256(b"").digest() == merkle.EMPTY


def test_a_leaf_is_the_entrys_utf_8_text_behind_a_zero_byte() -> None:
    assert merkle.leaf("é") == hashlib.sha256(b"\x00\xc3\xa9").digest()


@pytest.mark.parametrize(("place", "path"), PATHS.items())
def test_published_inclusion_proofs(place: tuple[int, int], path: list[str]) -> None:
    leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(text)).digest() for text in INPUTS]
    assert [one.hex() for one in merkle.inclusion(*place, _node(leaves))] == path


@pytest.mark.parametrize(("sizes", "path"), GROWTH.items())
def test_published_consistency_proofs(sizes: tuple[int, int], path: list[str]) -> None:
    leaves = [hashlib.sha256(b"\x00" + bytes.fromhex(text)).digest() for text in INPUTS]
    assert [one.hex() for one in merkle.consistency(*sizes, _node(leaves))] == path


@given(sizes, st.data())
def test_inclusion_is_what_the_rfc_says_and_is_accepted(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    leaves = ALL[:size]
    path = merkle.inclusion(index, size, _node(leaves))
    assert list(path) == _path(index, leaves)
    assert merkle.included(leaves[index], index, size, path, _root(leaves))


@given(sizes, st.data())
@example(size=256, data=None)
def test_consistency_is_what_the_rfc_says_and_is_accepted(size: int, data: st.DataObject | None) -> None:
    old = 1 if data is None else data.draw(st.integers(1, size))
    leaves = ALL[:size]
    path = merkle.consistency(old, size, _node(leaves))
    assert list(path) == _growth(old, leaves)
    assert merkle.consistent(old, _root(leaves[:old]), size, _root(leaves), path)


def test_every_other_path_is_refused() -> None:
    """Every inclusion proof of small trees, with each hash changed, dropped, doubled, and told of every other place and size."""
    for size in range(1, 10):
        leaves, root = ALL[:size], _root(ALL[:size])
        for index in range(size):
            path = list(merkle.inclusion(index, size, _node(leaves)))
            wrong = [[*path[:i], bytes(32), *path[i + 1 :]] for i in range(len(path))]
            wrong += [[*path[:i], *path[i + 1 :]] for i in range(len(path))] + [[*path, bytes(32)], [bytes(32), *path]]
            assert not any(merkle.included(leaves[index], index, size, one, root) for one in wrong)
            assert not any(merkle.included(leaves[index], other, size, path, root) for other in range(size + 3) if other != index)
            assert not merkle.included(leaves[index], -1, size, path, root)
            assert not merkle.included(bytes(32), index, size, path, root)


def test_no_tree_continues_one_that_it_does_not() -> None:
    for size in range(1, 18):
        leaves, root = ALL[:size], _root(ALL[:size])
        for old in range(1, size + 1):
            path, old_root = merkle.consistency(old, size, _node(leaves)), _root(leaves[:old])
            other = _root([*leaves[: old - 1], bytes(32)])
            assert not merkle.consistent(old, other, size, root, path)
            assert not merkle.consistent(old, old_root, size, other, path) or other == root
            wrong = [[*path[:i], bytes(32), *path[i + 1 :]] for i in range(len(path))] + [[*path, bytes(32)], list(path)[1:]]
            assert not any(merkle.consistent(old, old_root, size, root, one) for one in wrong if list(one) != list(path))
        assert not merkle.consistent(size + 1, root, size, root, [])
        assert not merkle.consistent(-1, root, size, root, [])


def test_every_tree_continues_nothing_and_itself() -> None:
    assert merkle.consistent(0, merkle.EMPTY, 3, _root(ALL[:3]), [])
    assert not merkle.consistent(0, bytes(32), 3, _root(ALL[:3]), [])
    assert merkle.consistent(3, _root(ALL[:3]), 3, _root(ALL[:3]), [])
    assert not merkle.consistent(3, _root(ALL[:3]), 3, _root(ALL[:4]), [])
    assert merkle.consistent(0, merkle.EMPTY, 0, merkle.EMPTY, [])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_proof_of_what_is_not_there(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        merkle.inclusion(index, size, _node(ALL))
    with pytest.raises(ValueError, match="a longer one"):
        merkle.consistency(size + 1, size, _node(ALL))


@given(st.integers(0, MOST))
def test_the_edge_of_a_growing_tree_has_its_root(count: int) -> None:
    edge = merkle.Edge()
    for one in ALL[:count]:
        edge.add(one)
    assert (edge.size, edge.root()) == (count, _root(ALL[:count]))


ENTRIES = 256 * 2 + 3


@pytest.fixture(name="grown", scope="module")
def _grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grown") / "books.sqlite"
    with Ledger.open(path) as ledger:
        for group in range(0, ENTRIES, 100):
            with ledger.transaction() as tx:
                for number in range(group, min(group + 100, ENTRIES)):
                    tx.append("desk.viewed", "carol", {"number": number}, NOW)
    return path


def test_the_tiles_of_books_give_the_tree_of_their_entries(grown: Path) -> None:
    with Ledger.open(grown) as ledger, ledger.read() as connection:
        node = tiles.tree(driver_of(connection))
        bodies = connection.exec_driver_sql("SELECT body FROM entries ORDER BY seq").scalars().all()
        leaves = [merkle.leaf(body) for body in bodies]
        assert len(leaves) == ENTRIES
        for size in (1, 2, 255, 256, 257, 300, 511, 512, 513, ENTRIES):
            assert merkle.root(size, node) == _root(leaves[:size])
            assert list(merkle.inclusion(size // 2, size, node)) == _path(size // 2, leaves[:size])
            assert list(merkle.consistency(size // 3 + 1, size, node)) == _growth(size // 3 + 1, leaves[:size])


def test_a_tile_is_written_with_the_entry_that_fills_it(grown: Path) -> None:
    with Ledger.open(grown) as ledger, ledger.read() as connection:
        rows = connection.exec_driver_sql("SELECT level, number, length(hashes) AS bytes FROM tiles ORDER BY level, number").all()
    assert [tuple(row) for row in rows] == [(0, 0, 256 * 32), (0, 1, 256 * 32)]


def test_an_entry_that_is_undone_takes_its_tile_with_it(books_place: Place) -> None:
    with Ledger.open(books_place) as ledger:
        with pytest.raises(ZeroDivisionError):
            _append_and_fail(ledger)
        with ledger.read() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM tiles").scalar() == 0


def _append_and_fail(ledger: Ledger) -> None:
    with ledger.transaction() as tx:
        for number in range(256):
            tx.append("desk.viewed", "carol", {"number": number}, NOW)
        assert tx.connection.exec_driver_sql("SELECT count(*) FROM tiles").scalar() == 1
        raise ZeroDivisionError


def test_older_books_get_their_tiles_when_they_are_opened(grown: Path, tmp_path: Path) -> None:
    path = tmp_path / "books.sqlite"
    path.write_bytes(grown.read_bytes())
    with Ledger.open(path) as ledger, ledger.transaction() as tx:
        for trigger in ("tiles_no_update", "tiles_no_delete"):
            tx.connection.exec_driver_sql(f"DROP TRIGGER {trigger}")
        tx.connection.exec_driver_sql("DELETE FROM tiles WHERE number > 0")
    with Ledger.open(path) as ledger, ledger.read() as connection:
        node = tiles.tree(driver_of(connection))
        bodies = connection.exec_driver_sql("SELECT body FROM entries ORDER BY seq").scalars().all()
        assert connection.exec_driver_sql("SELECT count(*) FROM tiles").scalar() == 2
        assert merkle.root(ENTRIES, node) == _root([merkle.leaf(body) for body in bodies])
