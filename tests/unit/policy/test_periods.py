"""Periods and calendars against a day-by-day walk: they cover every day once, and begin where the calendar says."""

from datetime import date, timedelta

import pytest

from haven.errors import Refused
from haven.policy.periods import Calendar, Length
from tests.support.policy_files import dataset, project

DAY = timedelta(days=1)
LENGTHS = [*(Length(months=count) for count in (1, 2, 3, 4, 6, 12)), *(Length(weeks=count) for count in (1, 2, 4, 13, 52))]


@pytest.mark.parametrize("length", LENGTHS, ids=lambda length: length.words)
def test_periods_cover_every_day_once_without_gap(length: Length) -> None:
    day, span = date(2023, 12, 1), length.span(date(2023, 12, 1))
    while day < date(2026, 3, 1):
        day += DAY
        present = length.span(day)
        assert present.begins <= day < present.next_begins
        if day == span.next_begins:
            assert (present.begins, present.name != span.name) == (day, True)
            span = present
        assert present == span


@pytest.mark.parametrize(("count", "firsts"), [(1, range(1, 13)), (2, (1, 3, 5, 7, 9, 11)), (3, (1, 4, 7, 10)), (6, (1, 7)), (12, (1,))])
def test_periods_of_months_begin_on_the_first_counted_from_january(count: int, firsts: range) -> None:
    begins = {Length.model_validate({"months": count}).span(date(2026, month, 15)).begins for month in range(1, 13)}
    assert begins == {date(2026, month, 1) for month in firsts}


def test_periods_of_weeks_begin_on_mondays() -> None:
    assert Length(weeks=1).span(date(2026, 11, 22)).begins == date(2026, 11, 16)
    assert Length(weeks=1).span(date(2026, 11, 22)).name == "2026-W47"
    assert {Length(weeks=2).span(date(2026, 1, 1) + DAY * step).begins.isoweekday() for step in range(400)} == {1}


def test_no_two_lengths_share_the_name_of_a_period() -> None:
    days = [date(2024, 1, 1) + DAY * step for step in range(800)]
    names = [{length.span(day).name for day in days} for length in LENGTHS]
    assert sum(map(len, names)) == len(set().union(*names))


@pytest.mark.parametrize("wrong", [{}, {"months": 1, "weeks": 1}, {"months": 5}, {"weeks": 0}, {"weeks": True}, {"days": 3}])
def test_a_period_is_a_number_of_months_or_of_weeks(wrong: dict[str, object]) -> None:
    with pytest.raises(Refused):
        project(datasets={"cohort": {"epsilon": 1, "per_period": {"epsilon": 0.5, **wrong}}})


def walked(calendar: Calendar, until: date) -> list[date]:
    """The dates of a calendar, by walking from day to day."""
    count, unit = calendar.every.split()
    dates, day, months = [], calendar.first, 0
    while day <= until:
        since = (day - calendar.first).days
        months = (day.year - calendar.first.year) * 12 + day.month - calendar.first.month
        steps = {"d": since, "w": since / 7, "m": months if day.day == calendar.first.day else -1}[unit[0]]
        if steps >= 0 and steps % int(count) == 0:
            dates.append(day)
        day += DAY
    return dates


CALENDARS = [
    ("3 months", "2026-01-01"),
    ("1 month", "2026-01-28"),
    ("2 weeks", "2026-02-25"),
    ("30 days", "2025-12-31"),
    ("1 day", "2026-06-01"),
]


@pytest.mark.parametrize(("every", "first"), CALENDARS)
def test_a_calendar_is_what_walking_from_day_to_day_finds(every: str, first: str) -> None:
    calendar = Calendar.model_validate({"every": every, "from": first})
    dates = walked(calendar, date(2028, 12, 31))
    day = calendar.first - 3 * DAY
    while day < date(2027, 12, 31):
        before = [one for one in dates if one <= day]
        assert calendar.latest(day) == (before[-1] if before else None)
        assert calendar.following(day) == next(one for one in dates if one > day)
        day += DAY


def test_a_snapshot_is_due_once_a_date_lies_between_it_and_today() -> None:
    calendar = Calendar.model_validate({"every": "3 months", "from": "2026-01-01"})
    assert not calendar.is_due(date(2025, 6, 1), date(2025, 12, 31))
    assert calendar.is_due(date(2025, 6, 1), date(2026, 1, 1))
    assert not calendar.is_due(date(2026, 1, 1), date(2026, 3, 31))
    assert not calendar.is_due(date(2026, 2, 5), date(2026, 3, 31))
    assert calendar.is_due(date(2026, 3, 31), date(2026, 4, 1))


CALENDAR = {"every": "3 months", "from": "2026-01-01"}


@pytest.mark.parametrize(
    "changes",
    [
        {"calendar": CALENDAR},
        {"consent__between": "wait"},
        {"calendar": CALENDAR | {"from": "2026-01-31"}, "consent__between": "wait"},
        {"calendar": CALENDAR | {"every": "0 months"}, "consent__between": "wait"},
        {"calendar": CALENDAR | {"every": 3}, "consent__between": "wait"},
        {"calendar": CALENDAR | {"until": "2027-01-01"}, "consent__between": "wait"},
        {"calendar": CALENDAR, "consent__between": "perhaps"},
        {"share": {"epsilon": 5}},
    ],
)
def test_a_calendar_or_share_that_says_too_little_or_too_much_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(Refused):
        dataset(**changes)


def test_a_calendar_is_read_and_written_as_it_stands_in_the_file() -> None:
    policy = dataset(calendar=CALENDAR, consent__between="stop")
    assert policy.calendar is not None
    assert policy.calendar.model_dump(mode="json") == policy.model_dump(mode="json")["calendar"] == CALENDAR
