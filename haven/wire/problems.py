"""Problems on the wire: RFC 9457 `application/problem+json` with haven's stable code and what to write instead."""

from dataclasses import dataclass
from typing import Any

from haven.errors import Code, Fault, HavenError, Refused

MEDIA_TYPE = "application/problem+json"
CLIENT_ERROR, SERVER_ERROR = 400, 500


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem: the HTTP status, the code, one sentence, and what to write instead ("" where there is nothing)."""

    status: int
    title: str
    code: str
    detail: str
    suggestion: str = ""

    def to_json(self) -> dict[str, Any]:
        """The members of RFC 9457 (`type`, `title`, `status`, `detail`) and haven's two (`code`, `suggestion`)."""
        return {
            "type": f"urn:haven:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "code": self.code,
            "detail": self.detail,
            "suggestion": self.suggestion,
        }

    def to_error(self) -> HavenError:
        """The error that a researcher sees: Refused for what they can mend, Fault for the rest."""
        known = self.code if self.code in set(Code) else None
        if self.status >= SERVER_ERROR:
            return Fault(Code(known or Code.FAULT_SERVICE), self.detail, self.suggestion)
        return Refused(Code(known or Code.REQUEST_INVALID), self.detail, self.suggestion)


def problem_from_json(body: object) -> Problem | None:
    """The problem that `body` states; None where it is not one."""
    if not isinstance(body, dict):
        return None
    status, code, detail, suggestion = (body.get(name) for name in ("status", "code", "detail", "suggestion"))
    if not isinstance(status, int) or status < CLIENT_ERROR or not isinstance(code, str) or not isinstance(detail, str):
        return None
    return Problem(status, str(body.get("title", "")), code, detail, suggestion if isinstance(suggestion, str) else "")
