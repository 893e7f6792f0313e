"""The floors of a question: rows below, and the answer that one aggregation and its post-processing make of them."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from haven.catalog.dataset import Dataset
from haven.policy.authorisation import Footprint
from haven.query.aggregates import Aggregate
from haven.query.expressions import AggregateLeaf, Call, Expression, columns_of, leaves, lookups_in
from haven.query.relations import Derived, Named, PerUnit, Pick, Rows, Selected, every_source


@dataclass(frozen=True, slots=True)
class Sort:
    """One ORDER BY term, over noisy values and keys."""

    expression: Expression
    descending: bool
    nulls_first: bool


@dataclass(frozen=True, slots=True)
class SummaryOf:
    """What is made of several noisy rows: see `private_plan.Summary`."""

    function: str
    argument: Expression | None = None
    condition: Expression | None = None
    partition: tuple[Expression, ...] = ()
    order: tuple[Sort, ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerLevel:
    """A step of post-processing that what stands above cannot be said without: see `private_plan.Level`."""

    having: tuple[Expression, ...] = ()
    order: tuple[Sort, ...] = ()
    offset: int = 0
    limit: int | None = None
    keys: tuple[Expression, ...] = ()
    summaries: tuple[SummaryOf, ...] = ()
    grouped: bool = False

    def expressions(self) -> Iterator[Expression]:
        """Every expression over the rows below it."""
        yield from (*self.having, *(sort.expression for sort in self.order), *self.keys)
        for each in self.summaries:
            yield from (part for part in (each.argument, each.condition) if part is not None)
            yield from (*each.partition, *(sort.expression for sort in each.order))

    def changed(self, change: Callable[[Expression], Expression]) -> "AnswerLevel":
        """The same over expressions that `change` makes of its own."""

        def moved(sorts: tuple[Sort, ...]) -> tuple[Sort, ...]:
            return tuple(replace(sort, expression=change(sort.expression)) for sort in sorts)

        summaries = tuple(
            replace(
                each,
                argument=None if each.argument is None else change(each.argument),
                condition=None if each.condition is None else change(each.condition),
                partition=tuple(map(change, each.partition)),
                order=moved(each.order),
            )
            for each in self.summaries
        )
        having, keys = tuple(map(change, self.having)), tuple(map(change, self.keys))
        return replace(self, having=having, order=moved(self.order), keys=keys, summaries=summaries)


@dataclass(frozen=True, slots=True)
class RowStage:
    """Rows, not yet aggregated, and what a SELECT above may name."""

    rows: Rows
    columns: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class AnswerStage:
    """An aggregation of `rows` by `keys`, and its post-processing: what follows `aggregates` speaks of noisy values.

    `sets` holds the sets of keys to group by, by position, where there are several (GROUPING SETS). `levels` are what is done to the noisy
    rows before `having`, `order` and what follows.
    """

    rows: Rows
    keys: tuple[Named, ...]
    aggregates: tuple[Aggregate, ...]
    columns: tuple[Named, ...]
    having: tuple[Expression, ...] = ()
    order: tuple[Sort, ...] = ()
    offset: int = 0
    limit: int | None = None
    sets: tuple[tuple[int, ...], ...] = ()
    levels: tuple[AnswerLevel, ...] = ()

    @property
    def cut(self) -> bool:
        """Whether rows were already cut off, so that later filters and orders would mean something else."""
        return self.offset > 0 or self.limit is not None

    def above(self) -> Iterator[Expression]:
        """Every expression over the noisy rows."""
        yield from (column.expression for column in self.columns)
        yield from (*self.having, *(sort.expression for sort in self.order))
        for level in self.levels:
            yield from level.expressions()

    def changed(self, change: Callable[[Expression], Expression]) -> "AnswerStage":
        """The same over the noisy rows of other aggregates, by which `change` replaces these in an expression."""
        return replace(
            self,
            columns=tuple(Named(column.name, change(column.expression)) for column in self.columns),
            having=tuple(map(change, self.having)),
            order=tuple(replace(sort, expression=change(sort.expression)) for sort in self.order),
            levels=tuple(level.changed(change) for level in self.levels),
        )

    def read(self) -> Iterator[Expression]:
        """Every expression over rows: conditions, keys, and what is aggregated."""
        yield from self.rows.predicates()
        yield from (key.expression for key in self.keys)
        for aggregate in self.aggregates:
            yield from (part for part in (aggregate.argument, aggregate.condition) if part is not None)


Stage = RowStage | AnswerStage


def pruned(stage: AnswerStage) -> AnswerStage:
    """Only the aggregates that the answer uses, renumbered; what nobody reads is not paid for."""
    used = {leaf.index: None for expression in stage.above() for leaf in leaves(expression) if isinstance(leaf, AggregateLeaf)}
    indices = {old: new for new, old in enumerate(sorted(used))}
    moved = stage.changed(lambda expression: _renumbered(expression, indices))
    return replace(moved, aggregates=tuple(stage.aggregates[old] for old in indices), columns=_distinct_names(moved.columns))


def _renumbered(expression: Expression, indices: Mapping[int, int]) -> Expression:
    match expression:
        case AggregateLeaf(index=index):
            return replace(expression, index=indices[index])
        case Call(arguments=arguments):
            return replace(expression, arguments=tuple(_renumbered(argument, indices) for argument in arguments))
        case _:
            return expression


def _distinct_names(columns: tuple[Named, ...]) -> tuple[Named, ...]:
    """Equal names get _1, _2, …, as in DuckDB."""
    taken: set[str] = set()
    named: list[Named] = []
    for column in columns:
        name, tries = column.name, 0
        while name.lower() in taken:
            tries += 1
            name = f"{column.name}_{tries}"
        taken.add(name.lower())
        named.append(Named(name, column.expression))
    return tuple(named)


def footprint_of(dataset: Dataset, answer: AnswerStage) -> Footprint:
    """What the answer reads: its tables, and every column of its conditions, keys and aggregates, also in what it is computed from."""
    names = names_read(answer.rows, answer.read())
    return Footprint(
        dataset.name,
        frozenset(name for name in names if "." not in name),
        frozenset(name for name in names if "." in name),
    )


def names_read(rows: Rows, expressions: Iterable[Expression]) -> frozenset[str]:
    """The base tables (`table`) and declared columns (`table.column`) that rows and expressions over them read."""
    found: set[str] = set()
    read = [*rows.predicates(), *expressions]
    for source in every_source(rows):
        if isinstance(source, Derived):
            read += _read_below(source)
        else:
            found.add(source.table)
    for expression in read:
        found |= {f"{column.table}.{column.name}" for column in columns_of(expression) if column.table}
        found |= {name for lookup in lookups_in(expression) for name in lookup.reads}
    return frozenset(found)


def _read_below(source: Derived) -> list[Expression]:
    """Every expression over the rows that a derived relation is computed from."""
    body = source.body
    if isinstance(body, PerUnit):
        read = [*body.rows.predicates(), *(key.expression for key in body.keys)]
        for _, aggregate in body.aggregates:
            read += [part for part in (aggregate.argument, aggregate.condition) if part is not None]
            read += [aggregate.by] if isinstance(aggregate, Pick) else []
        return read
    branches = (body,) if isinstance(body, Selected) else body.branches
    return [each for branch in branches for each in (*branch.rows.predicates(), *(named.expression for named in branch.columns))]
