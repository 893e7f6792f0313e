"""Whose events a person may read: a researcher's and a checker's own, those of their datasets for a custodian, all for an auditor."""

from haven.ledger.timeline import Scope
from haven.mediator.policies import Policies
from haven.policy.roles import Principal, Role


def scope_of(principal: Principal, policies: Policies) -> Scope:
    """The scope of what `principal` may read, as the policies stand now. Everyone reads what they did themselves."""
    if principal.role is Role.AUDITOR:
        return Scope(everything=True)
    if principal.role is not Role.CUSTODIAN:
        return Scope(actor=principal.name)
    datasets = frozenset(policy.dataset for policy in policies.datasets() if policy.custodian == principal.name)
    projects = frozenset(project.project for project in policies.projects() if datasets & project.datasets.keys())
    return Scope(actor=principal.name, datasets=datasets, projects=projects)
