"""Row values: (a, b) = (c, d) and (a, b) IN ((1, 2), (3, 4)), field by field.

Two rows are equal as DuckDB has it: where no field is distinct from the other's, NULL being like NULL. So such a comparison is never NULL.
"""

from collections.abc import Callable, Sequence

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.expressions import Expression
from haven.query.functions import call

Bind = Callable[[exp.Expr], Expression]
EQUAL = (exp.EQ, exp.NullSafeEQ)
UNEQUAL = (exp.NEQ, exp.NullSafeNEQ)
ORDERED = (exp.LT, exp.LTE, exp.GT, exp.GTE)


def of_rows(node: exp.Expr) -> bool:
    """Whether a comparison or an IN over a list is of row values."""
    compared = isinstance(node, (*EQUAL, *UNEQUAL, *ORDERED))
    listed = isinstance(node, exp.In) and node.args.get("query") is None
    sides = [node.this, *node.expressions] if listed else [node.this, node.args.get("expression")] if compared else []
    return any(isinstance(side, exp.Expr) and isinstance(side.unnest(), exp.Tuple) for side in sides)


def row_comparison(bind: Bind, node: exp.Expr) -> Expression:
    """The comparison of two rows, or of a row with each of a list. Raises Refused for rows of different lengths, and for an order."""
    if isinstance(node, ORDERED):
        raise Refused(
            Code.QUERY_TYPE,
            "Row values are compared by = and IN, not by their order.",
            "Write the order out: a < 3 OR (a = 3 AND b < 4).",
        )
    value = fields(bind, node.this)
    if isinstance(node, exp.In):
        alike = [_alike(value, fields(bind, option)) for option in node.expressions]
        return alike[0] if len(alike) == 1 else call("or", *alike)
    equal = _alike(value, fields(bind, node.args["expression"]))
    return equal if isinstance(node, EQUAL) else call("not", equal)


def fields(bind: Bind, node: exp.Expr) -> tuple[Expression, ...]:
    """The bound fields of a row value. Refused (QUERY_TYPE) for what is none."""
    row = node.unnest()
    if not isinstance(row, exp.Tuple):
        raise Refused(Code.QUERY_TYPE, "A row value is compared with something that is none.", "Write (a, b) = (1, 2).")
    return tuple(map(bind, row.expressions))


def _alike(one: Sequence[Expression], other: Sequence[Expression]) -> Expression:
    if len(one) != len(other):
        raise Refused(Code.QUERY_TYPE, "Row values of different lengths are compared.", "Write (a, b) = (1, 2), as many on either side.")
    same = [_same(left, right) for left, right in zip(one, other, strict=True)]
    return same[0] if len(same) == 1 else call("and", *same)


def _same(left: Expression, right: Expression) -> Expression:
    """Equal or both NULL: plainly equal where neither can be NULL."""
    return call("same" if left.shape.nullable or right.shape.nullable else "equal", left, right)
