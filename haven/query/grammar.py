"""The grammar: which parts of SQL a question may use, and for the parts it may not, why and what to write instead.

An allow-list: a node type, or a part of one, that is not named here is refused. `REFUSALS` only chooses better words.
"""

from collections.abc import Mapping

from sqlglot import exp

from haven.errors import Code, Refused

_BINARY = ("this", "expression")
_NARY = ("this", "expressions")

STATEMENT: Mapping[type[exp.Expr], tuple[str, ...]] = {
    exp.Select: ("with_", "expressions", "distinct", "from_", "joins", "where", "group", "having", "order", "limit", "offset"),
    exp.With: ("expressions", "recursive"),
    exp.CTE: ("this", "alias", "materialized"),
    exp.Union: ("this", "expression", "distinct", "with_"),
    exp.Except: ("this", "expression", "distinct", "with_"),
    exp.Intersect: ("this", "expression", "distinct", "with_"),
    exp.From: ("this",),
    exp.Join: ("this", "on", "using", "side", "kind", "method"),
    exp.Exists: ("this",),
    exp.Table: ("this", "db", "alias", "joins"),
    exp.TableAlias: ("this", "columns"),
    exp.Subquery: ("this", "alias", "joins"),
    exp.Where: ("this",),
    exp.Having: ("this",),
    exp.Group: ("expressions", "all"),
    **dict.fromkeys((exp.Rollup, exp.Cube, exp.GroupingSets), ("expressions",)),
    exp.Order: ("this", "expressions"),
    exp.Ordered: ("this", "desc", "nulls_first"),
    exp.Limit: ("expression",),
    exp.Offset: ("expression",),
    exp.Alias: ("this", "alias"),
    exp.Star: ("except_",),
    exp.Column: ("this", "table", "db"),
    exp.Identifier: ("this", "quoted"),
    exp.Paren: ("this",),
    exp.Literal: ("this", "is_string"),
    exp.Boolean: ("this",),
    exp.Null: (),
    exp.Var: ("this",),
}

AGGREGATES: Mapping[type[exp.Expr], tuple[str, ...]] = {
    exp.Count: ("this", "big_int"),
    exp.CountIf: ("this",),
    exp.Sum: ("this",),
    exp.Avg: ("this",),
    exp.ApproxDistinct: ("this",),
    **dict.fromkeys((exp.Variance, exp.VariancePop, exp.Stddev, exp.StddevPop, exp.StddevSamp), ("this",)),
    **dict.fromkeys((exp.CovarPop, exp.CovarSamp, exp.Corr, exp.RegrSlope, exp.RegrIntercept, exp.RegrR2), _BINARY),
    **dict.fromkeys((exp.RegrCount, exp.RegrAvgx, exp.RegrAvgy, exp.RegrSxx, exp.RegrSyy, exp.RegrSxy), _BINARY),
    **dict.fromkeys((exp.Median, exp.Min, exp.Max, exp.Mode), ("this",)),
    **dict.fromkeys((exp.Quantile, exp.ApproxQuantile), ("this", "quantile")),
    **dict.fromkeys((exp.PercentileCont, exp.PercentileDisc, exp.WithinGroup), _BINARY),
    exp.AnonymousAggFunc: _NARY,
    exp.Filter: _BINARY,
    exp.Window: ("this", "partition_by", "order", "over"),
    **dict.fromkeys((exp.Rank, exp.DenseRank, exp.RowNumber), ()),
    **dict.fromkeys((exp.Grouping, exp.GroupingId), ("expressions",)),
    exp.Distinct: ("expressions", "on"),
    **dict.fromkeys((exp.ArgMax, exp.ArgMin), ("this", "expression", "count")),
    **dict.fromkeys((exp.First, exp.Last, exp.LogicalOr, exp.LogicalAnd), ("this",)),
}

