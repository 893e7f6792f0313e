"""Per-person relations: GROUP BY the unit, with aggregates of one person's rows alone.

They are answered as rows, one a person (or one for each of a person's groups), and what is asked of them above is priced like any table's.
Inner aggregates are of integers or are choices among values: no order of rows, hence no other person, can change them.
"""

from dataclasses import dataclass, replace

from sqlglot import exp

from haven.errors import Code, Refused
from haven.privacy.choices import Aim
from haven.query.aggregates import Aggregate, AggregateTable, Kind, Row, numeric
from haven.query.domains import domain_of
from haven.query.expressions import Call, Column, Expression, Literal, Matched, Membership, UnitColumn, literal
from haven.query.functions import call
from haven.query.private_plan import OutputType
from haven.query.relations import Derived, Named, PerUnit, Pick, Rows, Scan
from haven.query.shapes import Interval, Shape, integer, number
from haven.query.stability import most_rows
from haven.query.storage import Storage

FARTHEST_BY = 2.0**30
"""First and last are by days or integers of at most this size, so that they and a rank fit in 64 bits together."""


class PersonTable(AggregateTable):
    """The distinct aggregates of one person's rows; each becomes a column of the derived relation `source`."""

    def __init__(self, rows: Rows, source: str) -> None:
        super().__init__()
        self._rows = rows
        self._source = source
        self._most = most_rows(rows)
        self.found: dict[Aggregate | Pick, Column] = {}

    def leaf(self, aggregate: Aggregate) -> Expression:
        """The column of `aggregate`, shared with every earlier mention."""
        return self._column(aggregate, _inner_shape(aggregate, self._most))

    def total(self, value: Expression, condition: Expression | None) -> Expression:
        """SUM: NULL where a person has no value, also for sums of ones and zeros."""
        return self.leaf(Aggregate(Kind.SUM, numeric(value, "SUM"), condition))

    def any_or_all(self, said: Expression, condition: Expression | None, *, every: bool) -> Expression:
        """BOOL_OR and BOOL_AND over one person's rows; NULL where the condition is never true or false."""
        counted = self.total(call("not", said) if every else said, condition)
        return call("equal" if every else "unequal", counted, literal(0))

    def pick(self, node: exp.Expr, row: Row, condition: Expression | None) -> Expression:
        """FIRST and LAST by a day, ARG_MIN and ARG_MAX: the value in the row with the least or largest day; of equals the least rank."""
        value, by, last, keep_null = _pick_parts(node)
        argument, order = row.bind(value), row.bind(by)
        if isinstance(argument, UnitColumn) or isinstance(order, UnitColumn):
            raise _pick_refused()
        if order.shape.type not in {OutputType.DATE, OutputType.INTEGER} or order.shape.interval.reach > FARTHEST_BY:
            raise _pick_refused()
        if keep_null and order.shape.nullable:
            raise Refused(
                Code.QUERY_AGGREGATE,
                "FIRST and LAST are by a day that may be missing, so which row comes last is not certain.",
                "Write arg_max(x, day), which passes over missing days, or add WHERE day IS NOT NULL.",
            )
        pick = Pick(argument, order, self._rank(order), condition, last, keep_null)
        return self._column(pick, argument.shape.or_null())

    def _column(self, aggregate: Aggregate | Pick, shape: Shape) -> Column:
        return self.found.setdefault(aggregate, Column(self._source, "", f"a{len(self.found)}", shape))

    def _rank(self, order: Expression) -> Column:
        """The rank that tells a person's rows apart: of the one table that may have several of them."""
        several = [each for each in self._rows.sources if not isinstance(each, Scan) or each.layout.table.bound().rows_per_unit > 1]
        scans = [each for each in (several or self._rows.sources) if isinstance(each, Scan)]
        if len(several) > 1 or not scans or isinstance(order, Literal):
            raise _pick_refused()
        rank = scans[0].layout.rk or ""
        return Column(scans[0].source, "", rank, integer(Interval(1, 2.0**31), nullable=False))


