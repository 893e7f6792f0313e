"""Scalar expressions: columns, literals and calls of total functions. Immutable, typed, and of bounded size.

One language serves both sides of the noise. Below it the leaves are columns of a row; above it they are aggregates and group keys.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from haven.errors import Code, Refused
from haven.query.shapes import Shape, Value, shape_of_value
from haven.query.storage import COMPUTED, Storage

LARGEST_EXPRESSION = 5_000
"""Nodes of one expression, counted as a tree: naming a subquery's column repeats what it stands for."""
DEEPEST_EXPRESSION = 150


@dataclass(frozen=True, slots=True)
class Column:
    """The value of column `name` of the relation `source` in this row. `table` is the base table it is stored in, "" if computed."""

    source: str
    table: str
    name: str
    shape: Shape
    storage: Storage = field(default=COMPUTED, compare=False)


@dataclass(frozen=True, slots=True)
class UnitColumn:
    """The privacy unit's own column in `source`: it may be counted, joined on and tested for NULL, and nothing else."""

    source: str
    name: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant of the query."""

    value: Value
    shape: Shape


@dataclass(frozen=True, slots=True)
class AggregateLeaf:
    """The noisy value of the question's aggregate `index`."""

    index: int
    shape: Shape


@dataclass(frozen=True, slots=True)
class KeyLeaf:
    """The value of the question's group key `index`."""

    index: int
    shape: Shape


@dataclass(frozen=True, slots=True)
class CellLeaf:
    """A cell that is made of several noisy rows, at a `place` that `cell_place` gives."""

    place: int
    shape: Shape


@dataclass(frozen=True, slots=True)
class Call:
    """A total function of the catalogue on arguments; `size` counts nodes, `depth` levels."""

    function: str
    arguments: tuple["Expression", ...]
    shape: Shape
    size: int
    depth: int


@dataclass(frozen=True, slots=True)
class Membership:
    """Whether `operand` is among the values of `subquery`: generated SQL of one column that refers to nothing outside of itself.

    It reads rows of the operand's own unit (which is then the operand), or of public tables alone: so it is a function of that unit's
    data. `reads` names the declared columns it reads (`table.column`) and the tables (`table`).
    """

    operand: "Expression"
    subquery: str
    reads: frozenset[str]
    shape: Shape


@dataclass(frozen=True, slots=True)
class PublicValue:
    """One value of public tables: generated SQL of one column and at most one row, that refers to nothing outside of itself."""

    sql: str
    reads: frozenset[str]
    shape: Shape


@dataclass(frozen=True, slots=True)
class Matched:
    """Whether public tables have a row that fits this one: generated SQL, with `mark(i)` where operand i stands. Never NULL."""

    operands: tuple["Expression", ...]
    sql: str
    reads: frozenset[str]
    shape: Shape

    @staticmethod
    def mark(index: int) -> str:
        """What stands for an operand in `sql`: no question holds a NUL character."""
        return f'"\x00{index}\x00"'


Expression = Column | UnitColumn | Literal | AggregateLeaf | KeyLeaf | CellLeaf | Call | Membership | PublicValue | Matched
Lookup = Membership | PublicValue | Matched
"""What reads rows of its own."""


def literal(value: Value) -> Literal:
    """A constant with its shape."""
    return Literal(value, shape_of_value(value))


def extent(arguments: tuple[Expression, ...]) -> tuple[int, int]:
    """The size and depth of a call on `arguments`. Raises Refused(QUERY_TOO_LARGE) beyond the limits."""
    calls = [argument for argument in arguments if isinstance(argument, Call)]
    size = 1 + len(arguments) - len(calls) + sum(argument.size for argument in calls)
    depth = 1 + max((argument.depth for argument in calls), default=1)
    if size > LARGEST_EXPRESSION or depth > DEEPEST_EXPRESSION:
        raise Refused(
            Code.QUERY_TOO_LARGE,
            f"An expression has more than {LARGEST_EXPRESSION} parts, or {DEEPEST_EXPRESSION} levels, once subqueries are spelled out.",
            "Ask for fewer terms at once, or use a column of a subquery fewer times.",
        )
    return size, depth


def leaves(expression: Expression) -> Iterator[Expression]:
    """Every leaf, left to right, with repetitions. Membership of the unit reads rows of its own, and has none."""
    if isinstance(expression, Call | Matched):
        for argument in operands_of(expression):
            yield from leaves(argument)
    elif not isinstance(expression, Membership):
        yield expression
    elif not isinstance(expression.operand, UnitColumn):
        yield from leaves(expression.operand)


def columns_of(expression: Expression) -> tuple[Column, ...]:
    """The distinct columns it reads, in order of appearance."""
    return tuple(dict.fromkeys(leaf for leaf in leaves(expression) if isinstance(leaf, Column)))


def sources_of(expression: Expression) -> frozenset[str]:
    """The relations on whose rows its value can depend.

    Where a unit is missing is told by a LEFT JOIN row by row, so unit columns count; membership of a unit that is always there is the same
    for all rows of one unit, and does not.
    """
    found = {leaf.source for leaf in leaves(expression) if isinstance(leaf, Column | UnitColumn)}
    operands = (lookup.operand for lookup in lookups_in(expression) if isinstance(lookup, Membership))
    return frozenset(found | {each.source for each in operands if isinstance(each, UnitColumn) and each.shape.nullable})


def operands_of(expression: Expression) -> tuple[Expression, ...]:
    """What an expression is made of; nothing for a leaf."""
    match expression:
        case Call(arguments=operands) | Matched(operands=operands):
            return operands
        case Membership(operand=operand):
            return (operand,)
        case _:
            return ()


def lookups_in(expression: Expression) -> Iterator[Lookup]:
    """Every part of an expression that reads rows of its own."""
    if isinstance(expression, Membership | PublicValue | Matched):
        yield expression
    for operand in operands_of(expression):
        yield from lookups_in(operand)
