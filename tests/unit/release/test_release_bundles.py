"""Bundles: what is in them, that any change is found, and that hostile zips are refused."""

import csv
import io
import json
import random
import stat
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from ruamel.yaml import YAML

from haven.errors import Code, Refused
from haven.policy.roles import Tier
from haven.release import VerifyReport, records, verify_bundle
from haven.release.bundle import build as build_bundle
from haven.release.bundle import pack
from haven.release.signing import PUBLIC_NAME, make_key, open_key, open_or_make_key
from tests.support.release_world import AUTHOR, CHECKER, SECOND, World, answer, build


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = build(tmp_path_factory.mktemp("home"), Tier.HIGH)
    yield made
    made.ledger.close()


@pytest.fixture(scope="module")
def bundle(world: World) -> bytes:
    release = world.submitted()
    world.desk.approve(CHECKER, release, "check.safe", "Looked at everything.", world.clock())
    world.desk.approve(SECOND, release, "check.dp-answer", "All noised.", world.clock())
    return world.desk.bundle(AUTHOR, release, world.clock())


def files_of(bundle: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(bundle)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def verified(folder: Path, content: bytes, key: str | None = None) -> VerifyReport:
    path = folder / "bundle.zip"
    path.write_bytes(content)
    return verify_bundle(path, key)


def test_a_bundle_is_whole_and_says_whose_it_is(world: World, bundle: bytes, tmp_path: Path) -> None:
    report = verified(tmp_path, bundle, world.desk.public_key)
    assert (report.whole, report.authentic, report.files) == (True, True, 14)
    assert "whole" in report.sentence()
    assert "the key you gave" in report.sentence()


def test_without_a_key_it_is_only_consistent_with_itself(bundle: bytes, tmp_path: Path) -> None:
    report = verified(tmp_path, bundle)
    assert (report.whole, report.authentic) == (True, None)
    assert "Give the haven's public key" in report.sentence()


def test_another_havens_key_is_told_apart(bundle: bytes, tmp_path: Path) -> None:
    report = verified(tmp_path, bundle, open_or_make_key(tmp_path / "other").public)
    assert not report.whole
    assert report.authentic is False
    assert "NOT whole" in report.sentence()


def test_a_bundle_holds_results_provenance_criteria_votes_and_credit(bundle: bytes) -> None:
    files = files_of(bundle)
    assert set(files) == {
        "results/i1-counts-by-test.csv",
        "results/i1-counts-by-test.json",
        "results/i1-counts-by-test.parquet",
        "results/i2-figure.png",
        "results/i3-notes.md",
        "provenance.json",
        "criteria.json",
        "votes.json",
        "LICENSE.txt",
        "ATTRIBUTION.txt",
        "citation.cff",
        "references.bib",
        "datacite.json",
        "ro-crate-metadata.json",
        "manifest.json",
        "manifest.sig",
    }


def test_tables_are_the_recorded_answer_with_their_half_widths(bundle: bytes) -> None:
    files = files_of(bundle)
    rows = list(csv.reader(io.StringIO(files["results/i1-counts-by-test.csv"].decode())))
    assert rows == [["test", "n", "n_error_95"], ["chol", "812", "12.5"], ["'=cmd|x", "95", "12.5"]]
    table = pq.read_table(io.BytesIO(files["results/i1-counts-by-test.parquet"]))
    assert table.to_pydict() == {"test": ["chol", "=cmd|x"], "n": [812, 95], "n_error_95": [12.5, 12.5]}
    assert json.loads(table.schema.metadata[b"haven"]) == answer().receipt


def test_provenance_carries_the_receipt_and_the_policy_digest(bundle: bytes) -> None:
    (table, figure, _) = json.loads(files_of(bundle)["provenance.json"])["items"]
    assert table["receipt"] == answer().receipt
    assert table["policy_digest"] == "b" * 64
    assert figure["receipt"] is None


def test_votes_are_pseudonymous_and_criteria_stated(bundle: bytes) -> None:
    files = files_of(bundle)
    votes = json.loads(files["votes.json"])
    assert {one["checker"] for one in votes} == {"checker 1", "checker 2"}
    assert b"cleo" not in bundle
    assert b"carl" not in bundle
    criteria = json.loads(files["criteria.json"])
    assert set(criteria["criteria"]) == {"check.safe", "check.dp-answer"}
    assert criteria["datasets"]["nafld"] == {"policy_digest": "b" * 64, "low_count": 10, "protected_columns": ["ethnicity"]}


def test_credit_is_given_in_the_forms_that_tools_read(bundle: bytes) -> None:
    files = files_of(bundle)
    citation = YAML(typ="safe").load(files["citation.cff"])
    assert citation["cff-version"] == "1.2.0"
    assert citation["references"][0]["doi"] == "10.1000/nafld"
    assert "Allen et al. \\{2018\\}" in files["references.bib"].decode()
    datacite = json.loads(files["datacite.json"])
    assert datacite["contributors"][0]["nameIdentifiers"][0]["nameIdentifier"] == "https://orcid.org/0000-0002-1825-0097"
    assert "A. Allen (data-curation); Registry" in files["ATTRIBUTION.txt"].decode()
    assert "Fund (42)" in files["ATTRIBUTION.txt"].decode()


def test_the_crate_is_ro_crate_1_3_and_names_every_payload_file(bundle: bytes) -> None:
    files = files_of(bundle)
    graph = {one["@id"]: one for one in json.loads(files["ro-crate-metadata.json"])["@graph"]}
    assert graph["ro-crate-metadata.json"]["conformsTo"]["@id"] == "https://w3id.org/ro/crate/1.3"
    root = graph["./"]
    assert {part["@id"] for part in root["hasPart"]} == set(files) - {"manifest.json", "manifest.sig", "ro-crate-metadata.json"}
    assert all(root.get(key) for key in ("name", "description", "datePublished", "license"))
    assert graph["https://orcid.org/0000-0002-1825-0097"]["@type"] == "Person"
    references = [value["@id"] for one in graph.values() for value in one.values() if isinstance(value, dict) and "@id" in value]
    assert {one for one in references if one.startswith(("#", "results"))} <= set(graph)


def test_any_flipped_byte_is_found(bundle: bytes, tmp_path: Path) -> None:
    choose = random.Random(20260301)  # noqa: S311 - places to damage, not secrets
    places = sorted({*range(120), *range(len(bundle) - 200, len(bundle)), *choose.sample(range(len(bundle)), 300)})
    for place in places:
        damaged = bytearray(bundle)
        damaged[place] ^= 1 << choose.randrange(8)
        assert not verified(tmp_path, bytes(damaged)).whole, place


@pytest.mark.parametrize("cut", [0, 1, 10, 1000])
def test_a_truncated_or_padded_bundle_is_found(bundle: bytes, tmp_path: Path, cut: int) -> None:
    assert not verified(tmp_path, bundle[: len(bundle) - cut - 1]).whole
    assert not verified(tmp_path, bundle + b"x" * (cut + 1)).whole
    assert not verified(tmp_path, b"x" * (cut + 1) + bundle).whole


def changed(bundle: bytes, change: Callable[[dict[str, bytes]], object]) -> bytes:
    files = files_of(bundle)
    change(files)
    return pack(files)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda files: files.pop("votes.json"), "votes.json is missing."),
        (lambda files: files.update({"results/extra.csv": b"1"}), "results/extra.csv is not in the manifest."),
        (lambda files: files.update({"votes.json": b"[]"}), "votes.json is not as it was signed."),
        (lambda files: files.update({"manifest.sig": b"\0" * 64}), "Its signature does not hold."),
        (lambda files: files.pop("manifest.sig"), "It has no manifest.sig."),
        (lambda files: files.pop("manifest.json"), "It has no manifest.json."),
        (lambda files: files.update({"manifest.json": b"[]"}), "Its manifest is not one of this format."),
        (lambda files: files.update({"manifest.json": b"{"}), "It is not a zip file, or it is damaged."),
        (lambda files: files.update({"../outside.txt": b"1"}), "It holds a file whose name could lead outside."),
        (lambda files: files.update({"/etc/passwd": b"1"}), "It holds a file whose name could lead outside."),
        (lambda files: files.update({"a/../../b": b"1"}), "It holds a file whose name could lead outside."),
        (lambda files: files.update({"-rf": b"1"}), "It holds a file whose name could lead outside."),
        (lambda files: files.update({"VOTES.json": b"1"}), "It holds two files of one name."),
        (lambda files: files.update({f"n{number}": b"" for number in range(2001)}), "It holds too many files."),
    ],
)
def test_a_changed_bundle_says_what_is_wrong(
    bundle: bytes, tmp_path: Path, change: Callable[[dict[str, bytes]], object], problem: str
) -> None:
    assert problem in verified(tmp_path, changed(bundle, change)).problems


