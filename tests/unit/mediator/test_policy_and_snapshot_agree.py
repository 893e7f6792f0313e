"""A question's bounds are the policy's, and the rows it meets were stored by that very policy: whatever happens at the same time."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from haven.cli import registration
from haven.cli.house import House, open_books
from haven.cli.registration import ingest_again, register, withdraw_units
from haven.engines.snapshot import Snapshot
from haven.errors import Code, Refused
from haven.ledger.registry import PolicyKind, Registry
from tests.support.house import ask, clinic_policy, silent

SUM = "SELECT SUM(age) AS s FROM persons"


def narrower(house: House) -> Path:
    """The policy of `clinic` with narrower bounds of age, beside its sources."""
    document = clinic_policy()
    document["tables"]["persons"]["columns"]["age"]["bounds"] = [0, 1]
    path = house.home.home.root / "sources" / "narrower.yaml"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_a_new_policy_never_stands_without_its_snapshot(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = normal_house.ledger.registry
    before = registry.current_policy(PolicyKind.DATASET, "clinic")
    stale = registration._snapshot

    def already_taken(*given: object) -> Snapshot:
        return replace(stale(*given), serial=1)

    monkeypatch.setattr(registration, "_snapshot", already_taken)
    with open_books(normal_house.home.home.root) as (home, ledger), pytest.raises(Refused):
        register(narrower(normal_house), home, ledger, silent)
    assert registry.current_policy(PolicyKind.DATASET, "clinic") == before
    assert registry.current_snapshot("clinic") == 1


@pytest.mark.parametrize("act", ["ingest", "withdraw"])
def test_a_snapshot_stored_by_an_older_policy_is_not_made_current(normal_house: House, act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another custodian registers narrower bounds while rows are stored by the old ones."""
    root = normal_house.home.home.root
    leaving = root / "leaving.csv"
    leaving.write_text("person-003\n", encoding="utf-8")
    real = getattr(registration, act)

    def meanwhile(*given: object) -> Snapshot:
        monkeypatch.setattr(registration, act, real)
        with open_books(root) as (home, ledger):
            register(narrower(normal_house), home, ledger, silent)
        return real(*given)

    monkeypatch.setattr(registration, act, meanwhile)
    with open_books(root) as (home, ledger):
        doing = {
            "ingest": lambda: ingest_again("clinic", home, ledger, silent),
            "withdraw": lambda: withdraw_units("clinic", leaving, home, ledger),
        }
        with pytest.raises(Refused) as refusal:
            doing[act]()
    assert refusal.value.code is Code.REQUEST_CONFLICT
    assert not (root / "data" / "clinic" / "3").exists()
    assert normal_house.ledger.registry.current_snapshot("clinic") == 2


def test_a_policy_read_half_way_through_a_change_is_read_again(normal_house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policies are read, then both change, then the snapshots are read: the question must not mix the two."""
    ask(normal_house, SUM, "0.01")
    root, real = normal_house.home.home.root, Registry.current_snapshot
    changed: list[str] = []

    def change_first(registry: Registry, dataset: str) -> int | None:
        if registry is normal_house.ledger.registry and not changed:
            changed.append(dataset)
            with open_books(root) as (home, ledger):
                register(narrower(normal_house), home, ledger, silent)
        return real(registry, dataset)

    with open_books(root) as (home, ledger):
        ingest_again("clinic", home, ledger, silent)
    monkeypatch.setattr(Registry, "current_snapshot", change_first)
    now = normal_house.mediator.policies.now()
    assert changed
    assert now.snapshot("clinic") == 3
    assert now.dataset("clinic").tables["persons"].columns["age"].bounds == (0, 1)