SCALARS: Mapping[type[exp.Expr], tuple[str, ...]] = {
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Mod, exp.IntDiv, exp.Pow), _BINARY),
    exp.Div: ("this", "expression", "typed", "safe"),
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Is), _BINARY),
    **dict.fromkeys((exp.And, exp.Or, exp.Nullif, exp.Log), _BINARY),
    **dict.fromkeys((exp.StartsWith, exp.EndsWith, exp.Contains, exp.Left, exp.Atan2), _BINARY),
    exp.Right: _BINARY,
    **dict.fromkeys((exp.Not, exp.Neg, exp.Abs, exp.Sign, exp.Sqrt, exp.Ln, exp.Exp, exp.Cbrt), ("this",)),
    **dict.fromkeys((exp.Sin, exp.Cos, exp.Tan, exp.Cot, exp.Asin, exp.Acos, exp.Atan, exp.Degrees, exp.Radians), ("this",)),
    **dict.fromkeys((exp.IsNan, exp.IsInf, exp.Lower, exp.Upper, exp.Length, exp.Reverse), ("this",)),
    **dict.fromkeys((exp.LastDay, exp.Monthname, exp.Dayname, exp.TimeToUnix, exp.Date), ("this",)),
    **dict.fromkeys((exp.Year, exp.Quarter, exp.Month, exp.Week, exp.Day, exp.DayOfYear, exp.DayOfWeek, exp.DayOfWeekIso), ("this",)),
    **dict.fromkeys((exp.DayOfMonth, exp.WeekOfYear), ("this",)),
    **dict.fromkeys((exp.Like, exp.ILike), ("this", "expression", "negate")),
    exp.Floor: ("this",),
    exp.Ceil: ("this",),
    **dict.fromkeys((exp.Round, exp.Trunc), ("this", "decimals")),
    exp.Pi: (),
    exp.WidthBucket: ("this", "min_value", "max_value", "num_buckets"),
    exp.Between: ("this", "low", "high"),
    exp.In: (*_NARY, "query"),
    exp.Tuple: ("expressions",),
    exp.Case: ("this", "ifs", "default"),
    exp.If: ("this", "true", "false"),
    exp.Coalesce: _NARY,
    exp.Least: ("this", "expressions", "ignore_nulls"),
    exp.Greatest: ("this", "expressions", "ignore_nulls"),
    exp.Substring: ("this", "start", "length"),
    exp.DPipe: ("this", "expression", "safe"),
    **dict.fromkeys((exp.Concat, exp.ConcatWs), ("expressions", "safe", "coalesce")),
    exp.Trim: ("this", "expression", "position"),
    exp.Pad: ("this", "expression", "fill_pattern", "is_left"),
    exp.Replace: ("this", "expression", "replacement"),
    exp.SplitPart: ("this", "delimiter", "part_index"),
    exp.StrPosition: ("this", "substr"),
    exp.Cast: ("this", "to"),
    exp.TryCast: ("this", "to", "safe"),
    exp.DataType: ("this", "nested", "expressions"),
    exp.DataTypeParam: ("this",),
    exp.Extract: _BINARY,
    exp.TimestampTrunc: ("this", "unit"),
    exp.DateTrunc: ("this", "unit"),
    exp.DateFromParts: ("year", "month", "day"),
    **dict.fromkeys((exp.DateAdd, exp.DateSub), ("this", "expression")),
    exp.Interval: ("this", "unit"),
    exp.ToDays: ("this",),
    exp.TimeToStr: ("this", "format"),
    exp.DateDiff: ("this", "expression", "unit", "date_part_boundary"),
    exp.Anonymous: _NARY,
}

ALLOWED: Mapping[type[exp.Expr], tuple[str, ...]] = {**STATEMENT, **AGGREGATES, **SCALARS}

