"""Clients, crashes, power cuts and clocks in thousands of orders: every promise of the books and the desk holds after each step."""

import json
import logging
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.simulation import driver
from tests.simulation.simulated_house import build_template

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of the test's own is made in it: real commits, without a disk's waiting
PIECE = 50


@pytest.fixture(name="template", scope="module")
def _template() -> Iterator[Path]:
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield build_template(Path(folder) / "template")


def _run(seed: int, template: Path) -> driver.Run:
    place = template.parent / f"seed-{seed}-{os.getpid()}"
    place.mkdir()
    try:
        return driver.run(seed, template, place)
    finally:
        shutil.rmtree(place)


def _piece(seeds: Sequence[int], template: Path) -> tuple[Counter[str], list[tuple[int, tuple[str, ...]]]]:
    """Several seeds: what they came to together, and each that broke a promise."""
    logging.disable(logging.ERROR)  # thousands of faults that are meant
    counts: Counter[str] = Counter()
    broken = []
    for seed in seeds:
        done = _run(seed, template)
        counts += done.counts
        if done.problems:
            broken.append((seed, done.problems))
    return counts, broken


@pytest.mark.parametrize("seed", [3, 20, 51])
def test_one_seed_is_one_run(template: Path, seed: int) -> None:
    first, second = _run(seed, template), _run(seed, template)
    assert first.transcript == second.transcript
    assert len(first.transcript) > 20
    assert first.transcript != _run(seed + 1, template).transcript


@pytest.mark.parametrize(
    "seeds",
    [pytest.param(40, id="40-seeds"), pytest.param(10_000, marks=[pytest.mark.audit, pytest.mark.timeout(4 * 3600)], id="10000-seeds")],
)
def test_no_order_of_events_breaks_a_promise(template: Path, seeds: int) -> None:
    pieces = [range(first, min(first + PIECE, seeds)) for first in range(0, seeds, PIECE)]
    run = partial(_piece, template=template)
    if len(pieces) == 1:
        done = [run(pieces[0])]
    else:
        with ProcessPoolExecutor(os.cpu_count()) as processes:
            done = list(processes.map(run, pieces))
    counts: Counter[str] = sum((counted for counted, _ in done), Counter())
    broken = [each for _, found in done for each in found]
    said = {"seeds": seeds, "seeds that broke a promise": len(broken), **counts}
    ARTIFACTS.mkdir(exist_ok=True)
    (ARTIFACTS / "simulation.json").write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    print(said)  # noqa: T201 - the audit's figures
    assert broken == []
    for happened in ("answered", "refused", "fault", "kills", "power cuts", "torn writes", "in doubt", "released", "budgets lowered"):
        assert counts[happened] > 0


def test_the_model_sees_a_lost_spend_a_wrong_total_and_an_overspent_cap(template: Path, tmp_path: Path) -> None:
    """The judge is not blind: each is brought about behind its back, and found."""
    dice = driver.random.Random(1)
    with driver.house.determined(dice):
        simulation = driver.Simulation(dice, template, tmp_path)
        model = simulation.model
        try:
            _ask_until(simulation, "answered")
            model.check()
            assert model.problems == []
            assert model.books is not None
            model.books.execute("UPDATE accounts SET spent_pico = '0'")
            model.spends["q-was-acknowledged"] = driver.Known(1, (), driver.START, "one")
            model.check()
            assert model.problems == ["a spend is lost", "the total of an account is not the sum of its spends"]
            model.caps = dict.fromkeys(model.caps, 1)
            model.counts.clear()
            _ask_until(simulation, "answered")
            assert "population is overspent" in model.problems
        finally:
            simulation.close()
            model.look_at(None)


def _ask_until(simulation: driver.Simulation, outcome: str) -> None:
    for _ in range(500):
        if simulation.model.counts[outcome] > 2:
            return
        simulation._request()
        simulation._resume()
    pytest.fail("no question was answered")
