"""What was resolved before a SELECT's expressions are bound: memberships, public values, windows and aggregates of noisy rows."""

from collections.abc import Callable, Mapping

from sqlglot import exp

from haven.query.expressions import Expression
from haven.query.grammar import refusal

MEMBERSHIP = "membership"
"""The name under which it is left with the node."""
Bind = Callable[[exp.Expr], Expression]


def resolved(node: exp.Expr) -> Expression | None:
    """What a node was resolved to; None where it is bound as it stands."""
    found: Expression | None = node.meta.get(MEMBERSHIP)
    return found


def _looked_up(_: Bind, node: exp.Expr) -> Expression:
    """EXISTS, and a SELECT of one value."""
    found = resolved(node)
    if found is None:
        raise refusal(exp.Select())
    return found


def _window(_: Bind, node: exp.Expr) -> Expression:
    """A window over noisy rows; over rows of persons there is none."""
    found = resolved(node)
    if found is None:
        raise refusal(node)
    return found


RESOLVED: Mapping[type[exp.Expr], Callable[[Bind, exp.Expr], Expression]] = {
    exp.Exists: _looked_up,
    exp.Subquery: _looked_up,
    exp.Window: _window,
}
