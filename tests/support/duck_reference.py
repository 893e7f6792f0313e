"""DuckDB as the reference of meaning: what a question's own text says of plain tables, beside what haven answers without noise.

The same rows are stored twice: in the physical layout, for the plan's SQL, and as plain tables of real types, for the researcher's text.
Nobody in them exceeds a contribution bound, so both must say the same, but for what is documented: sums over nothing are 0, of nothing
any candidate is chosen, casts that fail are NULL, division by zero and values that are not finite are NULL, and public groups that nobody
is in are answered too.
"""
# ruff: noqa: ANN401, S608 - an answer's cells are of any type; the tables are the tests' own

import itertools
import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from haven import query
from haven.catalog.dataset import ColumnType, Table
from haven.privacy.tables import NoisyTable
from haven.query.evaluation import targets_in
from haven.query.private_plan import OutputType
from tests.support import layout_db
from tests.support.bounded_world import Row, world
from tests.support.query_world import ICD, ICD_ROWS, LABS, PERSONS, VISITS, planned

Cells = tuple[Any, ...]
TABLES: Mapping[str, Table] = {"persons": PERSONS, "labs": LABS, "visits": VISITS, "icd": ICD}
PLAIN_TYPES = {
    ColumnType.INTEGER: "BIGINT",
    ColumnType.NUMBER: "DOUBLE",
    ColumnType.BOOLEAN: "BOOLEAN",
    ColumnType.CATEGORY: "VARCHAR",
    ColumnType.DATE: "DATE",
}
MACROS = (
    "CREATE MACRO clamp(x, lo, hi) AS CASE WHEN x IS NOT NULL THEN greatest(lo, least(hi, x)) END",
    """CREATE MACRO width_bucket(x, lo, hi, n) AS CASE WHEN x IS NULL THEN NULL WHEN x < lo THEN 0 WHEN x >= hi THEN n + 1
    ELSE CAST(floor((x - lo) * n / (hi - lo)) AS BIGINT) + 1 END""",
)
SAID = {
    "UINTEGER": OutputType.INTEGER,
    "TINYINT": OutputType.INTEGER,
    "SMALLINT": OutputType.INTEGER,
    "INTEGER": OutputType.INTEGER,
    "BIGINT": OutputType.INTEGER,
    "HUGEINT": OutputType.INTEGER,
    "DOUBLE": OutputType.NUMBER,
    "FLOAT": OutputType.NUMBER,
    "DECIMAL": OutputType.NUMBER,
    "BOOLEAN": OutputType.BOOLEAN,
    "VARCHAR": OutputType.TEXT,
    "DATE": OutputType.DATE,
    "TIMESTAMP": OutputType.DATE,
}
WHOLE = (exp.Floor, exp.Ceil, exp.Round, exp.Trunc, exp.Sign, exp.Mod)
"""Functions that haven answers with whole numbers of integer type where DuckDB keeps the type of their argument."""


ENORMOUS = "1000000000"
"""An ε at which what is chosen among candidates is the best of them."""
STEPS = 10
CONSTANT_STEPS = 64
"""Half a step a row, of which the worlds have a hundred or so: a constant is rounded the same way on each."""
SMALLEST = 1e-6
RANK = 0.001
BETWEEN_RANKS = 40
"""A continuous quantile of these few rows lies between two values, of which neither is its rank to a thousandth."""
BOOLEANS = {"male", "smoker"}
SPELLED = (exp.Pow, exp.Log, exp.DateDiff)
"""Functions with several spellings, whose unnamed columns haven titles by one of them."""


@dataclass(frozen=True, slots=True)
class Said:
    """Column names and types, and rows."""

    names: tuple[str, ...] | None
    types: tuple[OutputType | None, ...]
    rows: tuple[tuple[Any, ...], ...]


