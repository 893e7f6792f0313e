"""Bench homes: datasets registered in a home of their own, and one researcher who may spend as much as the bench asks."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from haven.cli.home import Kind, create_home
from haven.cli.house import House, open_books
from haven.cli.people import add_person
from haven.cli.projects import register_project
from haven.cli.registration import register
from haven.mediator.answers import Answer, Question
from haven.policy.roles import Principal, Role

PROJECT = """\
project: bench
title: Bench
purpose: {{kind: health, commercial: false, ancestry: false, methods: false, control_set: false}}
researchers: [bencher]
datasets: {{{grants}}}
country: NO
ends: 2099-12-31
"""
BENCHER = Principal("bencher", Role.RESEARCHER)


def make_home(folder: Path, policies: Mapping[str, str], epsilon: str = "1000000") -> Path:
    """A bench home in `folder` with the datasets of `policies` (name: YAML, its sources beside it), one project, and one researcher."""
    create_home(folder / "home", Kind.BENCH)
    with open_books(folder / "home") as (opened, ledger):
        for name, text in policies.items():
            (folder / f"{name}.yaml").write_text(text)
            register(folder / f"{name}.yaml", opened, ledger, lambda _: None)
        grants = ", ".join(f"{name}: {{epsilon: {epsilon}}}" for name in policies)
        (folder / "project.yaml").write_text(PROJECT.format(grants=grants))
        register_project(folder / "project.yaml", opened, ledger)
        add_person(ledger, "bencher", Role.RESEARCHER, "bench")
    return folder / "home"


def stored(house: House, dataset: str) -> Path:
    """The DuckDB file that holds the dataset's stored tables."""
    return house.home.home.data / dataset / "1" / "data.duckdb"


def ask(house: House, sql: str, epsilon: float = 1.0, options: Mapping[str, int] | None = None) -> Answer:
    """One fresh answer, straight from the mediator. Raises what the mediator raises."""
    question = Question("bench", sql, epsilon=Decimal(str(epsilon)), replay=False, **dict[str, Any](options or {}))
    return house.mediator.ask(question, BENCHER)


def generated(house: House, sql: str, epsilon: float = 1.0, options: Mapping[str, int] | None = None) -> str:
    """The SQL that the engine is given for a question. Raises what the mediator raises."""
    question = Question("bench", sql, epsilon=Decimal(str(epsilon)), replay=False, **dict[str, Any](options or {}))
    return house.mediator.plan(question, BENCHER).plan.sql


def rows_by_key(rows: Sequence[Sequence[Any]], keys: int) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Rows as key: values, where the first `keys` columns are the key; keys are compared as text, as every tool writes them its own way."""
    return {tuple(str(part) for part in row[:keys]): tuple(row[keys:]) for row in rows}
