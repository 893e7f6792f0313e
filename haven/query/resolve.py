"""Station 2, second half: names to the catalogue's tables and columns, SELECTs to one aggregation and what is done to its answer.

A question is a tower of SELECTs: rows below, one aggregation, and post-processing above. Names of subqueries are spelled out as they are
used, so the whole tower becomes expressions over one base scan.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from haven.catalog.dataset import Dataset
from haven.errors import Code, Refused
from haven.policy.authorisation import Footprint
from haven.query.aggregates import AggregateTable, unit_refused
from haven.query.binding import Binder
from haven.query.canonical import canonical, canonical_aggregate
from haven.query.expressions import Call, Column, Expression, KeyLeaf, Literal, UnitColumn, leaves
from haven.query.functions import call
from haven.query.names import Scope, column_name, find_table
from haven.query.parse import ParsedQuery
from haven.query.private_plan import OutputType
from haven.query.relations import Filter, Named, Project, Relation, Scan, columns_by_name
from haven.query.stages import AnswerStage, RowStage, Sort, Stage, footprint_of, pruned

MOST_ROWS_SHOWN = 2**53
LONGEST_COUNT = 16
"""Digits of 2⁵³."""


@dataclass(frozen=True, slots=True)
class ResolvedQuery:
    """A question whose every name is known: what it reads (`footprint`), what it aggregates, and what it does to the answer."""

    dataset: Dataset
    footprint: Footprint
    answer: AnswerStage


def resolve(parsed: ParsedQuery, catalog: Mapping[str, Dataset]) -> ResolvedQuery:
    """`parsed` over the datasets of a project.

    A table is `dataset.table`, or `table` alone where the project has one dataset; names compare without case. Raises Refused with the
    nearest names for unknown ones, and for questions whose rows, keys or aggregates are not answered.
    """
    resolver = _Resolver(catalog)
    stage = resolver.select(parsed.tree)
    if isinstance(stage, RowStage):
        raise Refused(
            Code.QUERY_ROWS,
            "The question asks for rows; only aggregates over persons are answered.",
            "Write SELECT COUNT(*), AVG(x) … and GROUP BY the columns whose values you want to compare.",
        )
    answer = pruned(stage)
    return ResolvedQuery(resolver.dataset, footprint_of(resolver.dataset, answer), answer)


class _Resolver:
    """Resolves the tower of SELECTs from the inside out; remembers the dataset it met."""

    def __init__(self, catalog: Mapping[str, Dataset]) -> None:
        self._catalog = catalog
        self.dataset: Dataset

    def select(self, tree: exp.Select) -> Stage:
        source, alias = self._source(tree)
        scope = Scope(source.columns, alias)
        if isinstance(source, AnswerStage):
            return _post_process(tree, source, scope)
        where = tree.args.get("where")
        relation = source.relation
        if where is not None:
            relation = Filter(relation, canonical(Binder(scope.column).condition(where.this)))
        grouped = tree.args.get("group") is not None or tree.args.get("having") is not None
        if grouped or any(_has_aggregate(item) for item in tree.expressions):
            return _Aggregation(tree, relation, scope).stage()
        return _project(tree, relation, scope)

    def _source(self, tree: exp.Select) -> tuple[Stage, frozenset[str]]:
        clause = tree.args.get("from_")
        if clause is None:
            raise Refused(Code.QUERY_CLAUSE, "The question names no table.", "Write SELECT COUNT(*) FROM dataset.table.")
        node = clause.this
        alias = frozenset({node.alias.lower()}) if node.alias else frozenset()
        if isinstance(node, exp.Table):
            self.dataset, name, layout = find_table(node, self._catalog)
            return RowStage(Scan(name, layout)), alias or frozenset({name, f"{self.dataset.name}.{name}"})
        if isinstance(node, exp.Subquery) and isinstance(node.this, exp.Select):
            return self.select(node.this), alias
        raise Refused(Code.QUERY_CLAUSE, "FROM names a table or a SELECT in brackets.", "Write SELECT … FROM dataset.table.")


def _has_aggregate(node: exp.Expr) -> bool:
    return node.find(exp.AggFunc) is not None


def _items(tree: exp.Select, scope: Scope, binder: Binder) -> tuple[Named, ...]:
    """The select list, bound; * stands for every column of the source."""
    items: list[Named] = []
    for node in tree.expressions:
        if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
            items += scope.starred(node)
        else:
            items.append(Named(column_name(node), binder.bind(node.this if isinstance(node, exp.Alias) else node)))
    return tuple(items)


def _project(tree: exp.Select, relation: Relation, scope: Scope) -> RowStage:
    if any(tree.args.get(part) is not None for part in ("order", "limit", "offset")):
        raise Refused(
            Code.QUERY_ROWS,
            "ORDER BY and LIMIT over rows choose whose data is used, so they are not answered.",
            "Order and cut the answer instead, after the aggregates.",
        )
    return RowStage(Project(relation, _items(tree, scope, Binder(scope.column))))


def _post_process(tree: exp.Select, source: AnswerStage, scope: Scope) -> AnswerStage:
    """A SELECT over an answer: arithmetic, filters, order and cut on noisy values."""
    if tree.args.get("group") is not None or tree.args.get("having") is not None or any(map(_has_aggregate, tree.expressions)):
        raise Refused(
            Code.QUERY_SUBQUERY,
            "Aggregates of an aggregated subquery are not answered yet.",
            "Ask the inner question and aggregate its answer in your notebook, which costs nothing more.",
        )
    binder = Binder(scope.column)
    where = tree.args.get("where")
    having = source.having
    if where is not None:
        _check_uncut(source)
        having = (*having, binder.condition(where.this))
    columns = _items(tree, scope, binder)
    stage = replace(source, columns=columns, having=having)
    return _ordered_and_cut(tree, stage, binder)


def _check_uncut(source: AnswerStage) -> None:
    if source.cut:
        raise Refused(
            Code.QUERY_CLAUSE,
            "Filtering or ordering after LIMIT is not answered.",
            "Put LIMIT into the outermost SELECT.",
        )


def _ordered_and_cut(tree: exp.Select, stage: AnswerStage, binder: Binder) -> AnswerStage:
    """ORDER BY, OFFSET and LIMIT; names of the select list come first, then those of the source."""
    order = tree.args.get("order")
    if order is not None:
        _check_uncut(stage)
        stage = replace(stage, order=tuple(_sort(term, stage, binder) for term in order.expressions))
    offset, limit = (_count_of_rows(tree.args.get(part)) for part in ("offset", "limit"))
    if offset is not None or limit is not None:
        _check_uncut(stage)
        stage = replace(stage, offset=offset or 0, limit=limit)
    return stage


def _sort(term: exp.Ordered, stage: AnswerStage, binder: Binder) -> Sort:
    node = term.this
    return Sort(_ordering(node, stage, binder), bool(term.args.get("desc")), bool(term.args.get("nulls_first")))


def _ordering(node: exp.Expr, stage: AnswerStage, binder: Binder) -> Expression:
    if isinstance(node, exp.Literal) and not node.args.get("is_string"):
        return _at_position(node, stage.columns).expression
    if isinstance(node, exp.Column) and not node.table:
        named = columns_by_name(stage.columns).get(node.name.lower())
        if named is not None:
            return named.expression
    return _lifted(binder.bind(node), stage.keys)


def _at_position(node: exp.Literal, items: tuple[Named, ...]) -> Named:
    written = str(node.this)
    if not (written.isdecimal() and len(written) < 10 and 1 <= int(written) <= len(items)):  # noqa: PLR2004 - far more than any select list
        raise Refused(Code.QUERY_CLAUSE, "A position in GROUP BY or ORDER BY is not in the select list.", "Positions count from 1.")
    return items[int(written) - 1]


def _count_of_rows(clause: exp.Expr | None) -> int | None:
    if clause is None:
        return None
    node = clause.args["expression"]
    written = str(node.this) if isinstance(node, exp.Literal) else ""
    if not (written.isdecimal() and len(written) <= LONGEST_COUNT and int(written) <= MOST_ROWS_SHOWN):
        raise Refused(Code.QUERY_CLAUSE, "LIMIT and OFFSET take a whole number.", "Write LIMIT 10.")
    return int(written)


class _Aggregation:
    """One SELECT with aggregates or GROUP BY over rows."""

    def __init__(self, tree: exp.Select, relation: Relation, scope: Scope) -> None:
        self._tree = tree
        self._relation = relation
        self._scope = scope
        self._row = Binder(scope.column)
        self._table = AggregateTable()
        self._binder = Binder(scope.column, self._table)

    def stage(self) -> AnswerStage:
        keys = self._keys()
        columns = tuple(Named(item.name, _lifted(item.expression, keys)) for item in self._select_list())
        having = self._tree.args.get("having")
        conditions = () if having is None else (_lifted(self._having(having.this), keys),)
        stage = AnswerStage(self._relation, keys, (), columns, conditions)
        stage = _ordered_and_cut(self._tree, stage, self._binder)
        named = tuple(Named(key.name, canonical(key.expression)) for key in keys)
        return replace(stage, keys=named, aggregates=tuple(map(canonical_aggregate, self._table)))

    def _select_list(self) -> tuple[Named, ...]:
        return _items(self._tree, self._scope, self._binder)

    def _having(self, node: exp.Expr) -> Expression:
        return Binder(self._scope.or_else(self._aliased), self._table).condition(node)

    def _aliased(self, name: str) -> Expression | None:
        """The select item called `name`."""
        for node in self._tree.expressions:
            if isinstance(node, exp.Alias) and node.alias.lower() == name:
                return self._binder.bind(node.this)
        return None

    def _keys(self) -> tuple[Named, ...]:
        group = self._tree.args.get("group")
        if group is None:
            return ()
        if group.args.get("all"):
            nodes: list[exp.Expr] = [node for node in self._tree.expressions if not _has_aggregate(node)]
        else:
            written = (part for node in group.expressions for part in (node.expressions if isinstance(node, exp.Tuple) else [node]))
            nodes = [self._key_node(node) for node in written]
        keys: dict[Expression, Named] = {}
        for node in nodes:
            expression = self._row.bind(node.this if isinstance(node, exp.Alias) else node)
            if not isinstance(expression, Literal):
                keys.setdefault(expression, Named(column_name(node), _checked_key(expression)))
        return tuple(keys.values())

    def _key_node(self, node: exp.Expr) -> exp.Expr:
        """Position, column or alias: a column of the source comes before an alias of the select list, as in DuckDB."""
        if isinstance(node, exp.Literal) and not node.args.get("is_string"):
            items = tuple(Named("", Literal(i, self._row.bind(node).shape)) for i in range(len(self._tree.expressions)))
            index = _at_position(node, items).expression
            chosen: exp.Expr = self._tree.expressions[index.value if isinstance(index, Literal) and isinstance(index.value, int) else 0]
            return chosen
        if isinstance(node, exp.Column) and not node.table and not self._scope.has(node.name):
            for item in self._tree.expressions:
                if isinstance(item, exp.Alias) and item.alias.lower() == node.name.lower():
                    return item
        return node


def _checked_key(expression: Expression) -> Expression:
    if any(isinstance(leaf, UnitColumn) for leaf in leaves(expression)):
        raise Refused(
            Code.QUERY_UNIT_COLUMN,
            "Grouping by the column that identifies persons would answer about one person at a time.",
            "Group by a column that many persons share.",
        )
    if expression.shape.type in {OutputType.NUMBER, None}:
        raise Refused(
            Code.QUERY_KEY,
            "A group key is a number with decimals.",
            "Group by whole numbers: floor(x / 10) * 10, or CAST(x AS BIGINT).",
        )
    return expression


def _lifted(expression: Expression, keys: tuple[Named, ...]) -> Expression:
    """The same above the aggregation: each group key becomes its value; other columns of rows have no single value there."""
    for index, key in enumerate(keys):
        if expression == key.expression:
            return KeyLeaf(index, expression.shape)
    match expression:
        case Call(function=function, arguments=arguments):
            return call(function, *(_lifted(argument, keys) for argument in arguments))
        case UnitColumn():
            raise unit_refused()
        case Column(name=name):
            raise Refused(
                Code.QUERY_ROWS,
                f"The column {name} is neither a group key nor inside an aggregate.",
                f"Add {name} to GROUP BY, or write AVG({name}) or COUNT({name}).",
            )
        case _:
            return expression