def test_a_manifest_signed_by_somebody_else_is_whole_only_without_the_havens_key(world: World, bundle: bytes, tmp_path: Path) -> None:
    other = open_or_make_key(tmp_path / "keys")

    def resign(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"])
        manifest["public_key"] = other.public
        files["manifest.json"] = json.dumps(manifest).encode()
        files["manifest.sig"] = other.sign(files["manifest.json"])

    forged = changed(bundle, resign)
    assert verified(tmp_path, forged).whole
    assert "It was signed by another key than the one given." in verified(tmp_path, forged, world.desk.public_key).problems


@pytest.mark.parametrize("key", ["zz", "00", "0" * 64])
def test_a_manifest_with_an_odd_key_does_not_verify(bundle: bytes, tmp_path: Path, key: str) -> None:
    def odd(files: dict[str, bytes]) -> None:
        files["manifest.json"] = json.dumps({**json.loads(files["manifest.json"]), "public_key": key}).encode()

    assert not verified(tmp_path, changed(bundle, odd)).whole


def hostile(tmp_path: Path, write: Callable[[zipfile.ZipFile], None]) -> VerifyReport:
    path = tmp_path / "hostile.zip"
    with zipfile.ZipFile(path, "w") as archive:
        write(archive)
    return verify_bundle(path)


def test_links_folders_compression_bombs_and_repeats_are_refused(tmp_path: Path) -> None:
    def link(archive: zipfile.ZipFile) -> None:
        info = zipfile.ZipInfo("link")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")

    def bomb(archive: zipfile.ZipFile) -> None:
        archive.writestr("zeros", b"\0" * 50_000_000, zipfile.ZIP_DEFLATED)

    def folder(archive: zipfile.ZipFile) -> None:
        archive.mkdir("folder")

    for write in (link, bomb, folder):
        assert not hostile(tmp_path, write).whole

    def twice(archive: zipfile.ZipFile) -> None:
        for content in ("1", "2"):
            info = zipfile.ZipInfo("same")
            info.external_attr = 0o100644 << 16
            archive.writestr(info, content)

    with pytest.warns(UserWarning, match="Duplicate name"):
        report = hostile(tmp_path, twice)
    assert report.problems == ("It holds two files of one name.",)


@pytest.mark.parametrize("content", [b"", b"PK", b"not a zip", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_zip_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    assert verified(tmp_path, content).problems == ("It is not a zip file, or it is damaged.",)


def test_a_missing_file_is_refused_and_a_giant_found(tmp_path: Path) -> None:
    with pytest.raises(Refused) as error:
        verify_bundle(tmp_path / "none.zip")
    assert error.value.code is Code.VERIFY_FAILED
    giant = tmp_path / "giant.zip"
    with giant.open("wb") as file:
        file.truncate(513 * 2**20)
    assert verify_bundle(giant).problems == ("It is larger than a release may be.",)


def test_the_same_release_makes_the_same_bundle(world: World) -> None:
    release = world.submitted()
    for checker in (CHECKER, SECOND):
        world.desk.reviewing.approve(checker, release, "check.safe", "Fine.", world.clock())
    with world.ledger.read() as connection:
        request = records.load(connection, release)
    now = datetime(2026, 3, 2, tzinfo=UTC)
    contents = world.desk.leaving._contents(request, now)
    first, second = (build_bundle(request, contents, world.desk.leaving.key, now) for _ in range(2))
    assert first == second


def test_only_a_decided_request_has_a_bundle(world: World) -> None:
    release = world.submitted()
    with world.ledger.read() as connection:
        request = records.load(connection, release)
    contents = world.desk.leaving._contents(request, world.clock())
    with pytest.raises(ValueError, match="decided"):
        build_bundle(request, contents, world.desk.leaving.key, world.clock())


def test_the_key_is_made_once_kept_private_and_its_public_half_readable(tmp_path: Path) -> None:
    first = open_or_make_key(tmp_path / "keys")
    private = tmp_path / "keys" / "release.key"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert open_or_make_key(tmp_path / "keys").public == first.public
    assert (tmp_path / "keys" / PUBLIC_NAME).read_text() == f"{first.public}\n"
    assert first.public not in repr(first)


def test_a_key_that_others_may_read_or_that_is_damaged_is_refused(tmp_path: Path) -> None:
    make_key(tmp_path)
    path = tmp_path / "release.key"
    path.chmod(0o644)
    with pytest.raises(Refused, match="may be read by others"):
        open_key(tmp_path)
    path.chmod(0o600)
    path.write_bytes(b"junk")
    with pytest.raises(Refused, match="damaged"):
        open_key(tmp_path)


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    other = generate_private_key(SECP256R1())
    path = tmp_path / "release.key"
    path.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    path.chmod(0o600)
    with pytest.raises(Refused, match="not an Ed25519 key"):
        open_key(tmp_path)
