"""`haven audit` and `haven witness` at a terminal: checkpoints, proofs that others check offline, and a witness run for real."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from haven.cli.house import open_books, open_house
from haven.cli.main import app
from haven.errors import Refused
from haven.ledger import checkpoints, merkle
from haven.ledger.witness import WitnessFile
from tests.support.house import ask

COUNT = "SELECT COUNT(*) AS n FROM persons"
PATIENCE_S = 60.0


def haven(*words: object) -> Result:
    return CliRunner().invoke(app, [*map(str, words)], env={"COLUMNS": "400", "HAVEN_HOME": "", "HAVEN_TOKEN": ""})


def done(*words: object) -> str:
    result = haven(*words)
    assert result.exit_code == 0, result.output
    return result.stdout


def public_of(home: Path) -> str:
    return (home / "keys" / "release.pub").read_text().strip()


def test_a_checkpoint_is_printed_signed_and_witnessed(normal_home: Path) -> None:
    note = done("audit", "checkpoint", "--home", normal_home)
    found = checkpoints.read(note, public_of(normal_home))
    assert [one.size for one in WitnessFile(normal_home / "witness.log", public_of(normal_home)).held()][-1] == found.size
    assert json.loads(done("audit", "checkpoint", "--json", "--home", normal_home))["doubt"] is None
    assert re.fullmatch(r"haven-[0-9a-f]{16}", found.origin)


def test_a_receipt_is_proved_and_the_proof_checked_without_the_home(normal_home: Path, tmp_path: Path) -> None:
    with open_house(normal_home) as house:
        receipt = ask(house, COUNT, "0.1").receipt["id"]
    proof, key = tmp_path / "proof.json", normal_home / "keys" / "release.pub"
    proof.write_text(done("audit", "prove", receipt, "--with-text", "--home", normal_home))
    document = json.loads(proof.read_text())
    assert json.loads(document["body"])["detail"]["id"] == receipt
    assert f"Entry {document['entry']} is in the books" in done("audit", "check-proof", proof, "--key", key)
    assert json.loads(done("audit", "check-proof", proof, "--key", key, "--json"))["holds"]
    proof.write_text(json.dumps(document | {"body": document["body"].replace("posted", "voided")}))
    assert haven("audit", "check-proof", proof, "--key", key).exit_code == 3
    assert "body" not in json.loads(done("audit", "prove", document["entry"], "--home", normal_home))


def test_growth_is_proved_between_two_sizes(normal_home: Path, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    proof.write_text(done("audit", "prove", "--since", 3, "--until", 9, "--home", normal_home))
    said = done("audit", "check-proof", proof, "--key", public_of(normal_home))
    assert "at 3 entries are the beginning of those at 9" in said
    assert json.loads(done("audit", "prove", "--since", 3, "--home", normal_home))["format"] == "haven-consistency/1"


@pytest.mark.parametrize("words", [("q-nothing",), ("0",), ("999999",), (), ("--since", "999999"), ("--since", "5", "--until", "3")])
def test_what_is_not_there_is_not_proved(normal_home: Path, words: tuple[str, ...]) -> None:
    assert haven("audit", "prove", *words, "--home", normal_home).exit_code == 2


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, b'{"format": "haven-inclusion/1"}'])
def test_what_is_no_proof_does_not_hold(normal_home: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "proof.json").write_bytes(content)
    result = haven("audit", "check-proof", tmp_path / "proof.json", "--key", public_of(normal_home))
    assert (result.exit_code, "NOT hold" in result.stdout) == (3, True)


def test_an_export_comes_with_the_checkpoint_that_covers_it(normal_home: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in done("audit", "export", "--checkpoint", tmp_path / "note", "--home", normal_home).splitlines()]
    found = checkpoints.read((tmp_path / "note").read_text(encoding="utf-8"), public_of(normal_home))
    edge = merkle.Edge()
    for line in lines:
        body = {name: line[name] for name in ("actor", "at", "detail", "kind", "seq")}
        edge.add(merkle.leaf(json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)))
    assert (found.size, found.root) == (len(lines), edge.root())
    assert lines[-1]["kind"] == "books.exported"


@contextmanager
def _serving(home: Path, folder: Path) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """`haven witness serve` in a process of its own: its address and its key."""
    command = [sys.executable, "-m", "haven.cli.main", "witness", "serve", str(folder / "kept.log"), "--key", public_of(home)]
    process = subprocess.Popen(
        [*command, "--port", "0"], stdout=subprocess.PIPE, text=True, env=os.environ | {"COLUMNS": "400", "PYTHONUNBUFFERED": "1"}
    )
    try:
        assert process.stdout is not None
        address, key = process.stdout.readline(), process.stdout.readline()
        yield re.search(r"http://\S+", address)[0], key.split()[-1], process  # type: ignore[index]
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def _name_witness(home: Path, address: str, key: str) -> None:
    settings = home / "haven.yaml"
    lines = [line for line in settings.read_text().splitlines() if not line.startswith("witness")]
    settings.write_text("\n".join([*lines, f"witness: {address}", f"witness_key: {json.dumps(key)}", ""]))


def test_a_witness_at_an_address_is_told_and_asked(normal_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haven.ledger.notary.AGAIN_S", 0.0)
    with _serving(normal_home, tmp_path) as (address, key, process):
        _name_witness(normal_home, address, key)
        # another witness than the one that these books told before knows nothing of them
        told = json.loads(haven("audit", "checkpoint", "--json", "--home", normal_home).stdout)
        if told["doubt"] is not None:
            assert told["doubt"] == "lost"
            (tmp_path / "kept.log").write_bytes((normal_home / "witness.log").read_bytes())
        with open_house(normal_home) as house:
            ask(house, COUNT, "0.1")
        held = WitnessFile(tmp_path / "kept.log", public_of(normal_home)).held()
        with open_books(normal_home) as (_, ledger):
            assert held[-1].size == ledger.entries(limit=1)[0].seq
            with ledger.read() as connection:
                note = [kept.note for kept in checkpoints.kept(connection)][-1]
        assert "\u2014 witness " in note, "the cosignature is kept with the checkpoint"
        process.send_signal(signal.SIGKILL)
        process.wait()
        with open_house(normal_home) as house, pytest.raises(Refused):
            ask(house, COUNT, "0.1")


def test_the_witness_ends_by_ctrl_c(normal_home: Path, tmp_path: Path) -> None:
    with _serving(normal_home, tmp_path) as (_, _, process):
        process.send_signal(signal.SIGINT)
        until = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        assert process.returncode == 0


@pytest.mark.parametrize("setting", ["witness_key: nonsense", "witness_key: a+b+c"])
def test_a_witnesss_key_that_is_none_is_refused(normal_home: Path, setting: str) -> None:
    settings = normal_home / "haven.yaml"
    lines = [line for line in settings.read_text().splitlines() if not line.startswith("witness")]
    settings.write_text("\n".join([*lines, "witness: http://127.0.0.1:9", setting, ""]))
    result = haven("audit", "checkpoint", "--home", normal_home)
    assert (result.exit_code, "witness_key" in result.stderr) == (2, True)
