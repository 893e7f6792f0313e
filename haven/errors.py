"""Every refusal and fault: a stable code, one sentence for its reader, never a datum.

A `Refused` is the asker's to mend: it says what happened, why, and what to write instead. A `Fault` is haven's: it says one constant
sentence whatever the data. No other exception may reach a reader; no message ever holds a value from the data or another library's text.
"""

from enum import StrEnum


class Code(StrEnum):
    """The stable codes. A code, once published, keeps its meaning; the part before the dot is its family and decides the HTTP status."""

    # who are you, may you
    AUTH_MISSING = "auth.missing"
    AUTH_INVALID = "auth.invalid"
    AUTH_FORBIDDEN = "auth.forbidden"
    # the request itself
    REQUEST_INVALID = "request.invalid"
    REQUEST_TOO_LARGE = "request.too_large"
    REQUEST_TOO_MANY = "request.too_many"
    REQUEST_CONFLICT = "request.conflict"
    REQUEST_CANCELLED = "request.cancelled"
    NOT_FOUND = "not_found.unknown"
    # the question
    QUERY_SYNTAX = "query.syntax"
    QUERY_TOO_LARGE = "query.too_large"
    QUERY_STATEMENT = "query.statement"
    QUERY_CLAUSE = "query.clause"
    QUERY_FUNCTION = "query.function"
    QUERY_AGGREGATE = "query.aggregate"
    QUERY_TYPE = "query.type"
    QUERY_UNKNOWN_TABLE = "query.unknown_table"
    QUERY_UNKNOWN_COLUMN = "query.unknown_column"
    QUERY_AMBIGUOUS = "query.ambiguous"
    QUERY_UNIT_COLUMN = "query.unit_column"
    QUERY_UNBOUNDED = "query.unbounded"
    QUERY_KEY = "query.key"
    QUERY_ROWS = "query.rows"
    QUERY_JOIN = "query.join"
    QUERY_SUBQUERY = "query.subquery"
    QUERY_OWNERSHIP = "query.ownership"
    QUERY_OPTION = "query.option"
    # the price
    BUDGET_INVALID = "budget.invalid"
    BUDGET_EXHAUSTED = "budget.exhausted"
    BUDGET_TOO_SMALL = "budget.too_small"
    BUDGET_ERROR_UNREACHABLE = "budget.error_unreachable"
    # consent and policy
    POLICY_INVALID = "policy.invalid"
    POLICY_UNKNOWN_PROJECT = "policy.unknown_project"
    POLICY_NOT_MEMBER = "policy.not_member"
    POLICY_NOT_GRANTED = "policy.not_granted"
    POLICY_ROLE = "policy.role"
    POLICY_PURPOSE = "policy.purpose"
    POLICY_EXPIRED = "policy.expired"
    POLICY_SUSPENDED = "policy.suspended"
    POLICY_PAUSED = "policy.paused"
    POLICY_OBLIGATION = "policy.obligation"
    POLICY_TIER = "policy.tier"
    POLICY_SECOND = "policy.second"
    # data coming in
    INGEST_SOURCE = "ingest.source"
    INGEST_CONTENT = "ingest.content"
    INGEST_EXISTS = "ingest.exists"
    # the way out
    RELEASE_STATE = "release.state"
    RELEASE_ITEM = "release.item"
    RELEASE_ROLE = "release.role"
    RELEASE_RECEIPT = "release.receipt"
    # verification
    VERIFY_FAILED = "verify.failed"
    # the house
    BOOKS_BEHIND = "books.behind"
    HOME_INVALID = "home.invalid"
    FAULT_QUESTION = "fault.question"
    FAULT_SERVICE = "fault.service"
    FAULT_LEDGER = "fault.ledger"


class HavenError(Exception):
    """The one ancestor of what haven raises on purpose."""

    def __init__(self, code: Code, reason: str, suggestion: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.suggestion = suggestion

    def __str__(self) -> str:
        """The sentence and, where there is one, what to write instead."""
        return f"{self.reason} {self.suggestion}".strip()

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows in a traceback's place: the code, the sentence, and what to write instead."""
        return [f"{type(self).__name__} ({self.code.value})", *filter(None, [self.reason, self.suggestion])]


class Refused(HavenError):
    """The asker can mend it: what happened, why, and what to write instead. `noticed` once it is counted in the books."""

    noticed = False


class Fault(HavenError):
    """haven could not do it: a constant sentence, the same whatever the data."""


QUESTION_FAULT = "The question could not be answered. Its price is spent; ask your data custodian if this happens again."
SERVICE_FAULT = "haven could not do this just now, and this request spent nothing. Tell your operator if it happens again."


def question_fault() -> Fault:
    """The one fault that a question may end in once its reservation stands (station 6 and later)."""
    return Fault(Code.FAULT_QUESTION, QUESTION_FAULT)
