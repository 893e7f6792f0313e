"""The routers of /api/v1 and their OpenAPI description; problems for what never reaches a route."""

from collections.abc import Awaitable, Callable
from typing import cast

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exception_handlers import http_exception_handler
from fastapi.openapi.utils import get_openapi
from starlette.exceptions import HTTPException

from haven.web.api import catalogue, questions, releases
from haven.web.api.routes import PREFIX, ApiRoute, json_reply
from haven.web.problems import response_for

Handler = Callable[[Request, Exception], Response | Awaitable[Response]]

description = APIRouter(route_class=ApiRoute)
ROUTERS = (questions.router, catalogue.router, releases.router, releases.uploads)


@description.get("/openapi.json", include_in_schema=False)
def openapi() -> Response:
    """The description of this interface (OpenAPI 3.1): public, and the same for everyone."""
    under = APIRouter(prefix=PREFIX)
    for router in ROUTERS:
        under.include_router(router)
    return json_reply(get_openapi(title="haven", version="1", summary="Questions, answers, releases.", routes=under.routes))


def routers() -> list[APIRouter]:
    """Everything under /api/v1. The app gives its rooms as `app.state.parts` (see `routes.Parts`)."""
    under = APIRouter(prefix=PREFIX)
    for router in (description, *ROUTERS):
        under.include_router(router)
    return [under]


def add_problem_handlers(app: FastAPI) -> None:
    """Make unknown addresses and methods under /api/ problems too. Other addresses keep the handler that was there before."""
    before = cast("Handler", app.exception_handlers.get(HTTPException, http_exception_handler))

    async def handle(request: Request, error: Exception) -> Response:
        if request.url.path.startswith("/api/"):
            return response_for(error)
        response = before(request, error)
        return response if isinstance(response, Response) else await response

    app.add_exception_handler(HTTPException, handle)
