"""GROUPING SETS, ROLLUP and CUBE: which sets of keys one question groups by.

Every set is a GROUP BY of its own over the same rows; keys that are not in it are NULL. Terms of GROUP BY multiply, as in SQL: GROUP BY a,
ROLLUP (b, c) is the sets (a, b, c), (a, b) and (a).
"""

from collections.abc import Callable, Iterable
from itertools import combinations, product

from sqlglot import exp

from haven.errors import Code, Refused

MOST_SETS = 64
SETS = (exp.Rollup, exp.Cube, exp.GroupingSets)
KeySet = tuple[int, ...]
"""The keys of one set by their position in the question, ascending."""
Position = Callable[[exp.Expr], tuple[int, ...]]
"""The positions of the keys that a node of GROUP BY names: none for a constant."""


def has_sets(tree: exp.Select) -> bool:
    """Whether GROUP BY names sets of keys."""
    group = tree.args.get("group")
    return group is not None and any(isinstance(node, SETS) for node in group.expressions)


def key_nodes(tree: exp.Select) -> list[exp.Expr]:
    """Every node that GROUP BY names, in order, without sets and brackets around them."""
    return [leaf for node in tree.args["group"].expressions for leaf in _leaves(node)]


def sets_of(tree: exp.Select, position: Position) -> tuple[KeySet, ...]:
    """The sets of keys that GROUP BY asks for, those with most keys first. Raises Refused for too many, and for one asked twice."""
    terms = [_sets(node, position) for node in tree.args["group"].expressions]
    count = 1
    for term in terms:
        count *= len(term)
        _check(count)
    found = [_merged(chosen) for chosen in product(*terms)]
    if len(set(found)) < len(found):
        raise Refused(
            Code.QUERY_CLAUSE, "GROUP BY asks for one set of keys twice.", "Name every set once, as in GROUPING SETS ((a, b), (a), ())."
        )
    return tuple(sorted(found, key=lambda keys: (-len(keys), keys)))


def _leaves(node: exp.Expr) -> Iterable[exp.Expr]:
    if isinstance(node, (*SETS, exp.Tuple)):
        return [leaf for inner in node.expressions for leaf in _leaves(inner)]
    return _leaves(node.this) if isinstance(node, exp.Paren) else [node]


def _sets(node: exp.Expr, position: Position) -> list[KeySet]:
    """The alternatives that one term of GROUP BY stands for."""
    if isinstance(node, exp.GroupingSets):
        return [found for inner in node.expressions for found in _sets(inner, position)]
    if not isinstance(node, exp.Rollup | exp.Cube):
        return [_named(node, position)]
    parts = [_named(inner, position) for inner in node.expressions]
    if isinstance(node, exp.Rollup):
        return [_merged(parts[:length]) for length in range(len(parts), -1, -1)]
    _check(2 ** min(len(parts), MOST_SETS))
    return [_merged(chosen) for length in range(len(parts), -1, -1) for chosen in combinations(parts, length)]


def _named(node: exp.Expr, position: Position) -> KeySet:
    return _merged(position(leaf) for leaf in _leaves(node))


def _merged(parts: Iterable[KeySet]) -> KeySet:
    return tuple(sorted({index for part in parts for index in part}))


def _check(count: int) -> None:
    if count > MOST_SETS:
        raise Refused(
            Code.QUERY_TOO_LARGE,
            f"The question groups by more than {MOST_SETS} sets of keys.",
            "Name the sets you need: GROUPING SETS (…).",
        )
