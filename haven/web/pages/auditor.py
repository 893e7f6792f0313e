"""The auditor's page: does the chain hold, and what was written last."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from haven.policy.roles import Principal, Role
from haven.web.guards import only
from haven.web.house import House
from haven.web.parts import parts_of
from haven.web.rendering import page

router = APIRouter(include_in_schema=False)
Auditor = Annotated[Principal, Depends(only(Role.AUDITOR, Role.CUSTODIAN))]


@router.get("/audit")
def audit(request: Request, who: Auditor, check: bool = False) -> Response:  # noqa: FBT001, FBT002 - a query parameter
    """The newest entries; with `?check=true` the whole chain is recomputed."""
    return page(request, "audit.html", who, books=House(parts_of(request)).books(check=check))
