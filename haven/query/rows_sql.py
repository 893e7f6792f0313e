"""Joined relations to DuckDB SQL: FROM and WHERE, with the rank filters of each base table beside it. All of it is generated."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from haven.catalog.layout import UNIT
from haven.query.aggregates import Aggregate, Kind, conjuncts
from haven.query.bounding import Bounding
from haven.query.expressions import Column, Expression, leaves
from haven.query.private_plan import OutputType
from haven.query.relations import Derived, Joined, PerUnit, Pick, PublicScan, Rows, Scan, Selected, Source
from haven.query.render import Names, double, quoted, render
from haven.query.shapes import Shape
from haven.query.targets import Drafter, Method

Used = frozenset[tuple[str, str]]
"""The columns of derived relations that are read, by source and name."""


@dataclass(frozen=True, slots=True)
class RowsText:
    """FROM and WHERE of rows, and what stands before the columns of each source."""

    names: Names
    tables: str
    conditions: tuple[str, ...]

    def select(self, items: Sequence[str], grouped: Sequence[str] = ()) -> str:
        """SELECT items FROM … WHERE … GROUP BY grouped."""
        where = ["WHERE", " AND ".join(self.conditions)] if self.conditions else []
        group = ["GROUP BY", ", ".join(grouped)] if grouped else []
        return " ".join(["SELECT", ", ".join(items) or "1", "FROM", self.tables, *where, *group])


def columns_used(expressions: Iterable[Expression]) -> Used:
    """The columns that expressions read."""
    return frozenset((leaf.source, leaf.name) for each in expressions for leaf in leaves(each) if isinstance(leaf, Column))


def rows_text(rows: Rows, bounding: Bounding | None, used: Used | None = None) -> RowsText:
    """FROM and WHERE of `rows` under `bounding`; without one, as a text that names them: no rank filters. `used` None: every column.

    Inner joins stand in an order of their own, so that one question written two ways is one text.
    """
    writer = _Writer(bounding, used)
    rows = writer.in_order(rows)
    sources = rows.sources
    alone = len(sources) == 1
    names = {source.source: "" if alone else f"s{index}." for index, source in enumerate(sources)}
    conditions = sorted({render(part, names) for whole in rows.conditions for part in conjuncts(whole)})
    if alone and isinstance(sources[0], Scan | PublicScan):
        return RowsText(names, quoted(sources[0].table), (*writer.filters(sources[0]), *conditions))
    return RowsText(names, writer.joined(rows, names), tuple(conditions))


class _Writer:
    """Writes the relations of one FROM."""

    def __init__(self, bounding: Bounding | None, used: Used | None) -> None:
        self._bounding = bounding
        self._used = used

    def in_order(self, rows: Rows) -> Rows:
        """Inner joins of personal relations commute: the least text comes first, and public tables last."""
        if not rows.joined or any(each.outer for each in rows.joined) or not rows.personal:
            return rows
        personal = sorted(
            (each for each in rows.sources if not isinstance(each, PublicScan)), key=lambda each: _Writer(None, None).table(each, "")
        )
        further = [Joined(source) for source in personal[1:]]
        publics = [each for each in rows.joined if isinstance(each.source, PublicScan)]
        moved = [part for each in rows.joined if not isinstance(each.source, PublicScan) for part in each.conditions]
        return Rows(personal[0], (*further, *publics), (*rows.conditions, *moved))

    def joined(self, rows: Rows, names: Names) -> str:
        """The relations of FROM: s0 JOIN s1 ON … LEFT JOIN s2 ON …."""
        parts = [self.table(rows.first, names[rows.first.source])]
        for each in rows.joined:
            met = [] if isinstance(each.source, PublicScan) else [f"{render(each.source.unit, names)} = {render(rows.unit, names)}"]
            met += sorted({render(part, names) for whole in each.conditions for part in conjuncts(whole)})
            table = self.table(each.source, names[each.source.source])
            if not met and not each.outer:
                parts.append(f"CROSS JOIN {table}")
            else:
                parts.append(f"{'LEFT JOIN' if each.outer else 'JOIN'} {table} ON {' AND '.join(met) or 'TRUE'}")
        return " ".join(parts)

    def table(self, source: Source, name: str) -> str:
        """One relation, under its name."""
        alias = f" AS {name.rstrip('.') or 's0'}"
        if isinstance(source, Derived):
            return f"({self._derived(source)}){alias}"
        kept = self.filters(source)
        if not kept:
            return quoted(source.table) + alias
        return f"(SELECT * FROM {quoted(source.table)} WHERE {' AND '.join(kept)}){alias}"  # noqa: S608 - generated

    def filters(self, source: Source) -> tuple[str, ...]:
        """The rank filters of a base table."""
        return () if self._bounding is None else tuple(self._bounding.by_source.get(source.source, ()))

    def _derived(self, source: Derived) -> str:
        body = source.body
        wanted = [name for name, _ in source.shapes if self._used is None or (source.source, name) in self._used]
        inner = (None,) * 99 if self._bounding is None else self._bounding.inner[source.source]
        if isinstance(body, PerUnit):
            return per_unit_sql(body, inner[0], wanted)
        branches = (body,) if isinstance(body, Selected) else body.branches
        shapes = dict(source.shapes)
        texts = [_selected_sql(branch, each, wanted, shapes) for branch, each in zip(branches, inner, strict=False)]
        return " UNION ALL ".join(texts)


def _selected_sql(body: Selected, bounding: Bounding | None, wanted: Sequence[str], shapes: Mapping[str, Shape]) -> str:
    """Every row's unit and columns, in their common types."""
    columns = {named.name: named.expression for named in body.columns}
    used = columns_used([*body.rows.predicates(), *(columns[name] for name in wanted)])
    text = rows_text(body.rows, bounding, None if bounding is None else used)
    items = [f"{render(body.rows.unit, text.names)} AS {quoted(UNIT)}"]
    for name in wanted:
        sql = render(columns[name], text.names)
        both = shapes[name].type is OutputType.NUMBER and columns[name].shape.type is not OutputType.NUMBER
        items.append(f"{f'CAST({sql} AS DOUBLE)' if both else sql} AS {quoted(name)}")
    return text.select(items)