_JOIN = (
    Code.QUERY_JOIN,
    "Only plain joins are answered: JOIN and LEFT JOIN on the unit column, and to public tables.",
    "Write FROM a JOIN b ON a.id = b.id.",
)
_UNION = (
    Code.QUERY_CLAUSE,
    "UNION, INTERSECT and EXCEPT look at other people's rows; only UNION ALL of rows is answered, inside FROM.",
    "Write SELECT COUNT(*) FROM (SELECT … UNION ALL SELECT …) AS t.",
)
_SUBQUERY = (
    Code.QUERY_SUBQUERY,
    "A subquery inside an expression would carry other people's data into a row.",
    "Use conditions on the row's own columns, or ask the inner question by itself.",
)
_SEVERAL = (Code.QUERY_AGGREGATE, "MIN and MAX give one value here.", "Write MIN(x), or quantiles: QUANTILE_DISC(x, [0.01, 0.02]).")
_HISTOGRAM = (
    "A histogram is an answer by group here.",
    "Write SELECT haven_histogram(x, 0, 100, 20) AS bucket, COUNT(*) … GROUP BY bucket.",
)
_PLAIN = ("Sums are exact here, whatever their order.", "Write SUM(x) or AVG(x).")
_HIGHER = (
    Code.QUERY_AGGREGATE,
    "Third and fourth moments are not answered: a few rows at the ends decide them.",
    "Ask VAR_SAMP(x), or COUNT(*) grouped by ranges such as floor(x / 10) * 10.",
)
_LISTS = (
    Code.QUERY_AGGREGATE,
    "This aggregate shows single values, so it is not answered.",
    "Use COUNT, SUM or AVG.",
)
_PRODUCT = (Code.QUERY_AGGREGATE, "A product over rows has no useful bound.", "Ask AVG(ln(x)): exp of it is the geometric mean.")
_ENTROPY = (Code.QUERY_AGGREGATE, "Entropies are not answered.", "Ask COUNT(*) GROUP BY the column and compute it from the answer.")
NAMED_REFUSALS: Mapping[str, tuple[Code, str, str]] = {
    **dict.fromkeys(("product", "geomean", "geometric_mean"), _PRODUCT),
    "entropy": _ENTROPY,
    "kurtosis_pop": _HIGHER,
    **dict.fromkeys(("histogram", "histogram_exact"), (Code.QUERY_AGGREGATE, *_HISTOGRAM)),
    **dict.fromkeys(("bitstring_agg", "min_by", "max_by", "listagg", "map_from_entries"), _LISTS),
    **dict.fromkeys(("favg", "fsum", "kahan_sum", "sumkahan", "sum_no_overflow"), (Code.QUERY_AGGREGATE, *_PLAIN)),
    "mad": (Code.QUERY_AGGREGATE, "The median absolute deviation is not answered.", "Ask STDDEV_SAMP(x)."),
    "sem": (Code.QUERY_AGGREGATE, "The standard error of a mean is not answered.", "Ask STDDEV_SAMP(x) / sqrt(COUNT(x))."),
}
"""Aggregates of DuckDB that the parser knows as plain functions."""
_VOLATILE = (
    Code.QUERY_FUNCTION,
    "Functions of the clock or of chance are not answered: the answer must depend on the data alone.",
    "Write a constant, such as DATE '2025-06-30'.",
)
_INTERVAL = (
    Code.QUERY_FUNCTION,
    "An interval stands only beside a date, after + or -.",
    "Write d + INTERVAL 30 DAY, or count days: datediff('day', a, b).",
)
_WINDOW = (
    Code.QUERY_CLAUSE,
    "This window function is not answered.",
    "Use GROUP BY: beside its groups COUNT, SUM, AVG, MIN and MAX OVER (PARTITION BY …), RANK, DENSE_RANK and ROW_NUMBER are answered.",
)
RUNNING = (
    Code.QUERY_CLAUSE,
    "Running totals and frames of noisy rows are not answered: their error would grow from row to row.",
    "Leave ORDER BY and the frame out of OVER, or write answer.frame['n'].cumsum() in your notebook, which costs nothing more.",
)
_DISTINCT_ON = (Code.QUERY_CLAUSE, "DISTINCT over rows is not answered.", "Write GROUP BY with the same columns, and an aggregate.")

