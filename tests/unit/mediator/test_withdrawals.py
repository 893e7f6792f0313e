"""Who has withdrawn is out of every answer from the next question on; the books stay, and no old answer comes back."""

from pathlib import Path

import pytest

from haven.cli.house import House, open_books
from haven.cli.registration import ingest_again, withdraw_units
from haven.engines.snapshot import database_of
from haven.ledger.audit import audit_verify
from tests.support.house import PERSONS, ask, silent, source_rows

COUNT = "SELECT COUNT(*) AS n FROM persons"


@pytest.fixture
def leaving(tmp_path: Path) -> Path:
    units = tmp_path / "units.csv"
    units.write_text("person-003\nperson-007\nperson-011\nnobody-we-know\n", encoding="utf-8")
    return units


def _withdraw(house: House, units: Path) -> None:
    with open_books(house.home.home.root) as (home, ledger):
        withdraw_units("clinic", units, home, ledger)


def test_the_withdrawn_are_gone_from_the_next_question(bench_house: House, leaving: Path) -> None:
    assert ask(bench_house, COUNT).rows == ((PERSONS,),)
    _withdraw(bench_house, leaving)
    stay = [row for row in source_rows()["visits"] if row["id"] not in leaving.read_text(encoding="utf-8").split()]
    answer = ask(bench_house, COUNT)
    assert (answer.rows, answer.receipt["replayed"]) == (((PERSONS - 3,),), False)
    assert ask(bench_house, "SELECT COUNT(*) AS n FROM visits").rows == ((len(stay),),)
    assert audit_verify(bench_house.home.home.books).whole


def test_their_rows_are_no_longer_on_the_disk(bench_house: House, leaving: Path) -> None:
    first = bench_house.home.home.data / "clinic" / "1"
    assert database_of(first).exists()
    _withdraw(bench_house, leaving)
    assert not database_of(first).exists()


def test_reading_the_sources_again_does_not_bring_them_back(bench_house: House, leaving: Path) -> None:
    _withdraw(bench_house, leaving)
    with open_books(bench_house.home.home.root) as (home, ledger):
        ingest_again("clinic", home, ledger, silent)
    assert ask(bench_house, COUNT).rows == ((PERSONS - 3,),)
