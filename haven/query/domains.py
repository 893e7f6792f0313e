"""Public domains of group keys: which values a key can take, known without looking at data; None where only the data can tell."""

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

from haven.catalog.dataset import ColumnType
from haven.catalog.layout import TableLayout
from haven.query.expressions import Call, Column, Expression, Literal, columns_of
from haven.query.function import UnsureError
from haven.query.functions import CATALOGUE
from haven.query.private_plan import OutputType
from haven.query.shapes import Interval, Value, date_of

MOST_VALUES = 10_000

Domain = tuple[Value, ...]


def domain_of(key: Expression, layout: TableLayout) -> Domain | None:
    """Every value `key` can take on a row within its declared bounds and keys, NULL among them where it can occur.

    By evaluating the key on every combination of its columns' values where there are few, else from its form: truth values, the branches
    of CASE, the range of an integer.
    """
    domains = {column: column_domain(column, layout) for column in columns_of(key)}
    if all(domain is not None for domain in domains.values()):
        found = _evaluated(key, {column: domain or () for column, domain in domains.items()})
        if found is not None:
            return found
    formed = _formed(key, layout)
    if formed is None or len(formed) > MOST_VALUES:
        return None
    return (*formed, None) if key.shape.nullable and None not in formed else formed


def column_domain(column: Column, layout: TableLayout) -> Domain | None:
    """The declared values of a column: keys in their order, both truth values, integers or dates within narrow bounds."""
    declared = layout.table.columns[column.name]
    values: Domain | None
    if declared.type is ColumnType.CATEGORY:
        values = declared.keys
    elif column.shape.type is OutputType.NUMBER:
        values = None
    else:
        values = _ranged(column.shape.type, column.shape.interval)
    return (*values, None) if values is not None and column.shape.nullable else values


def _ranged(kind: OutputType | None, interval: Interval) -> Domain | None:
    """Every integer, date or truth value of an interval, where they are few."""
    if kind is OutputType.BOOLEAN:
        return (False, True)
    if kind not in {OutputType.INTEGER, OutputType.DATE} or not interval.high - interval.low < MOST_VALUES:
        return None
    whole = range(int(interval.low), int(interval.high) + 1)
    return tuple(map(date_of, whole)) if kind is OutputType.DATE else tuple(whole)


def _evaluated(key: Expression, domains: Mapping[Column, Domain]) -> Domain | None:
    """The key's values over the product of its columns' domains, in ascending order where they have one; None where unsure or too many."""
    if prod(map(len, domains.values())) > MOST_VALUES:
        return None
    if isinstance(key, Column):
        return domains[key]
    try:
        values = dict.fromkeys(evaluate(key, dict(zip(domains, row, strict=True))) for row in product(*domains.values()))
    except UnsureError:
        return None
    return _in_order(values, key.shape.type)


def _in_order(values: Mapping[Value, None], kind: OutputType | None) -> Domain:
    """Numbers, dates and truth values ascending, NULL last; text as it was met, so that declared orders survive."""
    present: list[Any] = [value for value in values if value is not None]
    if kind is not OutputType.TEXT:
        present.sort()
    return (*present, None) if None in values else tuple(present)


def evaluate(expression: Expression, row: Mapping[Column, Value]) -> Value:
    """The value on one row, as the engine would compute it. Raises UnsureError where Python cannot say."""
    match expression:
        case Column():
            return row[expression]
        case Literal(value=value):
            return value
        case Call(function=name, arguments=arguments) if CATALOGUE[name].exact:
            return CATALOGUE[name].certain_value(*(evaluate(argument, row) for argument in arguments))
        case _:
            raise UnsureError


def _formed(key: Expression, layout: TableLayout) -> Domain | None:
    """The values that the form of `key` allows."""
    match key:
        case Column():
            return column_domain(key, layout)
        case Literal(value=value):
            return (value,)
        case Call(function="case", arguments=arguments):
            return _union((*arguments[1:-1:2], arguments[-1]), layout)
        case Call(function="coalesce" | "least" | "greatest", arguments=arguments):
            found = _union(arguments, layout)
            return found if found is None or key.shape.nullable else tuple(value for value in found if value is not None)
        case _:
            return _ranged(key.shape.type, key.shape.interval)


def _union(parts: tuple[Expression, ...], layout: TableLayout) -> Domain | None:
    return tuple(dict.fromkeys(_values(parts, layout))) if all(domain_of(part, layout) is not None for part in parts) else None


def _values(parts: tuple[Expression, ...], layout: TableLayout) -> Iterator[Value]:
    for part in parts:
        yield from domain_of(part, layout) or ()
