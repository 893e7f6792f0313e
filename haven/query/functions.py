"""The catalogue: every function a question may use, by name, and the one way to call them."""

from collections.abc import Mapping

from haven.query.angles import ANGLES
from haven.query.arithmetic import ARITHMETIC
from haven.query.buckets import BUCKETS
from haven.query.conversions import CONVERSIONS
from haven.query.dates import DATES
from haven.query.expressions import Call, Expression, Literal, extent, literal
from haven.query.function import Function, wrong_type
from haven.query.logic import LOGIC
from haven.query.periods import PERIODS
from haven.query.powers import POWERS
from haven.query.private_plan import OutputType
from haven.query.roundings import ROUNDINGS
from haven.query.searches import SEARCHES
from haven.query.shapes import Shape
from haven.query.texts import TEXTS

_NUMBERS = (*ARITHMETIC, *ROUNDINGS, *POWERS, *ANGLES, *BUCKETS)
_OTHERS = (*LOGIC, *TEXTS, *SEARCHES, *DATES, *PERIODS, *CONVERSIONS)
CATALOGUE: Mapping[str, Function] = {function.name: function for function in (*_NUMBERS, *_OTHERS)}
COMPARISONS = frozenset({"equal", "unequal", "less", "at_most", "greater", "at_least", "same", "distinct", "in", "nullif"})


def call(name: str, *arguments: Expression) -> Expression:
    """The function `name` of the catalogue on `arguments`, typed; constants are folded.

    Booleans count as 0 and 1 beside numbers, and text constants beside dates are read as dates. Raises Refused(QUERY_TYPE) for arguments
    the function does not take, Refused(QUERY_TOO_LARGE) for an expression beyond the limit.
    """
    function = CATALOGUE[name]
    if function.numeric or (name in COMPARISONS and any(each.shape.numeric for each in arguments)):
        arguments = tuple(_as_numeric(each) for each in arguments)
    if name in COMPARISONS and any(each.shape.type is OutputType.DATE for each in arguments):
        arguments = tuple(_as_date(each) for each in arguments)
    if name == "multiply" and arguments[0] == arguments[1]:
        return call("square", arguments[0])
    size, depth = extent(arguments)
    shape = function.shape(tuple(each.shape for each in arguments))
    if function.strict and any(isinstance(each, Literal) and each.value is None for each in arguments):
        return Literal(None, shape.or_null())
    if function.exact and arguments and all(isinstance(each, Literal) for each in arguments):
        return _folded(function, arguments, shape)
    return Call(name, arguments, shape, size, depth)


def _folded(function: Function, arguments: tuple[Expression, ...], shape: Shape) -> Expression:
    value = function.value(*(each.value for each in arguments if isinstance(each, Literal)))
    if value is None:
        return Literal(None, Shape(shape.type, nullable=True, interval=shape.interval))
    return literal(float(value) if shape.type is OutputType.NUMBER and isinstance(value, int) else value)


def _as_numeric(expression: Expression) -> Expression:
    return call("to_integer", expression) if expression.shape.type is OutputType.BOOLEAN else expression


def _as_date(expression: Expression) -> Expression:
    if not isinstance(expression, Literal) or not isinstance(expression.value, str):
        return expression
    read = CATALOGUE["to_date"].value(expression.value)
    if read is None:
        raise wrong_type("A text beside a date is not a date.", "Write dates as '2025-06-30'.")
    return literal(read)
