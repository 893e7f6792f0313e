"""A person's presence shows in noised sums alone: never in whether a question fails, nor in the width of what the engine computes."""

# ruff: noqa: S608 - a test's own questions

import hashlib
import random
from datetime import date
from typing import Any

import duckdb
import pytest

from haven import query
from haven.catalog.dataset import Column, Table
from haven.errors import Refused
from haven.privacy.mechanisms import Sensitivity
from haven.privacy.units import ContributionBound
from haven.query.expressions import Call, Expression
from haven.query.private_plan import OutputType
from haven.query.render import render
from haven.query.targets import Drafter, Method
from tests.support import layout_db
from tests.support.query_world import ONE, PERSONS, planned

LARGEST = 2**53
FIRST: dict[str, Any] = {
    "id": 1,
    "age": 50,
    "male": True,
    "smoker": None,
    "bmi": 30.0,
    "income": 0,
    "stage": "mild",
    "town": "a",
    "born": date(1990, 1, 1),
    "died": None,
    "weight": None,
    "visits": None,
}
TARGET = FIRST | {
    "id": 2,
    "age": 51,
    "income": 5_000_000,
    "born": date(1920, 1, 2),
    "died": date(9999, 12, 31),
    "weight": 1e308,
    "visits": 2**62,
}
ATTACKS = [
    # 32 bits: what passes on a stored value must not pass on its width
    "SUM((CASE WHEN age = 51 THEN died ELSE born END - born) * (died - DATE '0001-01-01'))",
    "SUM(nullif(income, 1) * nullif(income, 1))",
    "SUM(-nullif(income, 1) * nullif(income, 2) * nullif(income, 3))",
    # 2^53 + 1 rounds to 2^53 in interval arithmetic: a difference said to be ≥ 0 was -1
    f"SUM(clamp(floor(sqrt({LARGEST} - (CASE WHEN age = 51 THEN {LARGEST} ELSE 0 END + 1))), 0, 5))",
    f"SUM(clamp(CAST(sqrt({LARGEST} - (CASE WHEN age = 51 THEN {LARGEST} ELSE 0 END + 1)) AS BIGINT), 0, 5))",
    # four centuries have fewer months than days · 12 / 365
    "SUM(clamp(floor(sqrt(datediff('month', DATE '0001-01-01', born) - 23041)), 0, 5))",
]


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


@pytest.mark.parametrize("attack", ATTACKS)
def test_whether_a_question_fails_does_not_depend_on_one_person(connection: duckdb.DuckDBPyConnection, attack: str) -> None:
    plan = planned(f"SELECT {attack} AS s FROM persons")
    sums = []
    for rows in ([FIRST], [FIRST, TARGET]):
        layout_db.store(connection, "persons", PERSONS, layout_db.ranked(PERSONS, rows))
        sums.append(layout_db.exact(connection, plan).columns[0][0])
    assert abs(sums[1] - sums[0]) <= plan.targets[0].sensitivity.l1


def test_a_sum_far_from_zero_fits_whatever_the_number_of_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """2⁵⁴ times 512 rows is 2⁶³: in 64 bits the 512th person made the question fail."""
    low = LARGEST - 9
    far = Table(source="x", unit_column="id", columns={"x": Column(type="integer", bounds=(low, LARGEST))})
    draft = Drafter({"s0": ""}).total(
        query.resolve(query.parse("SELECT SUM(x) FROM d.t"), {"d": _dataset(far)}).answer.aggregates[0], Method.CENTRED
    )
    total = draft.sql("x", "")
    for rows in (511, 512, 5_000):
        (answer,) = connection.execute(f"SELECT {total} FROM (SELECT {low}::BIGINT AS x FROM range({rows}))").fetchone() or (None,)
        assert answer == rows * (2 * low - (low + LARGEST))
        assert abs(answer) <= Sensitivity(ContributionBound(rows, 1, rows), draft.largest).l1


def _dataset(table: Table) -> Any:  # noqa: ANN401 - a catalogue's dataset
    return type(ONE["nafld"])(name="d", title="Far from zero", tables={"t": table})


