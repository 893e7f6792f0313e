"""Station 3 of a question: may this person ask this, for this project, of this dataset, today? The only maker of an Authorisation.

Guarantees: an Authorisation is given only if role, membership, grant, state, dates, columns and consent all agree; the first that does not
is refused with its own code, a sentence, and what to do instead.
"""

from dataclasses import dataclass
from datetime import date

from haven.errors import Code, Refused
from haven.policy.authorisation import Authorisation, Footprint
from haven.policy.caps import caps_of
from haven.policy.consent import check_consent
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.diseases import NO_DISEASES, Diseases
from haven.policy.project_policy import ProjectPolicy
from haven.policy.roles import Principal, Role
from haven.policy.tiers import tier_of


@dataclass(frozen=True, slots=True)
class Standing:
    """What has been stopped, and why: each a reason that may be shown, or None."""

    dataset_paused: str | None = None
    project_suspended: str | None = None
    user_suspended: str | None = None


GOOD_STANDING = Standing()


def authorise(
    footprint: Footprint,
    principal: Principal,
    project: ProjectPolicy,
    dataset: DatasetPolicy,
    state: Standing,
    today: date,
    diseases: Diseases = NO_DISEASES,
) -> Authorisation:
    """The permit to ask `footprint` for `project`. Raises Refused with a POLICY code (QUERY_UNKNOWN_… for names not in the policy).

    `diseases` is the ancestry against which disease specific consent is decided; without one, only the very disease matches.
    """
    check_person(principal, project, state)
    check_dataset(footprint, project, dataset, state)
    check_dates(project, today)
    check_footprint(footprint, dataset)
    decision = check_consent(dataset.consent, project, today, diseases)
    tier = tier_of(dataset)
    return Authorisation(
        actor=principal.name,
        project=project.project,
        dataset=dataset.dataset,
        population=dataset.budget_owner,
        footprint=footprint,
        caps=caps_of(dataset, project),
        tier=tier.tier,
        policy_digest=dataset.digest,
        reasons=(*decision.reasons, *tier.reasons),
        obligations=decision.obligations,
        day=today,
        project_digest=project.digest,
    )


def check_person(principal: Principal, project: ProjectPolicy, state: Standing) -> None:
    """Raises Refused unless `principal` is a researcher of the project and neither is suspended."""
    if principal.role is not Role.RESEARCHER:
        reason = f"Only a researcher asks questions; this account is a {principal.role.value}'s."
        raise Refused(Code.POLICY_ROLE, reason, "Use a researcher's account.")
    if state.user_suspended is not None:
        raise Refused(Code.POLICY_SUSPENDED, f"This account is suspended: {state.user_suspended}", "Write to the custodian.")
    if principal.name not in project.researchers:
        reason = f"You are not a researcher of the project {project.project}."
        raise Refused(Code.POLICY_NOT_MEMBER, reason, "Ask for one of your own projects, or ask the custodian to add you.")
    if state.project_suspended is not None:
        reason = f"The project {project.project} is suspended: {state.project_suspended}"
        raise Refused(Code.POLICY_SUSPENDED, reason, "Write to the custodian.")


def check_dataset(footprint: Footprint, project: ProjectPolicy, dataset: DatasetPolicy, state: Standing) -> None:
    """Raises Refused unless the project has a grant on the dataset of the footprint, and it is not paused."""
    if footprint.dataset != dataset.dataset or footprint.dataset not in project.datasets:
        reason = f"The project {project.project} has no grant on the dataset {footprint.dataset}."
        raise Refused(Code.POLICY_NOT_GRANTED, reason, f"It may ask: {', '.join(sorted(project.datasets))}.")
    if state.dataset_paused is not None:
        reason = f"The dataset {dataset.dataset} is paused: {state.dataset_paused}"
        raise Refused(Code.POLICY_PAUSED, reason, "Ask again when the custodian resumes it.")


def check_dates(project: ProjectPolicy, today: date) -> None:
    """Raises Refused unless the project runs on `today`, its last day included, with an ethics approval (where it has one) that holds."""
    if project.starts is not None and today < project.starts:
        reason = f"The project {project.project} starts on {project.starts}."
        raise Refused(Code.POLICY_EXPIRED, reason, "Ask from that day on.")
    if today > project.ends:
        reason = f"The project {project.project} ended on {project.ends}."
        raise Refused(Code.POLICY_EXPIRED, reason, "Ask the custodian to extend it.")
    if project.ethics is not None and today > project.ethics.expires:
        reason = f"The ethics approval of {project.project} expired on {project.ethics.expires}."
        raise Refused(Code.POLICY_EXPIRED, reason, "Send the renewed approval to the custodian.")


def check_footprint(footprint: Footprint, dataset: DatasetPolicy) -> None:
    """Raises Refused unless every table and column is declared in the policy. The unit column may be counted, so it may be named.

    A public table that leaves its columns to its source declares them all.
    """
    for table in sorted(footprint.tables):
        if table not in dataset.tables:
            reason = f"The dataset {dataset.dataset} has no table {table}."
            raise Refused(Code.QUERY_UNKNOWN_TABLE, reason, f"It has: {', '.join(dataset.tables)}.")
    for name in sorted(footprint.columns):
        table, _, column = name.partition(".")
        declared = dataset.tables.get(table) if table in footprint.tables else None
        if declared is not None and declared.public and not declared.columns:
            continue  # its columns are its source's, all of them public
        if declared is None or (column not in declared.columns and column != declared.unit_column):
            reason = f"The policy of {dataset.dataset} declares no column {name}."
            raise Refused(Code.QUERY_UNKNOWN_COLUMN, reason, "Use a column that the catalogue lists.")
