"""The budgets a spend must fit in, in the population's own units, every rounding downward.

Population ≥ dataset ≥ project ≥ what one researcher, and one period, may take of the project's share.
"""

from collections.abc import Iterable
from functools import lru_cache

from haven.errors import Code, Refused
from haven.policy.authorisation import Caps, PeriodCap
from haven.policy.dataset_policy import DatasetPolicy, Privacy
from haven.policy.project_policy import ProjectPolicy
from haven.policy.shares import Grant, PeriodShare, Share
from haven.privacy.accounting import budget_of
from haven.privacy.budget import Price


@lru_cache(maxsize=1024)
def total_of(privacy: Privacy) -> Price:
    """All that the people of a population may lose under this promise."""
    return budget_of(privacy.definition, privacy.epsilon, privacy.delta)


@lru_cache(maxsize=1024)
def share_of(privacy: Privacy, share: Share | PeriodShare) -> Price:
    """A cap: the mu2, rho or pure epsilon of its epsilon at the population's delta, and the same fraction of the selections' delta.

    Never more than the whole: a share above the population's epsilon is cut to it.
    """
    total = total_of(privacy)
    asked = total_of(privacy.model_copy(update={"epsilon": share.epsilon}))
    pico = min(asked.pico, total.pico)
    return Price(total.definition, pico, total.atto_delta * pico // total.pico)


def cap_of(dataset: DatasetPolicy) -> Price:
    """What may be spent of a dataset: its share of its population, the whole where it names none."""
    return total_of(dataset.privacy) if dataset.share is None else share_of(dataset.privacy, dataset.share)


def caps_of(dataset: DatasetPolicy, project: ProjectPolicy) -> Caps:
    """The caps of a project's spends on a dataset. Raises Refused(POLICY_NOT_GRANTED) where the project has no grant on it."""
    grant = project.datasets.get(dataset.dataset)
    if grant is None:
        raise Refused(
            Code.POLICY_NOT_GRANTED,
            f"The project {project.project} has no grant on the dataset {dataset.dataset}.",
            "Ask the custodian for access, or ask a dataset that the project has.",
        )
    return Caps(
        population=total_of(dataset.privacy),
        dataset=cap_of(dataset),
        project=share_of(dataset.privacy, grant),
        researcher=None if grant.per_researcher is None else share_of(dataset.privacy, grant.per_researcher),
        period=_period_cap(dataset.privacy, grant),
    )


def _period_cap(privacy: Privacy, grant: Grant) -> PeriodCap | None:
    period = grant.per_period
    return None if period is None else PeriodCap(share_of(privacy, period), period.length)


def check_grant_fits(dataset: DatasetPolicy, project: ProjectPolicy) -> None:
    """Raises Refused(POLICY_INVALID) where a project is promised more of a dataset than may be spent of it."""
    grant, whole = project.datasets.get(dataset.dataset), (dataset.share or dataset.privacy).epsilon
    if grant is not None and grant.epsilon > whole:
        raise Refused(
            Code.POLICY_INVALID,
            f"The project {project.project} asks for epsilon {grant.epsilon:f} of {dataset.dataset}, whose whole is {whole:f}.",
            f"Write datasets: {{{dataset.dataset}: {{epsilon: {whole:f}}}}} or less.",
        )


def check_populations_agree(policies: Iterable[DatasetPolicy]) -> None:
    """Raises Refused(POLICY_INVALID) where two datasets of one population promise its people different things.

    A population has one definition, one (epsilon, delta), and one rule about exact aggregates.
    """
    first: dict[str, DatasetPolicy] = {}
    for policy in policies:
        other = first.setdefault(policy.budget_owner, policy)
        if (other.privacy, other.exact) != (policy.privacy, policy.exact):
            raise Refused(
                Code.POLICY_INVALID,
                f"The datasets {other.dataset} and {policy.dataset} share the population {policy.budget_owner} but promise its people "
                "different things.",
                "Write the same `privacy` and `exact` in both, or name different populations if they share no participants.",
            )