REFUSALS: Mapping[type[exp.Expr], tuple[Code, str, str]] = {
    exp.Join: _JOIN,
    exp.Lateral: _JOIN,
    exp.SetOperation: _UNION,
    **dict.fromkeys((exp.Exists, exp.Subquery, exp.Select, exp.Any, exp.All), _SUBQUERY),
    exp.Window: (
        Code.QUERY_CLAUSE,
        "Window functions over rows look at other people's rows, so they are not answered.",
        "Use GROUP BY: beside its groups SUM(COUNT(*)) OVER () and RANK() OVER (ORDER BY COUNT(*)) are answered.",
    ),
    **dict.fromkeys((exp.Lag, exp.Lead, exp.Ntile, exp.FirstValue, exp.LastValue, exp.NthValue, exp.PercentRank, exp.CumeDist), _WINDOW),
    exp.Qualify: (
        Code.QUERY_CLAUSE,
        "QUALIFY is not answered.",
        "Use HAVING on aggregates, or SELECT * FROM (SELECT …, RANK() OVER (ORDER BY COUNT(*) DESC) AS r … GROUP BY …) WHERE r <= 3.",
    ),
    exp.Distinct: _DISTINCT_ON,
    exp.TableSample: (Code.QUERY_CLAUSE, "Samples are not answered: noise already protects the whole table.", "Leave the sample out."),
    exp.Pivot: (Code.QUERY_CLAUSE, "PIVOT is not answered.", "Use GROUP BY and pivot the answer."),
    **dict.fromkeys((exp.Kurtosis, exp.Skewness), _HIGHER),
    exp.AggFunc: _LISTS,
    exp.IgnoreNulls: _LISTS,
    **dict.fromkeys((exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentUser, exp.Rand, exp.Uuid), _VOLATILE),
    **dict.fromkeys((exp.Interval, exp.ToDays), _INTERVAL),
    **dict.fromkeys((exp.Placeholder, exp.Parameter), (Code.QUERY_SYNTAX, "Parameters are not bound here.", "Write the value itself.")),
    **dict.fromkeys(
        (exp.RegexpLike, exp.RegexpILike, exp.RegexpExtract, exp.RegexpReplace, exp.SimilarTo),
        (Code.QUERY_FUNCTION, "Regular expressions are not answered: one row could make them slow.", "Use LIKE, ILIKE or substring."),
    ),
    exp.Escape: (Code.QUERY_FUNCTION, "LIKE takes no ESCAPE here.", "Compare with = or substring where % and _ are meant literally."),
    **dict.fromkeys(
        (exp.BitwiseAnd, exp.BitwiseOr, exp.BitwiseXor, exp.BitwiseNot, exp.BitwiseLeftShift, exp.BitwiseRightShift),
        (Code.QUERY_FUNCTION, "Operations on bits are not answered.", "Use AND, OR and NOT on conditions, or % and // on integers."),
    ),
    **dict.fromkeys(
        (exp.Array, exp.Struct, exp.Bracket, exp.Dot, exp.Lambda),
        (Code.QUERY_TYPE, "Lists, structs and lambdas are not answered.", "Use plain columns and constants."),
    ),
    exp.Tuple: (
        Code.QUERY_TYPE,
        "A row of values stands only beside =, in IN, and in COUNT(DISTINCT (a, b)).",
        "Name the columns one by one: COUNT(*), GROUP BY a, b.",
    ),
    exp.Values: (Code.QUERY_ROWS, "Only tables of the catalogue are asked.", "Write SELECT COUNT(*) FROM dataset.table."),
    exp.Func: (
        Code.QUERY_FUNCTION,
        "This function is not answered.",
        "Use CASE, LIKE, arithmetic or another function of the manual's list.",
    ),
}

PARTS: Mapping[str, tuple[Code, str, str]] = {
    "count": _SEVERAL,
    "with_": (Code.QUERY_SUBQUERY, "WITH stands before a SELECT.", "Write WITH a AS (SELECT …) SELECT …."),
    "joins": _JOIN,
    "laterals": _JOIN,
    "distinct": _DISTINCT_ON,
    "sample": REFUSALS[exp.TableSample],
    "qualify": REFUSALS[exp.Qualify],
    "spec": RUNNING,
    "windows": REFUSALS[exp.Window],
    "pivots": REFUSALS[exp.Pivot],
    "catalog": (Code.QUERY_UNKNOWN_TABLE, "A table's name has two parts here.", "Write dataset.table."),
    "query": _SUBQUERY,
    "subquery": _SUBQUERY,
    "limit_options": (Code.QUERY_CLAUSE, "LIMIT takes a whole number of rows here.", "Write LIMIT 10."),
    "replace": (Code.QUERY_CLAUSE, "SELECT * REPLACE is not answered.", "Name the columns."),
}

_ELSE = (Code.QUERY_CLAUSE, "This part of SQL is not answered.", "Use SELECT, FROM, JOIN, WHERE, GROUP BY, HAVING, ORDER BY, LIMIT.")
STATEMENT_REFUSAL = Refused(
    Code.QUERY_STATEMENT, "A question is one SELECT statement; nothing else is run.", "Write SELECT COUNT(*) FROM dataset.table."
)


def refusal(node: exp.Expr) -> Refused:
    """Why `node` is not answered, by its type or its nearest ancestor's."""
    for kind in type(node).__mro__:
        if kind in REFUSALS:
            return Refused(*REFUSALS[kind])
    return Refused(*_ELSE)


def check_node(node: exp.Expr) -> None:
    """Refuse a node whose type, or one of whose parts, is not of the grammar."""
    parts = ALLOWED.get(type(node))
    if parts is None:
        raise refusal(node)
    for part, value in node.args.items():
        if value not in (None, False, []) and part not in parts:
            raise Refused(*PARTS.get(part, _ELSE))
    if node.args.get("joins") and not isinstance(node, exp.Select) and not _in_from(node):
        raise Refused(*_JOIN)


def _in_from(node: exp.Expr) -> bool:
    """Whether brackets of FROM hold it: only there joins are read."""
    parent = node.parent
    while isinstance(parent, exp.Subquery):
        parent = parent.parent
    return isinstance(parent, exp.From | exp.Join) and isinstance(node.parent, exp.Subquery)
