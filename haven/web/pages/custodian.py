"""The custodian's pages: is anything wrong, what is left, who asked; pause and resume."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from haven.errors import Refused
from haven.policy.roles import Principal, Role
from haven.web.burn_down import burn_down_svg
from haven.web.guards import Form, form_of, only
from haven.web.house import House
from haven.web.parts import parts_of
from haven.web.problems import status_of
from haven.web.rendering import page

router = APIRouter(include_in_schema=False)
SEE_OTHER = 303
Custodian = Annotated[Principal, Depends(only(Role.CUSTODIAN))]
CustodianForm = Annotated[Form, Depends(form_of(Role.CUSTODIAN))]


@router.get("/datasets")
def datasets(request: Request, who: Custodian) -> Response:
    """All of the custodian's datasets."""
    return page(request, "datasets.html", who, datasets=House(parts_of(request)).datasets(who))


@router.get("/datasets/{name}")
def dataset(request: Request, name: str, who: Custodian) -> Response:
    """One dataset: what is left, how it went, who asked."""
    return _shown(request, name, who)


@router.get("/datasets/{name}/burn-down.svg")
def burn_down(request: Request, name: str, who: Custodian, scheme: str = "light") -> Response:
    """The burn-down as a picture."""
    overview = House(parts_of(request)).dataset(name, who)
    return Response(burn_down_svg(f"Budget left of {overview.name}", overview.series, scheme), media_type="image/svg+xml")


@router.post("/datasets/{name}/pause")
def pause(request: Request, name: str, form: CustodianForm) -> Response:
    """Stop answering."""
    return _act(request, name, form, House(parts_of(request)).pause)


@router.post("/datasets/{name}/resume")
def resume(request: Request, name: str, form: CustodianForm) -> Response:
    """Answer again."""
    return _act(request, name, form, House(parts_of(request)).resume)


def _act(request: Request, name: str, form: Form, act: Callable[[str, Principal, str, datetime], None]) -> Response:
    parts = parts_of(request)
    overview = House(parts).dataset(name, form.principal)
    try:
        act(overview.name, form.principal, form.text("reason"), parts.clock())
    except Refused as refused:
        return _shown(request, name, form.principal, refused)
    return RedirectResponse(f"{parts.prefix}/datasets/{overview.name}", SEE_OTHER)


def _shown(request: Request, name: str, who: Principal, refused: Refused | None = None) -> Response:
    overview = House(parts_of(request)).dataset(name, who)
    status = 200 if refused is None else status_of(refused.code)
    return page(request, "dataset.html", who, status=status, dataset=overview, refused=refused)
