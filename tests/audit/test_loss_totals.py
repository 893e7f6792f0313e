"""Totals of fixed sequences under `gdp`, beside dp_accounting's composition of the whole distribution of their losses."""

import json
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from haven.privacy.gaussian_dp import least_epsilon
from tests.support.loss_sequences import DELTAS, SEQUENCES, Lattice, pico_of

ROOT = Path(__file__).parents[2]
ENVIRONMENT = ROOT / ".venv-peers" / "dp_accounting"
RECORDED = json.loads((ROOT / "tests" / "unit" / "privacy" / "loss_totals.json").read_text(encoding="utf-8"))["totals"]

pytestmark = [pytest.mark.audit, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def theirs() -> Any:  # noqa: ANN401 - as JSON reads it
    """By sequence and δ the lower and the upper bound of ε."""
    if not (ENVIRONMENT / ".made").is_file():
        pytest.skip("dp_accounting is not installed beside haven: make .venv-peers/dp_accounting/.made")
    told = {"deltas": DELTAS, "sequences": {name: [each.spoken() for each in sequence] for name, sequence in SEQUENCES.items()}}
    ran = subprocess.run(
        [str(ENVIRONMENT / "bin" / "python"), str(ROOT / "tests" / "support" / "loss_accountant.py")],
        input=json.dumps(told),
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(ran.stdout)


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_total_covers_the_composed_loss_and_of_gaussians_alone_is_hardly_more(name: str, theirs: Any) -> None:  # noqa: ANN401 - the same
    for delta in DELTAS:
        lower, upper = theirs[name][delta]
        total = float(least_epsilon(pico_of(SEQUENCES[name]), Fraction(delta), 6))
        print(f"{name}, δ {delta}: ε {total:.6f}, composed {lower:.6f} to {upper:.6f}")  # noqa: T201 - the audit's figures
        assert total >= lower
        assert total <= upper * 1.003 or not all(isinstance(each, Lattice) for each in SEQUENCES[name])


@pytest.mark.parametrize("name", SEQUENCES)
def test_what_is_recorded_is_what_the_other_accountant_says(name: str, theirs: Any) -> None:  # noqa: ANN401 - the same
    for delta in DELTAS:
        assert theirs[name][delta] == pytest.approx(RECORDED[name][delta], abs=2e-6)
