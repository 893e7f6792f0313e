"""Aggregates in brackets over one relation as aggregates of one question: what is asked of the same rows is measured together."""

from collections.abc import Iterator

from sqlglot import exp

from haven.errors import Code, Refused
from haven.query.names import shown
from haven.query.select_list import has_aggregate

PLAIN = frozenset({"expressions", "from_", "joins", "where"})
AROUND = frozenset({"expressions", "with_", "order", "limit"})
LONGEST_SHOWN = 400


def gathered(tree: exp.Select) -> exp.Select:
    """SELECT (SELECT COUNT(*) FROM t WHERE c) / (SELECT COUNT(*) FROM t) as SELECT COUNT(*) FILTER (WHERE c) / COUNT(*) FROM t.

    For a SELECT without FROM. The same rows are aggregated, so both say the same. Raises Refused where the brackets read different rows.
    """
    copy = tree.copy()
    nodes = [node for item in copy.expressions for node in _outermost(item)]
    if not nodes or not _given(copy) <= AROUND:
        raise Refused(Code.QUERY_CLAUSE, "The question names no table.", "Write SELECT COUNT(*) FROM dataset.table.")
    inner = [select for node in nodes if isinstance(select := node.unnest(), exp.Select) and _is_plain(select)]
    if len(inner) != len(nodes):
        raise Refused(
            Code.QUERY_SUBQUERY,
            "A SELECT in brackets is not one aggregate of rows.",
            "Write SELECT COUNT(*) FILTER (WHERE c) * 1.0 / COUNT(*) FROM dataset.table.",
        )
    if len({_rows_of(each) for each in inner}) != 1:
        asked = ", ".join(f"'{each.sql(dialect='duckdb')}'" for each in inner)
        raise Refused(
            Code.QUERY_SUBQUERY,
            "The question is several questions over different rows, each with noise of its own.",
            f"Ask them together and compute with their answers: h.batch([{shown(asked, LONGEST_SHOWN)}]). Over one table write"
            " COUNT(*) FILTER (WHERE c) * 1.0 / COUNT(*).",
        )
    for node, select in zip(nodes, inner, strict=True):
        where = select.args.get("where")
        item = select.expressions[0].unalias()
        node.replace(exp.paren(item if where is None else _filtered(item, where.this), copy=False))
    for part in ("from_", "joins"):
        copy.set(part, inner[0].args.get(part))
    return copy


def as_share(node: exp.Subquery) -> str | None:
    """The question with SUM(COUNT(*)) OVER () in place of a total in brackets over the same rows; None where that says something else."""
    outer, inner = node.parent_select, node.unnest()
    if outer is None or not isinstance(inner, exp.Select) or not _is_plain(inner) or outer.args.get("having") is not None:
        return None
    item = inner.expressions[0].unalias()
    total = isinstance(item, exp.Count | exp.Sum) and not isinstance(item.this, exp.Distinct)
    wheres = [each.args.get("where") for each in (outer, inner)]
    same_rows = wheres[0] == wheres[1] and _rows_of(outer) == _rows_of(inner)
    if not (total and same_rows) or outer.args.get("group") is None:
        return None
    copy = outer.copy()
    found = next(each for each in copy.find_all(exp.Subquery) if each == node)
    found.replace(exp.Window(this=exp.Sum(this=item.copy()), over="OVER"))
    return str(copy.sql(dialect="duckdb"))


def _outermost(node: exp.Expr) -> Iterator[exp.Subquery]:
    if isinstance(node, exp.Subquery):
        yield node
        return
    for part in node.iter_expressions():
        yield from _outermost(part)


def _given(select: exp.Select) -> set[str]:
    return {name for name, value in select.args.items() if value not in (None, False, [])}


def _is_plain(select: exp.Select) -> bool:
    """Whether it is one aggregate value of rows: nothing but FROM and WHERE."""
    return (
        _given(select) <= PLAIN
        and select.args.get("from_") is not None
        and len(select.expressions) == 1
        and has_aggregate(select.expressions[0])
    )


def _rows_of(select: exp.Select) -> str:
    """FROM and its joins, as text."""
    return " ".join(part.sql(dialect="duckdb") for part in (select.args["from_"], *(select.args.get("joins") or [])))


def _filtered(node: exp.Expr, condition: exp.Expr) -> exp.Expr:
    """An expression whose every aggregate is of the rows that meet a condition."""
    if isinstance(node, exp.Filter):
        both = exp.and_(node.args["expression"].this, condition)
        return exp.Filter(this=node.this, expression=exp.Where(this=both))
    if isinstance(node, exp.AggFunc | exp.WithinGroup):
        return exp.Filter(this=node.copy(), expression=exp.Where(this=condition.copy()))
    if isinstance(node, exp.Query | exp.Subquery):
        return node
    copy: exp.Expr = node.copy()
    for part in list(copy.iter_expressions()):
        changed = _filtered(part, condition)
        if changed is not part:
            part.replace(changed)
    return copy