def _inner_shape(aggregate: Aggregate, most: int) -> Shape:
    argument = aggregate.argument
    if argument is None or aggregate.kind is Kind.VALUES:
        return integer(Interval(0, 1 if aggregate.kind is Kind.UNITS else most), nullable=False)
    missing = argument.shape.nullable or aggregate.condition is not None
    interval = argument.shape.interval
    match aggregate.kind:
        case Kind.SUM:
            reach = Interval(min(0.0, most * interval.low), max(0.0, most * interval.high))
            whole = argument.shape.type is OutputType.INTEGER and reach.exact
            return integer(reach, nullable=missing) if whole else number(reach.outward(1e-12), nullable=missing)
        case Kind.MEAN:
            return number(interval.outward(1e-12), nullable=missing)
        case Kind.CHOICE if aggregate.goal is not None and aggregate.goal.aim is Aim.RANK:
            return Shape(argument.shape.type, missing, interval)
        case _:
            raise Refused(
                Code.QUERY_AGGREGATE,
                "Within one person only COUNT, SUM, AVG, MIN, MAX, variances, and first or last values by a day are answered.",
                "Use one of those inside, or ask the quantile of the persons' values outside.",
            )


def _pick_parts(node: exp.Expr) -> tuple[exp.Expr, exp.Expr, bool, bool]:
    """The value, what it is chosen by, whether the last is, and whether a missing value may be chosen."""
    if isinstance(node, exp.ArgMax | exp.ArgMin):
        if node.args.get("count") is not None:
            raise _pick_refused()
        return node.this, node.args["expression"], isinstance(node, exp.ArgMax), False
    order = node.this
    if not isinstance(order, exp.Order) or len(order.expressions) != 1:
        raise _pick_refused()
    (term,) = order.expressions
    return order.this, term.this, isinstance(node, exp.Last) is not bool(term.args.get("desc")), True


def _pick_refused() -> Refused:
    return Refused(
        Code.QUERY_AGGREGATE,
        "Which value is first or last must follow from a day or whole number of a table's own rows.",
        "Write arg_min(x, day) or first(x ORDER BY day), over one table with several rows a person.",
    )


@dataclass(frozen=True, slots=True)
class PersonGroups:
    """A grouping by the unit: the derived relation's name, its other keys as columns of it, and its aggregates."""

    rows: Rows
    source: str
    keys: tuple[Named, ...]
    table: PersonTable

    def derived(self) -> Derived:
        """The relation, with every aggregate met so far."""
        aggregates = tuple((column.name, aggregate) for aggregate, column in self.table.found.items())
        inner = tuple(Named(f"k{index}", key.expression) for index, key in enumerate(self.keys))
        shapes = tuple((key.name, key.expression.shape) for key in inner)
        shapes += tuple((column.name, column.shape) for column in self.table.found.values())
        return Derived(PerUnit(self.rows, inner, aggregates), shapes, self.source, self.rows.unit.name)

    def lifted(self, expression: Expression) -> Expression:
        """The same over the derived relation: keys and aggregates become its columns; other columns have no single value there."""
        for index, key in enumerate(self.keys):
            if expression == key.expression:
                return key_column(self.source, f"k{index}", key.expression)
        match expression:
            case UnitColumn() if expression.shape.nullable:
                raise Refused(
                    Code.QUERY_ROWS,
                    "Whether an optional side of a LEFT JOIN has a row is asked of a person as a whole, and may differ from row to row.",
                    "Write COUNT(b.id) = 0 in place of b.id IS NULL, or group by it too.",
                )
            case UnitColumn():
                return UnitColumn(self.source, expression.name, expression.shape)
            case Membership(operand=operand, subquery=subquery, reads=reads, shape=shape):
                return Membership(self.lifted(operand), subquery, reads, shape)
            case Matched(operands=operands):
                return replace(expression, operands=tuple(map(self.lifted, operands)))
            case Call(function=function, arguments=arguments):
                return call(function, *(self.lifted(argument) for argument in arguments))
            case Column(name=name, source=source) if source != self.source:
                raise Refused(
                    Code.QUERY_ROWS,
                    f"The column {name} is neither a group key nor inside an aggregate.",
                    f"Add {name} to GROUP BY, or write MAX({name}) or AVG({name}).",
                )
            case _:
                return expression


def key_column(source: str, name: str, expression: Expression) -> Column:
    """A column that holds an expression computed below, with its public values where they are known."""
    domain = domain_of(expression)
    values = None if domain is None else tuple(value for value in domain if value is not None)
    return Column(source, "", name, expression.shape, Storage(values=values))
