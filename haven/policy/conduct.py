"""The code of conduct: its clauses, each with the rule that keeps it and the test that shows it."""

from typing import Annotated, Self

from pydantic import Field, StrictStr, model_validator

from haven.catalog.dataset import Declared, Name
from haven.policy.quantities import Words

DottedPath = Annotated[StrictStr, Field(pattern=r"^haven(\.[A-Za-z_][A-Za-z0-9_]*)+$")]
TestName = Annotated[StrictStr, Field(pattern=r"^tests/[a-z0-9_/]+\.py::[A-Za-z0-9_]+$")]


class Clause(Declared):
    """One clause: what it asks, the dotted path of what keeps it, and `path::name` of the test that shows it."""

    id: Name
    title: Words
    text: Words
    rule: DottedPath
    test: TestName


class CodeOfConduct(Declared):
    """The code that everyone in a haven works under."""

    title: Words
    source: Words
    clauses: tuple[Clause, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_clause_once(self) -> Self:
        if len({clause.id for clause in self.clauses}) != len(self.clauses):
            raise ValueError("a clause is there twice; give each its own id.")
        return self
