"""Bringing data in: a policy, its sources, a snapshot, and the books that say so. What fails leaves nothing behind."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from haven.cli.home import OpenHome
from haven.cli.house import now
from haven.cli.keys import check_secret
from haven.cli.options import OPERATOR
from haven.engines.build import Watcher
from haven.engines.ingest import ingest
from haven.engines.snapshot import REPORT, Snapshot, forget_rows, load_snapshot
from haven.engines.withdrawal import note, withdraw
from haven.errors import Code, HavenError, Refused
from haven.ledger.ledger import Ledger
from haven.ledger.proposals import Proposal
from haven.ledger.registry import NewSnapshot
from haven.mediator.policies import Policies
from haven.mediator.policy_changes import PolicyChange, PolicyChanges
from haven.policy.dataset_policy import Between, DatasetPolicy
from haven.policy.loader import read_text
from haven.policy.renewal import check_due, is_due

ORIGIN = "origin.json"
"""Beside a dataset's snapshots: where its custodian keeps the sources."""


@dataclass(frozen=True, slots=True)
class Added:
    """A snapshot that is in: its dataset, serial, and quality report (for the custodian alone)."""

    name: str
    serial: int
    report: Path


@dataclass(frozen=True, slots=True)
class Waiting:
    """A withdrawal that takes effect on the day `due`; `stops`: until then the dataset answers nothing."""

    due: date
    stops: bool


def register(policy_file: Path, opened: OpenHome, ledger: Ledger, progress: Watcher, actor: str = OPERATOR) -> Added:
    """Register the dataset that `policy_file` declares, sources read relative to it, and make its snapshot current.

    Raises:
        Refused: the policy is wrong, disagrees with others of its population, loosens the one in force without a second custodian's
            consent, or a source cannot be read. Nothing has changed then.
    """
    check_secret(opened, ledger)
    changes = policy_changes(opened, ledger)
    change = changes.of_dataset(read_text(policy_file), policy_file.name)
    changes.check_agreed(change)
    policy, sources = changes.dataset_in(change), policy_file.resolve().parent
    in_force = changes.policies.now()
    if (present := in_force.datasets.get(policy.dataset)) is not None and present.digest == policy.digest:
        check_due(policy, in_force.renewed.get(policy.dataset), now().date())
    snapshot = _snapshot(policy, sources, opened, progress)
    _remember(sources, snapshot)
    recorded = _recorded(snapshot, withdrawn=policy.consent.withdrawals is not None)
    with _removed_if_refused(snapshot):
        ledger.registry.add_dataset(policy.dataset, change.text, policy.digest, recorded, actor, now(), following=change.following)
    return Added(policy.dataset, snapshot.serial, snapshot.path / REPORT)


def policy_changes(opened: OpenHome, ledger: Ledger) -> PolicyChanges:
    """How versions of policies come into force in this home."""
    return PolicyChanges(ledger, Policies(ledger.registry, ledger.people, bench=opened.bench))


def propose_loosening(changes: PolicyChanges, change: PolicyChange, actor: str, reason: str) -> Proposal | None:
    """Put a version that loosens to a second custodian, as `actor`; None for one that may come into force without, or has been agreed."""
    if not change.loosens or changes.is_agreed(change):
        return None
    return changes.propose(change, reason, actor=actor, now=now())


def ingest_again(name: str, opened: OpenHome, ledger: Ledger, progress: Watcher) -> Added:
    """Read the sources of a registered dataset again: a new snapshot on the same budget."""
    check_secret(opened, ledger)
    policies = Policies(ledger.registry, ledger.people, bench=opened.bench).now()
    policy = policies.dataset(name)
    check_due(policy, policies.renewed.get(name), now().date())
    sources = _origin(opened.home.data / name)
    snapshot = _snapshot(policy, sources, opened, progress)
    return _make_current(policy, snapshot, sources, ledger, withdrawn=policy.consent.withdrawals is not None)


