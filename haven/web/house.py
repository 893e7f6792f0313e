"""The facts behind the public and the auditor's pages, read from the books and the policies in force."""

from dataclasses import dataclass

from haven.ledger.audit import audit_verify
from haven.ledger.events import Kind
from haven.ledger.timeline import timeline
from haven.mediator.scopes import scope_of
from haven.policy.project_policy import ProjectPolicy
from haven.policy.roles import Principal
from haven.web.facts import Books, Register, RegisteredProject
from haven.web.parts import WebParts

RECENT_ENTRIES = 100


@dataclass(frozen=True, slots=True)
class House:
    """What pages may ask of the whole house."""

    parts: WebParts

    def register(self) -> Register:
        """The public register."""
        projects = tuple(_registered(policy) for policy in self.parts.policies.projects())
        return Register(projects, tuple(self.parts.desk.register()))

    def books(self, who: Principal, *, check: bool) -> Books:
        """The newest entries that `who` may read, which is noticed; with `check` the whole chain is recomputed from its first entry."""
        self.parts.ledger.noticed.once(Kind.ENTRIES_VIEWED, who.name, {}, self.parts.clock())
        with self.parts.ledger.read() as connection:
            entries = timeline(connection, scope_of(who, self.parts.policies), RECENT_ENTRIES).entries
        if not check:
            return Books(entries, None, 0, ())
        notary = self.parts.ledger.notary
        report = audit_verify(self.parts.books, None if notary is None else notary.evidence())
        return Books(entries, report.whole, report.entries, report.problems)


def _registered(policy: ProjectPolicy) -> RegisteredProject:
    return RegisteredProject(policy.project, policy.title, policy.lay_summary, tuple(sorted(policy.datasets)), policy.ends)
