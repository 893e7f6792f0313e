"""The questions of the analyst's day, read from analysts_day.sql, and each in the form a peer is asked it.

A peer is handed a question's rows ready made: joined, filtered, cut into bands and summarised per person by DuckDB, with its keys as
columns. That is more than most of them can do, and none is held back by its dialect of SQL.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

FILE = Path(__file__).with_suffix("").with_name("analysts_day.sql")
BOUNDS = {
    "age": (18.0, 98.0),
    "weight": (20.0, 250.0),
    "height": (100.0, 220.0),
    "bmi": (10.0, 80.0),
    "futime": (0.0, 9131.0),
    "value": (0.0, 500.0),
}
OPERATIONS = {exp.Avg: "mean", exp.Sum: "sum", exp.Median: "median", exp.StddevSamp: "variance", exp.Variance: "variance"}
TYPES = {"VARCHAR": "string", "DOUBLE": "float"}


@dataclass(frozen=True)
class DayQuestion:
    """One question: what it asks in words, its SQL, and the bounds written beside it."""

    number: int
    title: str
    sql: str
    bounds: tuple[float, float] | None

    @property
    def keys(self) -> int:
        """How many group keys lead each row."""
        grouped = sqlglot.parse_one(self.sql, dialect="duckdb").args.get("group")
        return len(grouped.expressions) if grouped else 0


def read_day() -> list[DayQuestion]:
    """The day's questions, in the order asked."""
    questions: list[DayQuestion] = []
    title, bounds = "", None
    for line in FILE.read_text().splitlines():
        if line.startswith("-- bounds "):
            low, high = line.removeprefix("-- bounds ").split()
            bounds = (float(low), float(high))
        elif line.startswith("-- "):
            title = line.removeprefix("-- ")
        elif line:
            questions.append(DayQuestion(len(questions) + 1, title, line.rstrip(";"), bounds))
            bounds = None
    return questions


@dataclass(frozen=True)
class Limits:
    """What one person adds to a question: rows, groups, and rows in one group."""

    rows: int
    groups: int
    rows_in_group: int


def limits_of(sql: str, keys: list[str]) -> Limits:
    """The policy's bounds as they hold for this question, whoever asks it."""
    if "FROM persons" in sql or "GROUP BY id)" in sql:
        return Limits(1, 1, 1)
    column, rows, groups, in_group = ("test", 60, 6, 20) if "FROM labs" in sql else ("event", 10, 5, 2)
    if f"WHERE {column} = " in sql:
        rows, groups = in_group, 1
    by_column = column in keys
    by_rows = any(key not in {column, "male", "status", "band", "class", "decade"} for key in keys)
    most = rows if by_rows else groups if by_column else 1
    return Limits(rows, most, in_group if by_column else rows)


def for_peers(question: DayQuestion, database: duckdb.DuckDBPyConnection, folder: Path) -> dict[str, Any]:
    """The question as the runners are told it, its rows written to a Parquet file in `folder` as table `day`."""
    tree = sqlglot.parse_one(question.sql, dialect="duckdb")
    aliases = {item.alias: item.this for item in tree.expressions if isinstance(item, exp.Alias)}
    grouped = tree.args.get("group")
    keys = [_resolved(key, tree, aliases) for key in (grouped.expressions if grouped else [])]
    names = [_named(key, tree) for key in (grouped.expressions if grouped else [])]
    aggregates, arguments = [], []
    for item in tree.expressions:
        call = item.unalias()
        if isinstance(call, exp.Count):
            operation, argument = ("units", None) if call.find(exp.Distinct) else ("count", None)
        elif type(call) in OPERATIONS:
            operation, argument = OPERATIONS[type(call)], call.this
        else:
            continue
        low, high = _bounds(question, argument)
        column = None if argument is None else f"v{len(arguments)}"
        if argument is not None:
            arguments.append(argument)
        aggregates.append({"name": item.alias, "op": operation, "column": column or "id", "low": low, "high": high})
    parts = [f"({key.sql('duckdb')})::VARCHAR AS k{place}" for place, key in enumerate(keys)]
    parts += [f"CAST({value.sql('duckdb')} AS DOUBLE) AS v{place}" for place, value in enumerate(arguments)]
    where = tree.args.get("where")
    base = f"SELECT {', '.join(['id', *parts])} {tree.args['from_'].sql('duckdb')} "
    base += " ".join(join.sql("duckdb") for join in tree.args.get("joins") or []) + (f" {where.sql('duckdb')}" if where else "")
    path = folder / f"day-{question.number}.parquet"
    database.execute(f"COPY ({base}) TO '{path}' (FORMAT parquet)")
    limits = limits_of(question.sql, names)
    listed = [f"k{place}" for place in range(len(keys))]
    private = "event" in names
    found = {key: [row[0] for row in database.execute(f"SELECT DISTINCT {key} FROM '{path}' ORDER BY 1").fetchall()] for key in listed}
    columns = {"id": "int", **dict.fromkeys(listed, "string"), **{f"v{place}": "float" for place in range(len(arguments))}}
    return {
        "name": f"day-{question.number}",
        "path": str(path),
        "table": "day",
        "tables": {"day": columns},
        "keys": listed,
        "aggregates": aggregates,
        "where": None,
        "join": False,
        "private": private,
        "domains": None if private else found,
        "bounds": {each["column"]: (each["low"], each["high"]) for each in aggregates if each["low"] is not None},
        "rows": limits.rows,
        "groups": limits.groups,
        "rows_in_group": limits.rows_in_group,
    }


def _bounds(question: DayQuestion, argument: exp.Expression | None) -> tuple[float | None, float | None]:
    if argument is None:
        return None, None
    return question.bounds or BOUNDS[argument.name]


def _resolved(key: exp.Expression, tree: exp.Expression, aliases: dict[str, exp.Expression]) -> exp.Expression:
    """The expression behind a key written as an alias or a position."""
    if isinstance(key, exp.Literal):
        return tree.expressions[int(key.this) - 1].unalias()
    return aliases.get(key.name, key)


def _named(key: exp.Expression, tree: exp.Expression) -> str:
    return str(tree.expressions[int(key.this) - 1].alias if isinstance(key, exp.Literal) else key.name)
