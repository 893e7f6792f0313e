"""Public domains of group keys: which values a key can take, known without looking at data; None where only the data can tell."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from itertools import product
from math import prod
from typing import Any

from haven.catalog.dataset import ColumnType
from haven.query.expressions import Call, Column, Expression, Literal, Matched, Membership, columns_of
from haven.query.function import UnsureError
from haven.query.functions import CATALOGUE
from haven.query.private_plan import OutputType
from haven.query.shapes import EXACT_INTEGERS, Interval, Value, date_of

MOST_VALUES = 10_000
MOST_STEPS = 200_000
"""Function calls spent on enumerating one key: beyond it the form of the key must do."""

Domain = tuple[Value, ...]
TRUNCATIONS = {"trunc_week": 7, "trunc_month": 32, "trunc_quarter": 93, "trunc_year": 366}


def domain_of(key: Expression) -> Domain | None:
    """Every value `key` can take on a row within its declared bounds and keys, NULL among them where it can occur.

    By evaluating the key on every combination of its columns' values where there are few, else from its form: truth values, the branches
    of CASE, a function of one enumerable part, the range of an integer.
    """
    return _Enumeration().domain(key)


def column_domain(column: Column) -> Domain | None:
    """The declared values of a column: keys in their order, both truth values, integers or dates within narrow bounds."""
    if column.storage.type is ColumnType.CATEGORY or column.storage.values is not None:
        values: Domain | None = column.storage.values
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


class _Enumeration:
    """The enumeration of one key, with a bounded number of steps."""

    def __init__(self) -> None:
        self._steps = MOST_STEPS

    def domain(self, key: Expression) -> Domain | None:
        if isinstance(key, Column):
            return column_domain(key)
        if isinstance(key, Literal):
            return (key.value,)
        found = self._evaluated(key) or self._formed(key)
        if found is None or len(found) > MOST_VALUES:
            return None
        if not key.shape.nullable:
            return tuple(value for value in found if value is not None)
        return found if None in found else (*found, None)

    def _evaluated(self, key: Expression) -> Domain | None:
        """The key's values over the product of its columns' domains; None where unsure or too many."""
        domains: dict[Column, Domain] = {}
        for column in columns_of(key):
            domain = column_domain(column)
            if domain is None:
                return None
            domains[column] = domain
        steps = prod(map(len, domains.values())) * (key.size if isinstance(key, Call) else 1)
        if steps > self._steps:
            return None
        self._steps -= steps
        try:
            rows = (dict(zip(domains, row, strict=True)) for row in product(*domains.values()))
            return _in_order((evaluate(key, row) for row in rows), key.shape.type)
        except UnsureError:
            return None

    def _formed(self, key: Expression) -> Domain | None:
        """The values that the form of `key` allows."""
        match key:
            case Call(function="case", arguments=arguments):
                return self._union((*arguments[1:-1:2], arguments[-1]))
            case Call(function="coalesce" | "least" | "greatest", arguments=arguments):
                return self._union(arguments) or _ranged(key.shape.type, key.shape.interval)
            case Call(function=function, arguments=(day,)) if function in TRUNCATIONS:
                return _starts(function, day.shape.interval)
            case Membership() | Matched():
                return _ranged(key.shape.type, key.shape.interval)
            case Call():
                return self._mapped(key) or _ranged(key.shape.type, key.shape.interval)
            case _:
                return None

    def _union(self, parts: Iterable[Expression]) -> Domain | None:
        values: dict[Value, None] = {}
        for part in parts:
            domain = self.domain(part)
            if domain is None:
                return None
            values |= dict.fromkeys(domain)
        return tuple(values)

    def _mapped(self, key: Call) -> Domain | None:
        """An exact function of one part that varies: that part's domain, mapped."""
        function = CATALOGUE[key.function]
        varying = [index for index, argument in enumerate(key.arguments) if not isinstance(argument, Literal)]
        inner = self.domain(key.arguments[varying[0]]) if len(varying) == 1 and function.exact else None
        if inner is None or len(inner) > self._steps:
            return None
        self._steps -= len(inner)
        given = [argument.value if isinstance(argument, Literal) else None for argument in key.arguments]
        try:
            return _in_order((function.certain_value(*given[: varying[0]], v, *given[varying[0] + 1 :]) for v in inner), key.shape.type)
        except UnsureError:
            return None


def _starts(function: str, interval: Interval) -> Domain | None:
    """The first days of every week, month, quarter or year that an interval of days touches."""
    cut, last = CATALOGUE[function].evaluate, date_of(int(interval.high))
    if interval.high - interval.low > MOST_VALUES * TRUNCATIONS[function]:
        return None
    first = cut(date_of(int(interval.low)))
    found = [first]
    while (first := cut(first + timedelta(days=TRUNCATIONS[function]))) <= last:
        found.append(first)
    return tuple(found)


def _in_order(values: Iterable[Value], kind: OutputType | None) -> Domain:
    """Distinct values: numbers, dates and truth values ascending, text as it was met, so that declared orders survive; NULL last."""
    distinct = dict.fromkeys(values)
    present: list[Any] = [value for value in distinct if value is not None]
    if kind is not OutputType.TEXT:
        present.sort()
    return (*present, None) if None in distinct else tuple(present)


def evaluate(expression: Expression, row: Mapping[Column, Value]) -> Value:
    """The value on one row, as the engine would compute it. Raises UnsureError where Python cannot say."""
    match expression:
        case Column():
            return _sure(row[expression])
        case Literal(value=value):
            return value
        case Call(function=name, arguments=arguments, shape=shape) if CATALOGUE[name].exact:
            values = [evaluate(argument, row) for argument in arguments]
            if shape.type is OutputType.NUMBER:
                values = [_as_double(value) for value in values]
            return _sure(CATALOGUE[name].certain_value(*values))
        case _:
            raise UnsureError


def _sure(value: Value) -> Value:
    """A value that Python and the engine hold alike: integers beyond 2⁵³ are rounded by one and not by the other."""
    if isinstance(value, int) and abs(value) > EXACT_INTEGERS:
        raise UnsureError
    return value


def _as_double(value: Value) -> Value:
    """Where the result is a number, the engine computes in double precision from the start."""
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
