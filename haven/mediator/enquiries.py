"""What people may read without asking data: the catalogue, budgets, receipts, the audit. Nothing here costs anything or looks at a row."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from haven.errors import Code, Refused
from haven.ledger.entries import Entry, Receipt, RecordedAnswer
from haven.ledger.events import Kind, in_words
from haven.ledger.ledger import Ledger
from haven.ledger.timeline import following, timeline
from haven.mediator.budgets import Wanted, budget_line
from haven.mediator.catalogue import dataset_document
from haven.mediator.policies import Policies
from haven.mediator.receipts import receipt_document
from haven.mediator.scopes import scope_of
from haven.policy.permissions import Act, check_may
from haven.policy.project_policy import ProjectPolicy
from haven.policy.roles import Principal, Role

FACTS = (
    *("dataset", "project", "sql", "plan_digest", "mechanisms", "cost", "epsilon", "citation", "words", "warnings"),
    *("columns", "findings", "plan", "made_from", "share_left", "forecast"),
)


def _now() -> datetime:
    return datetime.now(UTC)


class Enquiries:
    """Reads the books and policies for people, each within what their role may see. Threads may share it."""

    def __init__(self, ledger: Ledger, policies: Policies, clock: Callable[[], datetime] = _now) -> None:
        self._ledger = ledger
        self._policies = policies
        self._clock = clock

    def datasets(self, principal: Principal) -> list[dict[str, Any]]:
        """The catalogue: every dataset's public metadata."""
        check_may(principal, Act.READ_CATALOGUE)
        now = self._policies.now()
        day = self._day()
        return [dataset_document(policy, now.catalogue[name], day, paused=now.halt(name)) for name, policy in now.datasets.items()]

    def dataset(self, name: str, principal: Principal) -> dict[str, Any]:
        """One dataset's public metadata. Refused (NOT_FOUND) where there is none."""
        check_may(principal, Act.READ_CATALOGUE)
        now = self._policies.now()
        return dataset_document(now.dataset(name), now.catalogue[name], self._day(), paused=now.halt(name))

    def projects(self, principal: Principal) -> list[dict[str, Any]]:
        """The projects that `principal` may see: their own, or all of them where their role reads every budget."""
        everything = principal.role in {Role.CUSTODIAN, Role.AUDITOR}
        mine = [project for project in self._policies.projects() if everything or principal.name in project.researchers]
        return [_project_document(project) for project in mine]

    def budget(self, project: str, principal: Principal) -> dict[str, Any]:
        """Total, spent and left of a project, a line a dataset. Refused to those outside the project who do not keep the books."""
        policy, now = self._policies.project(project), self._policies.now()
        check_may(principal, Act.READ_BUDGET, policy.researchers)
        day = self._day()
        granted = [dataset for dataset in now.datasets.values() if dataset.dataset in policy.datasets]
        wanted = [Wanted(dataset, day, policy, principal.name, now.people_of(dataset)) for dataset in granted]
        return {"project": project, "datasets": [budget_line(self._ledger, each) for each in wanted]}

    def receipt(self, receipt_id: str, principal: Principal) -> dict[str, Any]:
        """A receipt as its reader sees it. To those outside its project it does not exist, but to custodians, auditors and checkers."""
        receipt, recorded = self._ledger.receipt(receipt_id), self._ledger.recorded(receipt_id)
        if receipt is None or not self._may_read(receipt, principal):
            raise Refused(Code.NOT_FOUND, "There is no such receipt.", "Copy its id from the answer's receipt.")
        return receipt_document(receipt, _facts(recorded), self._policies.dataset(receipt.reservation.dataset))

    def audit(self, principal: Principal, after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
        """Entries of the books after number `after`, oldest first: all for an auditor, those of their datasets for a custodian.

        No researcher's text and no datum is in them.
        """
        check_may(principal, Act.READ_AUDIT)
        if principal.role is Role.AUDITOR:
            return [_entry(entry) for entry in self._ledger.entries_after(after, limit)]
        with self._ledger.read() as connection:
            return [_entry(entry) for entry in following(connection, scope_of(principal, self._policies), after, limit)]

    def events(self, principal: Principal, before: int | None = None, kind: Kind | None = None, limit: int = 50) -> dict[str, Any]:
        """What the asker may know of what happened, newest first, each in a sentence, and the number to go on below (None: no older ones).

        A researcher's own, those of their datasets for a custodian, all for an auditor.
        """
        with self._ledger.read() as connection:
            found = timeline(connection, scope_of(principal, self._policies), limit, before=before, kind=kind)
        told = [_entry(entry) | {"words": in_words(entry)} for entry in found.entries]
        return {"events": told, "older": found.older}

    def _day(self) -> date:
        return self._clock().astimezone(UTC).date()

    def _may_read(self, receipt: Receipt, principal: Principal) -> bool:
        if principal.role is not Role.RESEARCHER:
            return True
        return principal.name in self._policies.project(receipt.reservation.project).researchers


def _facts(recorded: RecordedAnswer | None) -> dict[str, Any]:
    return {} if recorded is None else {name: recorded.document[name] for name in FACTS if name in recorded.document}


def _project_document(project: ProjectPolicy) -> dict[str, Any]:
    return {
        "project": project.project,
        "title": project.title,
        "lay_summary": project.lay_summary,
        "purpose": project.purpose.model_dump(mode="json"),
        "datasets": sorted(project.datasets),
        "researchers": list(project.researchers),
        "ends": project.ends.isoformat(),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "kind": entry.kind,
        "actor": entry.actor,
        "at": entry.at.isoformat(),
        "detail": dict(entry.detail),
        "prev_digest": entry.prev_digest,
        "digest": entry.digest,
    }
