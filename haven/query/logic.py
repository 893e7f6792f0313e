"""Three-valued logic, comparisons and choices: total by nature, NULL as SQL says."""

import operator
import re
from collections.abc import Callable
from functools import lru_cache

from haven.query.function import Function, Render, Shapes, UnsureError, expect, joined, named, nullable, one_type, same_type
from haven.query.private_plan import OutputType
from haven.query.shapes import Shape, Value, boolean, text


def _compare_shape(symbol: str) -> Callable[[Shapes], Shape]:
    def shape(shapes: Shapes) -> Shape:
        one_type(shapes, symbol)
        return boolean(nullable=nullable(shapes))

    return shape


def _infix(symbol: str) -> Render:
    def render(arguments: tuple[str, ...], shapes: Shapes) -> str:
        return f"({f' {symbol} '.join(same_type(arguments, shapes))})"

    return render


def _comparison(name: str, symbol: str, evaluate: Callable[..., bool]) -> Function:
    return Function(name, _compare_shape(symbol), _infix(symbol), evaluate)


def _distinct(name: str, words: str, *, negated: bool) -> Function:
    def shape(shapes: Shapes) -> Shape:
        one_type(shapes, words)
        return boolean(nullable=False)

    def evaluate(a: Value, b: Value) -> bool:
        return (a == b) is negated

    return Function(name, shape, _infix(words), evaluate, strict=False)


def _connective_shape(name: str) -> Callable[[Shapes], Shape]:
    def shape(shapes: Shapes) -> Shape:
        expect(shapes, OutputType.BOOLEAN, name=name)
        return boolean(nullable=nullable(shapes))

    return shape


def _all_of(*values: bool | None) -> bool | None:
    if False in values:
        return False
    return None if None in values else True


def _any_of(*values: bool | None) -> bool | None:
    if True in values:
        return True
    return None if None in values else False


def _in_shape(shapes: Shapes) -> Shape:
    one_type(shapes, "IN")
    return boolean(nullable=nullable(shapes))


def _in(arguments: tuple[str, ...], shapes: Shapes) -> str:
    first, *rest = same_type(arguments, shapes)
    return f"({first} IN ({', '.join(rest)}))"


def _is_in(value: Value, *options: Value) -> bool | None:
    if value is None:
        return None
    if value in [option for option in options if option is not None]:
        return True
    return None if None in options else False


def _case_parts(shapes: Shapes) -> tuple[Shapes, Shapes]:
    """Conditions and values of CASE: condition, value, condition, value, …, otherwise."""
    return shapes[:-1:2], (*shapes[1:-1:2], shapes[-1])


def _case_shape(shapes: Shapes) -> Shape:
    conditions, values = _case_parts(shapes)
    expect(conditions, OutputType.BOOLEAN, name="WHEN")
    return joined(values, "CASE", may_be_null=nullable(values))


def _case(arguments: tuple[str, ...], shapes: Shapes) -> str:
    conditions, values = arguments[:-1:2], same_type((*arguments[1:-1:2], arguments[-1]), _case_parts(shapes)[1])
    branches = " ".join(f"WHEN {condition} THEN {value}" for condition, value in zip(conditions, values[:-1], strict=True))
    return f"CASE {branches} ELSE {values[-1]} END"


def _choose(*arguments: Value) -> Value:
    for condition, value in zip(arguments[:-1:2], arguments[1:-1:2], strict=True):
        if condition:
            return value
    return arguments[-1]


def _coalesce_shape(shapes: Shapes) -> Shape:
    return joined(shapes, "COALESCE", may_be_null=all(shape.nullable for shape in shapes))


def _coalesce(arguments: tuple[str, ...], shapes: Shapes) -> str:
    return f"coalesce({', '.join(same_type(arguments, shapes))})"


def _first_present(*values: Value) -> Value:
    return next((value for value in values if value is not None), None)


def _nullif_shape(shapes: Shapes) -> Shape:
    one_type(shapes, "NULLIF")
    return shapes[0].or_null()


def _nullif(arguments: tuple[str, ...], shapes: Shapes) -> str:
    left, right = same_type(arguments, shapes)
    return f"CASE WHEN {left} = {right} THEN NULL ELSE {arguments[0]} END"


def _null_test(name: str, words: str, *, negated: bool) -> Function:
    def evaluate(value: Value) -> bool:
        return (value is None) is not negated

    def shape(_: Shapes) -> Shape:
        return boolean(nullable=False)

    return Function(name, shape, lambda arguments, _: f"({arguments[0]} {words})", evaluate, strict=False)


def _like_shape(shapes: Shapes) -> Shape:
    expect(shapes, OutputType.TEXT, name="LIKE")
    return boolean(nullable=nullable(shapes))


@lru_cache(maxsize=256)
def _pattern(pattern: str) -> re.Pattern[str]:
    """A LIKE pattern, without an escape character, as a regular expression that cannot backtrack badly: % is the only repetition."""
    pieces = {"%": ".*", "_": "."}
    return re.compile("".join(pieces.get(c, re.escape(c)) for c in re.sub("%+", "%", pattern)), re.DOTALL)


def _like(value: str, pattern: str) -> bool:
    return _pattern(pattern).fullmatch(value) is not None


def _ilike(value: str, pattern: str) -> bool:
    if not (value + pattern).isascii():
        raise UnsureError
    return _pattern(pattern.lower()).fullmatch(value.lower()) is not None


def _unsure(*_: Value) -> Value:
    raise UnsureError


# AND and OR are written in one order, whatever the asker's: equal conditions are equal text.
LOGIC = (
    _comparison("equal", "=", operator.eq),
    _comparison("unequal", "<>", operator.ne),
    _comparison("less", "<", operator.lt),
    _comparison("at_most", "<=", operator.le),
    _comparison("greater", ">", operator.gt),
    _comparison("at_least", ">=", operator.ge),
    _distinct("same", "IS NOT DISTINCT FROM", negated=True),
    _distinct("distinct", "IS DISTINCT FROM", negated=False),
    _null_test("is_null", "IS NULL", negated=False),
    _null_test("is_present", "IS NOT NULL", negated=True),
    Function("and", _connective_shape("AND"), lambda arguments, _: f"({' AND '.join(sorted(arguments))})", _all_of, strict=False),
    Function("or", _connective_shape("OR"), lambda arguments, _: f"({' OR '.join(sorted(arguments))})", _any_of, strict=False),
    Function("not", _connective_shape("NOT"), lambda arguments, _: f"(NOT {arguments[0]})", operator.not_),
    Function("in", _in_shape, _in, _is_in, strict=False),
    Function("case", _case_shape, _case, _choose, strict=False),
    Function("coalesce", _coalesce_shape, _coalesce, _first_present, strict=False),
    Function("nullif", _nullif_shape, _nullif, lambda a, b: None if a == b else a, strict=False),
    # only counted: a row value is never shown, and its shape says that it is no number
    Function("row", lambda _: text(nullable=False), named("row"), _unsure, strict=False, exact=False),
    Function("like", _like_shape, lambda arguments, _: f"({arguments[0]} LIKE {arguments[1]})", _like),
    Function("ilike", _like_shape, lambda arguments, _: f"({arguments[0]} ILIKE {arguments[1]})", _ilike),
)
