"""Pages without a log-in: the front door, the public register, and whether haven is well."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from haven.errors import HavenError
from haven.policy.roles import Principal
from haven.web.guards import who_asks
from haven.web.house import House
from haven.web.parts import parts_of
from haven.web.rendering import NAVIGATION, page

router = APIRouter(include_in_schema=False)
SEE_OTHER = 303
Visitor = Annotated[Principal | None, Depends(who_asks)]


@router.get("/")
def front(request: Request, who: Visitor) -> Response:
    """Everyone's own first page; the public register for who has not logged in."""
    home = NAVIGATION[who.role][0][0] if who else "/public/register"
    return RedirectResponse(parts_of(request).prefix + home, SEE_OTHER)


@router.get("/healthz")
def health(request: Request) -> JSONResponse:
    """Whether haven answers: 503 while its books cannot be read, and while they are behind their witness."""
    parts = parts_of(request)
    try:
        parts.ledger.registry.registry_version()
        parts.ledger.check_current(parts.clock())
    except HavenError as error:
        return JSONResponse({"status": str(error.code)}, 503)
    return JSONResponse({"status": "ok"})


@router.get("/public/register")
def register(request: Request, who: Visitor) -> Response:
    """Who uses the data for what, and what came of it."""
    return page(request, "register.html", who, register=House(parts_of(request)).register())


@router.get("/public/register.json")
def register_json(request: Request) -> JSONResponse:
    """The public register, for programs."""
    found = House(parts_of(request)).register()
    document: dict[str, Any] = {
        "projects": [
            {
                "project": one.name,
                "title": one.title,
                "lay_summary": one.lay_summary,
                "datasets": list(one.datasets),
                "ends": one.ends.isoformat(),
            }
            for one in found.projects
        ],
        "releases": [
            {
                "release": one.id,
                "project": one.project,
                "title": one.title,
                "status": one.state.value,
                "since": one.since.isoformat(),
                "bundle_sha256": one.bundle,
            }
            for one in found.releases
        ],
    }
    return JSONResponse(document)
