"""A policy in words, for a person who reads no YAML: one sentence a line."""

from haven.catalog.dataset import Column, Table
from haven.policy.consent import obligations_of
from haven.policy.dataset_policy import Between, DatasetPolicy, Exact
from haven.policy.duo import Condition, term
from haven.policy.project_policy import ProjectPolicy
from haven.policy.shares import Grant
from haven.policy.tiers import tier_of
from haven.privacy.budget import Definition


def explain_dataset(policy: DatasetPolicy) -> tuple[str, ...]:
    """What the policy of a dataset says: its promise, consent, risk, tables and credit."""
    tier = tier_of(policy)
    return (
        f"{policy.title} ({policy.dataset}), kept by {policy.custodian}.",
        _promise(policy),
        *_share(policy),
        _exact(policy),
        _timing(policy),
        f"Participants consented to {term(policy.consent.permission)}{_of(policy.consent.disease)}.",
        *(_condition(condition) for condition in policy.consent.modifiers),
        *(f"Obligation: {obligation}" for obligation in obligations_of(policy.consent)),
        _withdrawals(policy),
        *_calendar(policy),
        f"Risk tier: {tier.tier}. {' '.join(tier.reasons)}",
        f"Counts of fewer than {policy.disclosure.threshold} persons are flagged before a release.",
        *(sentence for name, table in policy.tables.items() for sentence in _table(name, table)),
        f"Credit: {policy.attribution.citation or 'none is declared.'}",
        f"Digest of this policy: {policy.digest}",
    )


def explain_project(project: ProjectPolicy) -> tuple[str, ...]:
    """What a project's file says: purpose, people, grants and dates."""
    purpose = project.purpose
    flags = ("commercial", "ancestry", "methods", "control_set", "genetic")
    also = [flag.replace("_", " ") for flag in flags if getattr(purpose, flag)]
    ethics = project.ethics
    return (
        f"{project.title} ({project.project}), in {project.country}, until {project.ends}.",
        f"Purpose: {purpose.kind}{_of(purpose.disease)}{', ' + ', '.join(also) if also else ''}.",
        f"Researchers: {', '.join(project.researchers)}.",
        *(_grant(name, grant) for name, grant in project.datasets.items()),
        f"Ethics approval {ethics.approval} holds until {ethics.expires}." if ethics else "There is no ethics approval.",
    )


_ACCOUNTED = {
    Definition.GDP: "differential privacy, accounted as Gaussian differential privacy",
    Definition.ZCDP: "differential privacy, accounted in zCDP",
    Definition.PURE: "pure differential privacy",
}


def _promise(policy: DatasetPolicy) -> str:
    privacy = policy.privacy
    at = "" if privacy.delta is None else f" at delta {privacy.delta:.3g}"
    what = _ACCOUNTED[privacy.definition]
    return f"The people of {policy.budget_owner} were promised {what}: epsilon {privacy.epsilon:f}{at}, over all questions ever."


def _share(policy: DatasetPolicy) -> tuple[str, ...]:
    if policy.share is None:
        return ()
    return (f"Of that, at most epsilon {policy.share.epsilon:f} is spent on this dataset.",)


def _grant(name: str, grant: Grant) -> str:
    inner = []
    if grant.per_researcher is not None:
        inner.append(f"at most {grant.per_researcher.epsilon:f} by each researcher")
    if grant.per_period is not None:
        inner.append(f"at most {grant.per_period.epsilon:f} in each {grant.per_period.words} (UTC)")
    return f"May spend epsilon {grant.epsilon:f} of {name}{': ' if inner else ''}{', '.join(inner)}."


def _exact(policy: DatasetPolicy) -> str:
    if policy.exact is Exact.NEVER:
        return "Exact aggregates never leave."
    return "Exact aggregates may leave after human review: the promise then holds for every answer but those."


def _timing(policy: DatasetPolicy) -> str:
    slot = policy.timing.slot_ms
    return "Answers leave as soon as they are ready." if slot is None else f"Answers leave on a time grid of {slot} ms."


def _withdrawals(policy: DatasetPolicy) -> str:
    if policy.consent.withdrawals is None:
        return "No list of withdrawn participants is kept beside this policy."
    return f"Participants listed in {policy.consent.withdrawals} are left out."


def _calendar(policy: DatasetPolicy) -> tuple[str, ...]:
    calendar = policy.calendar
    if calendar is None:
        return ()
    between = {
        Between.STOP: "After a withdrawal the dataset answers nothing until the next of these dates, when its people are left out.",
        Between.WAIT: "A withdrawal takes effect at the next of these dates.",
    }
    renewed = f"Its data are renewed every {calendar.every.removeprefix('1 ')} from {calendar.first}, at no other time."
    return (renewed, *([] if policy.consent.between is None else [between[policy.consent.between]]))


def _of(disease: str | None) -> str:
    return "" if disease is None else f" of {disease}"


def _condition(condition: Condition) -> str:
    given = condition.countries or condition.users or condition.projects or condition.institutions
    value = ", ".join(given) if given else condition.until or (f"{condition.months} months" if condition.months else "")
    return f"Condition: {term(condition.id)}{f': {value}' if value else ''}."


def _table(name: str, table: Table) -> tuple[str, ...]:
    if table.public:
        columns = _columns(name, table) if table.columns else ("  Its columns are those of its source.",)
        return (f"Table {name} is public.", *columns)
    bound = table.bound()
    reach = f"at most {bound.rows_per_unit} row(s) of a person count, in at most {bound.groups_per_unit} group(s)"
    return (f"Table {name} is personal: {reach}, at most {bound.rows_per_group} in each.", *_columns(name, table))


def _columns(name: str, table: Table) -> tuple[str, ...]:
    return tuple(f"  {name}.{column}: {_column(declared, public=table.public)}." for column, declared in table.columns.items())


def _column(column: Column, *, public: bool) -> str:
    if column.keys is not None:
        return f"category with {len(column.keys)} public keys"
    if column.bounds is not None:
        return f"{column.type} from {column.bounds[0]} to {column.bounds[1]}"
    return "category whose keys appear only above a threshold" if column.type == "category" and not public else str(column.type)
