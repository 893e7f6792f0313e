"""A witness holds what continues what it holds, and nothing else: in a file, and over HTTP as C2SP tlog-witness says."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import httpx
import pytest

from haven.cli.witness import CosigningWitness, listening
from haven.ledger import checkpoints, merkle, notes
from haven.ledger.checkpoints import Checkpoint
from haven.ledger.notes import Verifier
from haven.ledger.witness import (
    ConflictError,
    InconsistentError,
    LostError,
    StrangerError,
    UnreachableError,
    Witness,
    WitnessFile,
    records,
)
from haven.ledger.witness_address import AddCheckpoint, WitnessAddress
from haven.release.signing import open_or_make_key
from tests.support.witnessed import ORIGIN, file_in, key_in

LEAVES = [merkle.leaf(str(number)) for number in range(40)]
THEN = datetime(2026, 3, 1, tzinfo=UTC)


def _node(level: int, index: int) -> bytes:
    return merkle.whole(LEAVES[index << level : (index + 1) << level])


def _point(size: int, origin: str = ORIGIN) -> Checkpoint:
    return Checkpoint(origin, size, merkle.root(size, _node))


@pytest.fixture(name="server")
def _server(tmp_path: Path) -> Iterator[str]:
    witness = file_in(tmp_path)
    witness.begin()
    signer = open_or_make_key(tmp_path / "witness-keys")
    server = listening("127.0.0.1", 0, CosigningWitness(witness, "witness.test", signer, lambda: THEN))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(name="witness", params=["file", "address"])
def _witness(tmp_path: Path, request: pytest.FixtureRequest) -> Witness:
    if request.param == "file":
        file_in(tmp_path).begin()
        return file_in(tmp_path)
    address = request.getfixturevalue("server")
    return WitnessAddress(address, Verifier("witness.test", open_or_make_key(tmp_path / "witness-keys").public))


class _Log:
    """The haven's side: signs any size of the one tree, or of another."""

    def __init__(self, folder: Path, witness: Witness) -> None:
        self.key, self.witness = key_in(folder), witness

    def seen(self, origin: str = ORIGIN) -> int:
        return self.witness.seen(checkpoints.sign(_point(1, origin), self.key))

    def add(self, size: int, old: int, proof: tuple[bytes, ...] | None = None) -> str:
        path = merkle.consistency(old, size, _node) if old and old <= size else ()
        return self.witness.add(checkpoints.sign(_point(size), self.key), old, path if proof is None else proof)


@pytest.fixture(name="log")
def _log(tmp_path: Path, witness: Witness) -> _Log:
    return _Log(tmp_path, witness)


def test_it_holds_each_checkpoint_that_continues_the_last(log: _Log) -> None:
    assert log.seen() == 0
    held = 0
    for size in (1, 5, 8, 8, 23, 40):
        log.add(size, held)
        held = size
        assert log.seen() == size


def test_empty_books_can_ask_too(log: _Log) -> None:
    nothing = checkpoints.sign(_point(0), log.key)
    assert log.witness.seen(nothing) == 0
    log.add(5, 0)
    assert log.witness.seen(nothing) == 5


def test_origins_are_held_apart(log: _Log) -> None:
    log.add(5, 0)
    assert log.seen("haven-other") == 0


def test_another_size_than_it_holds_is_answered_with_its_own(log: _Log) -> None:
    log.add(8, 0)
    for old in (0, 3, 20):
        with pytest.raises(ConflictError) as conflict:
            log.add(23, old)
        assert conflict.value.size == 8
    assert log.seen() == 8


def test_a_smaller_checkpoint_is_never_held_after_a_larger(log: _Log) -> None:
    log.add(8, 0)
    with pytest.raises((ConflictError, InconsistentError)):
        log.add(5, 8, ())
    assert log.seen() == 8


def test_a_checkpoint_of_another_tree_is_not_held(log: _Log) -> None:
    log.add(8, 0)
    other = Checkpoint(ORIGIN, 20, bytes(32))
    with pytest.raises(InconsistentError):
        log.witness.add(checkpoints.sign(other, log.key), 8, merkle.consistency(8, 20, _node))
    with pytest.raises((ConflictError, InconsistentError)):
        log.witness.add(checkpoints.sign(Checkpoint(ORIGIN, 8, bytes(32)), log.key), 8, ())
    assert log.seen() == 8


def test_another_keys_checkpoint_is_not_held(log: _Log, tmp_path: Path) -> None:
    stranger = open_or_make_key(tmp_path / "stranger")
    with pytest.raises(StrangerError):
        log.witness.add(checkpoints.sign(_point(5), stranger), 0, ())
    with pytest.raises(StrangerError):
        log.witness.seen(checkpoints.sign(_point(1), stranger))
    assert log.seen() == 0


def test_the_file_only_grows(tmp_path: Path) -> None:
    witness, held = file_in(tmp_path), 0
    witness.begin()
    log, before = _Log(tmp_path, witness), b""
    for size in (1, 2, 7, 7, 30):
        log.add(size, held)
        held, now = size, (tmp_path / "witness.log").read_bytes()
        assert now.startswith(before)
        before = now
    assert [one.size for one in witness.held()] == [1, 2, 7, 30]
    assert (tmp_path / "witness.log").stat().st_mode & 0o777 == 0o600


def test_beginning_again_changes_nothing(tmp_path: Path) -> None:
    witness = file_in(tmp_path)
    witness.begin()
    _Log(tmp_path, witness).add(5, 0)
    before = witness.path.read_bytes()
    witness.begin()
    assert witness.path.read_bytes() == before