def per_unit_sql(body: PerUnit, bounding: Bounding | None, wanted: Sequence[str]) -> str:
    """Every person's row, or every person's row for each value of the keys."""
    aggregates = {name: aggregate for name, aggregate in body.aggregates if name in wanted}
    read = [*body.rows.predicates(), *(named.expression for named in body.keys)]
    for aggregate in aggregates.values():
        read += [part for part in (aggregate.argument, aggregate.condition) if part is not None]
        read += [aggregate.by, aggregate.rank] if isinstance(aggregate, Pick) else []
    text = rows_text(body.rows, bounding, None if bounding is None else columns_used(read))
    unit = render(body.rows.unit, text.names)
    keys = {named.name: _one_zero(render(named.expression, text.names), named.expression) for named in body.keys}
    items = [f"{unit} AS {quoted(UNIT)}", *(f"{sql} AS {quoted(name)}" for name, sql in keys.items())]
    items += [f"{_inner_sql(aggregate, text.names)} AS {quoted(name)}" for name, aggregate in aggregates.items()]
    return text.select(items, [unit, *keys.values()])


def _inner_sql(aggregate: Aggregate | Pick, names: Names) -> str:
    """An aggregate of one person's rows. It cannot depend on their order: of integers, or a choice among values."""
    where = "" if aggregate.condition is None else f" FILTER (WHERE {render(aggregate.condition, names)})"
    if isinstance(aggregate, Pick):
        return _picked(aggregate, names, where)
    argument = aggregate.argument
    if argument is None:
        return f"CAST(count(*){where} > 0 AS BIGINT)" if aggregate.kind is Kind.UNITS else f"count(*){where}"
    if aggregate.kind is Kind.VALUES:
        return f"count(DISTINCT {render(argument, names)}){where}"
    if aggregate.kind is Kind.CHOICE and aggregate.goal is not None:
        value = _one_zero(render(argument, names), argument)
        return f"{'max' if aggregate.goal.from_top else 'min'}({value}){where}"
    return _summed(aggregate, argument, names, where)


def _one_zero(sql: str, expression: Expression) -> str:
    """Plus zero: of 0.0 and -0.0, which are equal, neither may be told from the other."""
    return f"{sql} + 0e0" if expression.shape.type is OutputType.NUMBER else sql


def _summed(aggregate: Aggregate, argument: Expression, names: Names, where: str) -> str:
    draft = Drafter(names).total(aggregate, Method.DIRECT)
    value = draft.value or "NULL"
    total = f"sum({value}){where}"
    if aggregate.kind is Kind.MEAN:
        return f"CAST({total} AS DOUBLE) * {double(draft.grid * draft.factor)} / nullif(count({value}){where}, 0)"
    if argument.shape.type is OutputType.INTEGER and draft.grid * draft.factor == 1:
        return f"CAST({total} AS BIGINT)"
    scaled = f"CAST({total} AS DOUBLE) * {double(draft.grid * draft.factor)}"
    return f"CAST({scaled} AS BIGINT)" if argument.shape.type is OutputType.INTEGER else scaled


RANKS = 2**31


def _picked(pick: Pick, names: Names, where: str) -> str:
    """By day and then by stored rank, as one integer: no two rows of a person are equal in it."""
    rank = render(pick.rank, names)
    order = f"CAST({render(pick.by, names)} AS BIGINT) * {RANKS} + {f'({RANKS} - {rank})' if pick.last else rank}"
    function = ("arg_max" if pick.last else "arg_min") + ("_null" if pick.keep_null else "")
    return f"{function}({render(pick.argument, names)}, {order}){where}"
