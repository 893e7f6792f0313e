"""What is known of public tables is that of the very snapshot a question runs on, is read once, and is told to everyone."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from haven.cli.house import House, open_books, open_house
from haven.cli.main import app
from haven.cli.registration import ingest_again, withdraw_units
from haven.client.catalogue import Dataset as ShownDataset
from haven.engines.facts import FACTS
from haven.ledger.registry import PolicyKind, Registry, State
from haven.mediator import policies as policies_module
from haven.mediator.policies import InForce
from haven.policy.explain import explain_dataset
from haven.web.overviews import public_tables
from tests.support.house import ANNA, KEEPER, ask, clinic_policy, register_agreed, silent

SITES = "site,name,beds,opened\nnorth,North ward,12,1990-05-01\nsouth,South ward,,2001-01-31\nwest,South ward,7,2001-01-31\n"


def write_sites(house: House, text: str = SITES) -> Path:
    """The policy of `clinic` with a public table of its sites, whose columns it leaves to `sites.csv`."""
    document = clinic_policy()
    document["tables"]["sites"] = {"source": "sites.csv", "public": True}
    folder = house.home.home.root / "sources"
    (folder / "sites.csv").write_text(text, encoding="utf-8")
    path = folder / "with-sites.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def add_sites(house: House, text: str = SITES) -> None:
    path = write_sites(house, text)
    with open_books(house.home.home.root) as (home, ledger):
        register_agreed(path, home, ledger)


def numbered(rows: int) -> str:
    return "site\n" + "".join(f"s{i}\n" for i in range(rows))


def told(house: House) -> dict[str, Any]:
    table: dict[str, Any] = house.enquiries.dataset("clinic", ANNA)["tables"]["sites"]
    return table


def agree(now: InForce) -> bool:
    """The sites of snapshot n are n."""
    dataset = now.catalogue["clinic"]
    return dataset.facts["sites"].rows == now.snapshot("clinic") and list(dataset.tables["sites"].columns) == ["site"]


def test_a_project_sees_a_public_table_with_its_columns_and_facts(normal_house: House) -> None:
    assert normal_house.policies.now().catalogue["clinic"].facts == {}
    add_sites(normal_house)
    now = normal_house.policies.now()
    clinic = now.catalogue_of(now.project("aging"))["clinic"]
    columns = {name: (str(column.type), column.nullable) for name, column in clinic.tables["sites"].columns.items()}
    assert columns == {"site": ("category", False), "name": ("category", False), "beds": ("integer", True), "opened": ("date", False)}
    facts = clinic.facts["sites"]
    assert facts.rows == 3
    assert [column.most_alike for column in facts.columns.values()] == [1, 2, 1, 2]
    assert now.dataset("clinic").tables["sites"].columns == {}
    assert ask(normal_house, "SELECT COUNT(*) AS n FROM persons", "0.01").receipt["snapshot"] is not None


def test_the_catalogue_tells_rows_values_and_ends(normal_house: House) -> None:
    add_sites(normal_house)
    table = told(normal_house)
    assert table["public"]
    assert table["rows"] == 3
    assert table["unit_column"] is None
    assert {name: column["facts"] for name, column in table["columns"].items()} == {
        "site": {"values": 3, "low": None, "high": None, "most_alike": 1},
        "name": {"values": 2, "low": None, "high": None, "most_alike": 2},
        "beds": {"values": 2, "low": 7, "high": 12, "most_alike": 1},
        "opened": {"values": 2, "low": "1990-05-01", "high": "2001-01-31", "most_alike": 2},
    }


def test_nothing_is_counted_of_a_personal_table(normal_house: House) -> None:
    add_sites(normal_house)
    tables = normal_house.enquiries.dataset("clinic", KEEPER)["tables"]
    assert set(tables) == {"persons", "visits", "scans", "sites"}
    for name in ("persons", "visits", "scans"):
        assert "rows" not in tables[name]
        assert all("facts" not in column for column in tables[name]["columns"].values())


def test_the_notebook_shows_a_public_table_by_what_is_in_it(normal_house: House) -> None:
    add_sites(normal_house)
    dataset = ShownDataset.of(json.loads(json.dumps(normal_house.enquiries.dataset("clinic", ANNA))))
    shown = dataset._repr_html_()
    for words in ("public, 3 rows", "2 values, 7 … 12", "2 values, 1990-05-01 … 2001-01-31", "3 values"):
        assert words in shown
    assert dataset.table("sites").schema().names == ("site", "name", "beds", "opened")


def test_the_custodian_sees_and_may_explain_it(normal_house: House) -> None:
    add_sites(normal_house)
    root = normal_house.home.home.root
    shown = CliRunner().invoke(app, ["dataset", "show", "clinic", "--home", str(root)])
    assert json.loads(shown.stdout)["tables"]["sites"] == told(normal_house)
    sound = CliRunner().invoke(app, ["policy", "check", str(root / "sources" / "with-sites.yaml")])
    assert sound.exit_code == 0
    sentences = explain_dataset(normal_house.policies.dataset("clinic"))
    assert "  Its columns are those of its source." in sentences


def test_the_custodians_page_counts_rows_and_values(normal_house: House) -> None:
    add_sites(normal_house)
    (line,) = public_tables(normal_house.policies.now().catalogue["clinic"])
    assert (line.name, line.rows) == ("sites", 3)
    assert [(column.name, column.type, column.values) for column in line.columns] == [
        ("site", "category", "3"),
        ("name", "category", "2"),
        ("beds", "integer", "2"),
        ("opened", "date", "2"),
    ]


def test_facts_outlive_a_restart_and_a_withdrawal(normal_house: House) -> None:
    add_sites(normal_house)
    before, root = normal_house.policies.now().catalogue["clinic"], normal_house.home.home.root
    with open_house(root) as again:
        assert again.policies.now().catalogue["clinic"] == before
    leaving = root / "leaving.csv"
    leaving.write_text("person-003\n", encoding="utf-8")
    with open_books(root) as (home, ledger):
        withdraw_units("clinic", leaving, home, ledger)
    now = normal_house.policies.now()
    assert now.snapshot("clinic") == 3
    assert now.catalogue["clinic"] == before


def test_a_snapshot_made_before_there_were_facts_has_none(normal_house: House) -> None:
    add_sites(normal_house)
    (normal_house.home.home.data / "clinic" / "2" / FACTS).unlink()
    with open_house(normal_house.home.home.root) as again:
        assert again.policies.now().catalogue["clinic"].facts == {}
        table = again.enquiries.dataset("clinic", ANNA)["tables"]["sites"]
    assert table["rows"] is None
    assert table["columns"] == {}


def test_facts_are_those_of_the_snapshot_in_force_while_another_is_taken_in(normal_house: House) -> None:
    """Readers never see the facts of one snapshot with the number of another; each new one is seen from the next reading on."""
    write_sites(normal_house, numbered(2))
    add_sites(normal_house, numbered(2))
    stop, wrong, seen = threading.Event(), [], set()

    def watch() -> None:
        while not stop.is_set():
            now = normal_house.policies.now()
            seen.add(now.snapshot("clinic"))
            if not agree(now):
                wrong.append(now.snapshot("clinic"))

    watchers = [threading.Thread(target=watch) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for serial in (3, 4):
            write_sites(normal_house, numbered(serial))
            with open_books(normal_house.home.home.root) as (home, ledger):
                ingest_again("clinic", home, ledger, silent)
            assert normal_house.policies.now().snapshot("clinic") == serial
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join()
    assert wrong == []
    assert seen <= {2, 3, 4}


def test_facts_read_half_way_through_a_change_are_read_again(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policies are read, then a snapshot is added, then its number is read: policy, number and facts must be of one moment."""
    add_sites(normal_house, numbered(2))
    root, real = normal_house.home.home.root, Registry.current_snapshot
    changed: list[str] = []

    def change_first(registry: Registry, dataset: str) -> int | None:
        if registry is normal_house.ledger.registry and not changed:
            changed.append(dataset)
            write_sites(normal_house, numbered(3))
            with open_books(root) as (home, ledger):
                ingest_again("clinic", home, ledger, silent)
        return real(registry, dataset)

    monkeypatch.setattr(Registry, "current_snapshot", change_first)
    now = normal_house.policies.now()
    assert changed
    assert now.snapshot("clinic") == 3
    assert agree(now)


def test_nothing_is_read_or_parsed_again_while_nothing_changed(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    add_sites(normal_house)
    normal_house.policies.now()
    work: list[str] = []
    for name in ("read_facts", "parse_dataset_policy", "parse_project_policy"):
        real = getattr(policies_module, name)

        def noted(*given: Any, _real: Any = real, _name: str = name, **options: Any) -> Any:  # noqa: ANN401 - stands in for three
            work.append(_name)
            return _real(*given, **options)

        monkeypatch.setattr(policies_module, name, noted)
    for _ in range(20):
        assert normal_house.policies.now().catalogue["clinic"].facts["sites"].rows == 3
    assert work == []
    registry, now = normal_house.ledger.registry, normal_house.mediator.clock()
    registry.set_state(PolicyKind.DATASET, "sister", State.PAUSED, "for a while", "operator", now)
    assert normal_house.policies.halt("sister") == "for a while"
    assert work == []
    with open_books(normal_house.home.home.root) as (home, ledger):
        ingest_again("clinic", home, ledger, silent)
    work.clear()  # what the custodian's own command read
    assert normal_house.policies.now().catalogue["clinic"].facts["sites"].rows == 3
    assert work == ["read_facts"]
