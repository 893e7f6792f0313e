"""From error codes to HTTP: the table of statuses, and problem+json for everything under /api/.

Guarantees: nothing of the request is repeated in a problem, and no library's words reach it.
"""

import http
import json
import logging
from collections.abc import Sequence
from typing import Any

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from haven.errors import SERVICE_FAULT, Code, HavenError
from haven.wire.problems import MEDIA_TYPE, Problem

log = logging.getLogger(__name__)

FAMILIES = {
    "auth": 401,
    "request": 422,
    "not_found": 404,
    "query": 422,
    "budget": 422,
    "policy": 403,
    "ingest": 422,
    "release": 422,
    "verify": 422,
    "books": 503,
    "home": 500,
    "fault": 503,
}
"""The status of a code's family."""

EXCEPTIONS = {
    Code.AUTH_FORBIDDEN: 403,
    Code.REQUEST_TOO_LARGE: 413,
    Code.REQUEST_TOO_MANY: 429,
    Code.REQUEST_CONFLICT: 409,
    Code.REQUEST_CANCELLED: 409,
    Code.BUDGET_EXHAUSTED: 409,
    Code.RELEASE_STATE: 409,
    Code.RELEASE_ROLE: 403,
    Code.FAULT_QUESTION: 500,
}
"""The codes whose status is not their family's."""

NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
MALFORMED = Problem(400, "Bad Request", Code.REQUEST_INVALID, "The request's body is not JSON.", "Send UTF-8 JSON, as the OpenAPI says.")
SUGGESTION = "See /api/v1/openapi.json for what this address takes."


def status_of(code: Code) -> int:
    """The HTTP status of a code."""
    return EXCEPTIONS.get(code, FAMILIES[code.partition(".")[0]])


def problem_of(error: HavenError) -> Problem:
    """The problem that an error states."""
    status = status_of(error.code)
    return Problem(status, http.HTTPStatus(status).phrase, error.code, error.reason, error.suggestion)


def validation_problem(errors: Sequence[Any]) -> Problem:
    """The problem of a request that does not fit its message: it names the declared field, and repeats nothing that was sent."""
    if any(error.get("type") == "json_invalid" for error in errors):
        return MALFORMED
    if any(error.get("type") == "extra_forbidden" for error in errors):
        return _unprocessable(Code.REQUEST_INVALID, "The request has a field that haven does not know.", SUGGESTION)
    field = _declared_field(errors[0].get("loc", ())) if errors else None
    if field in {"epsilon", "rho", "error", "relative_error"}:
        words = f"`{field}` is not a positive decimal number that haven takes."
        return _unprocessable(Code.BUDGET_INVALID, words, "Write one like 0.1: at most 24 digits, no sign, no infinity.")
    words = f"The field `{field}` is missing or not as it should be." if field else "The request's body is missing or not a JSON object."
    return _unprocessable(Code.REQUEST_INVALID, words, SUGGESTION)


def http_problem(status: int) -> Problem:
    """The problem of an address, method or body that the framework refused."""
    phrase = http.HTTPStatus(status).phrase
    match status:
        case 400:
            return MALFORMED
        case 404:
            return Problem(status, phrase, Code.NOT_FOUND, "There is nothing at this address.", SUGGESTION)
        case 405:
            return Problem(status, phrase, Code.REQUEST_INVALID, "This address does not take that method.", SUGGESTION)
        case _ if status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return Problem(status, phrase, Code.REQUEST_INVALID, "This request cannot be taken.", SUGGESTION)
        case _:
            return unexpected_problem()


def unexpected_problem() -> Problem:
    """The constant problem for whatever nobody foresaw."""
    status = http.HTTPStatus.INTERNAL_SERVER_ERROR
    return Problem(int(status), status.phrase, Code.FAULT_SERVICE, SERVICE_FAULT)


def problem_response(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """The problem as a response."""
    challenge = {"WWW-Authenticate": "Bearer"} if problem.status == http.HTTPStatus.UNAUTHORIZED else {}
    body = json.dumps(problem.to_json()).encode()
    return Response(body, problem.status, {**NO_STORE, **challenge, **(headers or {})}, MEDIA_TYPE)


def response_for(error: Exception) -> Response:
    """The response for any exception of an API route. The log names an unforeseen one's type, never its text."""
    match error:
        case HavenError():
            return problem_response(problem_of(error))
        case RequestValidationError():
            return problem_response(validation_problem(error.errors()))
        case HTTPException():
            allow = {"Allow": error.headers["Allow"]} if error.headers and "Allow" in error.headers else None
            return problem_response(http_problem(error.status_code), allow)
        case _:
            log.error("an API request ended in an unforeseen %s", type(error).__name__)
            return problem_response(unexpected_problem())


def _unprocessable(code: Code, detail: str, suggestion: str) -> Problem:
    status = http.HTTPStatus.UNPROCESSABLE_ENTITY
    return Problem(int(status), status.phrase, code, detail, suggestion)


def _declared_field(location: Sequence[Any]) -> str | None:
    """The top field of the message (or parameter) that an error is about: a declared name, never one that was sent."""
    return str(location[1]) if len(location) > 1 and isinstance(location[1], str) else None
