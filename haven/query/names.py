"""Names: how tables and columns are found, without regard to case, and what is offered where they are not."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sqlglot import exp

from haven.catalog.dataset import Dataset
from haven.catalog.layout import layout_of
from haven.errors import Code, Refused
from haven.query.expressions import Expression
from haven.query.relations import Named, PublicScan, Scan
from haven.query.titles import title

LONGEST_SHOWN = 63
LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Part:
    """The columns of one relation in FROM, what it may be called, and which of them USING has merged into an earlier one's."""

    columns: tuple[Named, ...]
    aliases: frozenset[str]
    merged: frozenset[str] = frozenset()

    @property
    def shown(self) -> tuple[Named, ...]:
        """Its columns but the merged ones."""
        return tuple(column for column in self.columns if column.name.lower() not in self.merged)


class Scope:
    """The columns a SELECT may name, and the aliases they may be qualified with."""

    def __init__(self, columns: tuple[Named, ...], aliases: frozenset[str]) -> None:
        self.parts: tuple[Part, ...] = (Part(columns, aliases),)

    @classmethod
    def of(cls, parts: Sequence[Part]) -> "Scope":
        """The scope of several relations side by side. Refused (QUERY_AMBIGUOUS) where two are called the same."""
        made = cls((), frozenset())
        made.parts = tuple(parts)
        called = [alias for part in parts for alias in part.aliases]
        if len(called) != len(set(called)):
            raise Refused(Code.QUERY_AMBIGUOUS, "Two relations in FROM have the same name.", "Give each a name of its own: FROM labs AS a.")
        return made

    @property
    def columns(self) -> tuple[Named, ...]:
        """Every column that may be named without a qualifier."""
        return tuple(column for part in self.parts for column in part.shown)

    def has(self, name: str) -> bool:
        """Whether a column is called so."""
        return any(column.name.lower() == name.lower() for column in self.columns)

    def column(self, node: exp.Column) -> Expression:
        """What a column stands for. Raises Refused(QUERY_UNKNOWN_COLUMN or QUERY_AMBIGUOUS)."""
        columns = self._qualified(node)
        found = [column.expression for column in columns if column.name.lower() == node.name.lower()]
        if not found:
            raise no_such_column(column.name for column in columns)(node.name)
        if any(other != found[0] for other in found):
            raise Refused(
                Code.QUERY_AMBIGUOUS,
                "A column name stands for two columns.",
                "Qualify it with its relation's name, as in p.x, or give the columns of a subquery different names with AS.",
            )
        return found[0]

    def or_else(self, other: Callable[[str], Expression | None]) -> Callable[[exp.Column], Expression]:
        """Columns first, then what `other` knows of a plain name."""

        def find(node: exp.Column) -> Expression:
            known = None if node.table or self.has(node.name) else other(node.name.lower())
            return self.column(node) if known is None else known

        return find

    def starred(self, node: exp.Expr) -> tuple[Named, ...]:
        """The columns * stands for, without those after EXCLUDE."""
        columns = self._qualified(node) if isinstance(node, exp.Column) else self.columns
        star = node.this if isinstance(node, exp.Column) else node
        left_out = {each.name.lower(): each.name for each in star.args.get("except_") or []}
        known = {column.name.lower() for column in columns}
        for name, written in left_out.items():
            if name not in known:
                raise no_such_column(column.name for column in columns)(written)
        return tuple(column for column in columns if column.name.lower() not in left_out)

    def _qualified(self, node: exp.Column) -> tuple[Named, ...]:
        """The columns among which a name is looked for."""
        qualifier = ".".join(part.lower() for part in (node.text("db"), node.table) if part)
        if not qualifier:
            return self.columns
        for part in self.parts:
            if qualifier in part.aliases:
                return part.columns
        raise Refused(
            Code.QUERY_UNKNOWN_TABLE,
            "A column is qualified with a name that is not in FROM.",
            _offer(qualifier, [alias for part in self.parts for alias in part.aliases]) or "Leave the qualifier out.",
        )


def no_such_column(names: Iterable[str]) -> Callable[[str], Refused]:
    """The refusal of an unknown column beside `names`."""
    known = list(names)
    listed = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")  # noqa: PLR2004 - a sentence, not a page

    def refused(name: str) -> Refused:
        return Refused(Code.QUERY_UNKNOWN_COLUMN, f"There is no column {shown(name)} here.", _offer(name, known) or f"There are: {listed}.")

    return refused


def find_table(node: exp.Table, catalog: Mapping[str, Dataset]) -> tuple[Dataset, str]:
    """The dataset and the name of a table in FROM."""
    if not isinstance(node.this, exp.Identifier):
        raise Refused(Code.QUERY_FUNCTION, "Table functions are not answered.", "Ask a table of the catalogue: FROM dataset.table.")
    dataset = _dataset(node, catalog)
    name = node.name.lower()
    if name not in dataset.tables:
        offer = _offer(name, [f"{dataset.name}.{each}" for each in dataset.tables])
        listed = "There are: " + ", ".join(sorted(dataset.tables)) + "."
        raise Refused(Code.QUERY_UNKNOWN_TABLE, f"There is no table {shown(node.name)} in {dataset.name}.", offer or listed)
    return dataset, name


def table_source(dataset: Dataset, name: str, source: str) -> Scan | PublicScan:
    """The rows of a table of the catalogue, as relation `source` of a question."""
    table = dataset.tables[name]
    if not table.public:
        return Scan(name, layout_of(table), source)
    if name not in dataset.facts:
        raise Refused(
            Code.QUERY_JOIN,
            f"Nothing is known yet of the public table {dataset.name}.{name}.",
            "Ask the data custodian to ingest the dataset again.",
        )
    return PublicScan(name, dataset.facts[name], source)


def _dataset(node: exp.Table, catalog: Mapping[str, Dataset]) -> Dataset:
    wanted = node.db.lower()
    if not wanted and len(catalog) == 1:
        return next(iter(catalog.values()))
    if wanted in catalog:
        return catalog[wanted]
    if not catalog:
        raise Refused(Code.QUERY_UNKNOWN_TABLE, "This project has no dataset.", "Ask the data custodian for access.")
    everything = [f"{name}.{table}" for name, dataset in catalog.items() for table in dataset.tables]
    full = f"{wanted}.{node.name}" if wanted else node.name
    reason = f"This project has no dataset {shown(wanted)}." if wanted else "A table needs its dataset's name, as this project has several."
    raise Refused(Code.QUERY_UNKNOWN_TABLE, reason, _offer(full, everything) or f"Write dataset.table, as in {everything[0]}.")


def _offer(name: str, known: Iterable[str]) -> str:
    by_lower = {each.lower(): each for each in known}
    by_lower |= {each.split(".")[-1]: full for each, full in list(by_lower.items())}
    close = dict.fromkeys(by_lower[match] for match in get_close_matches(name.lower(), list(by_lower), n=3))
    return f"Did you mean {' or '.join(close)}?" if close else ""


def shown(name: str, longest: int = LONGEST_SHOWN) -> str:
    """The asker's own name, fit for a sentence."""
    kept = "".join(c for c in name if c.isprintable())
    return kept if len(kept) <= longest else kept[:longest] + "…"


def column_name(node: exp.Expr) -> str:
    """What a select item is called: its alias, its column's name, else what DuckDB calls it."""
    if isinstance(node, exp.Alias | exp.Column):
        return node.alias_or_name
    return shown(title(node), LONGEST_TITLE)
