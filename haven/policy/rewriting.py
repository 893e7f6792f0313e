"""One value of a policy's text changed where it stands: every other character stays as its author wrote it. Pure."""

from decimal import Decimal

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node

from haven.errors import Code, Refused


def with_share(text: str, dataset: str, epsilon: Decimal) -> str:
    """A project's text with this epsilon as its share of `dataset`. Refused (POLICY_INVALID) where the text grants it none."""
    node = _composed(text)
    for key in ("datasets", dataset, "epsilon"):
        node = _inside(node, key)
    if node is None:
        raise Refused(Code.POLICY_INVALID, "This project has no share of this dataset to change.", "Register the project anew with one.")
    start, end = node.start_mark.index, node.end_mark.index
    return f"{text[:start]}{_written(epsilon)}{text[end:]}"


def _composed(text: str) -> Node | None:
    try:
        node: Node | None = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, RecursionError):
        return None
    return node


def _inside(node: Node | None, key: str) -> Node | None:
    """The value under `key` of a mapping; None where there is none."""
    pairs = node.value if isinstance(node, MappingNode) else ()
    return next((value for name, value in pairs if name.value == key), None)


def _written(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
