"""From what pydantic found to sentences of haven's own: file, line, what is wrong, what to write. No library's text passes through."""

import difflib
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from haven.policy.document import Document, Path, Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

NAME_RULE = "Names begin with a lower-case letter and go on with a-z, 0-9, - and _ (column names: letters, digits and _)."
QUOTED = re.compile(r"'([^']*)'")
NUMBER_RULES: Mapping[str, str] = {
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "greater_than": "must be greater than {gt}",
    "less_than": "must be less than {lt}",
}
KIND_RULES: Mapping[str, str] = {
    "string_type": "is text: put it in quotes",
    "int_type": "is a whole number without quotes",
    "float_type": "is a number without quotes",
    "dict_type": "is a mapping of keys to values, as {key: value}",
    "model_type": "is a mapping of keys to values, as {key: value}",
    "tuple_type": "is a list, as [one, two]",
    "missing": "is missing: add it",
    "string_too_short": "must not be empty",
    "too_short": "has too few entries",
    "too_long": "has too many entries",
}


def problems_of(error: ValidationError, document: Document, file: str, model: type[BaseModel]) -> tuple[Problem, ...]:
    """Every problem that `error` holds, in the order of the file's lines."""
    known = known_keys(model)
    every = error.errors(include_url=False, include_input=False)
    found = (_problem(details, document, file, known) for details in every if not _follows(details, every))
    return tuple(sorted(found, key=lambda problem: problem.line))


def _follows(details: "ErrorDetails", every: "list[ErrorDetails]") -> bool:
    """A list seems too short when its entries are unreadable: then the entries are the problem."""
    depth = len(details["loc"])
    return details["type"] == "too_short" and any(other["loc"][:depth] == details["loc"] and len(other["loc"]) > depth for other in every)


def known_keys(model: type[BaseModel]) -> frozenset[str]:
    """Every key that may stand somewhere in a file of this model."""
    schema = model.model_json_schema()
    parts = (schema, *schema.get("$defs", {}).values())
    return frozenset(key for part in parts for key in part.get("properties", {}))


def _problem(details: "ErrorDetails", document: Document, file: str, known: frozenset[str]) -> Problem:
    path: Path = tuple(part for part in details["loc"] if part != "[key]")
    where = "`" + ".".join(str(part) for part in path) + "`" if path else "The policy"
    reason, suggestion = _words(details["type"], where, path, details.get("ctx", {}), known)
    return Problem(file, document.line_of(path), reason, suggestion)


def _words(kind: str, where: str, path: Path, context: Mapping[str, Any], known: frozenset[str]) -> tuple[str, str]:
    if kind == "value_error":
        return f"{where}: {context['error']}", ""
    if kind == "extra_forbidden":
        near = difflib.get_close_matches(str(path[-1]), sorted(known), n=1)
        return f"{where} is not a key that haven knows.", f"Did you mean `{near[0]}`?" if near else "Remove it."
    if kind in {"enum", "literal_error"}:
        return f"{where} is none of the values it may have.", "Write one of: " + ", ".join(QUOTED.findall(str(context["expected"]))) + "."
    if kind == "string_pattern_mismatch":
        return f"{where} is not written as it must be.", _pattern_rule(str(context["pattern"]))
    if kind in NUMBER_RULES:
        return f"{where} {NUMBER_RULES[kind].format(**context)}.", ""
    return f"{where} {KIND_RULES.get(kind, 'does not fit here')}.", ""


def _pattern_rule(pattern: str) -> str:
    """What to write where a pattern did not match; the patterns are those of `quantities` and `catalog.dataset`."""
    examples = {
        "^[A-Z]{2}$": "Write a two-letter country code, as NO.",
        "^MONDO:": "Write a MONDO identifier, as MONDO:0013209.",
        "^https://ror": "Write the whole ROR address, as https://ror.org/ and nine characters.",
        "^[0-9]{4}-": "Write an ORCID, as 0000-0002-1825-0097.",
        "^10\\.": "Write a DOI without its address, as 10.1000/182.",
    }
    return next((words for start, words in examples.items() if pattern.startswith(start)), NAME_RULE)
