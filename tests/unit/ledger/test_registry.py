"""Policies by version, states, snapshots, and the number that moves with them."""

from collections.abc import Iterator

import pytest

from haven.errors import Code, Refused
from haven.ledger import standing
from haven.ledger.audit import audit_verify
from haven.ledger.database import Place
from haven.ledger.ledger import Ledger
from haven.ledger.registry import PolicyKind, Registry, Standing, State
from tests.support.books import NOW, later


@pytest.fixture(name="ledger")
def _ledger(books_place: Place) -> Iterator[Ledger]:
    with Ledger.open(books_place) as ledger:
        yield ledger
    assert audit_verify(books_place).problems == ()


@pytest.fixture(name="registry")
def _registry(ledger: Ledger) -> Registry:
    return ledger.registry


def _add(registry: Registry, name: str, text: str, kind: PolicyKind = PolicyKind.DATASET) -> None:
    registry.add_policy(kind, name, text, f"digest of {text}", "custodian", NOW)


def test_the_current_policy_is_the_newest_and_the_old_ones_stay(registry: Registry) -> None:
    _add(registry, "nafld", "one")
    _add(registry, "nafld", "two")
    current, first = registry.current_policy(PolicyKind.DATASET, "nafld"), registry.policy_by_digest("digest of one")
    assert current is not None
    assert first is not None
    assert (current.version, current.text, first.version, first.text) == (2, "two", 1, "one")


def test_the_same_policy_again_is_no_new_version(registry: Registry) -> None:
    _add(registry, "nafld", "one")
    version = registry.registry_version()
    again = registry.add_policy(PolicyKind.DATASET, "nafld", "one", "digest of one", "another", later(days=1))
    assert (again.version, again.actor, registry.registry_version()) == (1, "custodian", version)


def test_what_was_never_added_is_none(registry: Registry) -> None:
    assert registry.current_policy(PolicyKind.DATASET, "nafld") is None
    assert registry.policy_by_digest("digest") is None
    assert registry.current_snapshot("nafld") is None
    assert registry.list_policies(PolicyKind.PROJECT) == ()


def test_datasets_and_projects_of_one_name_are_two_policies(registry: Registry) -> None:
    _add(registry, "nafld", "dataset text")
    _add(registry, "nafld", "project text", PolicyKind.PROJECT)
    _add(registry, "icd", "icd text")
    assert [policy.text for policy in registry.list_policies(PolicyKind.DATASET)] == ["icd text", "dataset text"]
    assert [policy.text for policy in registry.list_policies(PolicyKind.PROJECT)] == ["project text"]


def test_a_state_holds_its_reason_and_time(registry: Registry) -> None:
    _add(registry, "nafld", "one")
    assert registry.state(PolicyKind.DATASET, "nafld") == Standing(State.ACTIVE, "", None)
    registry.set_state(PolicyKind.DATASET, "nafld", State.PAUSED, "an incident", "custodian", NOW)
    assert registry.state(PolicyKind.DATASET, "nafld") == Standing(State.PAUSED, "an incident", NOW)


def test_a_state_of_something_unknown_is_refused(registry: Registry) -> None:
    with pytest.raises(Refused) as refusal:
        registry.set_state(PolicyKind.PROJECT, "nafld", State.PAUSED, "an incident", "custodian", NOW)
    assert refusal.value.code is Code.NOT_FOUND


def test_a_revocation_is_final(registry: Registry) -> None:
    _add(registry, "liver", "one", PolicyKind.PROJECT)
    registry.set_state(PolicyKind.PROJECT, "liver", State.REVOKED, "misuse", "custodian", NOW)
    with pytest.raises(Refused) as refusal:
        registry.set_state(PolicyKind.PROJECT, "liver", State.ACTIVE, "changed my mind", "custodian", NOW)
    assert refusal.value.code is Code.REQUEST_CONFLICT
    assert registry.state(PolicyKind.PROJECT, "liver").state is State.REVOKED


def test_a_change_of_state_has_its_time(ledger: Ledger) -> None:
    with pytest.raises(ValueError, match="time"), ledger.transaction() as tx:
        standing.change(tx, "dataset", "nafld", Standing(State.PAUSED, "an incident", None), "custodian")


def test_snapshots_only_go_up(registry: Registry) -> None:
    registry.add_snapshot("nafld", 1, b"salt", "fingerprint", "custodian", NOW)
    registry.add_snapshot("nafld", 3, b"salt", "fingerprint", "custodian", NOW)
    for serial in (3, 2, 0):
        with pytest.raises(Refused) as refusal:
            registry.add_snapshot("nafld", serial, b"salt", "fingerprint", "custodian", NOW)
        assert refusal.value.code is Code.REQUEST_CONFLICT
    assert registry.current_snapshot("nafld") == 3


def test_no_digest_of_personal_data_enters_the_chain(ledger: Ledger) -> None:
    ledger.registry.add_snapshot("nafld", 1, b"secret salt", "fingerprint-of-data", "custodian", NOW)
    assert "fingerprint-of-data" not in str(list(ledger.audit_export()))


def test_every_change_moves_the_version_and_nothing_else_does(ledger: Ledger) -> None:
    registry = ledger.registry
    versions = [registry.registry_version()]
    changes = (
        lambda: _add(registry, "nafld", "one"),
        lambda: registry.set_state(PolicyKind.DATASET, "nafld", State.PAUSED, "an incident", "custodian", NOW),
        lambda: registry.add_snapshot("nafld", 1, b"salt", "fingerprint", "custodian", NOW),
    )
    for change in changes:
        change()
        versions.append(registry.registry_version())
    ledger.record("desk.viewed", "carol", {}, NOW)
    assert versions == [0, 1, 2, 3]
    assert registry.registry_version() == 3
