"""A bundle shows, offline, that its decision stands in books that the haven signed; nothing leaves while the books are in doubt."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from haven.errors import Code, Refused
from haven.ledger import checkpoints
from haven.ledger.notary import Appointment
from haven.ledger.witness import WitnessFile
from haven.policy.roles import Tier
from haven.release import VerifyReport, verify_bundle
from haven.release.bundle import MANIFEST, PROOF, SIGNATURE, pack
from haven.release.leaving import LastCheckpoint
from haven.release.signing import SigningKey, open_key
from tests.support.release_world import AUTHOR, CHECKER, NOW, SECOND, World, build

ORIGIN = "haven-test"


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> Iterator[World]:
    (tmp_path / "home").mkdir()
    made = build(tmp_path / "home", Tier.HIGH)
    key = open_key(made.home / "keys")
    notary = made.ledger.appoint(
        Appointment(key, ORIGIN, WitnessFile(made.home / "witness.log", key.public), LastCheckpoint(made.home / "releases"))
    )
    notary.examine(NOW)
    yield made
    made.ledger.close()


def _released(world: World) -> bytes:
    release = world.submitted()
    world.desk.approve(CHECKER, release, "check.safe", "Looked at everything.", world.clock())
    world.desk.approve(SECOND, release, "check.dp-answer", "All noised.", world.clock())
    return world.desk.bundle(AUTHOR, release, world.clock())


def _files(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _verified(world: World, content: bytes) -> VerifyReport:
    path = world.home / "bundle.zip"
    path.write_bytes(content)
    return verify_bundle(path, world.desk.public_key)


def test_a_bundle_shows_its_decision_to_be_in_the_books(world: World) -> None:
    bundle = _released(world)
    report = _verified(world, bundle)
    assert (report.whole, report.authentic) == (True, True)
    proof = json.loads(_files(bundle)[PROOF])
    assert (report.ledger_entry, report.ledger_size) == (proof["entry"], checkpoints.read(proof["checkpoint"], world.desk.public_key).size)
    assert f"its decision is entry {report.ledger_entry} of the books" in report.sentence()


def test_the_proof_names_nobody(world: World) -> None:
    proof = json.loads(_files(_released(world))[PROOF])
    assert set(proof) == {"format", "entry", "leaf", "path", "checkpoint"}


def test_each_release_leaves_its_checkpoint_beside_the_bundles_and_with_the_witness(world: World) -> None:
    first = json.loads(_files(_released(world))[PROOF])["checkpoint"]
    assert LastCheckpoint(world.home / "releases").last() == first
    second = json.loads(_files(_released(world))[PROOF])["checkpoint"]
    assert LastCheckpoint(world.home / "releases").last() == second
    held = WitnessFile(world.home / "witness.log", world.desk.public_key).held()
    assert held[-1].size > checkpoints.read(second, world.desk.public_key).size


def _resigned(world: World, bundle: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """The bundle with its proof changed and everything signed again by the same key: a haven that lies."""
    files = _files(bundle)
    proof = json.loads(files[PROOF])
    files[PROOF] = json.dumps(change(proof) or proof).encode()
    manifest = json.loads(files[MANIFEST])
    from haven.release.objects import sha256  # noqa: PLC0415 - used here alone
    from haven.release.tables import canonical_json  # noqa: PLC0415 - the same

    manifest["files"][PROOF] = {"sha256": sha256(files[PROOF]), "size": len(files[PROOF])}
    files[MANIFEST] = canonical_json(manifest)
    key: SigningKey = open_key(world.home / "keys")
    files[SIGNATURE] = key.sign(files[MANIFEST])
    return pack(files)


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: proof.update(entry=proof["entry"] - 1),
        lambda proof: proof.update(path=proof["path"][:-1]),
        lambda proof: proof.update(leaf=proof["path"][0]),
        lambda proof: proof.update(checkpoint=proof["checkpoint"].replace(ORIGIN, "haven-else")),
        lambda proof: proof.pop("path"),
        lambda _: ["no proof"],
    ],
)
def test_a_proof_that_does_not_hold_is_found_though_it_is_signed(world: World, change: Callable[[dict[str, Any]], object]) -> None:
    report = _verified(world, _resigned(world, _released(world), change))
    assert not report.whole


def test_a_whole_proof_of_another_entry_is_found(world: World) -> None:
    bundle = _released(world)
    notary = world.ledger.notary
    assert notary is not None
    other = notary.prove(1)
    report = _verified(world, _resigned(world, bundle, lambda _: other))
    assert report.problems == ("It shows another entry of the books than its decision.",)


def test_a_bundle_of_an_earlier_version_shows_nothing_and_is_whole(world: World) -> None:
    world.ledger.notary = None
    report = _verified(world, _released(world))
    assert (report.whole, report.ledger_size) == (True, None)


def test_nothing_is_decided_signed_or_handed_out_while_the_books_are_in_doubt(world: World) -> None:
    done = world.submitted()
    world.desk.approve(CHECKER, done, "check.safe", "Looked at everything.", world.clock())
    world.desk.approve(SECOND, done, "check.dp-answer", "All noised.", world.clock())
    waiting = world.submitted()
    (world.home / "witness.log").write_bytes(b"")  # the witness has forgotten them
    notary = world.ledger.notary
    assert notary is not None
    notary.examine(NOW)
    acts: list[Callable[[], object]] = [
        lambda: world.desk.bundle(AUTHOR, done, world.clock()),
        lambda: world.desk.approve(CHECKER, waiting, "check.safe", "Looked at everything.", world.clock()),
        lambda: world.desk.reject(CHECKER, waiting, "check.safe", "Not this.", world.clock()),
        world.submitted,
        lambda: world.desk.leaving.conclude(done, world.clock()),
    ]
    for act in acts:
        with pytest.raises(Refused) as refused:
            act()
        assert refused.value.code is Code.BOOKS_BEHIND
