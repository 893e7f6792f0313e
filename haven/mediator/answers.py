"""What goes into the mediator and what comes out: the question, the preview and the answer."""

import hashlib
import json
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from haven.query.private_plan import OutputType

Cell = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Question:
    """A question and exactly one way to pay for it: `epsilon`, `rho`, `error` (the wished 95 % half-width) or `relative_error`.

    `size_hint` is a public number of rows or persons that every figure of the answer has at least.
    """

    project: str
    sql: str
    epsilon: Decimal | None = None
    rho: Decimal | None = None
    error: Decimal | None = None
    relative_error: Decimal | None = None
    size_hint: int | None = None
    rows_per_unit: int | None = None
    groups_per_unit: int | None = None
    weights: dict[str, float] = field(default_factory=dict)
    replay: bool = True
    idempotency_key: str | None = None
    part_of: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of all that was sent under the key: two requests under one key are the same where these are equal.

        `part_of` is the digest of the batch that the question is a release of. Amounts are compared as numbers, the text as it is written.
        """
        amounts = {name: getattr(self, name) for name in ("epsilon", "rho", "error", "relative_error")}
        said: dict[str, Any] = {name: None if amount is None else str(amount.normalize()) for name, amount in amounts.items()}
        plain = ("project", "sql", "size_hint", "rows_per_unit", "groups_per_unit", "replay", "part_of")
        said |= {name: getattr(self, name) for name in plain}
        said["weights"] = {name: weight.hex() for name, weight in self.weights.items()}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class AnswerColumn:
    """Name and type of one column of an answer, in the order asked."""

    name: str
    type: OutputType


@dataclass(frozen=True, slots=True)
class Answer:
    """A noised, recorded answer: `rows[i][j]` and its 95 % half-width `errors[i][j]` (None for keys and where none can be said).

    `receipt` is the JSON object of the contract (id, dataset, project, sql, digests, mechanisms, cost, remaining, replayed, citation).
    """

    columns: tuple[AnswerColumn, ...]
    rows: tuple[tuple[Cell, ...], ...]
    errors: tuple[tuple[float | None, ...], ...]
    receipt: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Proposal:
    """A batch as the releases it would be answered from: nothing was looked at, nothing spent. JSON-ready.

    `releases` is one object a release (`questions`: places in the batch; `keys`, `cost`, `epsilon`, `free`), `questions` one a question
    (`release`: its place among the releases; `groups`: of how many cells of it each figure is the sum; `columns`, `errors`, `warnings`).
    """

    cost: dict[str, str]
    epsilon: str
    share_of_budget: float
    left: dict[str, Any]
    releases: tuple[dict[str, Any], ...]
    questions: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Consistent:
    """An answer moved by least squares until totals and parts that were both released agree: rows and half-widths in its shape."""

    rows: tuple[tuple[Cell, ...], ...]
    errors: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The answers of a batch, in the order asked, and beside each its consistent form where there is one."""

    answers: tuple[Answer, ...]
    consistent: tuple[Consistent | None, ...]
    proposal: Proposal


@dataclass(frozen=True, slots=True)
class Preview:
    """What a question would cost and how exact it would be: nothing was looked at, nothing spent.

    JSON-ready: `cost` and `left` are `{"mu2"|"rho"|"epsilon", "delta"}` decimal strings; `errors` maps an output's name to its expected
    95 % half-width, None where only the answer can tell; `mechanisms` is one object a target; `free` is true when a recorded answer exists.
    `plan` says what would be done (`haven.mediator.receipts.plan_facts`). With a public size hint `expected` maps an output's name to its
    `half_width` for groups of that size and, for counts, to the same as a fraction (`relative`). `made_from` names the earlier receipts
    that the answer would be made from, None where it would be drawn anew.
    """

    columns: tuple[AnswerColumn, ...]
    cost: dict[str, str]
    epsilon: str
    share_of_budget: float
    left: dict[str, Any]
    errors: dict[str, float | None]
    mechanisms: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...]
    words: tuple[str, ...]
    free: bool
    plan: dict[str, Any] = field(default_factory=dict)
    expected: dict[str, dict[str, float | None]] = field(default_factory=dict)
    made_from: dict[str, Any] | None = None
