"""What the hub asks of the books: who may log in, whose sandbox may run, and what of this is recorded.

Guaranteed: a sandbox of a person who was stopped, or of any project that was stopped since the sandbox began, has a reason to end from that
instant on; the hub asks every few seconds, so it is gone well within a minute.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, Self

from haven.ledger.events import Kind
from haven.ledger.ledger import Ledger
from haven.ledger.people import Person
from haven.ledger.registry import PolicyKind
from haven.ledger.spends import HOUSE
from haven.mediator.policies import Policies
from haven.policy.roles import Principal


class Accounts(Protocol):
    """The part of the books that the hub needs."""

    def verify_password(self, name: str, password: str, now: datetime) -> Principal | None:
        """The person who has this password."""

    def person(self, name: str) -> Person | None:
        """The account of this name."""

    def log_out(self, name: str, now: datetime) -> None:
        """Record that a person logged out."""

    def active_projects(self, name: str) -> frozenset[str]:
        """The projects that name this researcher and are not stopped."""

    def stopped_projects(self, name: str) -> frozenset[str]:
        """The projects that name this researcher and are stopped."""

    def sandbox_ended(self, name: str, why: str) -> None:
        """Record that a person's sandbox was ended by the house."""


@dataclass(frozen=True, slots=True)
class HubAccounts:
    """`Accounts` over the real books."""

    ledger: Ledger
    policies: Policies = field(repr=False)

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """The accounts in `ledger`. Only names and members are read of its policies, so those of a bench home are read as they are."""
        return cls(ledger, Policies(ledger.registry, ledger.people, bench=True))

    def verify_password(self, name: str, password: str, now: datetime) -> Principal | None:
        """The person who has this password."""
        return self.ledger.people.verify_password(name, password, now)

    def person(self, name: str) -> Person | None:
        """The account of this name."""
        return self.ledger.people.person(name)

    def log_out(self, name: str, now: datetime) -> None:
        """Record that a person logged out."""
        self.ledger.people.log_out(name, now)

    def active_projects(self, name: str) -> frozenset[str]:
        """The projects that name this researcher and are not stopped."""
        return self._projects(name, stopped=False)

    def stopped_projects(self, name: str) -> frozenset[str]:
        """The projects that name this researcher and are stopped."""
        return self._projects(name, stopped=True)

    def sandbox_ended(self, name: str, why: str) -> None:
        """Record that a person's sandbox was ended by the house."""
        self.ledger.record(Kind.SANDBOX_ENDED, HOUSE, {"name": name, "why": why}, datetime.now(UTC))

    def _projects(self, name: str, *, stopped: bool) -> frozenset[str]:
        in_force = self.policies.now()
        return frozenset(
            project
            for project, policy in in_force.projects.items()
            if name in policy.researchers and ((PolicyKind.PROJECT, project) in in_force.halts) is stopped
        )
