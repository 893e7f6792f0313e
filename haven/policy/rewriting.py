"""One value of a policy's text changed where it stands: every comment and line around it stays as its author wrote it. Pure."""

import io
from decimal import Decimal
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from haven.errors import Code, Refused

WIDEST = 4096  # so that no line is folded anew


def with_share(text: str, dataset: str, epsilon: Decimal) -> str:
    """A project's text with this epsilon as its share of `dataset`. Refused (POLICY_INVALID) where the text grants it none."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = WIDEST
    try:
        document = yaml.load(text)
    except YAMLError:
        document = None
    grants: Any = document.get("datasets") if isinstance(document, CommentedMap) else None
    grant = grants.get(dataset) if isinstance(grants, CommentedMap) else None
    if not isinstance(grant, CommentedMap):
        raise Refused(Code.POLICY_INVALID, "This project has no share of this dataset to change.", "Register the project anew with one.")
    grant["epsilon"] = _number(epsilon)
    out = io.StringIO()
    yaml.dump(document, out)
    return out.getvalue()


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)
