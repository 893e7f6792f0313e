"""What was asked of a dataset in a window of days, summed by day, project, researcher and purpose. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta

from haven.ledger.usage import DayUse
from haven.policy.project_policy import ProjectPolicy
from haven.privacy.budget import Price
from haven.web import words
from haven.web.custodian_facts import Use, UseLine

WINDOWS = (7, 30, 90, 365)
"""Days that a page can be asked to look back."""

USUAL_WINDOW = 30
CORRECTIONS = "corrections of the books"
_PURPOSES = {
    "general": "general research",
    "health": "health research",
    "disease": "research into a disease",
    "ancestry": "research into ancestry",
}


def window_of(asked: int) -> int:
    """The window that was asked for, where there is such a one; else the usual one."""
    return asked if asked in WINDOWS else USUAL_WINDOW


def first_day(today: date, days: int) -> date:
    """The first of the last `days` days, today being the last."""
    return today - timedelta(days=days - 1)


def purpose_words(project: ProjectPolicy) -> str:
    """What a project declared that it is for: "research into a disease (MONDO:0013209), commercial"."""
    purpose = project.purpose
    said = _PURPOSES.get(purpose.kind.value, purpose.kind.value)
    said += f" ({purpose.disease})" if purpose.disease else ""
    return said + (", commercial" if purpose.commercial else "")


def use_of(days: Iterable[DayUse], window: int, projects: Mapping[str, ProjectPolicy], whole: Price) -> Use:
    """The days of the window, in four sums. A project that is registered no more keeps its name."""

    def title(name: str) -> str:
        return projects[name].title if name in projects else name or CORRECTIONS

    def purpose(one: DayUse) -> str:
        unknown = "a project that is no longer registered" if one.project else CORRECTIONS
        return purpose_words(projects[one.project]) if one.project in projects else unknown

    found = tuple(days)
    by_day = _summed(found, lambda one: one.day.isoformat(), str, whole)
    return Use(
        days=window,
        questions=sum(one.questions for one in found),
        by_day=tuple(sorted(by_day, key=lambda line: line.name, reverse=True)),
        by_project=_summed(found, lambda one: one.project, title, whole),
        by_researcher=_summed(found, lambda one: one.actor, lambda name: name or CORRECTIONS, whole),
        by_purpose=_summed(found, purpose, str, whole),
    )


def _summed(days: Iterable[DayUse], name_of: Callable[[DayUse], str], title_of: Callable[[str], str], whole: Price) -> tuple[UseLine, ...]:
    """One line a name, the dearest first."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in days:
        line = sums[name_of(one)]
        line[0] += one.questions
        line[1] += one.refused
        line[2] += one.replayed
        line[3] += one.spent.pico if one.spent.definition is whole.definition else 0
    ordered = sorted(sums.items(), key=lambda item: (-item[1][3], -item[1][0], item[0]))
    lines = []
    for name, (questions, refused, replayed, pico) in ordered:
        part = words.share(Price(whole.definition, pico), whole)
        lines.append(UseLine(name, title_of(name), questions, refused, replayed, part, words.percent(part)))
    return tuple(lines)
