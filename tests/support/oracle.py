"""A slow plain-Python evaluator of researchers' SQL over Python rows: what the answer would be without noise.

It is written from SQL's rules and reads the text itself; it shares no code with the room it judges. Rows are dicts from column names to
int, float, bool, str, date or None, with the stored ranks beside them; a rank filter is a pair (rank column, largest rank).
"""
# ruff: noqa: ANN401, PLR0911 - SQL's values are of any type, and a rule a case is the plainest form

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import sqlglot
from sqlglot import exp

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]


def answer(
    sql: str,
    tables: Tables,
    ranks: Iterable[tuple[str, int]] = (),
    keys: Sequence[tuple[Any, ...]] | None = None,
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names and rows of the exact answer; `keys` (in GROUP BY order) are the groups shown, empty ones too, None for those of the data.

    As haven answers: a sum over nothing is 0, what is undefined is NULL, and NULLs sort last unless told otherwise.
    """
    world = _World(tables, tuple(ranks), keys)
    columns, rows = world.select(_unwrapped(sqlglot.parse_one(sql, read="duckdb")))
    return columns, [tuple(row[name.lower()] for name in columns) for row in rows]


def _unwrapped(node: exp.Expr) -> exp.Select:
    while isinstance(node, exp.Subquery):
        node = node.this
    assert isinstance(node, exp.Select)
    return node


class _World:
    def __init__(self, tables: Tables, ranks: tuple[tuple[str, int], ...], keys: Sequence[tuple[Any, ...]] | None) -> None:
        self.tables, self.ranks, self.keys = tables, ranks, keys

    def select(self, tree: exp.Select) -> tuple[list[str], list[dict[str, Any]]]:
        names, rows = self.source(tree.args["from_"].this)
        where = tree.args.get("where")
        if where is not None:
            rows = [row for row in rows if scalar(where.this, row) is True]
        group, having = tree.args.get("group"), tree.args.get("having")
        aggregated = group is not None or having is not None or any(item.find(exp.AggFunc) for item in tree.expressions)
        frames = self.frames(tree, rows, names) if aggregated else [_Frame(row, None, {}) for row in rows]
        items = [(name, node) for item in tree.expressions for name, node in _named(item, names)]
        if having is not None:
            frames = [frame for frame in frames if frame.value(_aliased(having.this, tree, names)) is True]
        made = [(frame, {name.lower(): frame.value(node) for name, node in items}) for frame in frames]
        made = self.ordered(tree, made, items)
        offset, limit = (int(tree.args[part].args["expression"].name) if tree.args.get(part) else None for part in ("offset", "limit"))
        made = made[offset or 0 :]
        return [name for name, _ in items], [row for _, row in (made if limit is None else made[:limit])]

    def source(self, node: exp.Expr) -> tuple[list[str], list[dict[str, Any]]]:
        if isinstance(node, exp.Subquery):
            return self.select(_unwrapped(node))
        rows = [row for row in self.tables[node.name.lower()] if all(row[rank] <= most for rank, most in self.ranks)]
        names = [name for name in (rows or self.tables[node.name.lower()] or [{}])[0] if not name.startswith(("rk_", "gr_", "rpc_"))]
        return names, [{name.lower(): value for name, value in row.items()} for row in rows]

    def frames(self, tree: exp.Select, rows: list[dict[str, Any]], names: list[str]) -> "list[_Frame]":
        nodes = _key_nodes(tree, names)
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in rows:
            groups.setdefault(tuple(scalar(node, row) for node in nodes), []).append(row)
        if not nodes:
            groups = {(): rows}
        shown = groups if self.keys is None or not nodes else self.keys
        return [_Frame(None, groups.get(tuple(key), []), dict(zip(map(_text, nodes), key, strict=True))) for key in shown]

    def ordered(self, tree: exp.Select, made: list[Any], items: list[tuple[str, exp.Expr]]) -> list[Any]:
        order = tree.args.get("order")
        for term in reversed(order.expressions if order is not None else []):
            node = term.this

            def value(pair: Any, node: exp.Expr = node) -> Any:
                frame, row = pair
                if isinstance(node, exp.Literal):
                    return row[items[int(node.name) - 1][0].lower()]
                if isinstance(node, exp.Column) and node.name.lower() in row:
                    return row[node.name.lower()]
                return frame.value(node)

            present = sorted((pair for pair in made if value(pair) is not None), key=value, reverse=bool(term.args.get("desc")))
            missing = [pair for pair in made if value(pair) is None]
            made = missing + present if term.args.get("nulls_first") else present + missing
        return made


def _named(item: exp.Expr, names: list[str]) -> list[tuple[str, exp.Expr]]:
    if item.is_star:
        return [(name, exp.column(name, quoted=True)) for name in names]
    return [(item.alias_or_name or _text(item), item.this if isinstance(item, exp.Alias) else item)]


def _text(node: exp.Expr) -> str:
    return re.sub(r'"|\b\w+\.(?=\w)', "", node.sql(dialect="duckdb")).lower()


def _key_nodes(tree: exp.Select, names: list[str]) -> list[exp.Expr]:
    group = tree.args.get("group")
    if group is None:
        return []
    if group.args.get("all"):
        return [item.unalias() for item in tree.expressions if not item.find(exp.AggFunc)]
    known = {name.lower() for name in names}
    aliases = {item.alias.lower(): item.this for item in tree.expressions if isinstance(item, exp.Alias)}
    nodes = []
    for node in group.expressions:
        if isinstance(node, exp.Literal):
            nodes.append(tree.expressions[int(node.name) - 1].unalias())
        elif isinstance(node, exp.Column) and node.name.lower() not in known and node.name.lower() in aliases:
            nodes.append(aliases[node.name.lower()])
        else:
            nodes.append(node)
    return nodes


def _aliased(node: exp.Expr, tree: exp.Select, names: list[str]) -> exp.Expr:
    known = {name.lower() for name in names}
    aliases = {item.alias.lower(): item.this for item in tree.expressions if isinstance(item, exp.Alias)}

    def spelled(part: exp.Expr) -> exp.Expr:
        plain = isinstance(part, exp.Column) and not part.table and part.name.lower() not in known
        return aliases[part.name.lower()].copy() if plain and part.name.lower() in aliases else part

    return node.copy().transform(spelled)


class _Frame:
    """One row of a SELECT: a plain row, or a group with its key."""

    def __init__(self, row: Row | None, members: list[dict[str, Any]] | None, key: dict[str, Any]) -> None:
        self.row, self.members, self.key = row, members, key

    def value(self, node: exp.Expr) -> Any:
        if self.members is None:
            return scalar(node, self.row or {})
        return scalar(node, {}, self.special)

    def special(self, node: exp.Expr) -> tuple[bool, Any]:
        """Group keys and aggregates have values of their own; everything else is computed from its parts."""
        if _text(node) in self.key:
            return True, self.key[_text(node)]
        if isinstance(node, exp.Filter):
            condition = node.args["expression"].this
            return True, _aggregate(node.this, [row for row in self.members or [] if scalar(condition, row) is True])
        if isinstance(node, exp.AggFunc):
            return True, _aggregate(node, self.members or [])
        return False, None


def _aggregate(node: exp.Expr, rows: list[dict[str, Any]]) -> Any:
    if isinstance(node, exp.Count):
        if node.this is None or isinstance(node.this, exp.Star):
            return len(rows)
        if isinstance(node.this, exp.Distinct):
            return len({scalar(node.this.expressions[0], row) for row in rows})
        return sum(scalar(node.this, row) is not None for row in rows)
    if isinstance(node, exp.CountIf):
        return sum(scalar(node.this, row) is True for row in rows)
    values = [value for value in (scalar(node.this, row) for row in rows) if value is not None]
    if isinstance(node, exp.Sum):
        return math.fsum(values) if any(isinstance(value, float) for value in values) else sum(values)
    assert isinstance(node, exp.Avg)
    return math.fsum(values) / len(values) if values else None


Special = Callable[[exp.Expr], tuple[bool, Any]]


def scalar(node: exp.Expr, row: Row, special: Special | None = None) -> Any:
    """A scalar expression on one row, by SQL's rules; what is undefined or not finite is NULL."""
    if special is not None:
        known, value = special(node)
        if known:
            return value

    def of(part: exp.Expr | None) -> Any:
        return None if part is None else scalar(part, row, special)

    value = _scalar(node, row, of)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _scalar(node: exp.Expr, row: Row, of: Callable[[exp.Expr | None], Any]) -> Any:  # noqa: C901, PLR0912 - one case a node type
    match node:
        case exp.Column():
            return row[node.name.lower()]
        case exp.Literal():
            return node.name if node.is_string else (int(node.name) if node.name.isdigit() else float(node.name))
        case exp.Boolean():
            return bool(node.this)
        case exp.Null():
            return None
        case exp.Paren():
            return of(node.this)
        case exp.And() | exp.Or():
            sides = {of(node.this), of(node.expression)}
            deciding = isinstance(node, exp.Or)
            return deciding if deciding in sides else (None if None in sides else not deciding)
        case exp.Not():
            value = of(node.this)
            return None if value is None else not value
        case exp.Is():
            return of(node.this) is of(node.expression)
        case exp.NullSafeEQ():
            return of(node.this) == of(node.expression)
        case exp.NullSafeNEQ():
            return of(node.this) != of(node.expression)
        case exp.Between():
            low = exp.GTE(this=node.this.copy(), expression=node.args["low"].copy())
            return of(exp.And(this=low, expression=exp.LTE(this=node.this.copy(), expression=node.args["high"].copy())))
        case exp.In():
            value, options = of(node.this), [of(option) for option in node.expressions]
            return (
                None
                if value is None
                else (True if value in [o for o in options if o is not None] else (None if None in options else False))
            )
        case exp.Case():
            for branch in node.args["ifs"]:
                test = branch.this if node.this is None else exp.EQ(this=node.this.copy(), expression=branch.this.copy())
                if of(test) is True:
                    return of(branch.args["true"])
            return of(node.args.get("default"))
        case exp.If():
            return of(node.args["true"]) if of(node.this) is True else of(node.args.get("false"))
        case exp.Coalesce():
            return next((value for value in map(of, [node.this, *node.expressions]) if value is not None), None)
        case exp.Least() | exp.Greatest():
            values = [value for value in map(of, [node.this, *node.expressions]) if value is not None]
            return (min if isinstance(node, exp.Least) else max)(values) if values else None
        case exp.Nullif():
            return None if of(node.this) == of(node.expression) else of(node.this)
        case exp.Cast() | exp.TryCast():
            return _cast(of(node.this), node.args["to"].this.value)
    parts = [part for part in (node.this, node.args.get("expression")) if isinstance(part, exp.Expr)]
    parts += [node.args[name] for name in ("decimals", "start", "length") if node.args.get(name) is not None]
    parts += node.expressions
    values = [of(part) for part in parts if not isinstance(part, exp.Var)]
    if None in values:
        return None
    try:
        return _strict(node, values)
    except (ArithmeticError, ValueError):
        return None


def _cast(value: Any, kind: str) -> Any:
    if value is None:
        return None
    try:
        match kind:
            case "VARCHAR" | "TEXT":
                return str(value).lower() if isinstance(value, bool) else str(value)
            case "DATE":
                return value if isinstance(value, date) else date.fromisoformat(value)
            case "BOOLEAN":
                return {"true": True, "false": False}.get(value) if isinstance(value, str) else bool(value)
            case "DOUBLE" | "FLOAT":
                return float(value)
            case _:
                return round(float(value))
    except ValueError:
        return None


def _day(value: Any) -> Any:
    return date.fromisoformat(value) if isinstance(value, str) else value


def _compare(a: Any, b: Any) -> tuple[Any, Any]:
    return (_day(a), _day(b)) if isinstance(a, date) or isinstance(b, date) else (a, b)


def _half_away(x: float) -> int:
    return int(math.copysign(math.floor(abs(x) + 0.5), x))


COMPARE: dict[type, Callable[[Any, Any], bool]] = {
    exp.EQ: lambda a, b: a == b,
    exp.NEQ: lambda a, b: a != b,
    exp.LT: lambda a, b: a < b,
    exp.LTE: lambda a, b: a <= b,
    exp.GT: lambda a, b: a > b,
    exp.GTE: lambda a, b: a >= b,
}
PARTS: dict[str, Callable[[date], int]] = {
    "year": lambda d: d.year,
    "quarter": lambda d: (d.month + 2) // 3,
    "month": lambda d: d.month,
    "week": lambda d: d.isocalendar()[1],
    "day": lambda d: d.day,
    "dayofmonth": lambda d: d.day,
    "dayofyear": lambda d: (d - date(d.year, 1, 1)).days + 1,
    "doy": lambda d: (d - date(d.year, 1, 1)).days + 1,
    "dayofweek": lambda d: d.isoweekday() % 7,
    "dow": lambda d: d.isoweekday() % 7,
    "isodow": lambda d: d.isoweekday(),
    "dayofweekiso": lambda d: d.isoweekday(),
}


def _plus(a: Any, b: Any) -> Any:
    if isinstance(a, date):
        return a + timedelta(days=b)
    return b + timedelta(days=a) if isinstance(b, date) else a + b


def _minus(a: Any, b: Any) -> Any:
    if isinstance(a, date):
        return (a - b).days if isinstance(b, date) else a - timedelta(days=b)
    return a - b


def _like(node: exp.Expr, value: str, pattern: str) -> bool:
    spelled = "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(spelled, value, re.DOTALL | (re.IGNORECASE if isinstance(node, exp.ILike) else 0)) is not None


PLAIN: dict[type, Callable[..., Any]] = {
    exp.Add: _plus,
    exp.Sub: _minus,
    exp.Mul: lambda a, b: a * b,
    exp.Div: lambda a, b: a / b,
    exp.IntDiv: lambda a, b: math.trunc(a / b),
    exp.Mod: math.fmod,
    exp.Pow: math.pow,
    exp.Neg: lambda a: -a,
    exp.Abs: abs,
    exp.Sign: lambda a: (a > 0) - (a < 0),
    exp.Floor: math.floor,
    exp.Ceil: math.ceil,
    exp.Trunc: math.trunc,
    exp.Round: lambda a, digits=0: _half_away(a) if digits == 0 else _half_away(a * 10**digits) / 10**digits,
    exp.Sqrt: math.sqrt,
    exp.Ln: math.log,
    exp.Exp: math.exp,
    exp.Log: lambda a, b=None: math.log10(a) if b is None else math.log(b, a),
    exp.Lower: str.lower,
    exp.Upper: str.upper,
    exp.Length: len,
    exp.Trim: lambda a: a.strip(" "),
    exp.Substring: lambda a, start, length=10**9: a[start - 1 : start - 1 + length],
    exp.DPipe: lambda a, b: a + b,
}


def _strict(node: exp.Expr, values: list[Any]) -> Any:
    kind = type(node)
    if kind in COMPARE:
        return COMPARE[kind](*_compare(*values))
    if kind in PLAIN:
        return PLAIN[kind](*values)
    if isinstance(node, exp.Like | exp.ILike):
        return _like(node, *values) is not bool(node.args.get("negate"))
    if isinstance(node, exp.Extract):
        return PARTS[node.name.lower()](values[0])
    if kind.__name__.lower() in PARTS:
        return PARTS[kind.__name__.lower()](values[0])
    if isinstance(node, exp.DateDiff):
        end, start = values
        unit = node.args["unit"].name.lower()
        months = (end.year - start.year) * 12 + end.month - start.month
        return {"day": (end - start).days, "month": months, "year": end.year - start.year}[unit]
    if isinstance(node, exp.TimestampTrunc):
        return _cut(values[0], node.args["unit"].name.lower())
    assert isinstance(node, exp.Anonymous)
    if node.name.lower() == "clamp":
        return min(max(values[0], values[1]), values[2])
    return PARTS[values[0]](values[1])


def _cut(day: date, unit: str) -> date:
    match unit:
        case "year":
            return date(day.year, 1, 1)
        case "quarter":
            return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)
        case "month":
            return date(day.year, day.month, 1)
        case "week":
            return day - timedelta(days=day.weekday())
        case _:
            return day
