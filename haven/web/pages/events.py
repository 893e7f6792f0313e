"""What happened, for everyone: what they did, what was done to their account, and what concerns what they look after."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from haven.ledger.timeline import timeline
from haven.mediator.scopes import scope_of
from haven.policy.roles import Principal, Role
from haven.web.guards import only
from haven.web.parts import parts_of
from haven.web.rendering import page
from haven.web.telling import told

router = APIRouter(include_in_schema=False)
Reader = Annotated[Principal, Depends(only(*Role))]
PAGE = 50
LAST = 2**63 - 1


@router.get("/events")
def events(request: Request, who: Reader, before: Annotated[int | None, Query(ge=1, le=LAST)] = None) -> Response:
    """A page of events, newest first."""
    parts = parts_of(request)
    with parts.ledger.read() as connection:
        shown = timeline(connection, scope_of(who, parts.policies), PAGE, before=before)
    return page(request, "events.html", who, events=[told(entry) for entry in shown.entries], older=shown.older, before=before)
