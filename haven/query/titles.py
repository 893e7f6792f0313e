"""What an unnamed column of an answer is called: for the common expressions, the name that DuckDB itself gives."""

from collections.abc import Callable, Mapping
from itertools import chain

from sqlglot import exp

from haven.query.keywords import KEYWORDS

INFIX: Mapping[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.IntDiv: "//",
    exp.Mod: "%",
    exp.DPipe: "||",
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}
CALLS: Mapping[type[exp.Expr], str] = {
    **{each: each.sql_name().lower() for each in (exp.Sum, exp.Avg, exp.CountIf, exp.Abs, exp.Sign, exp.Sqrt, exp.Ln, exp.Exp, exp.Floor)},
    **{
        each: each.sql_name().lower()
        for each in (exp.Ceil, exp.Trunc, exp.Round, exp.Least, exp.Greatest, exp.Lower, exp.Upper, exp.Length)
    },
    **{
        each: f'"{each.sql_name().lower()}"' for each in (exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day, exp.Nullif, exp.If, exp.Trim)
    },
    exp.Substring: '"substring"',
    exp.Coalesce: "COALESCE",
    **{each: each.sql_name().lower() for each in (exp.Median, exp.Min, exp.Max, exp.Quantile, exp.ApproxQuantile)},
    exp.PercentileCont: "quantile_cont",
    exp.PercentileDisc: "quantile_disc",
    exp.Mode: '"mode"',
}
"""Functions by the name DuckDB shows: in quotes where it is also a keyword."""
_TYPES = {"INT": "INTEGER"}


def title(node: exp.Expr) -> str:
    """The name of a select item without an alias. Where DuckDB's own is not known here: its text, in small letters."""
    if type(node) in INFIX:
        return f"({title(node.this)} {INFIX[type(node)]} {title(node.args['expression'])})"
    if type(node) in CALLS:
        return f"{CALLS[type(node)]}({_listed(node)})"
    return _TITLES.get(type(node), _text)(node)


def _text(node: exp.Expr) -> str:
    return node.sql(dialect="duckdb").lower()


def _constant(node: exp.Expr) -> str:
    return node.sql(dialect="duckdb")


def _column(node: exp.Expr) -> str:
    return ".".join(_quoted(part) for part in (node.text("db"), node.text("table"), node.text("this")) if part)


def _quoted(name: str) -> str:
    return f'"{name}"' if name.lower() in KEYWORDS else name


def _listed(node: exp.Expr) -> str:
    given = chain.from_iterable(value if isinstance(value, list) else [value] for value in node.args.values())
    return ", ".join(title(part) for part in given if isinstance(part, exp.Expr))


def _count(node: exp.Expr) -> str:
    counted = node.this
    if counted is None or isinstance(counted, exp.Star):
        return "count_star()"
    return f"count(DISTINCT {_listed(counted)})" if isinstance(counted, exp.Distinct) else f"count({title(counted)})"


def _case(node: exp.Expr) -> str:
    """CASE, with the two spaces that DuckDB writes; a subject stands in every condition."""
    subject = "" if node.this is None else title(node.this)
    branches = [(title(each.this), title(each.args["true"])) for each in node.args["ifs"]]
    whens = " ".join(f"WHEN ({f'({subject} = {when})' if subject else when}) THEN ({then})" for when, then in branches)
    default = node.args.get("default")
    return f"CASE  {whens} ELSE {'NULL' if default is None else title(default)} END"


def _cast(node: exp.Expr) -> str:
    written = node.args["to"].sql(dialect="duckdb")
    return f"CAST({title(node.this)} AS {_TYPES.get(written, written)})"


def _not(node: exp.Expr) -> str:
    if isinstance(node.this, exp.Is) and isinstance(node.this.args["expression"], exp.Null):
        return f"({title(node.this.this)} IS NOT NULL)"
    return f"(NOT {title(node.this)})"


def _negative(node: exp.Expr) -> str:
    return f"-{title(node.this)}" if isinstance(node.this, exp.Literal) else f"(-({title(node.this)}))"


def _chain(node: exp.Expr) -> str:
    """AND and OR, which may be long: no recursion along the chain."""
    return f"({f' {node.key.upper()} '.join(title(part) for part in node.flatten())})"


def _within_group(node: exp.Expr) -> str:
    ordered = ", ".join(f"{title(term.this)}{' DESC' if term.args.get('desc') else ''}" for term in node.args["expression"].expressions)
    if isinstance(node.this, exp.Mode):
        return f'"mode"() WITHIN GROUP ( ORDER BY {ordered})'
    return f"{CALLS.get(type(node.this), node.this.sql_name().lower())}({_listed(node.this)} ORDER BY {ordered})"


def _window(node: exp.Expr) -> str:
    """A window: COUNT(*) loses its star there."""
    order = node.args.get("order")
    parts = [title(each) for each in node.args.get("partition_by") or []]
    terms = [f"{title(term.this)}{' DESC' if term.args.get('desc') else ''}" for term in (order.expressions if order is not None else [])]
    frame = [*([f"PARTITION BY {', '.join(parts)}"] if parts else []), *([f"ORDER BY {', '.join(terms)}"] if terms else [])]
    counted = isinstance(node.this, exp.Count) and isinstance(node.this.this, exp.Star)
    return f"{'count()' if counted else title(node.this)} OVER ({' '.join(frame)})"


_TITLES: Mapping[type[exp.Expr], Callable[[exp.Expr], str]] = {
    exp.Column: _column,
    exp.Literal: _constant,
    exp.Null: _constant,
    exp.Paren: lambda node: title(node.this),
    exp.Count: _count,
    exp.Filter: lambda node: f"{title(node.this)} FILTER (WHERE {title(node.args['expression'].this)})",
    exp.WithinGroup: _within_group,
    exp.AnonymousAggFunc: lambda node: f"{node.this}({', '.join(map(title, node.expressions))})",
    exp.Case: _case,
    exp.Cast: _cast,
    exp.Not: _not,
    exp.Neg: _negative,
    exp.And: _chain,
    exp.Or: _chain,
    exp.Is: lambda node: f"({title(node.this)} IS {title(node.args['expression'])})",
    exp.In: lambda node: f"({title(node.this)} IN ({', '.join(map(title, node.expressions))}))",
    exp.Tuple: lambda node: f'"row"({", ".join(map(title, node.expressions))})',
    exp.Window: _window,
    exp.Between: lambda node: f"({title(node.this)} BETWEEN {title(node.args['low'])} AND {title(node.args['high'])})",
    exp.Anonymous: lambda node: f"{str(node.this).lower()}({', '.join(map(title, node.expressions))})",
}