class Reference:
    """One world in both forms."""

    def __init__(self, rows: Mapping[str, Sequence[Row]] | None = None) -> None:
        """Store `rows` by table, or the bounded world's."""
        self.rows = {**(world() if rows is None else rows), "icd": list(ICD_ROWS)}
        self.stored = duckdb.connect()
        self.plain = duckdb.connect()
        self.plain.execute("CREATE SCHEMA nafld; SET search_path = 'main,nafld'")
        self.plain.execute("SET ieee_floating_point_ops = false; SET error_on_division_by_zero = false")
        for macro in MACROS:
            self.plain.execute(macro)
        for name, table in TABLES.items():
            store_both(self.stored, self.plain, name, table, self.rows[name])

    def answers(self, plan: query.PrivatePlan, *, everything: bool = False) -> Said:
        """What haven says without noise: of the groups that somebody is in, or of `everything` public."""
        table = layout_db.exact(self.stored, plan)
        table = table if everything else found_alone(self.stored, plan, table)
        finished = query.finish(plan, table)
        return Said(tuple(each.name for each in plan.outputs), tuple(each.type for each in plan.outputs), finished.rows)

    def means(self, sql: str) -> Said:
        """What DuckDB says of the researcher's text: its names of that very text, its values of the amended one."""
        changed = amended(sql)
        result = self.plain.execute(changed)
        described = result.description or ()
        rows = tuple(tuple(_cell(value) for value in row) for row in result.fetchall())
        types = tuple(SAID.get(str(column[1]).split("(")[0]) for column in described)
        return Said(tuple(column[0] for column in described if changed == sql) or self._names(sql), types, rows)

    def _names(self, sql: str) -> tuple[str, ...] | None:
        """What DuckDB calls the columns of the text as written; None where it takes no average of truth values."""
        try:
            return tuple(column[0] for column in self.plain.execute(f"DESCRIBE {sql}").fetchall())
        except duckdb.BinderException:
            return None

    def assert_same(self, sql: str, *, kinds: bool = True, steps: int = STEPS) -> None:
        """Haven's answer without noise is DuckDB's: names, types, rows, NULLs and, where an order was asked, the order.

        Numbers agree to `steps` of the grids that they were summed on. Without `kinds`, whole and other numbers are one type.
        """
        plan = planned(sql, epsilon=ENORMOUS)
        tree = sqlglot.parse_one(sql, read="duckdb")
        several = tree.find(exp.Rollup, exp.Cube, exp.GroupingSets) is not None
        ours, theirs = self.answers(plan, everything=several), self.means(sql)
        if tree.find(*SPELLED) is None and theirs.names is not None:
            named = [name.lower() for name in ours.names or ()]
            assert named == [name.lower() for name in theirs.names], (sql, named, theirs.names)
        whole = not kinds or tree.find(*WHOLE) is not None
        for our, their in zip(ours.types, theirs.types, strict=True):
            assert our == their or (whole and {our, their} == {OutputType.INTEGER, OutputType.NUMBER}), (sql, our, their)
        chosen, slack = chosen_in(plan), slack_of(plan, steps)
        if tree.find(exp.Group) and not plan.keys and not theirs.rows:
            return  # every key is a constant: its one group is public, and answered though nobody is in it
        if several:
            assert_holds_rows(sql, ours.rows, theirs.rows, slack, chosen)
        elif not chosen:
            assert_same_rows(sql, ours.rows, theirs.rows, slack, ordered=tree.args.get("order") is not None)
        else:
            low, high = (self.means(shifted(sql, shift)).rows for shift in (-RANK, RANK))
            assert_between(sql, ours.rows, low, high, chosen, slack)


def slack_of(plan: query.PrivatePlan, steps: int = STEPS) -> list[float]:
    """How far each column may lie from an exact sum: a few steps of the coarsest grid it is made of."""
    grids = [[plan.targets[index].grid for index in targets_in(output.expression) if index >= 0] for output in plan.outputs]
    return [steps * max((grid for grid in of_output if grid != 1), default=0.0) + SMALLEST for of_output in grids]


def assert_same_rows(sql: str, ours: Iterable[Cells], theirs: Iterable[Cells], slack: Sequence[float], *, ordered: bool) -> None:
    """Equal rows; as multisets unless `ordered`."""
    ours, left = list(ours), list(theirs)
    assert len(ours) == len(left), (sql, ours, left)
    for row in ours:
        match = next((index for index, other in enumerate(left[:1] if ordered else left) if _same_row(row, other, slack)), None)
        assert match is not None, (sql, row, left)
        left.pop(match)


