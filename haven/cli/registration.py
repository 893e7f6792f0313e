"""Bringing data in: a policy, its sources, a snapshot, and the books that say so. What fails leaves nothing behind."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from haven.cli.home import OpenHome
from haven.cli.house import now
from haven.cli.options import OPERATOR
from haven.engines.ingest import IngestProgress, ingest
from haven.engines.snapshot import Snapshot, load_snapshot
from haven.engines.withdrawal import withdraw
from haven.errors import Code, Refused
from haven.ledger.ledger import Ledger
from haven.ledger.registry import PolicyKind
from haven.mediator.policies import Policies
from haven.policy.caps import check_populations_agree
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.loader import parse_dataset_policy, read_text

Watcher = Callable[[IngestProgress], None]


@dataclass(frozen=True, slots=True)
class Added:
    """A snapshot that is in."""

    name: str
    serial: int
    report: Path
