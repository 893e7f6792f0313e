"""The syntax of texts and of other functions whose arguments do not stand in a row: to functions of the catalogue."""

import math
from collections.abc import Callable, Mapping

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.expressions import Expression, Literal, literal
from haven.query.function import wrong_type
from haven.query.functions import call
from haven.query.private_plan import OutputType
from haven.query.roundings import MOST_DIGITS
from haven.query.shapes import Interval

Value = Callable[[exp.Expr], Expression]
"""Binds an operand."""
SIDES = {"LEADING": "ltrim", "TRAILING": "rtrim", "BOTH": "trim", "": "trim"}


def as_text(value: Expression) -> Expression:
    """A value as it is written beside texts."""
    return value if value.shape.type in {OutputType.TEXT, None} else call("to_text", value)


def joined(value: Value, node: exp.Expr) -> Expression:
    """Texts on both sides of ||: whole numbers, truth values and dates are written out."""
    return call("concat", as_text(value(node.this)), as_text(value(node.args["expression"])))


def chained(value: Value, node: exp.Expr) -> Expression:
    """concat(a, b, …): what is NULL is left out."""
    whole: Expression = literal("")
    for part in node.expressions:
        text = as_text(value(part))
        shown = call("coalesce", text, literal("")) if text.shape.nullable else text
        whole = shown if whole == literal("") else call("concat", whole, shown)
    return whole


def separated(value: Value, node: exp.Expr) -> Expression:
    """concat_ws(separator, a, b, …)."""
    return call("concat_ws", *(as_text(value(part)) for part in node.expressions))


def trimmed(value: Value, node: exp.Expr) -> Expression:
    """trim, ltrim and rtrim, of spaces or of given characters."""
    given = [node.this, node.args.get("expression")]
    return call(SIDES[str(node.args.get("position") or "").upper()], *(value(part) for part in given if part is not None))


def padded(value: Value, node: exp.Expr) -> Expression:
    """Both lpad and rpad."""
    parts = (node.this, node.args["expression"], node.args["fill_pattern"])
    return call("lpad" if node.args.get("is_left") else "rpad", *map(value, parts))


def remainder(value: Value, node: exp.Expr) -> Expression:
    """The remainder of x % y: of whole numbers whole, else with decimals."""
    left, right = value(node.this), value(node.args["expression"])
    return call("modulo" if OutputType.NUMBER in {left.shape.type, right.shape.type} else "remainder", left, right)


def power(value: Value, node: exp.Expr) -> Expression:
    """The power x ** y; a square is a product, and exact where x is."""
    base, exponent = value(node.this), value(node.args["expression"])
    if exponent == literal(2) and base.shape.numeric:
        return call("to_number", call("multiply", base, base))
    return call("pow", base, exponent)


def logarithm(value: Value, node: exp.Expr) -> Expression:
    """log(x), to the base 10, and log(base, x)."""
    if node.args.get("expression") is None:
        return call("log10", value(node.this))
    base, argument = value(node.this), value(node.args["expression"])
    if base == literal(2):
        return call("log2", argument)
    given = base.value if isinstance(base, Literal) else None
    if not isinstance(given, int | float) or given <= 0 or given == 1:
        raise Refused(Code.QUERY_FUNCTION, "The base of a logarithm is a constant above 0 other than 1.", "Write log(3, x) or ln(x).")
    found = call("log10", argument)
    return found if given == 10 else call("divide", found, literal(math.log10(given)))  # noqa: PLR2004 - base 10


def rounded(value: Value, node: exp.Expr) -> Expression:
    """Both round and trunc, to whole numbers or to digits."""
    name = "round" if isinstance(node, exp.Round) else "trunc"
    digits = node.args.get("decimals")
    bound, places = value(node.this), literal(0) if digits is None else value(digits)
    return call(name, bound) if places == literal(0) else call(f"{name}_to", bound, places)


def decimal(value: Expression, kind: exp.Expr) -> Expression:
    """CAST AS DECIMAL(width, scale): rounded to `scale` digits; NULL where more than width - scale digits stand before the point."""
    given = [int(part.name) for part in kind.expressions if part.name.isdecimal() and len(part.name) < 3]  # noqa: PLR2004 - 1 to 38
    width, scale = (*given, 0)[:2] if given else (18, 3)
    if not 0 <= scale <= width:
        raise wrong_type("The width of a DECIMAL is less than its scale.", "Write DECIMAL(18, 3).")
    number = call("to_number", value)
    shown = number if scale > MOST_DIGITS or isinstance(value, Literal) else _rounded(number, scale)
    limit = 10.0 ** (width - scale)
    if Interval(-limit, limit).holds(shown.shape.interval.low) and shown.shape.interval.reach < limit:
        return shown
    return call("case", call("less", call("abs", shown), literal(limit)), shown, literal(None))


def _rounded(number: Expression, scale: int) -> Expression:
    return call("round_to", number, literal(scale))


WRITING: Mapping[type[exp.Expr], Callable[[Value, exp.Expr], Expression]] = {
    exp.DPipe: joined,
    exp.Concat: chained,
    exp.ConcatWs: separated,
    exp.Trim: trimmed,
    exp.Pad: padded,
    exp.Mod: remainder,
    exp.Pow: power,
    exp.Log: logarithm,
    exp.Round: rounded,
    exp.Trunc: rounded,
    exp.Pi: lambda _, __: literal(math.pi),
}
