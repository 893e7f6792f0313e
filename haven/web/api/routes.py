"""How API routes behave alike: small bodies, problems for every error, nothing stored by a cache; who is asking."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.security import HTTPBearer

from haven.errors import Code, Fault, Refused
from haven.policy.roles import Principal
from haven.web.noticing import notice
from haven.web.parts import WebParts, parts_of
from haven.web.problems import NO_STORE, response_for
from haven.wire.problems import MEDIA_TYPE
from haven.wire.replies import ProblemReply

PREFIX = "/api/v1"
LARGEST_BODY = 256 * 1024
LARGEST_UPLOAD = 32 * 1024 * 1024

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


async def rooms_of(request: Request) -> WebParts:
    """The rooms that this app serves."""
    return parts_of(request)


_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="An API token, or the token of a hub's notebook server.")


async def asker(request: Request, _: Annotated[object, Depends(_bearer)]) -> Principal:
    """Who is asking. Refused `auth.missing` where nobody said."""
    principal = await parts_of(request).identity.of_request(request)
    request.state.principal = principal
    if principal is None:
        raise Refused(Code.AUTH_MISSING, "haven needs a token to know who is asking.", "Send it as `Authorization: Bearer …`.")
    return principal


Rooms = Annotated[WebParts, Depends(rooms_of)]
Asker = Annotated[Principal, Depends(asker)]


class ApiRoute(APIRoute):
    """A route whose body is at most `largest` bytes, and whose every error is a problem."""

    largest = LARGEST_BODY

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, inside the boundary."""
        handle = super().get_route_handler()
        largest = self.largest

        async def handle_within(request: Request) -> Response:
            try:
                response = await handle(await _whole(request, largest))
            except Exception as error:  # noqa: BLE001 - the boundary: whatever it is, its reader gets a coded problem
                return await _noticed(request, error)
            response.headers.update(NO_STORE)
            return response

        return handle_within


async def _noticed(request: Request, error: Exception) -> Response:
    """The problem of an error, once a refusal is noticed; where even that fails, the problem of that."""
    try:
        await notice(request, error)
    except Fault as fault:
        return response_for(fault)
    return response_for(error)


class UploadRoute(ApiRoute):
    """A route that takes files."""

    largest = LARGEST_UPLOAD


async def _whole(request: Request, largest: int) -> Request:
    """The request with its body read, if that is at most `largest` bytes. Refused `request.too_large` otherwise."""
    declared = request.headers.get("content-length", "0")
    if not (declared.isascii() and declared.isdigit()) or int(declared[:20]) > largest:
        raise _too_large(largest)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > largest:
            raise _too_large(largest)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": bytes(body), "more_body": False}

    return Request(request.scope, receive)


def _too_large(largest: int) -> Refused:
    return Refused(Code.REQUEST_TOO_LARGE, f"The request is larger than {largest // 1024} KB.", "Send less at once.")


def json_reply(content: Any, status: int = 200) -> JSONResponse:  # noqa: ANN401 - any JSON
    """JSON that was built by haven, sent as it is."""
    return JSONResponse(content, status)


_PROBLEM: dict[str, Any] = {"model": ProblemReply, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemReply"}}}}
WORDS = {
    400: "The body is not JSON.",
    401: "No token, or a wrong one.",
    403: "Not allowed: the role, project, consent or purpose does not permit it.",
    404: "Nothing of that name, or not yours to see.",
    409: "It does not fit the present state: the budget is exhausted, or the release is elsewhere.",
    413: "The request is too large.",
    422: "The request does not fit its message, or the question is refused: the code says why.",
    429: "Too many requests.",
    500: "The question could not be answered; its price is spent.",
    503: "haven could not do it just now.",
}
PROBLEMS: dict[int | str, dict[str, Any]] = {status: {**_PROBLEM, "description": words} for status, words in WORDS.items()}
"""What every route may answer instead, for its OpenAPI description."""
