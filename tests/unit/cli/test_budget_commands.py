"""`haven budget` at a terminal: what is left, and a loss that was not booked, proposed by one custodian and confirmed by another."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from haven.cli.house import now, open_books
from haven.cli.main import app
from haven.ledger.audit import audit_verify
from haven.policy.roles import Role

PASSWORD = "four words in rows"  # noqa: S105 - of a test's accounts
LOSS = ("budget", "correct", "--dataset", "clinic", "--as", "keeper", "--reason", "sent by post")


@pytest.fixture(name="home")
def _home(normal_home: Path) -> Iterator[Path]:
    with open_books(normal_home) as (_, ledger):
        ledger.people.add_user("second", Role.CUSTODIAN, actor="setup", now=now())
        for name in ("keeper", "second", "anna"):
            ledger.people.set_password(name, PASSWORD, actor="setup", now=now())
    yield normal_home
    assert audit_verify(normal_home / "books.sqlite").problems == ()


def haven(home: Path, *words: str) -> Result:
    env = {"COLUMNS": "400", "HAVEN_HOME": "", "HAVEN_TOKEN": ""}
    return CliRunner().invoke(app, [*words, "--home", str(home)], input=f"{PASSWORD}\n", env=env)


def spent(home: Path, *of: str) -> dict[str, str]:
    lines = json.loads(haven(home, "budget", "show", "--dataset", "clinic", *of, "--json").stdout)
    return dict(lines[0]["spent"])


def test_a_loss_is_added_once_another_custodian_confirms_it(home: Path) -> None:
    proposed = haven(home, *LOSS, "--amount", "0.001", "--delta", "0.000000001", "--project", "aging", "--researcher", "anna")
    assert proposed.exit_code == 0, proposed.output
    assert spent(home)["rho"] == "0"
    number = re.search(r"p-[0-9a-f]+", proposed.stdout)
    assert number is not None
    confirmed = haven(home, "proposal", "confirm", number.group(), "--as", "second", "--reason", "it was")
    assert confirmed.exit_code == 0, confirmed.output
    assert (spent(home)["rho"], spent(home)["delta"]) == ("0.001", "0.000000001")
    assert spent(home, "--project", "aging")["rho"] == "0.001"
    assert spent(home, "--project", "both")["rho"] == "0"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--amount", "0.0000000000001"), "at most 12 decimals"),
        (("--amount", "-1"), "number from 0 on"),
        (("--amount", "1e3"), "number from 0 on"),
        (("--amount", "0"), "changes nothing"),
        (("--amount", "1", "--researcher", "anna"), "Name the project"),
        (("--amount", "1", "--project", "aging", "--researcher", "carl"), "no researcher of this project"),
        (("--amount", "1", "--project", "nothing"), "no such project"),
    ],
)
def test_what_is_no_loss_is_refused_before_any_password(home: Path, words: tuple[str, ...], said: str) -> None:
    refusal = haven(home, *LOSS, *words)
    assert refusal.exit_code == 2, refusal.output
    assert said in refusal.stderr
    assert "Password" not in refusal.stderr


def test_a_researcher_proposes_no_correction(home: Path) -> None:
    words = [word if word != "keeper" else "anna" for word in LOSS]
    refusal = haven(home, *words, "--amount", "1")
    assert refusal.exit_code == 2
    assert "Only a custodian does this" in refusal.stderr


def test_the_budget_in_words_says_how_long_it_lasts(home: Path) -> None:
    shown = haven(home, "budget", "show")
    assert shown.exit_code == 0
    assert "nothing was spent in the last 30 days" in shown.stdout
