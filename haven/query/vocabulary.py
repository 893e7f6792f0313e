"""The words of a question: which node of the syntax tree, part of a date or type of a CAST calls which function of the catalogue."""

from collections.abc import Mapping

from sqlglot import exp

BINARY: Mapping[type[exp.Expr], str] = {
    exp.Mul: "multiply",
    exp.Div: "divide",
    exp.IntDiv: "whole_divide",
    exp.EQ: "equal",
    exp.NEQ: "unequal",
    exp.LT: "less",
    exp.LTE: "at_most",
    exp.GT: "greater",
    exp.GTE: "at_least",
    exp.NullSafeEQ: "same",
    exp.NullSafeNEQ: "distinct",
    exp.Nullif: "nullif",
    exp.StartsWith: "starts_with",
    exp.EndsWith: "ends_with",
    exp.Contains: "contains",
    exp.Left: "left",
    exp.Right: "right",
    exp.Atan2: "atan2",
}
UNARY: Mapping[type[exp.Expr], str] = {
    exp.Neg: "negate",
    exp.Abs: "abs",
    exp.Sign: "sign",
    exp.Sqrt: "sqrt",
    exp.Ln: "ln",
    exp.Exp: "exp",
    exp.Floor: "floor",
    exp.Ceil: "ceil",
    exp.Cbrt: "cbrt",
    exp.Sin: "sin",
    exp.Cos: "cos",
    exp.Tan: "tan",
    exp.Cot: "cot",
    exp.Asin: "asin",
    exp.Acos: "acos",
    exp.Atan: "atan",
    exp.Degrees: "degrees",
    exp.Radians: "radians",
    exp.IsNan: "isnan",
    exp.IsInf: "isinf",
    exp.Lower: "lower",
    exp.Upper: "upper",
    exp.Reverse: "reverse",
    exp.Length: "length",
    exp.Year: "year",
    exp.Quarter: "quarter",
    exp.Month: "month",
    exp.Week: "week",
    exp.WeekOfYear: "week",
    exp.Day: "day",
    exp.DayOfMonth: "day",
    exp.DayOfYear: "dayofyear",
    exp.DayOfWeek: "dayofweek",
    exp.DayOfWeekIso: "isodow",
    exp.LastDay: "last_day",
    exp.Monthname: "monthname",
    exp.Dayname: "dayname",
    exp.TimeToUnix: "epoch",
    exp.Date: "to_date",
}
NAMED_PARTS: Mapping[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.Substring: ("substring", ("this", "start", "length")),
    exp.SplitPart: ("split_part", ("this", "delimiter", "part_index")),
    exp.Replace: ("replace", ("this", "expression", "replacement")),
    exp.StrPosition: ("strpos", ("this", "substr")),
    exp.DateFromParts: ("make_date", ("year", "month", "day")),
    exp.WidthBucket: ("width_bucket", ("this", "min_value", "max_value", "num_buckets")),
}
"""Functions whose arguments have names of their own in the syntax tree."""
CALLS: Mapping[str, tuple[str, int]] = {
    "clamp": ("clamp", 3),
    "haven_histogram": ("haven_histogram", 4),
    "prefix": ("starts_with", 2),
    "suffix": ("ends_with", 2),
    "isfinite": ("isfinite", 1),
    "add": ("add", 2),
    "subtract": ("subtract", 2),
    "multiply": ("multiply", 2),
    "weekday": ("dayofweek", 1),
    **{name: (name, 1) for name in ("isodow", "isoyear", "yearweek", "decade", "century", "millennium")},
}
"""Functions that the parser knows by name alone, with their number of arguments."""
NARY: Mapping[type[exp.Expr], str] = {exp.Coalesce: "coalesce", exp.Least: "least", exp.Greatest: "greatest"}
DATE_PARTS = {
    "year": "year",
    "quarter": "quarter",
    "month": "month",
    "week": "week",
    "day": "day",
    "doy": "dayofyear",
    "dayofyear": "dayofyear",
    "dow": "dayofweek",
    "dayofweek": "dayofweek",
    "isodow": "isodow",
    **{name: name for name in ("isoyear", "yearweek", "decade", "century", "millennium", "epoch")},
    "weekday": "dayofweek",
    "dayofmonth": "day",
    "weekofyear": "week",
}
TYPES: Mapping[str, str] = {
    **dict.fromkeys(
        ("TINYINT", "SMALLINT", "INT", "BIGINT", "UTINYINT", "USMALLINT", "UINT", "UBIGINT", "INT128", "UINT128"), "to_integer"
    ),
    **dict.fromkeys(("DOUBLE", "FLOAT"), "to_number"),
    **dict.fromkeys(("VARCHAR", "TEXT"), "to_text"),
    "BOOLEAN": "to_boolean",
    "DATE": "to_date",
}
WIDTHS: Mapping[str, tuple[int, int]] = {
    "TINYINT": (-(2**7), 2**7 - 1),
    "SMALLINT": (-(2**15), 2**15 - 1),
    "INT": (-(2**31), 2**31 - 1),
    "UTINYINT": (0, 2**8 - 1),
    "USMALLINT": (0, 2**16 - 1),
    "UINT": (0, 2**32 - 1),
    "UBIGINT": (0, 2**53),
    "UINT128": (0, 2**53),
}
"""What the narrower whole types hold; the others hold every whole number that is computed here."""
FUNCTIONS: tuple[str, ...] = (
    *("abs", "avg", "ceil", "clamp", "coalesce", "concat", "contains", "corr", "count", "count_if", "date_part", "date_trunc"),
    *(
        "datediff",
        "datesub",
        "day",
        "exp",
        "floor",
        "greatest",
        "haven_histogram",
        "if",
        "last_day",
        "least",
        "left",
        "length",
        "ln",
        "log10",
        "log2",
    ),
    *("lower", "month", "nullif", "pow", "replace", "right", "round", "sign", "split_part", "sqrt", "starts_with", "stddev", "strftime"),
    *("strpos", "substring", "sum", "trim", "trunc", "upper", "var_pop", "width_bucket", "year"),
)
VOLATILE = {"now", "today", "random", "setseed", "uuid", "gen_random_uuid", "nextval", "currval", "getvariable", "getenv", "txid_current"}
