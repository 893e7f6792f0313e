"""The participants' statement: a public page for each dataset."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from haven.policy.roles import Principal
from haven.web.guards import who_asks
from haven.web.parts import parts_of
from haven.web.rendering import page
from haven.web.statement import statement_of

router = APIRouter(include_in_schema=False)
Visitor = Annotated[Principal | None, Depends(who_asks)]


@router.get("/public/statement/{dataset}")
def statement(request: Request, dataset: str, who: Visitor) -> Response:
    """What the data of one dataset were used for, for those whose data they are."""
    return page(request, "statement.html", who, statement=statement_of(parts_of(request), dataset))
