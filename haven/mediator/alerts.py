"""What a custodian should know without looking for it. Pure rules over what the books say: every threshold has its name here.

An alert is a sentence and what may be done about it. It never stops anything: budgets and noise protect people whether or not anybody
looks, and an alert says where looking is worth the time.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from statistics import median

from haven.ledger.usage import Asked, DayUse
from haven.mediator.shapes import shape_of
from haven.privacy.budget import Price

SPENT_MARKS = (95, 80, 50)
"""Per cent of a cap at which its spending is told, the highest first."""

URGENT_MARK = 95
"""Per cent of a cap from which somebody must decide: its questions will soon be refused."""

PROBING_WINDOW = timedelta(hours=1)
PROBING_QUESTIONS = 20
"""So many different questions of one shape by one person within the window are told as probing."""

REFUSED_A_DAY = 10
REFUSALS_TOLD_FOR = timedelta(days=7)
"""So many refused attempts of one person on one day are told, for a week."""

DRAIN_TIMES = 5
DRAIN_LEAST_PERCENT = 5
USUAL_DAYS = timedelta(days=28)
"""A day that spends so many times the median of the days with questions in the four weeks before it, and at least so much of the whole."""

RULES = (
    f"A cap (of the dataset or of a project's share) is spent to {', '.join(f'{mark} %' for mark in reversed(SPENT_MARKS))}.",
    f"One person asks {PROBING_QUESTIONS} or more different questions within an hour that differ only in conditions or literals.",
    f"One person is refused {REFUSED_A_DAY} times or more on one day; told for {REFUSALS_TOLD_FOR.days} days.",
    f"A day spends {DRAIN_TIMES} times the usual day of the {USUAL_DAYS.days} before it, and {DRAIN_LEAST_PERCENT} % of the whole or more.",
    "A dataset is stopped, a proposal waits for a second custodian, or two datasets hold the same people under two budgets.",
)
"""The rules below in sentences, for the page that shows what they found."""


class Urgency(StrEnum):
    """`act`: somebody must decide something. `look`: worth a look."""

    ACT = "act"
    LOOK = "look"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to know about `dataset`: a sentence, and what may be done; `project` and `actor` where it is about one."""

    urgency: Urgency
    rule: str
    dataset: str
    sentence: str
    suggestion: str
    project: str | None = None
    actor: str | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """A cap and what is taken of it. `holder` is its owner in words ("the project liver's share")."""

    holder: str
    whole: Price
    taken: Price
    project: str | None = None
    actor: str | None = None


def doubted(doubt: str | None) -> Iterator[Alert]:
    """The books may not be the present ones, so no dataset answers anything. About no one dataset."""
    if doubt is not None:
        yield Alert(Urgency.ACT, "doubted", "", f"Nothing is answered: {doubt}", "Two custodians decide whether these books go on.")


def stopped(dataset: str, reason: str | None) -> Iterator[Alert]:
    """The dataset answers nothing just now."""
    if reason is not None:
        yield Alert(
            Urgency.ACT, "stopped", dataset, f"{dataset} is stopped and answers no question: {reason}", "Resume it once the cause is gone."
        )


def spent(dataset: str, caps: Iterable[Cap]) -> Iterator[Alert]:
    """A cap is spent beyond a mark: the highest mark it has passed."""
    for cap in caps:
        mark = next((mark for mark in SPENT_MARKS if cap.whole.pico and 100 * cap.taken.pico >= mark * cap.whole.pico), None)
        if mark is not None:
            yield Alert(
                Urgency.ACT if mark >= URGENT_MARK else Urgency.LOOK,
                "spent",
                dataset,
                f"{mark} % or more of {cap.holder} is spent.",
                "See who asks for what, and whether its share is right.",
                cap.project,
                cap.actor,
            )


