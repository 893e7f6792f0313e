"""The web application: the HTTP interface, the pages, and what stands around both."""

import http
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from haven.errors import SERVICE_FAULT, Code, Fault, HavenError, Refused
from haven.web import pages
from haven.web.api import routers
from haven.web.guards import LogInFirst, who_asks
from haven.web.metrics import Measuring, Metrics
from haven.web.noticing import notice
from haven.web.parts import WebParts, parts_of
from haven.web.problems import problem_response, response_for, status_of, unexpected_problem
from haven.web.rendering import page
from haven.web.security import API, Boundary, NoCookiesForTheApi, SecurityHeaders, UnderPrefix

STATIC = Path(__file__).parent / "static"
SEE_OTHER = 303
LOG_IN = http.HTTPStatus.UNAUTHORIZED


def create_app(parts: WebParts) -> FastAPI:
    """The application over `parts`. It serves at its own root and under `parts.prefix` alike."""
    app = FastAPI(title=parts.title, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.parts, app.state.metrics = parts, Metrics(parts)
    for router in (*routers(), *pages.ROUTERS):
        app.include_router(router)
    app.router.routes.extend(parts.identity.routes())
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for kind in (HavenError, HTTPException, RequestValidationError, LogInFirst):
        app.add_exception_handler(kind, _answer)
    app.add_middleware(Measuring, metrics=app.state.metrics)  # the innermost: it sees which route was taken
    app.add_middleware(NoCookiesForTheApi, parts=parts)
    app.add_middleware(Boundary, respond=_unforeseen)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(UnderPrefix, prefix=parts.prefix)
    return app


async def _answer(request: Request, error: Exception) -> Response:
    """A problem for programs; for people the log-in, or a page that says what happened and where to go."""
    try:
        await notice(request, error)
    except Fault as fault:
        error = fault
    if _for_programs(request):
        return response_for(error)
    if isinstance(error, LogInFirst):
        return RedirectResponse(parts_of(request).identity.login_url(_wanted(request)), SEE_OTHER)
    match error:
        case HavenError():
            return await _error_page(request, status_of(error.code), error)
        case HTTPException(status_code=http.HTTPStatus.NOT_FOUND):
            return await _error_page(request, 404, Refused(Code.NOT_FOUND, "There is no such page.", "Start from the front page."))
        case _:
            status = error.status_code if isinstance(error, HTTPException) else 422
            words = Refused(Code.REQUEST_INVALID, "This page cannot be asked for in that way.", "Start from the front page.")
            return await _error_page(request, status, words)


async def _error_page(request: Request, status: int, error: HavenError) -> Response:
    try:
        principal = await who_asks(request)
    except HavenError:
        principal = None  # who cannot say who they are still gets a page
    return page(request, "error.html", principal, status=status, error=error)


def _unforeseen(request: Request) -> Response:
    if _for_programs(request):
        return problem_response(unexpected_problem())
    return page(request, "error.html", None, status=500, error=Fault(Code.FAULT_SERVICE, SERVICE_FAULT))


def _for_programs(request: Request) -> bool:
    return request.url.path.removeprefix(parts_of(request).prefix).startswith(API)


def _wanted(request: Request) -> str:
    """The page to come back to after the log-in: the one asked for, or the front page after a form."""
    prefix = parts_of(request).prefix
    path = request.url.path.removeprefix(prefix) if request.method == "GET" else "/"
    return f"{prefix}{path}"