def assert_holds_rows(sql: str, ours: Iterable[Cells], theirs: Iterable[Cells], slack: Sequence[float], chosen: Container[int]) -> None:
    """Every row of `theirs` is among `ours`, but for chosen columns: grouping sets answer public groups that nobody is in as well."""
    left = list(ours)
    for row in theirs:
        match = next((index for index, other in enumerate(left) if _same_row(other, row, slack, chosen)), None)
        assert match is not None, (sql, row, left)
        left.pop(match)


def chosen_in(plan: query.PrivatePlan) -> dict[int, float]:
    """The output columns that are values chosen among public candidates, with the widest step between two of them (days for dates)."""
    found: dict[int, float] = {}
    for index, output in enumerate(plan.outputs):
        for target in targets_in(output.expression):
            candidates = None if target < 0 else plan.targets[target].candidates
            if candidates is not None:
                places = [_place(value) for value in candidates if value is not None]
                found[index] = max((b - a for a, b in itertools.pairwise(places)), default=1.0) if None not in places else 0.0
    return found


def _place(value: Any) -> Any:
    """A candidate as a number; None for a text that is no date."""
    if not isinstance(value, str):
        return float(value)
    try:
        return float(date.fromisoformat(value).toordinal())
    except ValueError:
        return None


def shifted(sql: str, shift: float) -> str:
    """The text with every quantile a little lower or higher, as a value of the data: what is chosen may lie anywhere between the two."""

    def replaced(node: exp.Expr) -> exp.Expr:
        match node:
            case exp.Median():
                return _quantile(node.this, 0.5 + shift)
            case exp.PercentileCont() | exp.PercentileDisc() if isinstance(node.args.get("expression"), exp.Literal):
                wider = BETWEEN_RANKS if isinstance(node, exp.PercentileCont) and node.expression.name != "0.5" else 1.0
                return _quantile(node.this, float(node.expression.name) + shift * wider)
            case exp.Quantile() | exp.ApproxQuantile() if isinstance(node.args["quantile"], exp.Literal):
                return _quantile(node.this, float(node.args["quantile"].name) + shift)
            case exp.WithinGroup():
                return _quantile(node.args["expression"].expressions[0].this, float(node.this.this.name) + shift)
            case _:
                return node

    return sqlglot.parse_one(sql, read="duckdb").transform(replaced).sql(dialect="duckdb")


def _quantile(argument: exp.Expr, wanted: float) -> exp.Expr:
    return exp.Anonymous(this="quantile_disc", expressions=[argument.copy(), exp.Literal.number(min(max(wanted, 0.0), 1.0))])


def assert_between(
    sql: str, ours: Iterable[Cells], low: Iterable[Cells], high: Iterable[Cells], chosen: Mapping[int, float], slack: Sequence[float]
) -> None:
    """Rows that are equal but for the chosen columns, which lie between those of `low` and `high` to one step of their candidates."""
    lows, highs = list(low), list(high)
    ours = list(ours)
    assert len(ours) == len(lows), (sql, ours, lows)
    for row in ours:
        ends = [next((each for each in rows if _same_row(row, each, slack, chosen)), None) for rows in (lows, highs)]
        assert ends[0] is not None, (sql, row, lows)
        assert ends[1] is not None, (sql, row, highs)
        for index, step in chosen.items():
            cell, least, most = row[index], ends[0][index], ends[1][index]
            if least is None:
                continue  # of nothing, some candidate is chosen: which one says nothing
            if _place(least) is None:
                assert cell == least, (sql, row, least)
            else:
                assert cell is not None, (sql, row, least)
                assert _place(least) - step <= _place(cell) <= _place(most) + step, (sql, cell, least, most, step)


def store_both(stored: duckdb.DuckDBPyConnection, plain: duckdb.DuckDBPyConnection, name: str, table: Table, rows: Sequence[Row]) -> None:
    """`rows` in the physical layout and as a plain table."""
    layout_db.store(stored, name, table, list(rows) if table.public else layout_db.ranked(table, rows))
    owner = [] if table.unit_column is None else [table.unit_column]
    columns = [f"{each} BIGINT" for each in owner] + [f"{each} {PLAIN_TYPES[column.type]}" for each, column in table.columns.items()]
    plain.execute(f"CREATE OR REPLACE TABLE nafld.{name} ({', '.join(columns)})")
    names = [*owner, *table.columns]
    for row in rows:
        plain.execute(f"INSERT INTO nafld.{name} VALUES ({', '.join('?' * len(names))})", [row[each] for each in names])


