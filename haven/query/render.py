"""Expressions to DuckDB SQL. The text is generated from the plan alone; nothing the researcher wrote passes through unquoted."""

from collections.abc import Mapping
from datetime import date

from haven.catalog.dataset import ColumnType
from haven.catalog.layout import UNIT
from haven.errors import Code, Refused
from haven.query.dates import within_years
from haven.query.expressions import Call, Column, Expression, Literal, Matched, Membership, PublicValue, UnitColumn
from haven.query.functions import CATALOGUE, COMPARISONS
from haven.query.private_plan import OutputType
from haven.query.shapes import Interval, Value, days_of

LONGEST_SQL = 200_000
Names = Mapping[str, str]
"""What stands before the columns of each relation: `s1.` where there are several, nothing where there is one."""
BARE = COMPARISONS - {"nullif"} | {"is_null", "is_present"}
"""Functions that only test their arguments: what passes on a value passes on 64 bits of it."""
NULL_TYPES = {
    OutputType.INTEGER: "BIGINT",
    OutputType.NUMBER: "DOUBLE",
    OutputType.BOOLEAN: "BOOLEAN",
    OutputType.TEXT: "VARCHAR",
    OutputType.DATE: "INTEGER",
}


def render(expression: Expression, names: Names) -> str:  # noqa: PLR0911 - one way to write for each kind of expression
    """Total DuckDB SQL of a row's expression: it never raises, and is finite or NULL, on any stored row.

    Raises Refused(QUERY_TOO_LARGE) where the text would pass `LONGEST_SQL`: guards repeat what they guard.
    """
    match expression:
        case Column():
            return _column(expression, names)
        case Membership(operand=operand, subquery=subquery):
            return f"({render(operand, names)} IN ({subquery}))"
        case PublicValue(sql=sql):
            return f"({sql})"
        case Matched(operands=operands, sql=sql):
            for index, operand in enumerate(operands):
                sql = sql.replace(Matched.mark(index), render(operand, names))
            return sql
        case UnitColumn(source=source):
            return names[source] + quoted(UNIT)
        case Literal(value=value, shape=shape):
            return f"CAST(NULL AS {NULL_TYPES[shape.type]})" if value is None and shape.type else constant(value)
        case Call(function=name, arguments=arguments, shape=shape):
            bare = name in BARE and all(isinstance(argument, Column | Literal) for argument in arguments)
            texts = tuple(_bare(argument, names) if bare else render(argument, names) for argument in arguments)
            sql = CATALOGUE[name].render(texts, tuple(argument.shape for argument in arguments))
            if len(sql) > LONGEST_SQL:
                raise Refused(Code.QUERY_TOO_LARGE, "The question's generated SQL is too long.", "Nest fewer functions in one expression.")
            return sql
        case _:
            msg = "only a row's own columns are rendered"
            raise TypeError(msg)


def quoted(name: str) -> str:
    """A name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'


def constant(value: Value) -> str:
    """A constant of its own type, safe inside any operator."""
    match value:
        case None:
            return "NULL"
        case bool():
            return "TRUE" if value else "FALSE"
        case int():
            return f"CAST({value} AS BIGINT)"
        case float():
            return f"({double(value)})" if value < 0 else double(value)
        case date():
            return str(days_of(value))
        case _:
            return "'" + str(value).replace("'", "''") + "'"


def double(value: float) -> str:
    """A double to the last bit: DuckDB reads digits with an exponent as DOUBLE."""
    digits = repr(float(value))
    return digits if "e" in digits else f"{digits}e0"


def _column(column: Column, names: Names) -> str:
    """A column as the engine computes with it: integers in 64 bits, booleans as truth, dates as days."""
    sql, held = names[column.source] + quoted(column.name), column.storage
    match held.type:
        case ColumnType.INTEGER:
            return sql if held.sql_type == "BIGINT" else f"CAST({sql} AS BIGINT)"
        case ColumnType.BOOLEAN:
            return f"({sql} <> 0)"
        case ColumnType.DATE:
            return sql if within_years(sql, held.interval) == sql else within_years(sql, Interval(-(2.0**31), 2.0**31))
        case _:
            return sql


def _bare(expression: Expression, names: Names) -> str:
    """A column or constant inside a comparison: no cast, so that the scan can be narrowed by it."""
    if isinstance(expression, Column) and expression.storage.type is ColumnType.INTEGER:
        return names[expression.source] + quoted(expression.name)
    if isinstance(expression, Literal) and isinstance(expression.value, int) and not isinstance(expression.value, bool):
        return str(expression.value)
    return render(expression, names)
