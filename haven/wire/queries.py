"""Messages about questions, version 1: what a client may send to /api/v1/queries."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# Short and with a small exponent, so that no arithmetic on a budget is ever long; 10⁻¹² is the books' own unit.
_PLAIN_DECIMAL = re.compile(r"[0-9]{1,24}(\.[0-9]{0,24})?([eE][+-]?[0-9]{1,2})?|\.[0-9]{1,24}([eE][+-]?[0-9]{1,2})?", re.ASCII)
PUBLIC_WIDTH = 2**31 - 1


def _plain_quantity(value: Any) -> Any:  # noqa: ANN401 - a validator sees whatever was sent
    """A budget travels as a decimal string or a number; a boolean is neither."""
    text = str(value) if isinstance(value, str | int | float | Decimal) and not isinstance(value, bool) else ""
    if not _PLAIN_DECIMAL.fullmatch(text):
        msg = "write a positive decimal number or string"
        raise ValueError(msg)
    return text


Quantity = Annotated[
    Decimal,
    BeforeValidator(_plain_quantity, json_schema_input_type=float | str),
    Field(gt=0, allow_inf_nan=False, description="A positive decimal number, or the same as a string."),
]
ProjectName = Annotated[str, Field(min_length=1, max_length=63)]
Bound = Annotated[int, Field(ge=1, le=PUBLIC_WIDTH, strict=True)]
Weight = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Message(BaseModel):
    """A message with a field it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QueryOptions(Message):
    """Options of a question. Bounds may only be lowered; `replay=False` pays for a fresh draw and uses no earlier answer.

    `size_hint` is a public number of rows (or persons) that every figure of the answer has at least: what relative errors, and the errors
    of means, are worked out for.
    """

    rows_per_unit: Bound | None = None
    groups_per_unit: Bound | None = None
    size_hint: Bound | None = None
    weights: Annotated[dict[str, Weight], Field(max_length=100)] | None = None
    replay: Annotated[bool, Field(strict=True)] = True


class BatchOptions(Message):
    """Options of a batch; as those of a question."""

    rows_per_unit: Bound | None = None
    groups_per_unit: Bound | None = None
    replay: Annotated[bool, Field(strict=True)] = True


class BatchQuestion(Message):
    """One question of a batch, and how much its exactness counts beside the others'."""

    sql: Annotated[str, Field(min_length=1)]
    weight: Weight = 1.0


class BatchRequest(Message):
    """Questions about one dataset with one price for them all: `epsilon` or `rho`."""

    project: ProjectName
    questions: Annotated[list[BatchQuestion], Field(min_length=1, max_length=50)]
    epsilon: Quantity | None = None
    rho: Quantity | None = None
    options: BatchOptions = BatchOptions()
    preview: Annotated[bool, Field(strict=True)] = False
    idempotency_key: Annotated[str, Field(min_length=1, max_length=190)] | None = None


class QueryRequest(Message):
    """A question and exactly one way to pay for it: `epsilon`, `rho`, `error` or `relative_error`.

    `error` is the wished 95 % half-width; `relative_error` the same as a fraction of the answer, whose size is known from `size_hint` or
    from an earlier answer.
    """

    project: ProjectName
    sql: Annotated[str, Field(min_length=1)]
    epsilon: Quantity | None = None
    rho: Quantity | None = None
    error: Quantity | None = None
    relative_error: Quantity | None = None
    options: QueryOptions = QueryOptions()
    preview: Annotated[bool, Field(strict=True)] = False
    idempotency_key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