def found_alone(connection: duckdb.DuckDBPyConnection, plan: query.PrivatePlan, table: NoisyTable) -> NoisyTable:
    """The groups of `table` that the engine found a row in; public groups that nobody is in are left out."""
    if not plan.keys:
        return table
    found = {tuple(row[: len(plan.keys)]) for row in connection.execute(plan.sql).fetchall()}
    kept = [index for index, key in enumerate(table.keys) if key in found]
    columns = tuple(tuple(column[index] for index in kept) for column in table.columns)
    units = None if table.units is None else tuple(table.units[index] for index in kept)
    return NoisyTable(tuple(table.keys[index] for index in kept), columns, units)


def amended(sql: str) -> str:
    """The text with the documented differences spelled out; other text stays as it was written."""
    tree = sqlglot.parse_one(sql, read="duckdb")
    if tree.find(exp.Sum, exp.Cast, exp.Avg) is None:
        return sql
    return tree.transform(_amend).sql(dialect="duckdb")


def _amend(node: exp.Expr) -> exp.Expr:
    if isinstance(node.parent, exp.Window):
        return node
    if type(node) is exp.Cast and node.to.this != exp.DataType.Type.DATE:
        return exp.TryCast(this=node.this, to=node.to)
    if isinstance(node, exp.Avg) and isinstance(node.this, exp.Column) and node.this.name.lower() in BOOLEANS:
        return exp.Avg(this=exp.cast(node.this.copy(), "INTEGER"))
    whole = isinstance(node, exp.Filter) and isinstance(node.this, exp.Sum)
    if whole or (isinstance(node, exp.Sum) and not isinstance(node.parent, exp.Filter)):
        return _or_zero(node)
    return node


def _or_zero(node: exp.Expr) -> exp.Expr:
    select = node.find_ancestor(exp.Select)
    if not isinstance(select, exp.Select) or _is_per_person(select) or _is_value(select) or _is_over_answer(select):
        return node
    return exp.Coalesce(this=node.copy(), expressions=[exp.Literal.number(0)])


def _is_over_answer(select: exp.Select) -> bool:
    """Whether a SELECT is over an aggregated one: sums of noisy rows are SQL's, NULL where there are none."""
    source = _source(select)
    return source is not None and (_is_answer(source) or _is_over_answer(source))


def _is_answer(select: exp.Select) -> bool:
    aggregates = any(item.find(exp.AggFunc) for item in select.expressions)
    return (aggregates or select.args.get("group") is not None) and not _is_per_person(select)


def _source(select: exp.Select) -> exp.Select | None:
    """The SELECT that a SELECT reads alone: in brackets, or named before."""
    clause = select.args.get("from_")
    node = None if clause is None else clause.this
    if isinstance(node, exp.Table):
        named = {cte.alias.lower(): cte.this for cte in select.root().find_all(exp.CTE)}
        node = named.get(node.name.lower())
    node = node.unnest() if isinstance(node, exp.Subquery) else node
    return node if isinstance(node, exp.Select) else None


def _is_value(select: exp.Select) -> bool:
    """Whether a SELECT stands inside an expression: of public tables, whose sum of nothing is NULL."""
    return isinstance(select.parent, exp.Subquery) and not isinstance(select.parent.parent, exp.From | exp.Join)


def _is_per_person(select: exp.Select) -> bool:
    group = select.args.get("group")
    return group is not None and any(isinstance(each, exp.Column) and each.name.lower() == "id" for each in group.expressions)


def _cell(value: Any) -> Any:
    match value:
        case datetime():
            return value.date().isoformat()
        case date():
            return value.isoformat()
        case Decimal():
            return float(value)
        case float():
            return value if math.isfinite(value) else None
    return value


def _same_row(one: Cells, other: Cells, slack: Sequence[float], skipped: Container[int] = ()) -> bool:
    pairs = zip(one, other, slack, strict=True)
    return all(index in skipped or _same(a, b, atol) for index, (a, b, atol) in enumerate(pairs))


def _same(a: Any, b: Any, atol: float) -> bool:
    if a is None or b is None or isinstance(a, bool | str) or isinstance(b, bool | str):
        return a is b or (type(a) is type(b) and a == b)
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=atol)
