"""The manual's table of functions, drawn from the catalogue: a function without a line here fails it, so the page cannot fall behind."""

from collections.abc import Mapping

from haven.query.functions import CATALOGUE

WRITTEN: Mapping[str, tuple[tuple[str, ...], str]] = {
    "add": (("x + y",), ""),
    "subtract": (("x - y",), ""),
    "multiply": (("x * y",), ""),
    "square": (("x * x",), "never below 0"),
    "divide": (("x / y",), "with decimals; NULL where y is 0"),
    "whole_divide": (("i // j",), "bounded whole numbers, cut towards 0; NULL where j is 0"),
    "remainder": (("i % j",), "of i's sign; NULL where j is 0"),
    "negate": (("-x",), ""),
    "abs": (("abs(x)",), ""),
    "sign": (("sign(x)",), "-1, 0 or 1"),
    "floor": (("floor(x)",), ""),
    "ceil": (("ceil(x)",), ""),
    "trunc": (("trunc(x)",), "towards 0"),
    "round": (("round(x)",), "halves away from 0"),
    "round_to": (("round(x, 2)",), "to a constant number of digits"),
    "least": (("least(x, y)",), "leaves NULL out"),
    "greatest": (("greatest(x, y)",), "leaves NULL out"),
    "clamp": (("clamp(x, 0, 100)",), "moves values outside to the nearest bound; the bounds are constants"),
    "sqrt": (("sqrt(x)",), "NULL below 0"),
    "ln": (("ln(x)",), "NULL at 0 and below"),
    "log10": (("log10(x)", "log(x)"), "NULL at 0 and below"),
    "log2": (("log2(x)",), "NULL at 0 and below"),
    "exp": (("exp(x)",), "NULL above 690"),
    "pow": (("pow(x, 2)", "x ** 2", "x ^ 2"), "NULL where it has no finite value"),
    "equal": (("a = b",), ""),
    "unequal": (("a <> b", "a != b"), ""),
    "less": (("a < b",), ""),
    "at_most": (("a <= b",), ""),
    "greater": (("a > b",), ""),
    "at_least": (("a >= b", "a BETWEEN 1 AND 5"), ""),
    "same": (("a IS NOT DISTINCT FROM b", "c IS TRUE"), "NULL equals NULL"),
    "distinct": (("a IS DISTINCT FROM b",), "NULL equals NULL"),
    "is_null": (("a IS NULL",), ""),
    "is_present": (("a IS NOT NULL",), ""),
    "and": (("c AND o",), ""),
    "or": (("c OR o",), ""),
    "not": (("NOT c",), ""),
    "in": (("a IN (1, 2, 3)",), ""),
    "case": (("CASE WHEN c THEN x ELSE y END", "CASE i WHEN 1 THEN x END", "if(c, x, y)"), ""),
    "coalesce": (("coalesce(x, 0)",), "the first that is not NULL"),
    "nullif": (("nullif(a, b)",), "NULL where they are equal"),
    "like": (("t LIKE 'ab%'", "t NOT LIKE '_b'"), "the pattern is a constant"),
    "ilike": (("t ILIKE 'ab%'",), "in any case of letters"),
    "lower": (("lower(t)",), ""),
    "upper": (("upper(t)",), ""),
    "trim": (("trim(t)",), "spaces at both ends"),
    "concat": (("t || u",), ""),
    "length": (("length(t)",), ""),
    "substring": (("substring(t, 1, 3)",), "start and length are constants from 1"),
    "year": (("year(d)", "extract(year FROM d)", "date_part('year', d)"), ""),
    "quarter": (("quarter(d)",), "1 to 4"),
    "month": (("month(d)",), "1 to 12"),
    "week": (("week(d)",), "ISO week"),
    "day": (("day(d)",), "of the month"),
    "dayofyear": (("dayofyear(d)",), "1 to 366"),
    "isodow": (("isodow(d)",), "Monday is 1, Sunday 7"),
    "dayofweek": (("dayofweek(d)",), "Sunday is 0, Saturday 6"),
    "trunc_year": (("date_trunc('year', d)",), ""),
    "trunc_quarter": (("date_trunc('quarter', d)",), ""),
    "trunc_month": (("date_trunc('month', d)",), ""),
    "trunc_week": (("date_trunc('week', d)",), "its Monday"),
    "days_between": (("e - d", "datediff('day', d, e)"), "from d to e"),
    "months_between": (("datediff('month', d, e)",), "firsts of a month crossed"),
    "years_between": (("datediff('year', d, e)",), "1 Januaries crossed"),
    "later": (("d + 30", "d + i"), "by a bounded number of days"),
    "earlier": (("d - 30", "d - i"), "by a bounded number of days"),
    "to_integer": (("CAST(x AS BIGINT)", "t::INT"), "NULL where it cannot be read"),
    "to_number": (("CAST(t AS DOUBLE)",), "NULL where it cannot be read"),
    "to_text": (("CAST(i AS VARCHAR)",), "not of numbers with decimals"),
    "to_boolean": (("CAST(i AS BOOLEAN)",), "NULL where it cannot be read"),
    "to_date": (("CAST(t AS DATE)",), "NULL where it cannot be read"),
}
"""How a function of the catalogue is written (x, y: numbers; i, j: whole; t, u: texts; d, e: dates; c, o: conditions; a, b: any)."""


def function_table() -> str:
    """The functions a question may use, as a Markdown table in the catalogue's order. Raises KeyError for one that is not described."""
    lines = ["| written | |", "|---|---|"]
    for name in CATALOGUE:
        forms, note = WRITTEN[name]
        shown = ", ".join(f"`{form}`" for form in forms).replace("|", "\\|")
        lines.append(f"| {shown} | {note} |")
    return "\n".join(lines)
