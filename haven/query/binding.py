"""Scalar syntax to typed expressions: a table from node types to functions of the catalogue; what is not in it is refused."""

import math
from collections.abc import Callable, Mapping
from difflib import get_close_matches

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.aggregates import AggregateTable, unit_refused
from haven.query.dating import DATING, INTERVALS, as_interval, elapsed, part, shifted
from haven.query.expressions import Call, Expression, Literal, UnitColumn, literal
from haven.query.functions import call
from haven.query.grammar import NAMED_REFUSALS, REFUSALS, refusal
from haven.query.measures import PICKED, measure
from haven.query.moments import MOMENTS
from haven.query.private_plan import OutputType
from haven.query.quantiles import CHOSEN
from haven.query.resolved import MEMBERSHIP, RESOLVED, resolved
from haven.query.row_values import of_rows, row_comparison
from haven.query.shapes import EXACT_INTEGERS
from haven.query.vocabulary import BINARY, CALLS, FUNCTIONS, NAMED_PARTS, NARY, TYPES, UNARY, VOLATILE, WIDTHS
from haven.query.writing import WRITING, decimal

LONGEST_PATTERN = 255
"""Matching takes time in proportion to the text times the pattern: a person's own text must not decide whether a question ends in time."""
Names = Callable[[exp.Column], Expression]

FORMS: Mapping[type[exp.Expr], Callable[[Callable[[exp.Expr], Expression], exp.Expr], Expression]] = {**DATING, **WRITING, **RESOLVED}
"""Syntax that a module of its own reads, given how to bind an operand."""
DECIMALS = frozenset({exp.DType.DECIMAL, exp.DType.BIGDECIMAL, exp.DType.DECIMAL32, exp.DType.DECIMAL64, exp.DType.DECIMAL128})
_SHIFTS: Mapping[type[exp.Expr], tuple[str, str]] = {exp.Add: ("later", "add"), exp.Sub: ("earlier", "subtract")}


