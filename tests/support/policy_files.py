"""Small sound policy files for tests to bend: plain mappings, and the YAML text of them (JSON is YAML)."""

import copy
import json
from typing import Any

from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.loader import parse_dataset_policy, parse_project_policy
from haven.policy.project_policy import ProjectPolicy

DATASET: dict[str, Any] = {
    "dataset": "cohort",
    "title": "A cohort",
    "custodian": "keeper",
    "tables": {
        "persons": {
            "source": "persons.parquet",
            "unit_column": "id",
            "columns": {"age": {"type": "integer", "bounds": [0, 100]}, "region": {"type": "category", "keys": ["north", "south"]}},
        },
        "visits": {
            "source": "visits.parquet",
            "unit_column": "id",
            "rows_per_unit": 5,
            "columns": {"cost": {"type": "number", "bounds": [0, 10]}},
        },
        "codes": {"source": "codes.csv", "public": True, "columns": {"code": {"type": "category"}}},
    },
    "privacy": {"definition": "zcdp", "epsilon": 4, "delta": 1e-7},
    "consent": {"permission": "DUO:0000042"},
    "risk": {"sensitivity": "health", "identifiability": "pseudonymised", "vulnerable_groups": False},
}

PROJECT: dict[str, Any] = {
    "project": "study",
    "title": "A study",
    "purpose": {"kind": "health"},
    "researchers": ["ada", "ben"],
    "datasets": {"cohort": {"epsilon": 1}},
    "country": "NO",
    "ends": "2030-06-30",
}


def bent(base: dict[str, Any], **changes: object) -> dict[str, Any]:
    """A copy of `base` with `changes`; `a__b=1` sets b inside a; `...` removes a key."""
    plain = copy.deepcopy(base)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = plain
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return plain


def dataset_text(**changes: object) -> str:
    """The text of a bent dataset policy."""
    return json.dumps(bent(DATASET, **changes), indent=1)


def project_text(**changes: object) -> str:
    """The text of a bent project."""
    return json.dumps(bent(PROJECT, **changes), indent=1)


def dataset(**changes: object) -> DatasetPolicy:
    """A bent dataset policy."""
    return parse_dataset_policy(dataset_text(**changes), "cohort.yaml")


def project(**changes: object) -> ProjectPolicy:
    """A bent project."""
    return parse_project_policy(project_text(**changes), "study.yaml")
