"""What the service sends, version 1, as the OpenAPI description states it. Fields may be added; a client ignores what it does not know."""

from typing import Any

from pydantic import BaseModel

Amounts = dict[str, str]


class ProblemReply(BaseModel):
    """RFC 9457, with a stable code and what to write instead."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    suggestion: str


class ColumnReply(BaseModel):
    """One column of an answer: its type is integer, number, boolean, text or date."""

    name: str
    type: str


class PlanReply(BaseModel):
    """What a plan does: unit, bounds, keys, what is summed and noised, the threshold of private keys, the price and the SQL that runs."""

    unit: str
    source: str
    bounds: dict[str, Any]
    keys: list[dict[str, Any]]
    targets: list[dict[str, Any]]
    threshold: int | None
    price: Amounts
    sql: str


class MadeFrom(BaseModel):
    """The earlier receipts that an answer was made from, by which rule; `bounds` and `sql` are those of the earlier answer."""

    rule: str
    receipts: list[str]
    bounds: dict[str, Any] | None = None
    sql: str | None = None


class ForecastReply(BaseModel):
    """When a budget is spent at the rate of the last 30 days: a day (UTC), or None where that is not within a year; and in words."""

    exhausted: str | None
    words: str


class ReceiptReply(BaseModel):
    """What the books say about one answer. Quantities are decimal strings."""

    id: str
    dataset: str
    project: str
    sql: str
    plan_digest: str
    policy_digest: str
    snapshot: int
    mechanisms: list[dict[str, Any]]
    cost: Amounts
    epsilon: str
    remaining: Amounts
    replayed: bool
    citation: str
    plan: PlanReply
    made_from: MadeFrom | None = None
    share_left: float | None = None
    forecast: ForecastReply | None = None


class AnswerReply(BaseModel):
    """The JSON form of an answer: rows, and the 95 % half-width of each cell."""

    columns: list[ColumnReply]
    rows: list[list[Any]]
    errors: list[list[float | None]]
    receipt: ReceiptReply


class PreviewReply(BaseModel):
    """The price and the expected error of a question; nothing was looked at, nothing spent."""

    columns: list[ColumnReply]
    cost: Amounts
    epsilon: str
    share_of_budget: float
    left: Amounts
    errors: dict[str, float | None]
    mechanisms: list[dict[str, Any]]
    warnings: list[str]
    words: list[str]
    free: bool
    plan: PlanReply
    expected: dict[str, dict[str, float | None]]
    made_from: MadeFrom | None


class ProposalReply(BaseModel):
    """A batch as the releases it would be answered from; nothing was looked at, nothing spent."""

    cost: Amounts
    epsilon: str
    share_of_budget: float
    left: Amounts
    releases: list[dict[str, Any]]
    questions: list[dict[str, Any]]


class ConsistentReply(BaseModel):
    """An answer moved by least squares until totals and parts agree, in the answer's shape."""

    rows: list[list[Any]]
    errors: list[list[float | None]]


class BatchAnswerReply(AnswerReply):
    """One answer of a batch; `consistent` where a total and its parts were both released."""

    consistent: ConsistentReply | None


class BatchReply(BaseModel):
    """The answers of a batch, in the order asked."""

    proposal: ProposalReply
    answers: list[BatchAnswerReply]


class StationReply(BaseModel):
    """Where a question on its way stands: waiting, running or noising."""

    station: str


class CancelReply(BaseModel):
    """What calling a question back did: `free`, `spent`, or `nothing` (none was on its way; one that still comes is refused)."""

    cancelled: str


class DatasetReply(BaseModel):
    """A dataset's public metadata."""

    name: str
    title: str
    tables: dict[str, dict[str, Any]]
    privacy: dict[str, Any]
    consent: dict[str, Any]
    calendar: dict[str, Any] | None = None
    attribution: dict[str, Any]


class ProjectReply(BaseModel):
    """A project as its members see it."""

    project: str
    title: str


class CapReply(BaseModel):
    """One cap that a spend must fit in: whose, and of a period the day (UTC) on which the next begins. The narrowest cap decides."""

    of: str
    level: str
    total: Amounts
    spent: Amounts
    left: Amounts
    renews: str | None


class BudgetLineReply(BaseModel):
    """One dataset's line of a budget. `overspent`: a cap was lowered below what is spent of it, and no question is answered."""

    dataset: str
    definition: str
    total: Amounts
    spent: Amounts
    left: Amounts
    share_left: float
    forecast: ForecastReply
    overspent: bool
    caps: list[CapReply]


class BudgetReply(BaseModel):
    """A project's budget."""

    project: str
    datasets: list[BudgetLineReply]


class ReleaseReply(BaseModel):
    """A release request as its reader may see it. `status` is a state of the workflow; `may` lists what the reader may do now."""

    id: str
    project: str
    title: str
    status: str
    next: str
    items: list[dict[str, Any]]
    may: list[str]


class EventReply(BaseModel):
    """One entry of the books, with its sentence. `detail` holds names, numbers and codes; never a datum, never a question's text."""

    seq: int
    kind: str
    actor: str
    at: str
    detail: dict[str, Any]
    words: str


class EventsReply(BaseModel):
    """A page of events, newest first. `older` is the number to go on below; None where there are no older ones."""

    events: list[EventReply]
    older: int | None
