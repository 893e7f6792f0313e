"""Messages about questions, version 1: what a client may send to /api/v1/queries, and what comes back."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _plain_quantity(value: Any) -> Any:  # noqa: ANN401 - a validator sees whatever was sent
    """A budget travels as a decimal string or a number; a boolean is neither."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        msg = "write a positive decimal number or string"
        raise ValueError(msg)  # noqa: TRY004 - pydantic turns ValueError into a field error
    return str(value)


Quantity = Annotated[Decimal, BeforeValidator(_plain_quantity), Field(gt=0, allow_inf_nan=False)]


class Message(BaseModel):
    """A message with a field it does not know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class QueryOptions(Message):
    """Options of a question. Bounds may only be lowered; `replay=False` pays for a fresh draw instead of the recorded answer."""

    rows_per_unit: int | None = Field(default=None, ge=1)
    groups_per_unit: int | None = Field(default=None, ge=1)
    weights: dict[str, float] | None = None
    replay: bool = True


class QueryRequest(Message):
    """A question and exactly one way to pay for it."""

    project: str
    sql: str
    epsilon: Quantity | None = None
    rho: Quantity | None = None
    error: Quantity | None = None
    options: QueryOptions = QueryOptions()
    preview: bool = False
    idempotency_key: Annotated[str, Field(min_length=1, max_length=200)] | None = None
