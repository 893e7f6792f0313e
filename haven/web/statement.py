"""The participants' statement of one dataset: what was asked, by whom, for what, what left, and how much privacy is left. Public.

It shows sums by month and project and what the public register shows: no question's text, no name of a researcher, no day.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from haven.ledger.entries import Balance
from haven.ledger.registry import PolicyKind
from haven.policy.caps import total_of
from haven.policy.dataset_policy import Between, DatasetPolicy
from haven.policy.project_policy import ProjectPolicy
from haven.release.desk import PublicRelease
from haven.web import words
from haven.web.parts import WebParts
from haven.web.use import purpose_words

EVER = date(1, 1, 1)


@dataclass(frozen=True, slots=True)
class MonthOfUse:
    """What one project asked in one month (`2026-11`)."""

    month: str
    project: str
    title: str
    questions: int
    spent: str


@dataclass(frozen=True, slots=True)
class Asker:
    """A project that may ask, in the words it gave for the public."""

    title: str
    lay_summary: str
    purpose: str
    country: str
    institution: str | None
    ends: date
    stopped: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that the page says; shares are already in words."""

    dataset: str
    title: str
    custodian: str
    epsilon: str
    delta: str | None
    promise: str
    used: str
    left: str
    left_share: float
    questions: int
    since: str | None
    months: tuple[MonthOfUse, ...]
    askers: tuple[Asker, ...]
    releases: tuple[PublicRelease, ...]
    withdrawing: str


def statement_of(parts: WebParts, name: str) -> Statement:
    """The statement of the dataset `name`. Refused (NOT_FOUND) where there is none."""
    policies = parts.policies.now()
    policy = policies.dataset(name)
    projects = {project.project: project for project in parts.policies.projects() if name in project.datasets}
    total = total_of(policy.privacy)
    taken = parts.ledger.population_balance(policy.budget_owner, definition=total.definition)
    months = _months(parts, policy, {one.project: one.title for one in parts.policies.projects()})
    delta = None if policy.privacy.delta is None else f"{policy.privacy.delta:f}"
    return Statement(
        dataset=name,
        title=policy.title,
        custodian=policy.custodian,
        epsilon=f"{policy.privacy.epsilon:f}",
        delta=delta,
        promise=words.promise(policy.privacy.definition, f"{policy.privacy.epsilon:f}", delta),
        used=words.percent(_used(policy, taken)),
        left=words.percent(1 - _used(policy, taken)),
        left_share=1 - _used(policy, taken),
        questions=sum(month.questions for month in months),
        since=months[-1].month if months else None,
        months=months,
        askers=tuple(_asker(project, stopped=(PolicyKind.PROJECT, name) in policies.halts) for name, project in projects.items()),
        releases=tuple(one for one in parts.desk.register() if one.project in projects),
        withdrawing=_withdrawing(policy),
    )


def _used(policy: DatasetPolicy, taken: Balance) -> float:
    return words.share(taken.taken, total_of(policy.privacy))


def _months(parts: WebParts, policy: DatasetPolicy, titles: dict[str, str]) -> tuple[MonthOfUse, ...]:
    """The newest first; months in which a project asked nothing are left out."""
    total = total_of(policy.privacy)
    sums: defaultdict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for day in parts.ledger.days(policy.dataset, EVER):
        if day.project and (day.questions or day.spent.pico):
            found = sums[day.day.isoformat()[:7], day.project]
            found[0] += day.questions
            found[1] += day.spent.pico if day.spent.definition is total.definition else 0
    ordered = sorted(sums.items(), key=lambda item: item[0], reverse=True)
    return tuple(
        MonthOfUse(month, project, titles.get(project, project), asked, words.percent(min(1.0, pico / total.pico)))
        for (month, project), (asked, pico) in ordered
    )


def _asker(project: ProjectPolicy, *, stopped: bool) -> Asker:
    institution = None if project.institution is None else project.institution.name
    return Asker(project.title, project.lay_summary, purpose_words(project), project.country, institution, project.ends, stopped)


def _withdrawing(policy: DatasetPolicy) -> str:
    """What happens when someone withdraws, as the policy says it."""
    if policy.calendar is None:
        return "Once the custodian has your withdrawal, nothing of yours is in any later answer."
    if policy.consent.between is Between.STOP:
        return "Once the custodian has your withdrawal, no more questions are answered until the data have been renewed without you."
    return (
        f"The data are renewed on published dates, every {policy.calendar.every}; from the next date on nothing of yours is in any answer."
    )
