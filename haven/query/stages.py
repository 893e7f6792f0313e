"""The floors of a question: rows below, and the answer that one aggregation and its post-processing make of them."""

from collections.abc import Iterable, Iterator, Mapping
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
class RowStage:
    """Rows, not yet aggregated, and what a SELECT above may name."""

    rows: Rows
    columns: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class AnswerStage:
    """An aggregation of `rows` by `keys`, and its post-processing: what follows `aggregates` speaks of noisy values.

    `sets` holds the sets of keys to group by, by position, where there are several (GROUPING SETS).
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

    @property
    def cut(self) -> bool:
        """Whether rows were already cut off, so that later filters and orders would mean something else."""
        return self.offset > 0 or self.limit is not None

    def read(self) -> Iterator[Expression]:
        """Every expression over rows: conditions, keys, and what is aggregated."""
        yield from self.rows.predicates()
        yield from (key.expression for key in self.keys)
        for aggregate in self.aggregates:
            yield from (part for part in (aggregate.argument, aggregate.condition) if part is not None)


Stage = RowStage | AnswerStage


def pruned(stage: AnswerStage) -> AnswerStage:
    """Only the aggregates that the answer uses, renumbered; what nobody reads is not paid for."""
    shown = [*(column.expression for column in stage.columns), *stage.having, *(sort.expression for sort in stage.order)]
    used = {leaf.index: None for expression in shown for leaf in leaves(expression) if isinstance(leaf, AggregateLeaf)}
    indices = {old: new for new, old in enumerate(sorted(used))}
    return replace(
        stage,
        aggregates=tuple(stage.aggregates[old] for old in indices),
        columns=_distinct_names(tuple(Named(column.name, _renumbered(column.expression, indices)) for column in stage.columns)),
        having=tuple(_renumbered(condition, indices) for condition in stage.having),
        order=tuple(replace(sort, expression=_renumbered(sort.expression, indices)) for sort in stage.order),
    )


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