def withdraw_units(name: str, units: Path, opened: OpenHome, ledger: Ledger) -> Added | Waiting:
    """Make a snapshot without the people that `units` lists current, and forget the rows of the one before.

    Between two dates of the dataset's calendar they are only noted: the snapshot of the next date is without them, and until then the
    dataset answers as before, or nothing, as its policy says.
    """
    check_secret(opened, ledger)
    policies = Policies(ledger.registry, ledger.people, bench=opened.bench).now()
    policy, today = policies.dataset(name), now().date()
    if policy.calendar is not None and not is_due(policy, policies.renewed.get(name), today):
        due, stops = policy.calendar.following(today), policy.consent.between is Between.STOP
        note(units, opened.home.data / name, opened.secret)
        ledger.registry.note_withdrawal(name, due, OPERATOR, now(), stops=stops)
        return Waiting(due, stops=stops)
    current = _current(name, opened, ledger)
    snapshot = withdraw(current, units, opened.home.data / name, opened.secret)
    added = _make_current(policy, snapshot, _origin(opened.home.data / name), ledger, withdrawn=True)
    forget_rows(current)
    return added


def _snapshot(policy: DatasetPolicy, sources: Path, opened: OpenHome, progress: Watcher) -> Snapshot:
    """Ingest, and take out at once whoever has withdrawn already."""
    destination = opened.home.data / policy.dataset
    snapshot = ingest(policy.tables, sources, destination, opened.secret, progress)
    if policy.consent.withdrawals is None:
        return snapshot
    try:
        without = withdraw(snapshot, sources / policy.consent.withdrawals, destination, opened.secret)
    except HavenError:
        shutil.rmtree(snapshot.path)
        raise
    forget_rows(snapshot)
    return without


def _remember(sources: Path, snapshot: Snapshot) -> None:
    """Note where the sources are, beside the snapshots made of them."""
    (snapshot.path.parent / ORIGIN).write_text(json.dumps({"sources": str(sources)}), encoding="utf-8")


def _make_current(policy: DatasetPolicy, snapshot: Snapshot, sources: Path, ledger: Ledger, *, withdrawn: bool) -> Added:
    """Answer questions from `snapshot`, stored by `policy`. Refused where another policy applies by now."""
    _remember(sources, snapshot)
    with _removed_if_refused(snapshot):
        ledger.registry.renew(policy.dataset, _recorded(snapshot, withdrawn=withdrawn), OPERATOR, now(), under=policy.digest)
    return Added(policy.dataset, snapshot.serial, snapshot.path / REPORT)


def _recorded(snapshot: Snapshot, *, withdrawn: bool) -> NewSnapshot:
    return NewSnapshot(snapshot.serial, bytes.fromhex(snapshot.salt), snapshot.fingerprint, withdrawn, snapshot.unit_set)


@contextlib.contextmanager
def _removed_if_refused(snapshot: Snapshot) -> Iterator[None]:
    """A snapshot that the books refuse leaves no row behind."""
    try:
        yield
    except Refused:
        shutil.rmtree(snapshot.path)
        raise


def _current(name: str, opened: OpenHome, ledger: Ledger) -> Snapshot:
    Policies(ledger.registry, ledger.people, bench=opened.bench).dataset(name)
    serial = ledger.registry.current_snapshot(name)
    if serial is None:
        raise Refused(Code.NOT_FOUND, "This dataset has no data yet.", f"Read its sources with `haven dataset ingest {name}`.")
    return load_snapshot(opened.home.data / name / str(serial))


def _origin(destination: Path) -> Path:
    try:
        return Path(json.loads((destination / ORIGIN).read_text(encoding="utf-8"))["sources"])
    except (OSError, ValueError, KeyError):
        raise Refused(
            Code.HOME_INVALID,
            "It is not known where this dataset's sources are.",
            "Register it again with `haven dataset add POLICY.yaml`.",
        ) from None