def probing(dataset: str, asked: Iterable[Asked]) -> Iterator[Alert]:
    """One person asked many questions that differ only in conditions or literals, within an hour."""
    shapes: defaultdict[tuple[str, str, str], list[Asked]] = defaultdict(list)
    for one in asked:
        shapes[one.actor, one.project, shape_of(one.question)].append(one)
    for (actor, project, _), found in shapes.items():
        most = _most_at_once(sorted(found, key=lambda one: one.at))
        if most >= PROBING_QUESTIONS:
            yield Alert(
                Urgency.ACT,
                "probing",
                dataset,
                f"{actor} asked {most} questions within an hour that differ only in their conditions or literals.",
                "Read them, ask what they are for, and pause or revoke where there is no good answer.",
                project,
                actor,
            )


def _most_at_once(found: Sequence[Asked]) -> int:
    """The most different texts within one window; `found` in the order of time."""
    most, first = 0, 0
    inside: defaultdict[str, int] = defaultdict(int)
    for one in found:
        inside[one.question] += 1
        while one.at - found[first].at > PROBING_WINDOW:
            inside[found[first].question] -= 1
            if not inside[found[first].question]:
                del inside[found[first].question]
            first += 1
        most = max(most, len(inside))
    return most


def refusals(dataset: str, days: Iterable[DayUse], today: date) -> Iterator[Alert]:
    """One person was refused often on one day of the last week."""
    refused: defaultdict[tuple[str, date], int] = defaultdict(int)
    for one in days:
        if one.day > today - REFUSALS_TOLD_FOR:
            refused[one.actor, one.day] += one.refused
    for (actor, day), count in sorted(refused.items()):
        if count >= REFUSED_A_DAY:
            yield Alert(
                Urgency.LOOK,
                "refused",
                dataset,
                f"{count} attempts of {actor} were refused on {day.isoformat()}.",
                "Ask whether they need help, or access that they do not have.",
                None,
                actor,
            )


def draining(dataset: str, spent_on: Mapping[date, int], whole: Price, today: date) -> Iterator[Alert]:
    """Today or yesterday spent many times what is usual; `spent_on` is in units of `whole`."""
    for day in (today, today - timedelta(days=1)):
        before = [pico for when, pico in spent_on.items() if day - USUAL_DAYS <= when < day and pico]
        much = 100 * spent_on.get(day, 0) >= DRAIN_LEAST_PERCENT * whole.pico > 0
        if before and much and spent_on[day] >= DRAIN_TIMES * median(before):
            times = round(spent_on[day] / median(before))
            yield Alert(
                Urgency.LOOK,
                "draining",
                dataset,
                f"On {day.isoformat()} {times:,} times as much of the budget was spent as on a usual day.",
                "See who asked for what, and whether it was meant.",
            )


def same_people(dataset: str, others: Iterable[str]) -> Iterator[Alert]:
    """Other datasets hold exactly the same persons but draw on budgets of their own."""
    for other in others:
        yield Alert(
            Urgency.ACT,
            "same-people",
            dataset,
            f"{dataset} and {other} hold exactly the same people, who are promised a budget in each.",
            "Write the same `population` in both policies, so that they draw on one budget.",
        )


def waiting(dataset: str, reader: str, proposals: Iterable[tuple[str, str]]) -> Iterator[Alert]:
    """A proposal, as (what it would do, who made it), waits for a second person; its own proposer can only wait too."""
    for change, proposer in proposals:
        if proposer == reader:
            words = f"Your proposal to {change} waits for another custodian.", "They find it under Proposals."
            yield Alert(Urgency.LOOK, "waiting", dataset, *words, None, proposer)
        else:
            words = f"{proposer} proposed to {change}.", "Read it, then confirm or decline it."
            yield Alert(Urgency.ACT, "waiting", dataset, *words, None, proposer)


def in_order(alerts: Iterable[Alert]) -> tuple[Alert, ...]:
    """What needs somebody first, then by dataset and rule."""
    return tuple(sorted(alerts, key=lambda one: (one.urgency is not Urgency.ACT, one.dataset, one.rule, one.sentence)))
