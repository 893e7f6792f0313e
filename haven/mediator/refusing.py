"""Refused questions are noticed: counted on their day, the first of each code recorded, with nothing of what was asked.

Only names that exist are kept: what a hostile asker writes for a project or a dataset reaches no entry.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

from haven import query
from haven.errors import Refused
from haven.ledger.days import Whose
from haven.ledger.noticing import Noticed
from haven.mediator.policies import Policies
from haven.policy.roles import Principal


@contextmanager
def noticing_refusals(
    noticed: Noticed, policies: Policies, clock: Callable[[], datetime], project: str, sql: str, principal: Principal
) -> Iterator[None]:
    """While inside, a refusal is noticed before it goes on to its asker. One that was noticed further in is not noticed again."""
    try:
        yield
    except Refused as refused:
        if not refused.noticed:
            whose = Whose(dataset=_dataset(policies, project, sql), project=_project(policies, project), actor=principal.name)
            noticed.refused(whose, refused.code, clock())
            refused.noticed = True
        raise


def _project(policies: Policies, name: str) -> str:
    return name if name in policies.now().projects else ""


def _dataset(policies: Policies, project: str, sql: str) -> str:
    """The dataset that was asked: as the question names it, else the only one that the project has, else none."""
    in_force = policies.now()
    if project not in in_force.projects:
        return ""
    catalogue = in_force.catalogue_of(in_force.projects[project])
    try:
        return query.resolve(query.parse(sql), catalogue).footprint.dataset
    except Refused:
        return next(iter(catalogue)) if len(catalogue) == 1 else ""
