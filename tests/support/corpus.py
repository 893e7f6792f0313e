"""The corpus of tests/sql: questions that are answered, with facts of their plans, and questions that are refused, with their codes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ruamel.yaml import YAML

from haven import query
from tests.support.query_world import rank_filters

CORPUS = Path(__file__).parents[1] / "sql"
BLOCK = re.compile(r"-- (targets .*)\n((?:[^-].*\n)*?.*);\n")


@dataclass(frozen=True, slots=True)
class Accepted:
    """One answered question of the file `topic`.sql, and what its plan must say."""

    topic: str
    sql: str
    facts: str


@dataclass(frozen=True, slots=True)
class Turned:
    """One refused question of the file `topic`.yaml: its code, and a word of what is offered instead."""

    topic: str
    sql: str
    code: str
    instead: str


@cache
def accepted() -> Sequence[Accepted]:
    """Every answered question, by file."""
    return [
        Accepted(path.stem, sql, facts)
        for path in sorted((CORPUS / "accepted").glob("*.sql"))
        for facts, sql in BLOCK.findall(path.read_text())
    ]


@cache
def refused() -> Sequence[Turned]:
    """Every refused question, by file."""
    return [
        Turned(path.stem, entry["sql"], entry["code"], entry["instead"])
        for path in sorted((CORPUS / "refused").glob("*.yaml"))
        for entry in YAML(typ="safe").load(path.read_text())
    ]


def facts_of(plan: query.PrivatePlan) -> str:
    """Targets, groups, rank filters, and what one person can change: rows/groups/rows in one group, of each kind of target."""
    public = plan.public_keys()
    ranks = " ".join(f"{name}<={most}" for name, most in rank_filters(plan)) or "none"
    found = {target.sensitivity.bound for target in plan.targets}
    bounds = " ".join(sorted(f"{bound.rows_per_unit}/{bound.groups_per_unit}/{bound.rows_per_group}" for bound in found)) or "none"
    return f"targets {len(plan.targets)}; groups {'private' if public is None else len(public)}; ranks {ranks}; bounds {bounds}"
