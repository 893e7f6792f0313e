"""What there is to ask: datasets, tables, columns, as their custodians declare them. Reading it is free."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from haven.client import display
from haven.client.connection import unreadable
from haven.errors import Code, Refused

if TYPE_CHECKING:
    import ibis.expr.types as ir

IBIS_TYPES = {"integer": "int64", "number": "float64", "boolean": "boolean", "category": "string", "date": "date"}
SHOWN_KEYS = 12


@dataclass(frozen=True, slots=True)
class Dataset:
    """One dataset's public face. `document` is the JSON object as the service sent it."""

    name: str
    document: Mapping[str, Any]

    @classmethod
    def of(cls, document: object) -> "Dataset":
        """The dataset in `document`. Raises Fault where there is none."""
        if not isinstance(document, dict) or not isinstance(document.get("name"), str):
            raise unreadable()
        tables = document.get("tables")
        if not isinstance(tables, dict) or not all(
            isinstance(one, dict) and isinstance(one.get("columns"), dict) for one in tables.values()
        ):
            raise unreadable()
        return cls(document["name"], document)

    @property
    def tables(self) -> Mapping[str, Mapping[str, Any]]:
        """The tables by name: `columns`, `unit_column`, `rows_per_unit` and the rest of what is declared."""
        tables: Mapping[str, Mapping[str, Any]] = self.document["tables"]
        return tables

    @property
    def citation(self) -> str:
        """How to credit those who made the data."""
        attribution = self.document.get("attribution")
        return str(attribution.get("citation") or "") if isinstance(attribution, dict) else ""

    @property
    def consent(self) -> str:
        """What participants agreed to, in GA4GH DUO terms."""
        consent = self.document.get("consent")
        if not isinstance(consent, dict):
            return ""
        modifiers = [str(one.get("id")) for one in consent.get("modifiers") or () if isinstance(one, dict)]
        return ", ".join([str(part) for part in (consent.get("permission"), consent.get("disease")) if part] + modifiers)

    @property
    def promise(self) -> str:
        """What the people in it are promised: the definition, and epsilon and delta in total."""
        privacy = self.document.get("privacy")
        if not isinstance(privacy, dict):
            return ""
        delta = f", δ {privacy['delta']}" if privacy.get("delta") is not None else ""
        return f"{privacy.get('definition')}: ε {privacy.get('epsilon')}{delta} in total"

    def table(self, name: str) -> "ir.Table":
        """The table as an Ibis table of the right schema, with no data behind it. Refused for an unknown name."""
        import ibis  # noqa: PLC0415 - slow to import

        if name not in self.tables:
            raise Refused(Code.QUERY_UNKNOWN_TABLE, "There is no such table in this dataset.", f"It has: {', '.join(self.tables)}.")
        declared = self.tables[name]
        schema = {column: IBIS_TYPES.get(str(facts.get("type")), "string") for column, facts in declared["columns"].items()}
        unit = declared.get("unit_column")
        if isinstance(unit, str):
            schema = {unit: "string", **schema}
        return ibis.table(schema, name=name, database=self.name)

    def __repr__(self) -> str:
        """The name, the title and the tables."""
        return f"{self.name}: {self.document.get('title', '')} ({', '.join(self.tables)})"

    def _repr_html_(self) -> str:
        """The dataset as tables of columns, with consent, promise and credit."""
        parts = [display.heading(self.name, self.document.get("title", ""))]
        facts = [
            ("consent", self.consent),
            ("promise", self.promise),
            ("paused", self.document.get("paused") or ""),
            ("cite", self.citation),
        ]
        parts += [display.footer(f"{name}: {words}") for name, words in facts if words]
        parts += [_table_html(f"{self.name}.{name}", table) for name, table in self.tables.items()]
        return "".join(parts)


class Catalogue(Mapping[str, Dataset]):
    """The datasets, by name."""

    def __init__(self, documents: object) -> None:
        if not isinstance(documents, list):
            raise unreadable()
        self._datasets = {dataset.name: dataset for dataset in map(Dataset.of, documents)}

    def __getitem__(self, name: str) -> Dataset:
        """One dataset. Refused for an unknown name."""
        if name not in self._datasets:
            raise Refused(Code.NOT_FOUND, "There is no such dataset.", f"There are: {', '.join(self._datasets) or 'none yet'}.")
        return self._datasets[name]

    def __contains__(self, name: object) -> bool:
        """True for a dataset's name."""
        return name in self._datasets

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(self._datasets)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._datasets)

    def table(self, name: str) -> "ir.Table":
        """`dataset.table`, or `table` alone where one dataset has it, as an Ibis table. Refused for an unknown or ambiguous name."""
        dataset, dot, table = name.partition(".")
        if dot:
            return self[dataset].table(table)
        owners = [one for one in self._datasets.values() if name in one.tables]
        if len(owners) != 1:
            raise Refused(
                Code.QUERY_UNKNOWN_TABLE, "No one dataset has this table.", 'Write its dataset too, as in h.table("nafld.persons").'
            )
        return owners[0].table(name)

    def __repr__(self) -> str:
        """One line a dataset."""
        return "\n".join(map(repr, self._datasets.values())) or "No datasets yet."

    def _repr_html_(self) -> str:
        """Every dataset, one below the other."""
        return "".join(dataset._repr_html_() for dataset in self._datasets.values()) or display.footer("No datasets yet.")


def _table_html(name: str, table: Mapping[str, Any]) -> str:
    public = bool(table.get("public"))
    rows = [
        (
            display.text(column),
            display.quiet(_type_words(facts)),
            display.text(_values_words(facts) if public else _range_words(facts)),
            display.text(facts.get("description") or ""),
        )
        for column, facts in table["columns"].items()
    ]
    return display.heading(name, _unit_words(table)) + display.table(("column", "type", "values" if public else "bounds or keys", ""), rows)


def _unit_words(table: Mapping[str, Any]) -> str:
    if table.get("public"):
        rows = table.get("rows")
        return "public" if rows is None else f"public, {_counted(rows, 'row')}"
    return f"one person is one {table.get('unit_column')}, at most {table.get('rows_per_unit')} rows each"


def _type_words(facts: Mapping[str, Any]) -> str:
    return f"{facts.get('type')}{', may be missing' if facts.get('nullable') else ''}"


def _counted(number: object, thing: str) -> str:
    return f"{display.number(number)} {thing}{'' if number == 1 else 's'}"


def _values_words(facts: Mapping[str, Any]) -> str:
    """What a column of a public table holds: how many values, and from where to where."""
    known = facts.get("facts")
    if not isinstance(known, dict):
        return _range_words({**facts, "type": None})
    many = "many values" if known.get("values") is None else _counted(known["values"], "value")
    if known.get("low") is None:
        return many
    return f"{many}, {display.number(known['low'])} … {display.number(known.get('high'))}"


def _range_words(facts: Mapping[str, Any]) -> str:
    bounds, keys = facts.get("bounds"), facts.get("keys")
    if isinstance(bounds, list) and len(bounds) == 2:  # noqa: PLR2004 - a pair
        return f"{display.number(bounds[0])} … {display.number(bounds[1])}"
    if isinstance(keys, list):
        return ", ".join(map(str, keys[:SHOWN_KEYS])) + (f" and {len(keys) - SHOWN_KEYS} more" if len(keys) > SHOWN_KEYS else "")
    return "private keys: a group shows only above a threshold" if facts.get("type") == "category" else ""
