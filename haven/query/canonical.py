"""One form for equal expressions: predicates that say the same, however they are spelled, become the same plan.

Guarantee: the canonical form has the value of the original on every row, NULL included (three-valued logic; numbers are finite or NULL,
so a comparison and its negation are opposites). Commuted operands, BETWEEN and pairs of bounds, IN and chains of equalities, negations
pushed inwards, strict bounds of whole numbers and dates, repeated terms. What it does not know it leaves as it is.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta

from haven.query.aggregates import Aggregate
from haven.query.expressions import Call, Column, Expression, Literal, UnitColumn, literal
from haven.query.functions import call
from haven.query.private_plan import OutputType
from haven.query.shapes import EXACT_INTEGERS

MIRRORED = {"less": "greater", "at_most": "at_least", "greater": "less", "at_least": "at_most"}
SYMMETRIC = frozenset({"equal", "unequal", "same", "distinct"})
COMMUTATIVE = frozenset({"add", "multiply", "least", "greatest"})
OPPOSITES = {
    "less": "at_least",
    "at_most": "greater",
    "greater": "at_most",
    "at_least": "less",
    "equal": "unequal",
    "unequal": "equal",
    "is_null": "is_present",
    "is_present": "is_null",
    "same": "distinct",
    "distinct": "same",
}
DUAL = {"and": "or", "or": "and"}
Key = tuple[bool, str]


def canonical(expression: Expression) -> Expression:
    """The canonical form of an expression over rows."""
    return _Canon().form(expression)


def canonical_aggregate(aggregate: Aggregate) -> Aggregate:
    """The aggregate with its argument and condition in canonical form."""
    argument, condition = aggregate.argument, aggregate.condition
    return replace(
        aggregate,
        argument=None if argument is None else canonical(argument),
        condition=None if condition is None else canonical(condition),
    )


class _Canon:
    """One pass, bottom up; each sort key is worked out once."""

    def __init__(self) -> None:
        self._keys: dict[int, tuple[Expression, Key]] = {}

    def form(self, expression: Expression) -> Expression:
        if not isinstance(expression, Call):
            return expression
        arguments = tuple(self.form(argument) for argument in expression.arguments)
        name = expression.function
        if name in COMMUTATIVE:
            arguments = tuple(sorted(arguments, key=self._key))
        return self._logic(name, arguments) or replace(expression, arguments=arguments)

    def _logic(self, name: str, arguments: tuple[Expression, ...]) -> Expression | None:
        """The form of a condition; None for a function that is none."""
        match name:
            case "not":
                return self._negated(arguments[0])
            case "and" | "or":
                return self._chained(name, arguments)
            case "in":
                return self._listed(arguments[0], arguments[1:])
            case _ if name in SYMMETRIC or name in MIRRORED:
                return self._compared(name, *arguments)
        return None

    def _key(self, expression: Expression) -> Key:
        """An order of expressions that depends on nothing but what they say; constants come last."""
        found = self._keys.get(id(expression))
        if found is None:
            # the expression is kept beside its key, so that no other takes its place in memory meanwhile
            found = self._keys[id(expression)] = (expression, self._worked_out(expression))
        return found[1]

    def _worked_out(self, expression: Expression) -> Key:
        match expression:
            case Literal(value=value):
                return True, f"{type(value).__name__} {value!r}"
            case Call(function=function, arguments=arguments):
                return False, f"{function}({', '.join(self._key(argument)[1] for argument in arguments)})"
            case Column(source=source, name=name) | UnitColumn(source=source, name=name):
                return False, f"column {source!r} {name!r}"
            case _:
                return False, repr(expression)

    def _negated(self, condition: Expression) -> Expression:
        match condition:
            case Call(function="not", arguments=(inner,)):
                return inner
            case Call(function=("and" | "or") as name, arguments=arguments):
                return self._chained(DUAL[name], [self._negated(argument) for argument in arguments])
            case Call(function=name, arguments=arguments) if name in OPPOSITES:
                opposite = OPPOSITES[name]
                return self._compared(opposite, *arguments) if opposite not in {"is_null", "is_present"} else call(opposite, *arguments)
            case _:
                return call("not", condition)

    def _compared(self, name: str, left: Expression, right: Expression) -> Expression:
        """The constant stands right, or else the lesser side; whole numbers and dates are compared by bounds they can reach."""
        if isinstance(left, Literal) and not isinstance(right, Literal):
            left, right, name = right, left, MIRRORED.get(name, name)
        elif not isinstance(right, Literal):
            swapped = self._key(right) < self._key(left) if name in SYMMETRIC else name in {"greater", "at_least"}
            left, right, name = (right, left, MIRRORED.get(name, name)) if swapped else (left, right, name)
        if isinstance(right, Literal) and isinstance(right.value, bool) and left.shape.type is OutputType.BOOLEAN:
            if name in {"equal", "unequal"}:
                return left if (name == "equal") is right.value else self._negated(left)
        elif isinstance(right, Literal):
            name, right = _reached(name, left, right)
        return call(name, left, right)

    def _listed(self, value: Expression, options: Iterable[Expression]) -> Expression:
        alike = [_reached("equal", value, option)[1] if isinstance(option, Literal) else option for option in options]
        distinct = {self._key(option): option for option in alike}
        ordered = [distinct[key] for key in sorted(distinct)]
        return self._compared("equal", value, ordered[0]) if len(ordered) == 1 else call("in", value, *ordered)

    def _chained(self, name: str, arguments: Iterable[Expression]) -> Expression:
        """Flat, without repetitions, in order; equalities of one value with constants are one list."""
        neutral = name == "and"
        parts: dict[Key, Expression] = {}
        for part in self._merged(name, [one for argument in arguments for one in _flat(name, argument)]):
            if isinstance(part, Literal) and isinstance(part.value, bool):
                if part.value is not neutral:
                    return part
                continue
            parts.setdefault(self._key(part), part)
        if not parts:
            return literal(neutral)
        ordered = [parts[key] for key in sorted(parts)]
        return ordered[0] if len(ordered) == 1 else call(name, *ordered)

    def _merged(self, name: str, parts: list[Expression]) -> list[Expression]:
        lists: dict[Key, tuple[Expression, list[Expression]]] = {}
        others: list[Expression] = []
        for part in parts:
            value, options = _options(name, part)
            if value is None:
                others.append(part)
            else:
                lists.setdefault(self._key(value), (value, []))[1].extend(options)
        merged = [self._listed(value, options) for value, options in lists.values()]
        return others + (merged if name == "or" else [self._negated(part) for part in merged])


def _flat(name: str, expression: Expression) -> tuple[Expression, ...]:
    return expression.arguments if isinstance(expression, Call) and expression.function == name else (expression,)


def _options(name: str, part: Expression) -> tuple[Expression | None, tuple[Expression, ...]]:
    """Of x = 1 or x IN (1, 2) under OR, of x <> 1 or NOT x IN (1, 2) under AND: x and the constants."""
    match part:
        case Call(function="not", arguments=(Call(function="in") as inner,)) if name == "and":
            return _options("or", inner)
        case Call(function=("equal" | "unequal") as said, arguments=(value, Literal() as option)) if (said == "equal") is (name == "or"):
            return value, (option,)
        case Call(function="in", arguments=(value, *options)) if name == "or" and all(isinstance(option, Literal) for option in options):
            return value, tuple(options)
        case _:
            return None, ()


def _reached(name: str, left: Expression, right: Literal) -> tuple[str, Literal]:
    """The bound that is reached: x > 3 as x >= 4 where x is a whole number, and so with dates; constants of a number are numbers."""
    value = right.value
    match left.shape.type, value:
        case OutputType.DATE, date():
            return _reached_day(name, value, right)
        case (OutputType.INTEGER | OutputType.NUMBER) as kind, int() | float() if abs(value) < EXACT_INTEGERS and not isinstance(
            value, bool
        ):
            return _reached_integer(name, value, right) if kind is OutputType.INTEGER else (name, literal(float(value)))
        case _:
            return name, right


def _reached_integer(name: str, value: float, right: Literal) -> tuple[str, Literal]:
    """Below 2⁵³ every whole number is a double, so it does not matter in which of the two an integer of 64 bits is compared."""
    match name:
        case "greater" | "at_least":
            return "at_least", literal(math.floor(value) + 1 if name == "greater" else math.ceil(value))
        case "less" | "at_most":
            return "at_most", literal(math.ceil(value) - 1 if name == "less" else math.floor(value))
        case _:
            return name, literal(int(value)) if value == int(value) else right


SHIFTS: Mapping[str, tuple[str, int]] = {"greater": ("at_least", 1), "less": ("at_most", -1)}


def _reached_day(name: str, value: date, right: Literal) -> tuple[str, Literal]:
    if name not in SHIFTS or value in {date.min, date.max}:
        return name, right
    reached, days = SHIFTS[name]
    return reached, literal(value + timedelta(days=days))
