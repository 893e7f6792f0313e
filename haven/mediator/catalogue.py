"""The public face of datasets: what a researcher may read without paying. Of people no count, no statistic, no datum."""

from datetime import date, timedelta
from typing import Any

from haven.catalog.column import EPOCH, Column, ColumnType
from haven.catalog.dataset import Dataset, Table
from haven.catalog.public import PublicColumn, PublicTable
from haven.policy.dataset_policy import DatasetPolicy


def dataset_document(policy: DatasetPolicy, dataset: Dataset, today: date, *, paused: str | None) -> dict[str, Any]:
    """A dataset's public metadata, JSON-ready: tables as `dataset` describes them, consent, promise, credit.

    A public table also has its number of `rows`, and each of its columns `facts`: how many `values` differ (None: more than are listed),
    the `low` and `high` one (None for text), and `most_alike`, the most rows that share one. They are None before the first ingest.
    """
    return {
        "name": policy.dataset,
        "title": policy.title,
        "description": policy.description,
        "custodian": policy.custodian,
        "population": policy.budget_owner,
        "paused": paused,
        "privacy": policy.privacy.model_dump(mode="json"),
        "consent": policy.consent.model_dump(mode="json", exclude={"withdrawals"}),
        "calendar": _calendar(policy, today),
        "attribution": policy.attribution.model_dump(mode="json"),
        "policy_digest": policy.digest,
        "tables": {
            name: _public(table, dataset.facts.get(name)) if table.public else _personal(table) for name, table in dataset.tables.items()
        },
    }


def _calendar(policy: DatasetPolicy, today: date) -> dict[str, Any] | None:
    """The dates on which its data are renewed, the next of them after `today`; None where there is no calendar."""
    if policy.calendar is None:
        return None
    return policy.calendar.model_dump(mode="json") | {"next": policy.calendar.following(today).isoformat()}


def _personal(table: Table) -> dict[str, Any]:
    bound = table.bound()
    return {
        "public": False,
        "description": table.description,
        "unit_column": table.unit_column,
        "rows_per_unit": bound.rows_per_unit,
        "groups_per_unit": bound.groups_per_unit,
        "rows_per_group": bound.rows_per_group,
        "columns": {name: _column(column) for name, column in table.columns.items()},
    }


def _public(table: Table, facts: PublicTable | None) -> dict[str, Any]:
    known = {} if facts is None else facts.columns
    return {
        "public": True,
        "description": table.description,
        "unit_column": None,
        "rows_per_unit": None,
        "groups_per_unit": None,
        "rows_per_group": None,
        "rows": None if facts is None else facts.rows,
        "columns": {name: _column(column) | {"facts": _facts(known.get(name))} for name, column in table.columns.items()},
    }


def _column(column: Column) -> dict[str, Any]:
    return column.model_dump(mode="json")


def _facts(column: PublicColumn | None) -> dict[str, Any] | None:
    if column is None:
        return None
    return {
        "values": None if column.values is None else len(column.values),
        "low": _spoken(column.type, column.low),
        "high": _spoken(column.type, column.high),
        "most_alike": column.most_alike,
    }


def _spoken(kind: ColumnType, value: float | None) -> bool | float | str | None:
    """A least or largest value as a reader writes it: a date as a date, a whole number without a point."""
    if value is None or kind is ColumnType.NUMBER:
        return value
    if kind is not ColumnType.DATE:
        return bool(value) if kind is ColumnType.BOOLEAN else int(value)
    try:
        return (EPOCH + timedelta(days=int(value))).isoformat()
    except OverflowError:  # beyond the years 1 to 9999
        return None
