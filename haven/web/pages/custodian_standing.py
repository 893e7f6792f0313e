"""A person or a project: where they stand, stopping them for good, and letting them take part again."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from haven.errors import Code, Refused
from haven.policy.roles import Principal, Role
from haven.web.custody import Custody
from haven.web.guards import Form, form_of, only
from haven.web.parts import parts_of
from haven.web.problems import status_of
from haven.web.rendering import page
from haven.web.stopping import Stop, Stopping

router = APIRouter(include_in_schema=False)
SEE_OTHER = 303
Custodian = Annotated[Principal, Depends(only(Role.CUSTODIAN))]
CustodianForm = Annotated[Form, Depends(form_of(Role.CUSTODIAN))]
PATHS = {"user": "researchers", "project": "projects"}


@router.get("/projects/{name}")
def project(request: Request, name: str, who: Custodian) -> Response:
    """A project: may it ask, and how to stop it."""
    return _shown(request, who, Stopping(Custody(parts_of(request), who)).project(name))


@router.get("/researchers/{name}")
def researcher(request: Request, name: str, who: Custodian) -> Response:
    """A person: may they ask, and how to stop them."""
    return _shown(request, who, Stopping(Custody(parts_of(request), who)).researcher(name))


@router.post("/projects/{name}/revoke")
def revoke_project(request: Request, name: str, form: CustodianForm) -> Response:
    """Stop a project at once, and propose that it stays so."""
    stopping = Stopping(Custody(parts_of(request), form.principal))
    return _act(request, form, stopping.project(name), stopping.revoke)


@router.post("/projects/{name}/lift")
def lift_project(request: Request, name: str, form: CustodianForm) -> Response:
    """Let a project ask again."""
    stopping = Stopping(Custody(parts_of(request), form.principal))
    return _act(request, form, stopping.project(name), stopping.lift)


@router.post("/researchers/{name}/revoke")
def revoke_researcher(request: Request, name: str, form: CustodianForm) -> Response:
    """Stop a person at once, and propose that it stays so."""
    stopping = Stopping(Custody(parts_of(request), form.principal))
    return _act(request, form, stopping.researcher(name), stopping.revoke)


@router.post("/researchers/{name}/lift")
def lift_researcher(request: Request, name: str, form: CustodianForm) -> Response:
    """Let a person take part again."""
    stopping = Stopping(Custody(parts_of(request), form.principal))
    return _act(request, form, stopping.researcher(name), stopping.lift)


def _act(request: Request, form: Form, stop: Stop, act: Callable[[Stop, str, datetime], object]) -> Response:
    parts = parts_of(request)
    try:
        act(stop, form.text("reason"), parts.clock())
    except Refused as refused:
        if refused.code is Code.NOT_FOUND:
            raise
        return _shown(request, form.principal, stop, refused, form.text("reason"))
    return RedirectResponse(f"{parts.prefix}/{PATHS[stop.what.value]}/{stop.name}", SEE_OTHER)


def _shown(request: Request, who: Principal, stop: Stop, refused: Refused | None = None, said: str = "") -> Response:
    status = 200 if refused is None else status_of(refused.code)
    here = f"/{PATHS[stop.what.value]}/{stop.name}"
    return page(request, "standing.html", who, status=status, stop=stop, place=here, refused=refused, said=said)
