"""What was asked of a dataset in a window of days, summed by day, project, researcher and purpose. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from haven.ledger.usage import Used
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


@dataclass(frozen=True, slots=True)
class Sums:
    """What was asked in a window: by day, and by project and person."""

    by_day: Mapping[date, Used]
    by_person: Mapping[tuple[str, str], Used]


def use_of(sums: Sums, window: int, projects: Mapping[str, ProjectPolicy], whole: Price) -> Use:
    """The window in four sums. A project that is registered no more keeps its name."""

    def title(name: str) -> str:
        return projects[name].title if name in projects else name or CORRECTIONS

    def purpose(name: str) -> str:
        unknown = "a project that is no longer registered" if name else CORRECTIONS
        return purpose_words(projects[name]) if name in projects else unknown

    people = sums.by_person.items()
    by_day = _lines(((day.isoformat(), used) for day, used in sums.by_day.items()), str, whole)
    return Use(
        days=window,
        questions=sum(used.questions for used in sums.by_day.values()),
        by_day=tuple(sorted(by_day, key=lambda line: line.name, reverse=True)),
        by_project=_lines(((project, used) for (project, _), used in people), title, whole),
        by_researcher=_lines(((actor, used) for (_, actor), used in people), lambda name: name or CORRECTIONS, whole),
        by_purpose=_lines(((purpose(project), used) for (project, _), used in people), str, whole),
    )


def _lines(used: Iterable[tuple[str, Used]], title_of: Callable[[str], str], whole: Price) -> tuple[UseLine, ...]:
    """One line a name, the dearest first."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for name, one in used:
        for place, more in enumerate((one.questions, one.refused, one.replayed, one.spent.pico)):
            sums[name][place] += more
    ordered = sorted(sums.items(), key=lambda item: (-item[1][3], -item[1][0], item[0]))
    lines = []
    for name, (questions, refused, replayed, pico) in ordered:
        part = words.share(Price(whole.definition, pico), whole)
        lines.append(UseLine(name, title_of(name), questions, refused, replayed, part, words.percent(part)))
    return tuple(lines)