NUMBERS = ("age", "income", "visits", "bmi", "weight", "0", "7", "-1", "2.5", "9007199254740992", "1e300", "1e-320")
DAYS = ("born", "died", "DATE '0001-01-01'", "DATE '9999-12-31'", "DATE '2000-02-29'")
WIDTHS = {
    OutputType.INTEGER: {"BIGINT"},
    OutputType.NUMBER: {"DOUBLE"},
    OutputType.BOOLEAN: {"BOOLEAN"},
    OutputType.TEXT: {"VARCHAR"},
    OutputType.DATE: {"INTEGER", "BIGINT"},
}


class Author:
    """Writes random well-typed expressions over a person's row."""

    def __init__(self, seed: int) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - a test's own order, nobody's secret

    def _one(self, *forms: str) -> str:
        return self._draw.choice(forms)

    def number(self, depth: int) -> str:
        """A numeric expression."""
        if depth == 0:
            return self._one(*NUMBERS)
        a, b, c, d = self.number(depth - 1), self.number(depth - 1), self.condition(depth - 1), self.day(depth - 1)
        e = self.day(depth - 1)
        return self._one(
            *(f"({a} {sign} {b})" for sign in ("+", "-", "*", "/", "//", "%")),
            *(f"{name}({a})" for name in ("-", "abs", "sign", "floor", "ceil", "round", "trunc", "sqrt", "ln", "exp")),
            *(f"least({a}, {b})", f"greatest({a}, {b})", f"nullif({a}, {b})", f"coalesce({a}, {b})", f"pow({a}, 2)"),
            *(f"CASE WHEN {c} THEN {a} ELSE {b} END", f"CASE WHEN {c} THEN {a} END", f"CAST({a} AS BIGINT)", f"round({a}, 2)"),
            *(f"clamp({a}, -5, 9007199254740992)", f"year({d})", f"datediff('month', {d}, {e})", f"({d} - {e})"),
        )

    def condition(self, depth: int) -> str:
        """A condition."""
        if depth == 0:
            return self._one("male", "smoker", "age > 50", "weight < 0", "town = 'a'")
        return self._one(f"({self.number(depth - 1)} < {self.number(depth - 1)})", f"(NOT {self.condition(depth - 1)})")

    def day(self, depth: int) -> str:
        """A date."""
        if depth == 0:
            return self._one(*DAYS)
        inner, other = self.day(depth - 1), self.day(depth - 1)
        return self._one(f"date_trunc('month', {inner})", f"coalesce({inner}, {other})", f"({inner} + clamp({self.number(0)}, -3, 9))")


def _bound(sql: str) -> Expression | None:
    """The expression `sql` as the planner sees it; None where it is refused, or a constant."""
    try:
        answer = query.resolve(query.parse(f"SELECT COUNT(*) FILTER (WHERE {sql} IS NULL) FROM persons"), ONE).answer
    except Refused:
        return None
    condition = answer.aggregates[0].condition
    return condition.arguments[0] if isinstance(condition, Call) and condition.function == "is_null" else None


def test_every_value_keeps_to_the_width_and_interval_it_was_planned_with(connection: duckdb.DuckDBPyConnection) -> None:
    rows = [
        FIRST | {"id": i, "visits": v, "weight": w} for i, (v, w) in enumerate([(0, 0.0), (-1, -1e308), (2**53, 5e-324), (-(2**62), 0.5)])
    ]
    layout_db.store(connection, "persons", PERSONS, layout_db.ranked(PERSONS, [*rows, TARGET | {"id": 9}]))
    author, tried = Author(int(hashlib.sha256(b"widths").hexdigest()[:8], 16)), 0
    for number in range(1500):
        sql = author.number(1 + number % 3)
        expression = _bound(sql)
        if expression is None or expression.shape.type is None:
            continue
        rendered, shape = render(expression, {"s0": ""}), expression.shape
        for value, width in connection.execute(f"SELECT {rendered}, typeof({rendered}) FROM persons").fetchall():
            assert width in WIDTHS[expression.shape.type], sql
            assert shape.nullable if value is None else shape.interval.holds(value), sql
        tried += 1
    assert tried > 500