class Binder:
    """Binds the scalar expressions of one SELECT. `names` resolves columns; `aggregates` is None where none may stand, as in WHERE."""

    def __init__(self, names: Names, aggregates: AggregateTable | None = None) -> None:
        self._names = names
        self._aggregates = aggregates

    def bind(self, node: exp.Expr) -> Expression:  # noqa: PLR0911 - a table a line
        """The typed expression of `node`. Raises Refused for what is not of the grammar or of the wrong type."""
        if of_rows(node):
            return row_comparison(self._value, node)
        if type(node) in BINARY:
            return call(BINARY[type(node)], self._value(node.this), self._value(node.expression))
        if type(node) in UNARY:
            return call(UNARY[type(node)], self._value(node.this))
        if type(node) in NARY:
            return call(NARY[type(node)], self._value(node.this), *map(self._value, node.expressions))
        if type(node) in NAMED_PARTS:
            name, parts = NAMED_PARTS[type(node)]
            return call(name, *(self._value(node.args[part]) for part in parts if node.args.get(part) is not None))
        if type(node) in FORMS:
            return FORMS[type(node)](self._value, node)
        handler = SPECIAL.get(type(node))
        if handler is None:
            raise refusal(node)
        return handler(self, node)

    def _value(self, node: exp.Expr) -> Expression:
        """A bound operand: anything but the unit column."""
        bound = self.bind(node)
        if isinstance(bound, UnitColumn):
            raise unit_refused()
        return bound

    def condition(self, node: exp.Expr) -> Expression:
        """A bound condition."""
        bound = self._value(node)
        if bound.shape.type not in {OutputType.BOOLEAN, None}:
            raise Refused(Code.QUERY_TYPE, "A condition is not true or false.", "Write a comparison, such as x > 0.")
        return bound

    def _column(self, node: exp.Expr) -> Expression:
        if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
            raise Refused(Code.QUERY_ROWS, "* stands for whole rows, which are not answered.", "Write COUNT(*), or name the columns.")
        return self._names(node)

    def _literal(self, node: exp.Expr) -> Expression:
        if node.args.get("is_string"):
            return literal(str(node.this))
        written = str(node.this)
        try:
            value = int(written) if written.isdecimal() and len(written) <= 16 else float(written)  # noqa: PLR2004 - 2^53 has 16 digits
        except ValueError:
            raise Refused(Code.QUERY_SYNTAX, "A number cannot be read.", "Write 12, 0.5 or 1.5e6, with spaces around + and -.") from None
        if not math.isfinite(value) or (isinstance(value, int) and value > EXACT_INTEGERS):
            raise Refused(Code.QUERY_TYPE, "A constant is too large.", "Write a smaller number; integers reach 2^53.")
        return literal(value)

    def _boolean(self, node: exp.Expr) -> Expression:
        return literal(bool(node.this))

    def _null(self, _: exp.Expr) -> Expression:
        return literal(None)

    def _paren(self, node: exp.Expr) -> Expression:
        return self.bind(node.this)

    def _chain(self, node: exp.Expr) -> Expression:
        """A AND b AND c as one call: chains may be long, and recursion may not."""
        operands, pending = [], [node]
        while pending:
            part = pending.pop()
            inner = part.this if isinstance(part, exp.Paren) else part
            if type(inner) is type(node):
                pending += [inner.args["expression"], inner.this]
            else:
                operands.append(self.condition(part))
        return call("and" if isinstance(node, exp.And) else "or", *operands)

    def _not(self, node: exp.Expr) -> Expression:
        bound = self.condition(node.this)
        if isinstance(bound, Call) and bound.function == "is_null":
            return call("is_present", *bound.arguments)
        return call("not", bound)

    def _is(self, node: exp.Expr) -> Expression:
        other = node.args["expression"]
        if isinstance(other, exp.Null):
            bound = self.bind(node.this)
            certain = isinstance(bound, UnitColumn) and not bound.shape.nullable
            return literal(value=False) if certain else call("is_null", bound)
        if isinstance(other, exp.Boolean):
            return call("same", self.condition(node.this), literal(bool(other.this)))
        raise Refused(Code.QUERY_TYPE, "IS is followed by NULL, TRUE or FALSE.", "Write x IS NULL, or x = value.")

    def _in(self, node: exp.Expr) -> Expression:
        """IN over a list; over a SELECT, what was resolved of it before."""
        if node.args.get("query") is None:
            return call("in", self._value(node.this), *map(self._value, node.expressions))
        member: Callable[..., Expression] | None = node.meta.get(MEMBERSHIP)
        if member is None:
            raise refusal(exp.Select())
        row = node.this.unnest()
        return member(*map(self.bind, row.expressions)) if isinstance(row, exp.Tuple) else member(self.bind(row))

    def _between(self, node: exp.Expr) -> Expression:
        value = self._value(node.this)
        low, high = self._value(node.args["low"]), self._value(node.args["high"])
        return call("and", call("at_least", value, low), call("at_most", value, high))

    def _add(self, node: exp.Expr) -> Expression:
        """+ and -, of numbers or of dates."""
        shift, plain = _SHIFTS[type(node)]
        moved = self._moved(node.this, node.args["expression"], plain)
        if moved is not None:
            return moved
        left, right = self._value(node.this), self._value(node.args["expression"])
        left_day, right_day = (side.shape.type is OutputType.DATE for side in (left, right))
        if left_day and right_day and plain == "subtract":
            return call("days_between", right, left)
        if right_day and plain == "add":
            left, right, left_day = right, left, True
        return call(shift if left_day else plain, left, right)

    def _moved(self, left: exp.Expr, right: exp.Expr, plain: str) -> Expression | None:
        """A date and an interval, on either side of +."""
        if isinstance(left, INTERVALS) and plain == "add":
            left, right = right, left
        if isinstance(right, INTERVALS):
            return shifted(self._value, self._value(left), as_interval(right), 1 if plain == "add" else -1)
        return None

    def _like(self, node: exp.Expr) -> Expression:
        value, pattern = self._value(node.this), self._value(node.args["expression"])
        if not isinstance(pattern, Literal):
            raise Refused(Code.QUERY_FUNCTION, "The pattern of LIKE is not a constant.", "Write x LIKE 'abc%'.")
        if len(str(pattern.value)) > LONGEST_PATTERN:
            said = f"The pattern of LIKE is longer than {LONGEST_PATTERN} characters, and one long text could make it slow."
            raise Refused(Code.QUERY_TOO_LARGE, said, "Write a shorter pattern, or compare with = or substring.")
        matched = call("ilike" if isinstance(node, exp.ILike) else "like", value, pattern)
        return call("not", matched) if node.args.get("negate") else matched

    def _case(self, node: exp.Expr) -> Expression:
        subject = self._value(node.this) if node.this is not None else None
        parts: list[Expression] = []
        for branch in node.args["ifs"]:
            tested = self._value(branch.this) if subject is not None else self.condition(branch.this)
            parts += self._branch(tested if subject is None else call("equal", subject, tested), self._value(branch.args["true"]))
        default = node.args.get("default")
        return _settled(parts, self._value(default) if default is not None else literal(None))

    def _branch(self, condition: Expression, value: Expression) -> tuple[Expression, Expression]:
        """WHEN x IS NULL THEN x says NULL: said plainly, it does not widen the range of the rest."""
        if isinstance(condition, Call) and condition.function == "is_null" and condition.arguments == (value,):
            return condition, literal(None)
        return condition, value

    def _if(self, node: exp.Expr) -> Expression:
        otherwise = node.args.get("false")
        false = self._value(otherwise) if otherwise is not None else literal(None)
        return call("case", *self._branch(self.condition(node.this), self._value(node.args["true"])), false)

    def _cast(self, node: exp.Expr) -> Expression:
        wanted = node.args["to"].this
        if wanted in DECIMALS:
            return decimal(self._value(node.this), node.args["to"])
        said = getattr(wanted, "value", str(wanted))
        if said not in TYPES:
            raise Refused(Code.QUERY_TYPE, "This type is not answered.", "Use BIGINT, DOUBLE, VARCHAR, BOOLEAN or DATE.")
        value = call(TYPES[said], self._value(node.this))
        low, high = WIDTHS.get(said, (value.shape.interval.low, value.shape.interval.high))
        if value.shape.interval.low < low or value.shape.interval.high > high:
            value = call("fitting", value, literal(low), literal(high))
        if isinstance(value, Literal) and value.value is None and not isinstance(node.this, exp.Null):
            raise Refused(
                Code.QUERY_TYPE, "A constant cannot be converted to this type.", "Write a constant of it, such as 12 or DATE '2025-06-30'."
            )
        return value

    def _anonymous(self, node: exp.Expr) -> Expression:
        name, arguments = str(node.this).lower(), node.expressions
        if name in CALLS and len(arguments) == CALLS[name][1]:
            return call(CALLS[name][0], *map(self._value, arguments))
        if name in {"date_part", "datepart"} and len(arguments) == 2 and isinstance(arguments[0], exp.Literal):  # noqa: PLR2004 - part, date
            return part(self._value, arguments[0].name, arguments[1])
        if name in {"datesub", "date_sub"} and len(arguments) == 3:  # noqa: PLR2004 - unit, start, end
            return elapsed(self._value, arguments)
        if name == "iff" and len(arguments) == 3:  # noqa: PLR2004 - condition, value, otherwise
            return self._if(exp.If(this=arguments[0], true=arguments[1], false=arguments[2]))
        if name in VOLATILE:
            raise Refused(*REFUSALS[exp.CurrentDate])
        if name in NAMED_REFUSALS:
            raise Refused(*NAMED_REFUSALS[name])
        close = get_close_matches(name, FUNCTIONS, n=3)
        near = f"Did you mean {' or '.join(close)}?" if close else REFUSALS[exp.Func][2]
        raise Refused(
            Code.QUERY_FUNCTION, "The question calls a function that is not answered, or with other arguments than it takes.", near
        )

    def _aggregate(self, node: exp.Expr) -> Expression:
        return resolved(node) or measure(node, Binder(self._names), self._aggregates, None)

    def _grouping(self, node: exp.Expr) -> Expression:
        """GROUPING(a, b) and GROUPING_ID: a bit for every key that the row's set leaves out, the first key's highest."""
        if self._aggregates is None or not node.expressions:
            raise Refused(Code.QUERY_AGGREGATE, "GROUPING stands above the groups, and names keys.", "Write GROUPING(a) in SELECT.")
        whole: Expression = literal(0)
        for each in node.expressions:
            bit = self._aggregates.missing(Binder(self._names).bind(each))
            whole = bit if whole == literal(0) else call("add", call("multiply", whole, literal(2)), bit)
        return whole

    def _filtered(self, node: exp.Expr) -> Expression:
        made = resolved(node)
        if made is not None:
            return made
        row = Binder(self._names)
        return measure(node.this, row, self._aggregates, row.condition(node.args["expression"].this))


