"""Whether the plan of a question, run without noise, says what the oracle says."""
# ruff: noqa: ANN401 - an answer's cells are of any type

import math
from datetime import date
from typing import Any

import duckdb

from haven import query
from haven.query.private_plan import OutputType
from tests.support import layout_db, oracle
from tests.support.query_world import planned, rank_filters

Rows = list[tuple[Any, ...]]


def without_noise(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[query.PrivatePlan, Rows]:
    """The plan, and its answer from exact integers."""
    plan = planned(sql)
    return plan, list(query.finish(plan, layout_db.exact(connection, plan)).rows)


def by_oracle(plan: query.PrivatePlan, sql: str, tables: oracle.Tables) -> Rows:
    """The oracle's answer over the rows that the plan's rank filters keep, for the plan's public groups."""
    public = plan.public_keys()
    keys = None if public is None else [tuple(_value(plan, key, index) for index in plan.key_order) for key in public]
    return [tuple(_cell(value) for value in row) for row in oracle.answer(sql, tables, rank_filters(plan), keys)[1]]


def assert_agree(connection: duckdb.DuckDBPyConnection, sql: str, tables: oracle.Tables) -> None:
    """Equal rows: in the order asked, else as sets; sums and means to the precision of their grids."""
    plan, found = without_noise(connection, sql)
    expected = by_oracle(plan, sql, tables)
    if "order by" not in sql.lower():
        found, expected = sorted(found, key=_rank), sorted(expected, key=_rank)
    assert len(found) == len(expected), (sql, found, expected)
    for one, other in zip(found, expected, strict=True):
        assert all(_same(a, b) for a, b in zip(one, other, strict=True)), (sql, one, other)


def _value(plan: query.PrivatePlan, key: tuple[Any, ...], index: int) -> Any:
    value = key[index]
    return date.fromisoformat(value) if value is not None and plan.keys[index].type is OutputType.DATE else value


def _cell(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _rank(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple((value is not None and not isinstance(value, float), str(value)) for value in row if not isinstance(value, float))


def _same(a: Any, b: Any) -> bool:
    if a is None or b is None or isinstance(a, bool | str) or isinstance(b, bool | str):
        return a is b or (type(a) is type(b) and a == b)
    return math.isclose(a, b, rel_tol=1e-4, abs_tol=1e-2)
