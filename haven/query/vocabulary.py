"""The words of a question: which node of the syntax tree, part of a date or type of a CAST calls which function of the catalogue."""

from collections.abc import Mapping

from sqlglot import exp

BINARY: Mapping[type[exp.Expr], str] = {
    exp.Mul: "multiply",
    exp.Div: "divide",
    exp.IntDiv: "whole_divide",
    exp.Mod: "remainder",
    exp.Pow: "pow",
    exp.EQ: "equal",
    exp.NEQ: "unequal",
    exp.LT: "less",
    exp.LTE: "at_most",
    exp.GT: "greater",
    exp.GTE: "at_least",
    exp.NullSafeEQ: "same",
    exp.NullSafeNEQ: "distinct",
    exp.Nullif: "nullif",
    exp.DPipe: "concat",
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
    exp.Trunc: "trunc",
    exp.Lower: "lower",
    exp.Upper: "upper",
    exp.Trim: "trim",
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
}
NARY: Mapping[type[exp.Expr], str] = {exp.Coalesce: "coalesce", exp.Least: "least", exp.Greatest: "greatest", exp.In: "in"}
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
}
TYPES: Mapping[str, str] = {
    **dict.fromkeys(("TINYINT", "SMALLINT", "INT", "BIGINT", "UTINYINT", "USMALLINT", "UINT", "UBIGINT"), "to_integer"),
    **dict.fromkeys(("DOUBLE", "FLOAT"), "to_number"),
    **dict.fromkeys(("VARCHAR", "TEXT"), "to_text"),
    "BOOLEAN": "to_boolean",
    "DATE": "to_date",
}
FUNCTIONS: tuple[str, ...] = (
    *("abs", "avg", "ceil", "clamp", "coalesce", "count", "count_if", "date_part", "date_trunc", "datediff", "day", "exp", "floor"),
    *("greatest", "if", "least", "length", "ln", "log10", "log2", "lower", "month", "nullif", "pow", "round", "sign", "sqrt"),
    *("substring", "sum", "trim", "trunc", "upper", "year"),
)
VOLATILE = {"now", "today", "random", "setseed", "uuid", "gen_random_uuid", "nextval", "currval", "getvariable", "getenv", "txid_current"}
