"""The public face of datasets: what a researcher may read without paying. No count, no statistic, no datum."""

from typing import Any

from haven.catalog.dataset import Column, Table
from haven.policy.dataset_policy import DatasetPolicy


def dataset_document(policy: DatasetPolicy, *, paused: str | None) -> dict[str, Any]:
    """A dataset's public metadata, JSON-ready: declared tables, consent, promise, credit."""
    return {
        "name": policy.dataset,
        "title": policy.title,
        "description": policy.description,
        "custodian": policy.custodian,
        "population": policy.budget_owner,
        "paused": paused,
        "privacy": policy.privacy.model_dump(mode="json"),
        "consent": policy.consent.model_dump(mode="json", exclude={"withdrawals"}),
        "attribution": policy.attribution.model_dump(mode="json"),
        "policy_digest": policy.digest,
        "tables": {name: _table(table) for name, table in policy.tables.items()},
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "public": table.public,
        "description": table.description,
        "unit_column": table.unit_column,
        "rows_per_unit": None if table.public else table.bound().rows_per_unit,
        "groups_per_unit": None if table.public else table.bound().groups_per_unit,
        "rows_per_group": None if table.public else table.bound().rows_per_group,
        "columns": {name: _column(column) for name, column in table.columns.items()},
    }


def _column(column: Column) -> dict[str, Any]:
    return column.model_dump(mode="json")