@pytest.mark.parametrize("kept", range(1, 220, 9))
def test_a_checkpoint_torn_by_a_crash_is_passed_over_and_the_next_is_held(tmp_path: Path, kept: int) -> None:
    witness = file_in(tmp_path)
    witness.begin()
    log = _Log(tmp_path, witness)
    log.add(5, 0)
    whole = witness.path.read_bytes()
    log.add(9, 5)
    torn = witness.path.read_bytes()[: len(whole) + kept]
    witness.path.write_bytes(torn)
    held = log.seen()
    assert held in {5, 9}
    log.add(20, held)
    assert log.seen() == 20
    assert witness.path.read_bytes().startswith(torn)
    assert witness.unreadable() == (0 if held == 9 else 1)


def test_a_file_that_is_gone_is_lost_and_one_whose_disk_is_gone_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(LostError):
        _Log(tmp_path, file_in(tmp_path)).seen()
    with pytest.raises(LostError):
        WitnessFile(tmp_path / "unmounted" / "witness.log", key_in(tmp_path).public).begin()


def test_a_file_of_anothers_checkpoints_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    stranger = WitnessFile(tmp_path / "witness.log", open_or_make_key(tmp_path / "stranger").public)
    stranger.begin()
    stranger.add(checkpoints.sign(_point(5), open_or_make_key(tmp_path / "stranger")), 0, ())
    with pytest.raises(StrangerError):
        _Log(tmp_path, file_in(tmp_path)).seen()


def test_old_checkpoints_are_found_behind_many_of_another_origin(tmp_path: Path) -> None:
    witness = file_in(tmp_path)
    witness.begin()
    log = _Log(tmp_path, witness)
    log.add(7, 0)
    other = "".join(checkpoints.sign(_point(1, f"haven-{number}"), log.key) + "\n" for number in range(600))
    with witness.path.open("a") as file:
        file.write(other)
    assert log.seen() == 7


def test_notes_are_told_apart(tmp_path: Path) -> None:
    key = key_in(tmp_path)
    written = [checkpoints.sign(_point(size), key) for size in (1, 2, 3)]
    assert list(records("\n".join(written))) == written
    assert list(records("")) == []


def test_an_address_where_nobody_answers_is_out_of_reach(tmp_path: Path) -> None:
    probe = checkpoints.sign(_point(1), key_in(tmp_path))
    with pytest.raises(UnreachableError):
        WitnessAddress("http://127.0.0.1:1").seen(probe)
    with pytest.raises(UnreachableError):
        WitnessAddress("http://[").seen(probe)


def test_a_witness_that_does_not_sign_is_not_believed(tmp_path: Path, server: str) -> None:
    log = _Log(tmp_path, WitnessAddress(server, Verifier("witness.test", open_or_make_key(tmp_path / "another").public)))
    with pytest.raises(StrangerError):
        log.add(5, 0)


def test_the_reply_is_a_cosignature_line(tmp_path: Path, server: str) -> None:
    key = key_in(tmp_path)
    note = checkpoints.sign(_point(5), key)
    reply = httpx.post(f"{server}/add-checkpoint", content=AddCheckpoint(0, (), note).body)
    assert reply.status_code == HTTPStatus.OK
    by = Verifier("witness.test", open_or_make_key(tmp_path / "witness-keys").public)
    assert notes.cosigned_at(_point(5).text, reply.text, by) == THEN


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"old 0\n\nno note", 400),
        (b"old -1\n\n", 400),
        (b"old 00\n\n\n", 400),
        (b"old 0\nAAAA\n", 400),
        (b"\xff\xfe", 400),
        (b"old 0\n" + b"QUFBQQ==\n" * 64 + b"\nnote", 400),
        (b"x" * 70_000, 413),
    ],
)
def test_what_is_no_request_is_refused(server: str, body: bytes, status: int) -> None:
    assert httpx.post(f"{server}/add-checkpoint", content=body).status_code == status


def test_statuses_are_those_that_are_published(tmp_path: Path, server: str) -> None:
    key = key_in(tmp_path)

    def post(size: int, old: int, proof: tuple[bytes, ...] = ()) -> httpx.Response:
        body = AddCheckpoint(old, proof, checkpoints.sign(_point(size), key)).body
        return httpx.post(f"{server}/add-checkpoint", content=body)

    assert post(8, 0).status_code == HTTPStatus.OK
    conflict = post(20, 0)
    assert (conflict.status_code, conflict.text, conflict.headers["content-type"]) == (409, "8\n", "text/x.tlog.size")
    assert post(20, 8, (bytes(32),)).status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert post(20, 8, merkle.consistency(8, 20, _node)).status_code == HTTPStatus.OK
    stranger = AddCheckpoint(0, (), checkpoints.sign(_point(3), open_or_make_key(tmp_path / "stranger"))).body
    assert httpx.post(f"{server}/add-checkpoint", content=stranger).status_code == HTTPStatus.FORBIDDEN
    assert httpx.post(f"{server}/elsewhere", content=b"").status_code == HTTPStatus.NOT_FOUND
    assert httpx.get(f"{server}/add-checkpoint").status_code == HTTPStatus.NOT_IMPLEMENTED


def test_a_request_is_read_as_it_was_written(tmp_path: Path) -> None:
    request = AddCheckpoint(8, merkle.consistency(8, 20, _node), checkpoints.sign(_point(20), key_in(tmp_path)))
    assert AddCheckpoint.read(request.body) == request
