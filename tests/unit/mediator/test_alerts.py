"""What a custodian is told: each rule at its threshold and just below it, over days and questions written by hand."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from haven.ledger.usage import Asked, DayUse
from haven.mediator import alerts
from haven.mediator.alerts import Cap, Urgency
from haven.mediator.shapes import shape_of
from haven.privacy.budget import Definition, Price

TODAY = date(2026, 3, 20)
MORNING = datetime(2026, 3, 20, 9, tzinfo=UTC)


def rho(pico: int) -> Price:
    return Price(Definition.ZCDP, pico)


def day(ago: int, refused: int = 0) -> DayUse:
    return DayUse(TODAY - timedelta(days=ago), "liver", "anna", 1, refused, 0, rho(0))


def on(spent: dict[int, int]) -> dict[date, int]:
    """What was spent so many days ago, by day."""
    return {TODAY - timedelta(days=ago): pico for ago, pico in spent.items()}


def asked(texts: Sequence[str], minutes: float = 1, actor: str = "anna") -> list[Asked]:
    return [Asked(MORNING + timedelta(minutes=minutes * place), actor, "liver", text) for place, text in enumerate(texts)]


@pytest.mark.parametrize(("percent", "mark"), [(49, None), (50, 50), (79, 50), (80, 80), (94, 80), (95, 95), (100, 95), (130, 95)])
def test_a_cap_is_told_at_its_highest_mark(percent: int, mark: int | None) -> None:
    found = list(alerts.spent("nafld", [Cap("the share of liver", rho(1000), rho(10 * percent), "liver")]))
    assert [one.sentence for one in found] == ([] if mark is None else [f"{mark} % or more of the share of liver is spent."])
    assert [one.urgency for one in found] == ([] if mark is None else [Urgency.ACT if mark == 95 else Urgency.LOOK])


def test_a_cap_of_nothing_is_not_told() -> None:
    assert not list(alerts.spent("nafld", [Cap("nothing", rho(0), rho(0))]))


def literals(count: int) -> list[str]:
    return [f"SELECT COUNT(*) FROM persons WHERE age = {one} AND ward = 'w{one}'" for one in range(count)]  # noqa: S608 - never run


@pytest.mark.parametrize(("count", "told"), [(19, False), (20, True), (40, True)])
def test_twenty_different_questions_of_one_shape_within_an_hour_are_probing(count: int, told: bool) -> None:  # noqa: FBT001 - a table
    found = list(alerts.probing("nafld", asked(literals(count))))
    assert [one.actor for one in found] == (["anna"] if told else [])


def test_the_same_question_again_is_no_probing_and_neither_are_questions_hours_apart() -> None:
    assert not list(alerts.probing("nafld", asked(["SELECT COUNT(*) FROM persons WHERE age = 1"] * 40)))
    assert not list(alerts.probing("nafld", asked(literals(40), minutes=4)))
    assert list(alerts.probing("nafld", asked(literals(40), minutes=3)))


def test_questions_of_other_shapes_or_other_people_are_not_added() -> None:
    columns = [f"SELECT AVG(c{one}) FROM persons" for one in range(40)]  # noqa: S608 - never run
    assert not list(alerts.probing("nafld", asked(columns)))
    shared = [one for who in ("anna", "ben") for one in asked(literals(19), actor=who)]
    assert not list(alerts.probing("nafld", shared))


def most_within_an_hour(found: Sequence[Asked]) -> int:
    """The plain way: from each question on, count the different ones of the next hour."""
    return max(len({b.question for b in found if a.at <= b.at <= a.at + alerts.PROBING_WINDOW}) for a in found)


def test_the_window_that_moves_finds_what_every_window_finds() -> None:
    chance = random.Random(7)  # noqa: S311 - a test's own
    for _ in range(200):
        found = sorted(
            (Asked(MORNING + timedelta(minutes=chance.randrange(240)), "anna", "liver", str(chance.randrange(12))) for _ in range(30)),
            key=lambda one: one.at,
        )
        assert alerts._most_at_once(found) == most_within_an_hour(found)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT COUNT(*) FROM p WHERE a = 1", "select count( * )\nfrom p -- x\nwhere b > 'it''s' and c;"),
        ("SELECT COUNT(*) FILTER (WHERE a) FROM p GROUP BY s", "SELECT COUNT(*) FILTER (WHERE (b OR c)) FROM p GROUP BY s"),
        ("SELECT SUM(CASE WHEN a = 1 THEN 2 END) FROM p", "SELECT SUM(CASE WHEN a = 7.5e3 THEN .1 END) FROM p"),
        ("SELECT a FROM (SELECT * FROM p WHERE x) q", "SELECT a FROM (SELECT * FROM p WHERE y IN (1, 2)) q"),
        ("SELECT COUNT(*) FROM p HAVING COUNT(*) IN (1)", "SELECT COUNT(*) FROM p HAVING COUNT(*) IN (1, 2, 3)"),
        ("SELECT /* a */ 1", "SELECT 2"),
    ],
)
def test_conditions_literals_comments_and_spaces_are_no_part_of_a_shape(one: str, other: str) -> None:
    assert shape_of(one) == shape_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT COUNT(*) FROM p", "SELECT COUNT(*) FROM q"),
        ("SELECT COUNT(*) FROM p WHERE a GROUP BY s", "SELECT COUNT(*) FROM p WHERE a GROUP BY t"),
        ("SELECT AVG(a) FROM p WHERE x", "SELECT AVG(b) FROM p WHERE x"),
        ('SELECT "A" FROM p', 'SELECT "a" FROM p'),
    ],
)
def test_what_is_counted_of_what_by_what_is_the_shape(one: str, other: str) -> None:
    assert shape_of(one) != shape_of(other)


@pytest.mark.parametrize("text", ["", "'", '"', "/*", "((((", "WHERE", "\x00", "a" * 100_000, "'" * 99_999])
def test_any_text_has_a_shape(text: str) -> None:
    assert isinstance(shape_of(text), str)


@pytest.mark.parametrize(("count", "ago", "told"), [(9, 0, False), (10, 0, True), (10, 6, True), (10, 7, False)])
def test_ten_refusals_of_a_person_on_a_day_are_told_for_a_week(count: int, ago: int, told: bool) -> None:  # noqa: FBT001 - a table
    days = [day(ago, refused=count - 1), DayUse(TODAY - timedelta(days=ago), "other", "anna", 0, 1, 0, rho(0))]
    assert bool(list(alerts.refusals("nafld", days, TODAY))) is told


@pytest.mark.parametrize(
    ("today", "told"),
    [
        (499, False),  # not five times the usual
        (500, True),
    ],
)
def test_a_day_that_spends_five_times_the_usual_is_told(today: int, told: bool) -> None:  # noqa: FBT001 - a table
    spent_on = on({0: today, **dict.fromkeys(range(2, 10), 100)})
    assert bool(list(alerts.draining("nafld", spent_on, rho(10_000), TODAY))) is told


def test_little_days_are_no_drain_and_neither_is_the_first_day() -> None:
    usual = dict.fromkeys(range(1, 10), 10)
    assert not list(alerts.draining("nafld", on({0: 499} | usual), rho(10_000), TODAY))
    assert list(alerts.draining("nafld", on({0: 500} | usual), rho(10_000), TODAY))
    assert not list(alerts.draining("nafld", on({0: 5000}), rho(10_000), TODAY))
    assert not list(alerts.draining("nafld", on({0: 5000, 29: 10}), rho(10_000), TODAY))
    assert list(alerts.draining("nafld", on({1: 500, **dict.fromkeys(range(2, 10), 10)}), rho(10_000), TODAY))


def test_what_needs_somebody_stands_first() -> None:
    found = alerts.in_order([*alerts.refusals("a", [day(0, refused=10)], TODAY), *alerts.stopped("z", "a breach")])
    assert [one.rule for one in found] == ["stopped", "refused"]
    assert not list(alerts.stopped("z", None))
    assert [one.urgency for one in alerts.same_people("a", ["b"])] == [Urgency.ACT]
