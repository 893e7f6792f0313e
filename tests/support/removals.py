"""Brute force: small worlds whose people break every bound, and whether removing each of them stays within a plan's sensitivities.

The tables are stored once; a view over each leaves out the person named by a variable, so that every neighbour is one assignment away.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import duckdb

from haven import query
from haven.catalog.dataset import Table
from haven.privacy.choices import Choice, Scores
from haven.privacy.tables import NoisyTable
from tests.support import layout_db
from tests.support.query_world import ICD, ICD_ROWS, LABS, PERSONS, VISITS

Row = dict[str, Any]
World = Mapping[str, Sequence[Row]]
PERSONAL: Mapping[str, Table] = {"persons": PERSONS, "labs": LABS, "visits": VISITS}
NOBODY = "nobody"
NUMBERS = (0.0, 500.0, -1.0, 1e9, 250.0, float("nan"), float("inf"), 0.1, 499.9999, None, None)
DAY = date(2010, 1, 1)


def _person(draw: random.Random) -> Row:
    return {
        "age": draw.choice([18, 98, 0, 200, 50, 51]),
        "male": draw.random() < 0.5,
        "smoker": draw.choice([True, False, None]),
        "bmi": draw.choice([None, 10.0, 80.0, -5.0, 300.0, float("nan"), 45.0, 30.0, draw.uniform(10, 80)]),
        "income": draw.choice([0, 5_000_000, 10**7, 2_500_001]),
        "stage": draw.choice(["none", "mild", "severe", None, "unlisted"]),
        "town": draw.choice(["a", "b", "", "Oslo"]),
        "born": draw.choice([date(1920, 1, 1), date(2005, 12, 31), date(1000, 1, 1), date(1960, 6, 6)]),
        "died": draw.choice([None, date(2020, 1, 1), date(2011, 1, 1)]),
        "weight": draw.choice([None, float("nan"), 1e308, -1e308, 0.0, 70.0]),
        "visits": draw.choice([None, 0, 2**62, -(2**62), 3]),
    }


def _lab(draw: random.Random) -> Row:
    return {
        "test": draw.choice(["chol", "dbp", "fib4", "hdl"]),
        "site": draw.choice(["x", "y", "z", None]),
        "value": draw.choice([*NUMBERS, draw.uniform(0, 500)]),
        "day": DAY + timedelta(days=draw.choice([-10, 0, 400, 1094, 1110, draw.randint(0, 1094)])),
        "grade": draw.choice([None, -3, 4, -100, 100, 0]),
    }


def _visit(draw: random.Random) -> Row:
    return {
        "kind": draw.choice(["er", "gp", "ward"]),
        "clinic": draw.choice(["p", "q", None, ""]),
        "code": draw.choice(["K74", "E66", "X00", None, "Z99"]),
        "day": DAY + timedelta(days=draw.choice([-10, 0, 400, 1094, 1110, draw.randint(0, 1094)])),
        "cost": draw.choice([0.0, 10_000.0, -1.0, 1e9, float("nan"), None, draw.uniform(0, 10_000)]),
        "nights": draw.choice([0, 30, None, 100, -5, 14]),
    }


MAKERS: Mapping[str, Callable[[random.Random], Row]] = {"persons": _person, "labs": _lab, "visits": _visit}
EXTREMES: Mapping[str, Mapping[str, Sequence[Any]]] = {
    "persons": {"bmi": (10.0, 80.0), "income": (0, 5_000_000), "age": (18, 98), "smoker": (True, False)},
    "labs": {"value": (0.0, 500.0), "grade": (-3, 4), "test": ("chol", "hdl"), "day": (DAY, DAY + timedelta(days=1094))},
    "visits": {"cost": (0.0, 10_000.0), "nights": (0, 30), "kind": ("er", "ward"), "code": ("K74",), "day": (DAY,)},
}


def _rows(draw: random.Random, name: str) -> list[Row]:
    """One person's rows: none, one, all that the bounds allow, one more, one more group, copies of one row, or the ends of every range."""
    table, maker = PERSONAL[name], MAKERS[name]
    most = table.rows_per_unit
    match draw.choice(["none", "one", "one", "full", "over", "copies", "extreme", "extreme"]):
        case "none":
            return []
        case "one":
            return [maker(draw)]
        case "full":
            return [maker(draw) for _ in range(most)]
        case "over":
            return [maker(draw) for _ in range(2 * most + 1)]
        case "copies":
            return [maker(draw)] * (most + 1)
        case _:
            chosen = {column: draw.choice(ends) for column, ends in EXTREMES[name].items()}
            return [maker(draw) | chosen for _ in range(most + draw.choice([0, 1]))]


def worst(table: str) -> list[Row]:
    """A person in every cell of the two first keys of a table, three times in each, at the ends of the ranges."""
    draw = random.Random(table)  # noqa: S311 - rows of a test
    if table == "persons":
        return [_person(draw) | {"bmi": 80.0, "income": 5_000_000, "age": 98, "male": True, "smoker": True}]
    columns = {"labs": ("test", "site", "value"), "visits": ("kind", "clinic", "cost")}[table]
    firsts = LABS.columns["test"].keys if table == "labs" else VISITS.columns["kind"].keys
    seconds = ("x", "y", "z", None) if table == "labs" else ("p", "q", None)
    values = (500.0, 1e9, 0.0) if table == "labs" else (10_000.0, 1e9, 0.0)
    cells = [(first, second, value) for first in firsts or () for second in seconds for value in values]
    return [MAKERS[table](draw) | dict(zip(columns, cell, strict=True)) | {"grade": 4, "nights": 30} for cell in cells]


