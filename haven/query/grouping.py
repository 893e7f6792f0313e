"""GROUP BY, and DISTINCT as a GROUP BY of the select list: which expressions are the keys."""

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.binding import Binder
from haven.query.expressions import Call, Expression, Literal, UnitColumn
from haven.query.functions import call
from haven.query.grouping_sets import KeySet, has_sets, key_nodes, sets_of
from haven.query.names import Scope, column_name
from haven.query.private_plan import OutputType
from haven.query.relations import Named
from haven.query.select_list import has_aggregate, is_star, item_at


def group_keys(tree: exp.Select, scope: Scope) -> tuple[Named, ...]:
    """The distinct keys of a SELECT over rows, bound: the unit column may be among them."""
    row = Binder(scope.column)
    keys: dict[Expression, Named] = {}
    for node in _nodes(tree, scope):
        if is_star(node):
            keys |= {named.expression: named for named in scope.starred(node) if named.expression not in keys}
            continue
        expression = row.bind(node.this if isinstance(node, exp.Alias) else node)
        if not isinstance(expression, Literal):
            keys.setdefault(expression, Named(column_name(node), expression))
    return tuple(keys.values())


def key_sets(tree: exp.Select, scope: Scope, keys: tuple[Named, ...]) -> tuple[KeySet, ...]:
    """The sets of keys that a SELECT groups by, by position in `keys`; none for a plain GROUP BY."""
    if not has_sets(tree):
        return ()
    row, places = Binder(scope.column), {key.expression: index for index, key in enumerate(keys)}

    def position(node: exp.Expr) -> tuple[int, ...]:
        bound = row.bind(_chosen(node, tree, scope).unalias())
        return () if isinstance(bound, Literal) else (places[bound],)

    return sets_of(tree, position)


WHOLE_OF_WHOLE = frozenset({"add", "subtract", "multiply", "square", "negate", "abs", "least", "greatest", "clamp", "to_number"})


def is_whole(expression: Expression) -> bool:
    """Whether a number has no decimals whatever the row, as floor(age / 10.0) * 10.0: it is a group key like a whole number."""
    if expression.shape.type is OutputType.INTEGER:
        return expression.shape.interval.exact
    match expression:
        case Literal(value=float() as value):
            return value.is_integer()
        case Call(function=function, arguments=arguments) if function in WHOLE_OF_WHOLE:
            return expression.shape.interval.exact and all(map(is_whole, arguments))
        case _:
            return False


def as_key(expression: Expression) -> Expression:
    """What the engine groups by: numbers without decimals as whole numbers."""
    return call("to_integer", expression) if expression.shape.type is OutputType.NUMBER else expression


def checked_key(named: Named) -> Named:
    """A key of an answer. Raises Refused for the unit column, and for numbers with decimals."""
    if isinstance(named.expression, UnitColumn):
        raise Refused(
            Code.QUERY_UNIT_COLUMN,
            "Grouping by the column that identifies persons would answer about one person at a time.",
            "Group by a column that many persons share.",
        )
    decimals = named.expression.shape.type is OutputType.NUMBER and not is_whole(named.expression)
    if decimals or named.expression.shape.type is None:
        raise Refused(
            Code.QUERY_KEY,
            "A group key is a number with decimals.",
            "Group by whole numbers: floor(x / 10) * 10, or CAST(x AS BIGINT).",
        )
    return named


def _nodes(tree: exp.Select, scope: Scope) -> list[exp.Expr]:
    group = tree.args.get("group")
    if group is None:
        return list(tree.expressions) if _distinct(tree) else []
    if _distinct(tree) and not _shows_all(tree, scope):
        raise Refused(
            Code.QUERY_CLAUSE, "DISTINCT over an answer that leaves out group keys is not answered.", "Group by what the answer shows."
        )
    if has_sets(tree):
        return [_chosen(node, tree, scope) for node in key_nodes(tree)]
    if group.args.get("all"):
        return [node for node in tree.expressions if not has_aggregate(node)]
    written = (part for node in group.expressions for part in (node.expressions if isinstance(node, exp.Tuple) else [node]))
    return [_chosen(node, tree, scope) for node in written]


def _distinct(tree: exp.Select) -> bool:
    """Whether the select list is to be distinct: with aggregates and no GROUP BY there is but one row."""
    distinct = tree.args.get("distinct")
    if distinct is None:
        return False
    if distinct.args.get("on") is not None:
        raise Refused(Code.QUERY_CLAUSE, "DISTINCT ON chooses among people's rows.", "Use arg_max(x, day) with GROUP BY the unit column.")
    return tree.args.get("group") is not None or not any(map(has_aggregate, tree.expressions))


def _shows_all(tree: exp.Select, scope: Scope) -> bool:
    """Whether the select list shows every key, so that its rows are distinct anyway."""
    row = Binder(scope.column)
    shown = [row.bind(node.unalias()) for node in tree.expressions if not has_aggregate(node)]
    written = [node for node in tree.args["group"].expressions if not isinstance(node, exp.Literal)]
    return all(row.bind(_chosen(node, tree, scope).unalias()) in shown for node in written)


def _chosen(node: exp.Expr, tree: exp.Select, scope: Scope) -> exp.Expr:
    """Position, column or alias: a column of the source comes before an alias of the select list, as in DuckDB."""
    if isinstance(node, exp.Literal) and not node.args.get("is_string"):
        chosen: exp.Expr = item_at(node, tree.expressions)
        return chosen
    if isinstance(node, exp.Column) and not node.table and not scope.has(node.name):
        for item in tree.expressions:
            if isinstance(item, exp.Alias) and item.alias.lower() == node.name.lower():
                found: exp.Expr = item
                return found
    return node