def _settled(parts: list[Expression], default: Expression) -> Expression:
    """A CASE; where its first condition is a constant of which all that follows turns, the value that it chooses."""
    whole = call("case", *parts, default)
    match parts:
        case [Literal(value=True), value, *_] if value.shape.type is whole.shape.type:
            return value
        case [Literal(value=False), _] if default.shape.type is whole.shape.type:
            return default
        case _:
            return whole


# The class's own handlers, by node type.
# ruff: noqa: SLF001 - a table of methods of the class above
SPECIAL: Mapping[type[exp.Expr], Callable[[Binder, exp.Expr], Expression]] = {
    exp.Column: Binder._column,
    exp.Star: Binder._column,
    exp.Literal: Binder._literal,
    exp.Boolean: Binder._boolean,
    exp.Null: Binder._null,
    exp.Paren: Binder._paren,
    exp.And: Binder._chain,
    exp.Or: Binder._chain,
    exp.Not: Binder._not,
    exp.Is: Binder._is,
    exp.Between: Binder._between,
    exp.Add: Binder._add,
    exp.Sub: Binder._add,
    exp.Like: Binder._like,
    exp.ILike: Binder._like,
    exp.Case: Binder._case,
    exp.If: Binder._if,
    exp.Cast: Binder._cast,
    exp.TryCast: Binder._cast,
    exp.Anonymous: Binder._anonymous,
    exp.Count: Binder._aggregate,
    exp.CountIf: Binder._aggregate,
    exp.Sum: Binder._aggregate,
    exp.Avg: Binder._aggregate,
    exp.ApproxDistinct: Binder._aggregate,
    **dict.fromkeys((*MOMENTS, *CHOSEN, *PICKED, exp.LogicalOr, exp.LogicalAnd), Binder._aggregate),
    exp.In: Binder._in,
    **dict.fromkeys((exp.Grouping, exp.GroupingId), Binder._grouping),
    exp.Filter: Binder._filtered,
}
