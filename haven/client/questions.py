"""From what a researcher writes, SQL or Ibis and a few options, to the message that is sent."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from haven.errors import Code, Refused

if TYPE_CHECKING:
    import ibis.expr.types as ir

Amount = str | int | float | Decimal


@dataclass(frozen=True, slots=True)
class Payment:
    """Exactly one of `epsilon`, `rho`, `error` (the wished 95 % half-width) and `relative_error`. Raises Refused otherwise."""

    epsilon: Amount | None = None
    rho: Amount | None = None
    error: Amount | None = None
    relative_error: Amount | None = None

    def __post_init__(self) -> None:
        """One way to pay, and only one."""
        given = [amount for amount in (self.epsilon, self.rho, self.error, self.relative_error) if amount is not None]
        if len(given) != 1:
            raise Refused(
                Code.BUDGET_INVALID,
                "Say what to pay in exactly one way.",
                "Write epsilon=0.1, or rho=…, or error=10 (± at 95 %), or relative_error=0.05.",
            )
        if isinstance(given[0], bool) or not isinstance(given[0], str | int | float | Decimal):
            raise Refused(Code.BUDGET_INVALID, "A price is a positive decimal number.", "Write epsilon=0.1.")

    def message(self) -> dict[str, str]:
        """The field of the request: a decimal string, so that no digit is lost on the way."""
        ways = ("epsilon", "rho", "error", "relative_error")
        return {name: str(getattr(self, name)) for name in ways if getattr(self, name) is not None}


def sql_of(question: "str | ir.Expr") -> str:
    """The SQL of a question. Ibis expressions are compiled here, in DuckDB's dialect. Raises Refused for what is neither."""
    if isinstance(question, str):
        return question
    import ibis  # noqa: PLC0415 - slow to import
    from ibis.common.exceptions import IbisError  # noqa: PLC0415 - the same

    if not isinstance(question, ibis.Expr):
        raise Refused(
            Code.QUERY_SYNTAX, "A question is SQL text or an Ibis expression.", 'Write h.query("SELECT COUNT(*) FROM …", epsilon=0.1).'
        )
    try:
        return str(ibis.to_sql(question, dialect="duckdb"))
    except (IbisError, NotImplementedError, AttributeError, TypeError, ValueError):
        raise Refused(
            Code.QUERY_SYNTAX, "This Ibis expression cannot be written as SQL.", "Build it from h.table(…), or write SQL."
        ) from None


def query_message(project: str, sql: str, payment: Payment, options: Mapping[str, Any], *, preview: bool) -> dict[str, Any]:
    """The body of POST /api/v1/queries. Each question gets its own key, so that sending it twice asks it once."""
    return {
        "project": project,
        "sql": sql,
        **payment.message(),
        "options": {name: value for name, value in options.items() if value is not None},
        "preview": preview,
        "idempotency_key": uuid.uuid4().hex,
    }


def batch_message(
    project: str, sqls: Sequence[str], payment: Payment, weights: Sequence[float] | None, options: Mapping[str, Any], *, preview: bool
) -> dict[str, Any]:
    """The body of POST /api/v1/batches. `weights` has one number a question."""
    if weights is not None and len(weights) != len(sqls):
        raise Refused(Code.REQUEST_INVALID, "There are not as many weights as questions.", "Write weights=[1, 4] for two questions.")
    return {
        "project": project,
        "questions": [{"sql": sql, "weight": 1 if weights is None else weights[place]} for place, sql in enumerate(sqls)],
        **payment.message(),
        "options": {name: value for name, value in options.items() if value is not None},
        "preview": preview,
        "idempotency_key": uuid.uuid4().hex,
    }
