"""What the books say that a custodian should know of one dataset: the facts gathered, the rules are `haven.mediator.alerts`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import Connection

from haven.ledger.accounts import Spender
from haven.ledger.renewals import same_people
from haven.ledger.usage import Used, asked_since, days_of, taken
from haven.mediator import alerts
from haven.mediator.alerts import Alert, Cap
from haven.policy.caps import cap_of, share_of
from haven.policy.dataset_policy import DatasetPolicy
from haven.web.custody import Custody
from haven.web.proposing import title_of

PROBED_FOR = timedelta(days=1)
MOST_LOOKED_AT = 2000
"""The newest questions of a day that are looked through for probing."""


@dataclass(frozen=True, slots=True)
class Watching:
    """One dataset on one connection; `by_day` is what was asked on each of its days."""

    custody: Custody
    policy: DatasetPolicy
    connection: Connection
    by_day: Mapping[date, Used]

    def alerts(self) -> tuple[Alert, ...]:
        """Everything that is told of it, what needs somebody first."""
        return alerts.in_order(self._found())

    def _found(self) -> Iterator[Alert]:
        name, parts = self.policy.dataset, self.custody.parts
        now = parts.clock()
        doubt = None if parts.ledger.notary is None else parts.ledger.notary.doubt
        yield from alerts.doubted(None if doubt is None else doubt.sentence())
        yield from alerts.stopped(name, parts.policies.halt(name))
        yield from alerts.spent(name, self._caps())
        yield from alerts.probing(name, asked_since(self.connection, name, now - PROBED_FOR, MOST_LOOKED_AT))
        recent = days_of(self.connection, name, now.date() - alerts.REFUSALS_TOLD_FOR)
        yield from alerts.refusals(name, recent, now.date())
        spent_on = {day: used.spent.pico for day, used in self.by_day.items()}
        yield from alerts.draining(name, spent_on, cap_of(self.policy), now.date())
        yield from alerts.same_people(name, self._elsewhere())
        yield from alerts.waiting(name, self.custody.who.name, self._waiting())

    def _caps(self) -> Iterator[Cap]:
        policy, cap = self.policy, cap_of(self.policy)
        own = Spender(policy.budget_owner, policy.dataset)
        yield Cap(f"the budget of {policy.dataset}", cap, taken(self.connection, own, cap.definition))
        for project in self.custody.projects_of(policy):
            share = share_of(policy.privacy, project.datasets[policy.dataset])
            where = own._replace(project=project.project)
            yield Cap(f"the share of {project.project}", share, taken(self.connection, where, share.definition), project.project)

    def _elsewhere(self) -> Iterator[str]:
        """Datasets of the very same people whose budget is another."""
        owners = {policy.dataset: policy.budget_owner for policy in self.custody.parts.policies.datasets()}
        for group in same_people(self.connection):
            if self.policy.dataset in group:
                yield from (other for other in group if owners.get(other, self.policy.budget_owner) != self.policy.budget_owner)

    def _waiting(self) -> Iterator[tuple[str, str]]:
        """The open proposals about this dataset, its projects, or their members; and those about the whole house."""
        projects = self.custody.projects_of(self.policy)
        named = {f"dataset:{self.policy.dataset}", *(f"project:{project.project}" for project in projects)}
        named |= {f"user:{person}" for project in projects for person in project.researchers}
        for one in self.custody.open_proposals():
            if one.subject in named or one.subject.partition(":")[0] not in {"dataset", "project", "user"}:
                yield title_of(one), one.proposed_by