def random_world(seed: int, people: int = 4) -> dict[str, list[Row]]:
    """Rows by table of at most `people` persons, who need not be in every table; every seventh world has the worst person."""
    draw = random.Random(seed)  # noqa: S311 - rows of a test
    owned = {name: [{"id": owner, **row} for owner in range(people) for row in _rows(draw, name)] for name in PERSONAL}
    if seed % 7 == 0:
        for name in PERSONAL:
            owned[name] += [{"id": people, **row} for row in worst(name)]
    return owned


class Neighbours:
    """A database that shows a world with one person left out."""

    def __init__(self) -> None:
        """Lay the tables, empty."""
        self.connection = duckdb.connect()
        layout_db.store(self.connection, "icd", ICD, list(ICD_ROWS))
        self.units: list[str] = []
        self.load({name: [] for name in PERSONAL})

    def load(self, world: World, turn: int = 1) -> None:
        """Store a world, its rows from the last with `turn` -1; nobody is left out."""
        for name, table in PERSONAL.items():
            self.connection.execute(f'DROP VIEW IF EXISTS "{name}"')
            layout_db.store(self.connection, f"all_{name}", table, layout_db.ranked(table, world[name])[::turn])
            view = f"SELECT * FROM all_{name} WHERE unit_ <> getvariable('gone')"  # noqa: S608 - the test's own tables
            self.connection.execute(f"SET VARIABLE gone = '{NOBODY}'; CREATE VIEW \"{name}\" AS {view}")
        self.units = sorted({str(row["id"]) for rows in world.values() for row in rows})

    def without(self, unit: str) -> None:
        """Leave one person out, with all rows."""
        self.connection.execute(f"SET VARIABLE gone = '{unit}'")

    def exact(self, plan: query.PrivatePlan) -> "Counted":
        """What the engine counts for `plan` of who is left."""
        return Counted(layout_db.exact(self.connection, plan), choices_of(self.connection, plan))

    def largest_moves(self, plans: Mapping[str, query.PrivatePlan]) -> None:
        """Remove each person in turn and hold every plan to its sensitivities."""
        self.without(NOBODY)
        whole = {sql: self.exact(plan) for sql, plan in plans.items()}
        for unit in self.units:
            self.without(unit)
            for sql, plan in plans.items():
                assert_within(sql, plan, whole[sql], self.exact(plan))
        self.without(NOBODY)


@dataclass(frozen=True, slots=True)
class Counted:
    """Exact integers, and for targets that are choices the scores of every candidate by group."""

    table: NoisyTable
    scores: Mapping[int, Mapping[Any, Scores]]


def choices_of(connection: duckdb.DuckDBPyConnection, plan: query.PrivatePlan) -> dict[int, dict[Any, Scores]]:
    """The scores of every candidate in every group that is found, by target."""
    choices = {index: noise for index, noise in enumerate(plan.noises) if isinstance(noise, Choice)}
    if not choices:
        return {}
    width = len(plan.keys)
    first = width + (plan.public_keys() is None)
    rows = connection.execute(plan.sql).fetchall()
    return {index: {tuple(row[:width]): _scores(choice, row[first + index]) for row in rows} for index, choice in choices.items()}


def _scores(choice: Choice, found: Mapping[int, int] | None) -> Scores:
    counts = found or {}
    return choice.goal.scores([counts.get(index, 0) for index in range(choice.candidates)], choice.rank)


def assert_within(sql: str, plan: query.PrivatePlan, whole: Counted | NoisyTable, less: Counted | NoisyTable) -> None:
    """No target, no candidate's score, and no number of persons behind a key moved by more than the plan says."""
    a, b = (each if isinstance(each, Counted) else Counted(each, {}) for each in (whole, less))
    for index, target in enumerate(plan.targets):
        choice = plan.noises[index]
        chosen = isinstance(choice, Choice)
        moved = _score_moves(choice, a.scores[index], b.scores[index]) if chosen else _moves(a.table, b.table, index)
        assert sum(moved) <= target.sensitivity.l1, (sql, index, sum(moved), target.sensitivity)
        assert sum(each * each for each in moved) <= target.sensitivity.l2_squared, (sql, index, moved, target.sensitivity)
    if plan.selection is not None:
        moved = _moves(a.table, b.table, -1)
        assert max(moved, default=0) <= 1, (sql, moved)
        assert sum(moved) <= plan.selection.noise.sensitivity.l2_squared, (sql, moved)


def _score_moves(choice: Choice, whole: Mapping[Any, Scores], less: Mapping[Any, Scores]) -> list[int]:
    """The largest move of a score in each group."""
    empty = _scores(choice, None)
    return [int(abs(whole.get(key, empty) - less.get(key, empty)).max()) for key in {*whole, *less}]


def _moves(whole: NoisyTable, less: NoisyTable, target: int) -> list[int]:
    a, b = _column(whole, target), _column(less, target)
    return [abs(a.get(key, 0) - b.get(key, 0)) for key in {*a, *b}]


def _column(table: NoisyTable, target: int) -> dict[Any, int]:
    column = table.units if target < 0 else table.columns[target]
    return dict(zip(table.keys, column or (), strict=True))
