"""A small world in which nobody exceeds a contribution bound: there a question's bounded meaning is its plain meaning.

Forty persons; labs and visits of some of them and of two who have no row of persons; NULL keys and NULL values; the public codes.
"""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from haven.catalog.dataset import Table
from tests.support.query_world import LABS, VISITS

Row = dict[str, Any]
PEOPLE = 40
ONLY_IN_LABS = (40, 41)
FIRST_DAY = date(2010, 1, 1)
DAYS = 1095


def persons(draw: random.Random) -> list[Row]:
    """One row a person; numbers in quarters, so that sums on the stored grid are exact."""
    return [
        {
            "id": number,
            "age": draw.randint(18, 98),
            "male": draw.random() < 0.5,
            "smoker": draw.choice([True, False, None]),
            "bmi": draw.choice([None, draw.randint(40, 320) / 4, 30.0, 25.0]),
            "income": draw.randint(0, 5_000_000),
            "stage": draw.choice(["none", "mild", "severe", None]),
            "town": draw.choice(["a", "b", "Oslo", "12"]),
            "born": date(1920, 1, 1) + timedelta(days=draw.randint(0, 31000)),
            "died": draw.choice([None, date(2020, 3, 4), date(2011, 7, 8)]),
            "weight": draw.choice([None, -3.0, 0.0, 70.5, 101.25]),
            "visits": draw.choice([None, 0, 7, 2**40]),
        }
        for number in range(PEOPLE)
    ]


def labs(draw: random.Random) -> list[Row]:
    """Up to four rows a person: two in each of two tests and of two sites, on days that no two of them share."""
    return [
        {"id": owner, "test": test, "site": site, "value": value, "day": day, "grade": grade}
        for owner in (*range(28), *ONLY_IN_LABS)
        for test, site, day in _cells(draw, LABS, "test", ["x", "y", None, "z"], draw.randint(1, 4))
        for value, grade in [(draw.choice([None, draw.randint(0, 2000) / 4, 120.0]), draw.choice([None, -3, 0, 4, 2]))]
    ]


def visits(draw: random.Random) -> list[Row]:
    """Up to four rows a person, in at most two kinds, clinics and codes, at most three in one."""
    return [
        {"id": owner, "kind": kind, "clinic": clinic, "code": code, "day": day, "cost": cost, "nights": nights}
        for owner in range(5, 36)
        for codes in [[draw.choice(["E11", "E66", "I10", None]), draw.choice(["K74", "K76", "X00"])]]
        for index, (kind, clinic, day) in enumerate(_cells(draw, VISITS, "kind", ["p", "q", None], draw.randint(1, 4)))
        for code in [codes[index % 2]]
        for cost, nights in [(draw.choice([None, draw.randint(0, 40_000) / 4]), draw.choice([None, 0, 1, 14, 30]))]
    ]


def _cells(draw: random.Random, table: Table, key: str, others: list[str | None], rows: int) -> Iterator[tuple[str, str | None, date]]:
    """Rows of one person in two groups of each of two key columns, taken in turn, with their days."""
    declared = draw.sample(list(table.columns[key].keys or ()), 2)
    chosen = draw.sample(others, 2)
    days = draw.sample(range(DAYS), rows)
    for index in range(rows):
        yield declared[index % 2], chosen[index // 2 % 2], FIRST_DAY + timedelta(days=days[index])


def world(seed: int = 11) -> dict[str, list[Row]]:
    """The rows of every personal table."""
    draw = random.Random(seed)  # noqa: S311 - rows of a test
    return {"persons": persons(draw), "labs": labs(draw), "visits": visits(draw)}
