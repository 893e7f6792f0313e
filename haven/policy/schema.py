"""The JSON Schemas of policy files, for editors that complete and check while one types. `haven policy check` is the judge."""

import json
from typing import Any

from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.project_policy import ProjectPolicy

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def dataset_schema() -> dict[str, Any]:
    """The schema of a dataset's policy file."""
    return {"$schema": DIALECT} | DatasetPolicy.model_json_schema(mode="validation")


def project_schema() -> dict[str, Any]:
    """The schema of a project's file."""
    return {"$schema": DIALECT} | ProjectPolicy.model_json_schema(mode="validation")


def schema_texts() -> dict[str, str]:
    """File name to text of every shipped schema (policies/schema/)."""
    schemas = {"dataset.schema.json": dataset_schema(), "project.schema.json": project_schema()}
    return {name: json.dumps(schema, indent=2, ensure_ascii=False) + "\n" for name, schema in schemas.items()}
